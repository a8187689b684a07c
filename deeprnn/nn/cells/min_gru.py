"""The minimal gated recurrent unit of Feng et al., "Were RNNs All We Needed?", arXiv 2410.01201 (2024), section 3.1.

    Z_t = sigmoid(X_t W_xz + b_z)
    N_t = X_t W_xn + b_n
    H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t

Variant: see `minimal`. Here z = 1 takes the new value, whereas in our GRU z = 1 keeps the old state. Gates are stacked
in the order z, n. State: h. Init: see `Cell.reset_parameters`.
"""

from collections.abc import Mapping
from typing import no_type_check

import torch
from jaxtyping import Float
from torch import Tensor

from deeprnn.nn.activations import ONE, sigmoid
from deeprnn.nn.cells.minimal import MinimalCell


class MinGRUCell(MinimalCell):
    """H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t, where Z_t and N_t are functions of X_t alone."""

    label = "minGRU"
    colours = ("#a8487f", "#e48abf")
    keeping = "z"
    num_gates = 2

    def mixture(self, projected: Float[Tensor, "*N GH"]) -> tuple[Float[Tensor, "*N H"], Float[Tensor, "*N H"]]:
        """Return the gate z and the candidate n."""
        z, n = projected.chunk(2, dim=-1)
        return torch.sigmoid(z), n

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return the gate z and the candidate n; they have the number type of h, but do not depend on h."""
        z, n = self.mixture(projected.to(h.dtype))
        return {"z": z, "n": n}

    @classmethod
    def kept(cls, gates: Mapping[str, float]) -> float:
        """Return 1 - z: z is the share of the new value."""
        return 1 - gates["z"]

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):  # noqa: ARG004  (there is none)
        """Do the same as `recur`, unit by unit."""
        size = state.shape[1]
        for j in range(size):
            z = sigmoid(projected[j])
            state[0, j] = (ONE - z) * state[0, j] + z * projected[size + j]
