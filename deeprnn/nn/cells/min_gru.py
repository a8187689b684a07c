"""The minimal gated recurrent unit of Feng et al., "Were RNNs All We Needed?", arXiv 2410.01201 (2024), section 3.1.

    Z_t = sigmoid(X_t W_xz + b_z)
    N_t = X_t W_xn + b_n
    H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t

Variant: the paper's "vanilla" one, with a linear candidate n (its h-tilde): no tanh, no reset gate, no hidden weights.
Here z lets the new value in, the other way round than in our GRU, whose z keeps the old state. The paper's other form
works in log space (appendix B), for which it makes n positive by a function g. Linear space lets n have both signs and
is as stable: what underflows is a product of many 1 - z, and the scan below never divides by one; it only adds and
multiplies numbers in [0, 1] and weighted means of n. Gates are stacked in the order z, n. State: h.
Init: see `Cell.reset_parameters`.

No gate depends on h, so h is a first-order linear recurrence, and two steps are one step of the same kind:

    h_2 = a_2 (a_1 h_0 + b_1) + b_2 = (a_2 a_1) h_0 + (a_2 b_1 + b_2),   with a = 1 - z and b = z * n

Hence all steps follow in log2 T rounds (Blelloch, "Prefix Sums and Their Applications", 1990, section 1.4).
"""

from collections.abc import Mapping
from typing import Any, no_type_check

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from deeprnn.nn.activations import ONE, sigmoid
from deeprnn.nn.cells.base import Cell

BLOCK = 2**20  # numbers of a gate that are scanned at once, 4 MB: what outgrows the caches is slower than single steps


def linear_scan(
    a: Float[Tensor, "T B H"], b: Float[Tensor, "T B H"], h: Float[Tensor, "B H"], out: Float[Tensor, "T B H"]
) -> Float[Tensor, "T B H"]:
    """Fill `out` with h_t = a_t * h_{t-1} + b_t for t = 1..T, where h_0 = h, and return it. Without gradients.

    Every second h comes from a scan of the T/2 merged pairs of steps, the others each from the h before: log2 T rounds.
    """
    if len(a) > 1:
        paired = len(a) // 2 * 2
        second = a[1::2]
        linear_scan(second * a[:paired:2], torch.addcmul(b[1::2], second, b[:paired:2]), h, out[1::2])
    torch.addcmul(b[0], a[0], h, out=out[0])
    torch.addcmul(b[2::2], a[2::2], out[1:-1:2], out=out[2::2])
    return out


class _Mix(torch.autograd.Function):
    """H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t for t = 1..T at once; the gradient is the same scan from the end.

    With G_t the gradient by H_t along every path, and G_{T+1} = 0:

        G_t = dH_t + (1 - Z_{t+1}) * G_{t+1};  dZ_t = G_t * (N_t - H_{t-1});  dN_t = G_t * Z_t;  dH_0 = (1 - Z_1) * G_1
    """

    @staticmethod
    def forward(
        ctx: Any, z: Float[Tensor, "T B H"], n: Float[Tensor, "T B H"], h: Float[Tensor, "B H"]
    ) -> Float[Tensor, "T B H"]:
        outputs = linear_scan(1 - z, z * n, h, torch.empty_like(z))
        ctx.save_for_backward(z, n, h, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad: Float[Tensor, "T B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "T B H"], Float[Tensor, "B H"]]:
        z, n, h, outputs = ctx.saved_tensors
        keep = (1 - z.roll(-1, 0)).flip(0)  # its first, 1 - z_1, is out of place but multiplies g_{T+1} = 0
        g = linear_scan(keep, grad.flip(0), torch.zeros_like(h), torch.empty_like(z)).flip(0)
        before = torch.cat((h.unsqueeze(0), outputs[:-1]))
        return g * (n - before), g * z, g[0] * (1 - z[0])


class MinGRUCell(Cell):
    """H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t, where Z_t and N_t are functions of X_t alone."""

    label = "minGRU"
    colours = ("#a8487f", "#e48abf")
    keeping = "z"
    num_gates = 2
    num_states = 1
    has_hidden_weights = False

    def gates(self, projected: Float[Tensor, "*N GH"], h: Float[Tensor, "*N H"]) -> dict[str, Float[Tensor, "*N H"]]:
        """The gate z and the candidate n; of h only the type counts."""
        z, n = self._gates(projected, h.dtype)
        return {"z": z, "n": n}

    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """One step of the equations above."""
        z, n = self._gates(projected, state.dtype)
        return (1 - z) * state + z * n

    @classmethod
    def kept(cls, gates: Mapping[str, float]) -> float:
        """The gate z lets the new value in, and keeps what it does not."""
        return 1 - gates["z"]

    @staticmethod
    @no_type_check
    def recur_units(projected, hidden, state):  # noqa: ARG004  (there is none)
        """`recur` unit by unit."""
        size = state.shape[1]
        for j in range(size):
            z = sigmoid(projected[j])
            state[0, j] = (ONE - z) * state[0, j] + z * projected[size + j]

    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """The same as `scan`, many steps at once; the state is carried from block to block."""
        outputs = []
        steps = max(1, BLOCK // max(1, state.numel()))
        for projected in torch.split(self.project(x), steps):
            z, n = self._gates(projected, state.dtype)
            mixed: Tensor = _Mix.apply(z, n, state[0])  # type: ignore[no-untyped-call]
            outputs.append(mixed)
            state = mixed[-1:]
        return torch.cat(outputs), state

    def _gates(self, projected: Float[Tensor, "*N GH"], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Each z_t and n_t, in the state's type: under autocast the products are bfloat16, the recurrence is not."""
        z, n = projected.to(dtype).chunk(2, dim=-1)
        return torch.sigmoid(z), n
