"""The tanh recurrent layer of Elman, "Finding Structure in Time" (1990), section 3; d2l-zh 2.0, section 8.4.

    H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h)

The letters are those of d2l, as in all cells: W_xh is weight_ih transposed, W_hh is weight_hh transposed, and b_h is
bias_ih + bias_hh. State: h. Init: see `Cell.reset_parameters`.
"""

from typing import no_type_check

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deeprnn.nn.activations import tanh
from deeprnn.nn.cells.base import Cell


class RNNCell(Cell):
    """H_t = tanh(X_t W_xh + b_ih + H_{t-1} W_hh + b_hh)."""

    label = "RNN"
    colours = ("#9a5a00", "#f0a93b")
    num_gates = 1
    num_states = 1

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return the candidate n, which is the new state; there is no gate."""
        return {"n": torch.tanh(projected + F.linear(h, self.weight_hh, self.bias_hh))}

    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Compute one step of the equation above."""
        return self.gates(projected, state[0])["n"].unsqueeze(0)

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):
        """Do the same as `recur`, unit by unit."""
        for j in range(state.shape[1]):
            state[0, j] = tanh(projected[j] + hidden[j])

    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Run the kernel of `torch.nn.RNN(nonlinearity="tanh")`."""
        outputs, state = self._run(torch.rnn_tanh, x, state)
        return outputs, state
