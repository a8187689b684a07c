"""What every recurrent cell shares: named weights, one step, a scan over time, the fast form's interface.

Knows: one layer at one or many times. Does not know: depth, text, training.

Dimensions: T time, B lanes, E input size, H hidden size, G gates, S states a layer keeps (h alone, or h and c).
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, no_type_check

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from deeprnn.config import Init

Array = NDArray[np.float32]


ODD = tuple(
    np.float32(factor)
    for factor in (
        *(4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08),
        *(-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16),
    )
)
EVEN = tuple(
    np.float32(factor)
    for factor in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)
SATURATED = np.float32(7.90531110763549805)  # beyond it tanh is 1 to float32's last digit
ONE, HALF = np.float32(1), np.float32(0.5)


@no_type_check  # compiled by `decoding`
def tanh(x):
    """The hyperbolic tangent of a float32, within 4e-7: a rational function, so that a loop of them becomes vectors.

    Source: Eigen, `generic_fast_tanh_float` (MathFunctionsImpl.h, 3.3).
    """
    x = max(min(x, SATURATED), -SATURATED)
    xx = x * x
    above = ODD[5] + xx * ODD[6]
    above = ODD[4] + xx * above
    above = ODD[3] + xx * above
    above = ODD[2] + xx * above
    above = ODD[1] + xx * above
    above = ODD[0] + xx * above
    below = EVEN[2] + xx * EVEN[3]
    below = EVEN[1] + xx * below
    below = EVEN[0] + xx * below
    return x * above / below


@no_type_check  # compiled by `decoding`
def sigmoid(x):
    """1 / (1 + exp(-x)) of a float32, by way of tanh, which never overflows."""
    return HALF * tanh(HALF * x) + HALF


class Cell(nn.Module, ABC):
    """One recurrent layer with the weight names and shapes of a one-layer `torch.nn` module.

    weight_ih (G*H, E): the gates' W_x., transposed, one below the other; weight_hh (G*H, H): their W_h. likewise;
    bias_ih (G*H), bias_hh (G*H). `torch.nn` splits each bias b into bias_ih + bias_hh; it is kept here so that one
    checkpoint runs on either. A cell whose gates do not look at the state says `has_hidden_weights = False` and has
    neither weight_hh nor bias_hh. `label` is its name in print.
    """

    label: ClassVar[str]
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
