"""The classic mistake: two layers that share one set of weights and one state; the Learn view shows this code.

Knows: PyTorch. Does not know: the package, whose own version of it is `CharRNN._shared`.
"""

# ruff: noqa: N803, N806 (d2l's names: matrices are capital letters)
import torch
from torch import Tensor


def rnn_2(inputs: Tensor, H: Tensor, params: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Compute both layers with one set of weights; return the state as it came."""
    W_xh, W_hh, b_h, W_hq, b_q = params
    outputs = []
    for X in inputs:
        H1 = torch.tanh(X @ W_xh + H @ W_hh + b_h)
        H2 = torch.tanh(H1 @ W_xh + H @ W_hh + b_h)  # noqa: F841 (that is the mistake)
        outputs.append(H @ W_hq + b_q)
    return torch.cat(outputs), H
