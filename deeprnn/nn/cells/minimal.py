"""The base class of the minimal cells of Feng et al., arXiv 2410.01201 (2024): a scan of all steps at once.

    H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t

The gates and the candidate N are functions of X_t alone: there is no tanh, no reset gate, no hidden weight. A cell
computes Z, the share of N in the new state, and N from X; this module does the rest.

No gate depends on h, so h is a first-order linear recurrence, and two steps are one step of the same kind:

    h_2 = a_2 (a_1 h_0 + b_1) + b_2 = (a_2 a_1) h_0 + (a_2 b_1 + b_2),   with a = 1 - z and b = z * n

So all steps are computed in log2 T rounds (Blelloch, "Prefix Sums and Their Applications", 1990, section 1.4).

Variant: the paper's "vanilla" one, with a linear n (its h-tilde). The paper's other form works in log space (appendix
B), where a function g must make n positive. In linear space, n may have both signs. It is as stable: a product of many
1 - z may underflow, but the scan below never divides by such a product; it only adds and multiplies numbers in [0, 1]
and weighted means of n.
"""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from deeprnn.nn.cells.base import Cell

BLOCK = 2**20  # numbers of a gate that are scanned at once, 4 MB: arrays larger than the caches are slower


def linear_scan(
    a: Float[Tensor, "T B H"], b: Float[Tensor, "T B H"], h: Float[Tensor, "B H"], out: Float[Tensor, "T B H"]
) -> Float[Tensor, "T B H"]:
    """Fill `out` with h_t = a_t * h_{t-1} + b_t for t = 1..T, where h_0 = h, and return it. It records no gradient.

    A scan of the T/2 merged pairs of steps gives every second h; one step from each of them gives the others.
    """
    if len(a) > 1:
        paired = len(a) // 2 * 2
        second = a[1::2]
        linear_scan(second * a[:paired:2], torch.addcmul(b[1::2], second, b[:paired:2]), h, out[1::2])
    torch.addcmul(b[0], a[0], h, out=out[0])
    torch.addcmul(b[2::2], a[2::2], out[1:-1:2], out=out[2::2])
    return out


class _Mix(torch.autograd.Function):
    """H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t for t = 1..T at once; the gradient is the same scan in reverse.

    With G_t the total gradient with respect to H_t, and G_{T+1} = 0:

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
        keep = (1 - z.roll(-1, 0)).flip(0)  # keep[0], 1 - z_1, has no effect: it is multiplied by g_{T+1} = 0
        g = linear_scan(keep, grad.flip(0), torch.zeros_like(h), torch.empty_like(z)).flip(0)
        before = torch.cat((h.unsqueeze(0), outputs[:-1]))
        return g * (n - before), g * z, g[0] * (1 - z[0])


class MinimalCell(Cell):
    """H_t = (1 - Z_t) * H_{t-1} + Z_t * N_t, where Z_t and N_t are functions of X_t alone."""

    num_states = 1
    has_hidden_weights = False

    @abstractmethod
    def mixture(self, projected: Float[Tensor, "*N GH"]) -> tuple[Float[Tensor, "*N H"], Float[Tensor, "*N H"]]:
        """Return Z, the share of N in the new state, and N, from the projected input."""

    def recur(self, projected: Float[Tensor, "B GH"], state: Float[Tensor, "S B H"]) -> Float[Tensor, "S B H"]:
        """Compute one step of the equation above.

        It has the state's number type: under autocast, the products are bfloat16, but the recurrence is not.
        """
        z, n = self.mixture(projected.to(state.dtype))
        return (1 - z) * state + z * n

    def fused(
        self, x: Float[Tensor, "T B E"], state: Float[Tensor, "S B H"]
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "S B H"]]:
        """Do the same as `scan`, but a block of many steps at once; the state is carried from block to block."""
        outputs = []
        steps = max(1, BLOCK // max(1, state.numel()))
        for projected in torch.split(self.project(x), steps):
            z, n = self.mixture(projected.to(state.dtype))
            mixed: Tensor = _Mix.apply(z, n, state[0])  # type: ignore[no-untyped-call]
            outputs.append(mixed)
            state = mixed[-1:]
        return torch.cat(outputs), state
