"""One character at a time, fast: a model's step in NumPy, for writing text on a CPU.

Knows: models, their weights as arrays. Does not know: text, sampling, files, training.

One step of a small network is too little work for PyTorch: most of its time goes into starting operations (and, in
`nn.LSTM`, into repacking the weights for every call). The same products by NumPy's BLAS on the same memory take a third
to a tenth of it. What the bottom layer makes of each character does not depend on the state and is kept in a table.

Dimensions: B texts side by side, V symbols, H hidden size, S states a layer keeps, G gates.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deeprnn.cells import Cell
from deeprnn.cells.base import Array
from deeprnn.model import CharRNN

State = list[Array]  # of each layer (S, B, H)
PROMPT_CHUNK = 1024  # characters of a prompt read in one forward pass


class Decoder:
    """The same pure function as the model's `step`, over float32 arrays that share the model's memory.

    It holds no state between calls, so threads may share it.
    """

    def __init__(self, model: CharRNN) -> None:
        self.model = model
        self._cells = [_Cell(cell) for cell in model.layers()]
        self._norms = [_norm(norm) for norm in model.norms]
        self._final_norm = _norm(model.final_norm) if model.final_norm is not None else None
        self._head = _linear(model.head)
        with torch.inference_mode():
            symbols = model.embed(torch.arange(model.vocab_size, device=model.head.weight.device).unsqueeze(0))
            self._embedded = _array(symbols[0])
            self._projected = _array(model.layers()[0].project(model.below(0, symbols))[0])

    @torch.inference_mode()
    def read(self, ids: Sequence[int]) -> tuple[Array, State]:
        """The logits (V) and the state (B = 1) after a prompt of at least one character."""
        device = self.model.head.weight.device
        tokens = torch.as_tensor(ids, dtype=torch.long, device=device).unsqueeze(0)
        state = self.model.initial_state(1)
        for chunk in torch.split(tokens, PROMPT_CHUNK, dim=1):
            logits, state = self.model(chunk, state)
        return _array(logits[0, -1]), [_array(layer) for layer in state]

    def step(self, tokens: NDArray[np.int64], state: State) -> tuple[Array, State]:
        """Read one character of each text: logits (B, V), and the state after it."""
        if self.model.config.wiring != "stack":
            return self._shared_step(tokens, state)
        x, new_state = self._embedded[tokens], []
        for layer, cell in enumerate(self._cells):
            if layer == 0:
                projected = self._projected[tokens]
            else:
                projected = cell.project(_normalized(x, *self._norms[layer]) if self._norms else x)
            new_state.append(cell.step(projected, state[layer]))
            x = x + new_state[-1][0] if self.model.config.residual else new_state[-1][0]
        return self._read_out(x), new_state

    def _shared_step(self, tokens: NDArray[np.int64], state: State) -> tuple[Array, State]:
        """The note's mistake; see `CharRNN`."""
        (cell,) = self._cells
        projected, new_state = self._projected[tokens], state[0]
        for layer in range(self.model.config.num_layers):
            new_state = cell.step(projected if layer == 0 else cell.project(new_state[0]), state[0])
        kept = new_state if self.model.config.wiring == "shared-updated" else state[0]
        return self._read_out(kept[0]), [kept]

    def _read_out(self, x: Array) -> Array:
        weight, bias = self._head
        logits: Array = (_normalized(x, *self._final_norm) if self._final_norm is not None else x) @ weight + bias
        return logits


class _Cell:
    """One layer's weights, transposed (a view), and its recurrence."""

    def __init__(self, cell: Cell) -> None:
        self.recur = type(cell).recur_array
        self.weight_ih, self.bias_ih = _array(cell.weight_ih).T, _array(cell.bias_ih)
        self.weight_hh = _array(cell.weight_hh).T if cell.has_hidden_weights else None
        self.bias_hh = _array(cell.bias_hh) if cell.has_hidden_weights else None

    def project(self, x: Array) -> Array:
        projected: Array = x @ self.weight_ih
        projected += self.bias_ih
        return projected

    def step(self, projected: Array, state: Array) -> Array:
        if self.weight_hh is None:
            return self.recur(projected, projected, state)
        hidden = state[0] @ self.weight_hh
        hidden += self.bias_hh
        return self.recur(projected, hidden, state)


def _array(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.detach().float().cpu().numpy())


def _linear(linear: nn.Linear) -> tuple[Array, Array]:
    return _array(linear.weight).T, _array(linear.bias)


def _norm(norm: nn.Module) -> tuple[Array, Array, float]:
    assert isinstance(norm, nn.LayerNorm)
    return _array(norm.weight), _array(norm.bias), norm.eps


def _normalized(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """`nn.LayerNorm` over the last dimension."""
    found: Array = x - x.mean(-1, keepdims=True)
    found /= np.sqrt((found * found).mean(-1, keepdims=True) + np.float32(eps))
    found *= weight
    found += bias
    return found
