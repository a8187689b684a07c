"""Two layers of a tanh RNN from scratch, in the notation of *Dive into Deep Learning*; the Learn view shows this code.

Knows: PyTorch. Does not know: the package, whose models have any cell and depth.
"""

# ruff: noqa: N806 (d2l's names: matrices are capital letters)
import torch
from torch import Tensor


def get_params(num_symbols: int, num_hiddens: int) -> list[Tensor]:
    """Return the weights and the bias of each layer, then those of the output."""

    def layer(num_inputs: int) -> tuple[Tensor, Tensor, Tensor]:
        W_xh = 0.01 * torch.randn(num_inputs, num_hiddens)
        W_hh = 0.01 * torch.randn(num_hiddens, num_hiddens)
        return W_xh, W_hh, torch.zeros(num_hiddens)

    W_hq, b_q = 0.01 * torch.randn(num_hiddens, num_symbols), torch.zeros(num_symbols)
    params = [*layer(num_symbols), *layer(num_hiddens), W_hq, b_q]
    return [param.requires_grad_() for param in params]


def rnn(inputs: Tensor, state: list[Tensor], params: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Read one-hot (T, B, symbols); return logits (T * B, symbols), states."""
    W_xh1, W_hh1, b_h1, W_xh2, W_hh2, b_h2, W_hq, b_q = params
    H1, H2 = state
    outputs = []
    for X in inputs:
        H1 = torch.tanh(X @ W_xh1 + H1 @ W_hh1 + b_h1)
        H2 = torch.tanh(H1 @ W_xh2 + H2 @ W_hh2 + b_h2)
        outputs.append(H2 @ W_hq + b_q)
    return torch.cat(outputs), [H1, H2]
