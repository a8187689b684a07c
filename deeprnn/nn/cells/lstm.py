"""The long short-term memory of Hochreiter & Schmidhuber (1997); d2l-zh 2.0, section 9.2.

    I_t = sigmoid(X_t W_xi + H_{t-1} W_hi + b_i)
    F_t = sigmoid(X_t W_xf + H_{t-1} W_hf + b_f)
    G_t = tanh(X_t W_xg + H_{t-1} W_hg + b_g)
    O_t = sigmoid(X_t W_xo + H_{t-1} W_ho + b_o)
    C_t = F_t * C_{t-1} + I_t * G_t
    H_t = O_t * tanh(C_t)

Variant: that of `torch.nn.LSTM`: with the forget gate of Gers et al. (2000), without peepholes; gates stacked in the
order i, f, g, o. State: h, then c.
Init: see `Cell.reset_parameters`.
"""

from typing import no_type_check

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deeprnn.nn.activations import sigmoid, tanh
from deeprnn.nn.cells.base import Cell


class LSTMCell(Cell):
    """C_t = F_t * C_{t-1} + I_t * G_t; H_t = O_t * tanh(C_t)."""

    label = "LSTM"
    colours = ("#0b5fa5", "#6cb6f5")
    candidate = "g"
    keeping = "f"
    num_gates = 4
    num_states = 2
    forget_gate = 1

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return i, f, the candidate g, and o."""
        i, f, g, o = (projected + F.linear(h, self.weight_hh, self.bias_hh)).chunk(4, dim=-1)
        return {"i": torch.sigmoid(i), "f": torch.sigmoid(f), "g": torch.tanh(g), "o": torch.sigmoid(o)}

    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Compute one step of the equations above."""
        h, c = state.unbind(0)
        gates = self.gates(projected, h)
        c = gates["f"] * c + gates["i"] * gates["g"]
        return torch.stack((gates["o"] * torch.tanh(c), c))

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):
        """Do the same as `recur`, unit by unit."""
        size = state.shape[1]
        for j in range(size):
            i = sigmoid(projected[j] + hidden[j])
            f = sigmoid(projected[size + j] + hidden[size + j])
            g = tanh(projected[2 * size + j] + hidden[2 * size + j])
            o = sigmoid(projected[3 * size + j] + hidden[3 * size + j])
            c = f * state[1, j] + i * g
            state[0, j] = o * tanh(c)
            state[1, j] = c

    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Run the kernel of `torch.nn.LSTM`."""
        h, c = (s.unsqueeze(0).contiguous() for s in state.unbind(0))
        outputs, h, c = self._run(torch.lstm, x, (h, c))
        return outputs, torch.cat((h, c))
