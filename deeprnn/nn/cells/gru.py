"""The gated recurrent unit of Cho et al., arXiv 1406.1078 (2014), section 2.3; d2l-zh 2.0, section 9.1.

    R_t = sigmoid(X_t W_xr + H_{t-1} W_hr + b_r)
    Z_t = sigmoid(X_t W_xz + H_{t-1} W_hz + b_z)
    N_t = tanh(X_t W_xn + b_xn + R_t * (H_{t-1} W_hn + b_hn))
    H_t = (1 - Z_t) * N_t + Z_t * H_{t-1}

Variant: that of `torch.nn.GRU` and cuDNN. z = 1 keeps the old state (as in d2l and in Cho's paper; in Chung et al.
2014, z = 0 does), and the reset gate acts after the hidden product (d2l's from-scratch version resets h_{t-1} before
it). Gates are stacked in the order r, z, n. State: h. Init: see `Cell.reset_parameters`.
"""

from typing import no_type_check

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deeprnn.nn.activations import ONE, sigmoid, tanh
from deeprnn.nn.cells.base import Cell


class GRUCell(Cell):
    """H_t = (1 - Z_t) * N_t + Z_t * H_{t-1}, reset after the hidden product."""

    label = "GRU"
    colours = ("#00785a", "#3fc79c")
    keeping = "z"
    num_gates = 3
    num_states = 1

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return r, z and the candidate n."""
        input_r, input_z, input_n = projected.chunk(3, dim=-1)
        hidden_r, hidden_z, hidden_n = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r = torch.sigmoid(input_r + hidden_r)
        z = torch.sigmoid(input_z + hidden_z)
        return {"r": r, "z": z, "n": torch.tanh(input_n + r * hidden_n)}

    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Compute one step of the equations above."""
        gates = self.gates(projected, state[0])
        z, n = gates["z"], gates["n"]
        return (1 - z) * n + z * state

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):
        """Do the same as `recur`, unit by unit."""
        size = state.shape[1]
        for j in range(size):
            r = sigmoid(projected[j] + hidden[j])
            z = sigmoid(projected[size + j] + hidden[size + j])
            n = tanh(projected[2 * size + j] + r * hidden[2 * size + j])
            state[0, j] = (ONE - z) * n + z * state[0, j]

    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Run the kernel of `torch.nn.GRU`."""
        outputs, state = self._run(torch.gru, x, state)
        return outputs, state
