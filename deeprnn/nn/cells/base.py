"""The base class of the recurrent cells: named weights, one step, a scan over time, the interface of the fast forms.

Knows: one layer at one or many time steps. Does not know: depth, text, training.

Dimensions: T time steps, B lanes, E input size, H hidden size, G gates, S state vectors per layer (h, or h and c).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deeprnn.config import Init
from deeprnn.nn.activations import Array


class Cell(nn.Module, ABC):
    """One recurrent layer with the weight names and shapes of a one-layer `torch.nn` module.

    weight_ih (G*H, E): the gates' W_x., transposed, one below the other; weight_hh (G*H, H): the gates' W_h., in the
    same way; bias_ih (G*H), bias_hh (G*H). As in `torch.nn`, each bias b is the sum of bias_ih and bias_hh, so that a
    checkpoint works with both. A cell whose gates do not depend on the state has `has_hidden_weights = False`, and
    neither weight_hh nor bias_hh.

    label: the name that people read. colours: of its lines on a light and on a dark background. candidate: the letter
    in `gates` of the candidate for the new state, which is not a gate. keeping: the letter of the gate that decides how
    much of the old state is kept; None: no gate does.
    """

    label: ClassVar[str]
    colours: ClassVar[tuple[str, str]]
    candidate: ClassVar[str] = "n"
    keeping: ClassVar[str | None] = None
    num_gates: ClassVar[int]
    num_states: ClassVar[int]
    forget_gate: ClassVar[int | None] = None
    has_hidden_weights: ClassVar[bool] = True

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        rows = self.num_gates * hidden_size
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        if self.has_hidden_weights:
            self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        if self.has_hidden_weights:
            self.bias_hh = nn.Parameter(torch.empty(rows))

    @abstractmethod
    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Return the new state, from the projected input (see `project`) and the state before."""

    @abstractmethod
    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return the gates' activations by letter, from the projected input and the h before, at one step or at many.

        They include the candidate for the new state (n or g), which may be outside of (0, 1).
        """

    @classmethod
    def kept(cls, gates: Mapping[str, float]) -> float | None:
        """Return how much of the old state is kept, from the gates' values by letter; None: no gate decides it."""
        return None if cls.keeping is None else gates[cls.keeping]

    @staticmethod
    @abstractmethod
    def recur_units(projected: Array, hidden: Array, state: Array) -> None:
        """Do the same as `recur` for one text, unit by unit, to be compiled; the state (S, H) is updated in place.

        projected: X W_x. + b_ih, and hidden: H W_h. + b_hh of all gates, each (G*H); a cell without hidden weights
        ignores `hidden`. All arrays are float32, and all intermediate results must be, too.
        """

    @abstractmethod
    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Do the same as `scan`, but faster: with the kernel of the same layer in `torch.nn`, if there is one."""

    def project(self, x: Float[Tensor, "*N E"]) -> Float[Tensor, "*N GH"]:
        """Return X W_x. + b_ih of all gates; it does not depend on the state, so all steps are computed at once."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def step(self, x: Float[Tensor, "B E"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Return the state after one time step. The output of the layer is its first vector, h."""
        return self.recur(self.project(x), state)

    def scan(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Run all time steps by the equations; return the outputs h_1..h_T and the last state."""
        outputs = []
        for projected in self.project(x).unbind(0):
            state = self.recur(projected, state)
            outputs.append(state[0])
        return torch.stack(outputs), state

    @torch.no_grad()
    def reset_parameters(self, init: Init, generator: torch.Generator) -> None:
        """Draw all weights from `generator`.

        `uniform`: U(-1/sqrt(H), 1/sqrt(H)) for all, as in `torch.nn`. `normal`: N(0, 0.01^2) and zero biases, as in
        d2l's from-scratch RNN. `orthogonal`: Glorot-uniform input weights, an orthogonal hidden matrix for each gate,
        and zero biases, except 1 for a forget gate (Jozefowicz et al. 2015, section 2.2).
        """
        bound = 1 / math.sqrt(self.hidden_size)
        for name, parameter in self.named_parameters():
            if init == "uniform":
                parameter.uniform_(-bound, bound, generator=generator)
            elif name.startswith("bias"):
                parameter.zero_()
            elif init == "normal":
                parameter.normal_(0, 0.01, generator=generator)
            else:
                draw = nn.init.xavier_uniform_ if name == "weight_ih" else nn.init.orthogonal_
                for gate in parameter.chunk(self.num_gates):
                    draw(gate, generator=generator)
        if init == "orthogonal" and self.forget_gate is not None:
            self.bias_ih.chunk(self.num_gates)[self.forget_gate].fill_(1.0)

    def _run(self, kernel: Callable[..., Any], x: Tensor, state: Any) -> Any:
        """Run the kernel of a layer of `torch.nn` on all time steps.

        On CUDA, autocast would cast to float16, whatever type it is asked for, so there the kernel has the weights'
        type; see docs/gpu.md.
        """
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        settings = (weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
        if not x.is_cuda:
            return kernel(x, state, *settings)
        with torch.autocast("cuda", enabled=False):
            return kernel(x.to(self.weight_ih.dtype), state, *settings)
