"""What every recurrent cell shares: named weights, one step, a scan over time, the fast form's interface.

Knows: one layer at one or many times. Does not know: depth, text, training.

Dimensions: T time, B lanes, E input size, H hidden size, G gates, S states a layer keeps (h alone, or h and c).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deeprnn.config import Init
from deeprnn.nn.activations import Array


class Cell(nn.Module, ABC):
    """One recurrent layer with the weight names and shapes of a one-layer `torch.nn` module.

    weight_ih (G*H, E): the gates' W_x., transposed, one below the other; weight_hh (G*H, H): their W_h. likewise;
    bias_ih (G*H), bias_hh (G*H). `torch.nn` splits each bias b into bias_ih + bias_hh; it is kept here so that one
    checkpoint runs on either. A cell whose gates do not look at the state says `has_hidden_weights = False` and has
    neither weight_hh nor bias_hh.

    label: its name in print. colours: of its lines on the page, on a light and on a dark ground. candidate: the letter
    of the new state's candidate in `gates`, which is no gate. keeping: that of the gate which decides how much of the
    old state stays, if one does.
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
        """The new state from the projected input, see `project`, and the state before."""

    @abstractmethod
    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """The gates' activations by their letter, from the projected input and the h before, at one step or at many.

        The candidate for the new state (n or g) is given with the gates proper, which lie between 0 and 1.
        """

    @classmethod
    def kept(cls, gates: Mapping[str, float]) -> float | None:
        """How much of the old state stays, from the gates' values by letter; None where no gate decides it."""
        return None if cls.keeping is None else gates[cls.keeping]

    @staticmethod
    @abstractmethod
    def recur_units(projected: Array, hidden: Array, state: Array) -> None:
        """`recur` unit by unit, for one text, to be compiled: the state (S, H) moves on in its place.

        projected: X W_x. + b_ih, and hidden: H W_h. + b_hh of all gates, each (G*H); a cell without hidden weights is
        given anything for `hidden`. All are float32, and so must be all that is made of them.
        """

    @abstractmethod
    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """The same as `scan`, faster: by the kernel behind the cell's `torch.nn` twin, where it has one."""

    def project(self, x: Float[Tensor, "*N E"]) -> Float[Tensor, "*N GH"]:
        """The input's part of the gates, X W_x. + b_ih: it does not depend on the state, so all steps go at once."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def step(self, x: Float[Tensor, "B E"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """One time step. The output of the layer is the new state's first entry, h."""
        return self.recur(self.project(x), state)

    def scan(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """All time steps, from the equations: the outputs h_1..h_T and the last state."""
        outputs = []
        for projected in self.project(x).unbind(0):
            state = self.recur(projected, state)
            outputs.append(state[0])
        return torch.stack(outputs), state

    @torch.no_grad()
    def reset_parameters(self, init: Init, generator: torch.Generator) -> None:
        """Set the weights.

        `uniform`: U(-1/sqrt(H), 1/sqrt(H)) for all, as `torch.nn`. `normal`: N(0, 0.01^2) and zero biases, as d2l's
        from-scratch RNN. `orthogonal`: Glorot-uniform input weights, an orthogonal hidden matrix for each gate,
        zero biases but for a forget gate's 1 (Jozefowicz et al. 2015, section 2.2).
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

    def _flat_weights(self) -> list[Tensor]:
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
