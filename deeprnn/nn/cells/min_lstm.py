"""The minimal long short-term memory of Feng et al., "Were RNNs All We Needed?", arXiv 2410.01201 (2024), section 3.2.

    F_t = sigmoid(X_t W_xf + b_f)
    I_t = sigmoid(X_t W_xi + b_i)
    N_t = X_t W_xn + b_n
    H_t = F_t / (F_t + I_t) * H_{t-1} + I_t / (F_t + I_t) * N_t

Variant: see `minimal`. The two gates are normalised to a sum of 1 (the paper's f' and i'), so that the state is a
weighted mean of the candidates, and one state vector is enough: there is no c and no output gate. f and i in `gates`
are the normalised ones. Gates are stacked in the order f, i, n. State: h. Init: see `Cell.reset_parameters`.
"""

import math
from typing import no_type_check

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deeprnn.nn.activations import ONE
from deeprnn.nn.cells.minimal import MinimalCell

LARGEST = np.float32(80)  # its exponential is finite in float32
ZERO = np.float32(0)


class MinLSTMCell(MinimalCell):
    """H_t = F_t / (F_t + I_t) * H_{t-1} + I_t / (F_t + I_t) * N_t, where F_t, I_t, N_t are functions of X_t alone."""

    label = "minLSTM"
    colours = ("#4a2fb8", "#9577f5")
    keeping = "f"
    num_gates = 3
    forget_gate = 0

    def mixture(self, projected: Float[Tensor, "*N GH"]) -> tuple[Float[Tensor, "*N H"], Float[Tensor, "*N H"]]:
        """Return I / (F + I), as sigmoid(log I - log F), which is exact even if both are tiny; and the candidate n."""
        f, i, n = projected.chunk(3, dim=-1)
        return torch.sigmoid(F.logsigmoid(i) - F.logsigmoid(f)), n

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """Return F / (F + I), I / (F + I) and the candidate n, in the number type of h."""
        i, n = self.mixture(projected.to(h.dtype))
        return {"f": 1 - i, "i": i, "n": n}

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):  # noqa: ARG004  (there is none)
        """Do the same as `recur`, unit by unit; with 1 / F and 1 / I, which are finite where F and I round to 0.

        Where an exponential would overflow, both are divided by the same number first.
        """
        size = state.shape[1]
        for j in range(size):
            minus_f, minus_i = -projected[j], -projected[size + j]
            above = max(max(minus_f, minus_i) - LARGEST, ZERO)
            one = ONE if above == ZERO else math.exp(-above)
            over_f = one + math.exp(minus_f - above)
            over_i = one + math.exp(minus_i - above)
            i = over_f / (over_f + over_i)
            state[0, j] = (ONE - i) * state[0, j] + i * projected[2 * size + j]
