"""A model's weights in the layout of the compiled loops, and checksums that show whether weights have changed.

Knows: models, the layout of `kernels`. Does not know: texts, how a character is drawn.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeprnn.lm.kernels import UNROLL, WIRINGS, Matrices, Weights
from deeprnn.nn.activations import Array
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import row_scale

EXACT = 1e-6  # largest error, relative to the largest weight, at which int8 may replace a matrix


@torch.no_grad()
def pack(model: CharRNN) -> tuple[Any, Weights]:
    """Return the number type of a model's packed matrices, and its packed weights."""
    cells = model.layers()
    embedded, projected = _bottom(model)
    norms = [_norm(norm) for norm in model.norms]
    final = [_norm(model.final_norm)] if model.final_norm is not None else []
    upper = cells[1:] if model.config.wiring == "stack" else cells
    maps: dict[str, list[tuple[Tensor, Tensor]]] = {
        "upper": [(cell.weight_ih, cell.bias_ih) for cell in upper],
        "hidden": [(cell.weight_hh, cell.bias_hh) for cell in cells if cell.has_hidden_weights],
        "head": [(model.head.weight, model.head.bias)],
    }
    as_int8 = all(_is_int8(weight) for pairs in maps.values() for weight, _ in pairs)
    return np.int8 if as_int8 else np.float32, Weights(
        embedded=embedded,
        projected=projected,
        **{name: _matrices(pairs, as_int8) for name, pairs in maps.items()},
        norms=_stacked([norm for norm, _ in norms], 3),
        final_norm=_stacked([norm for norm, _ in final], 3),
        eps=max((eps for _, eps in [*norms, *final]), default=0.0),
        num_layers=model.config.num_layers,
        residual=model.config.residual,
        wiring=WIRINGS[model.config.wiring],
    )


def _bottom(model: CharRNN) -> tuple[Array, Array]:
    """Return the embedding (V, E), which only a residual stack needs, else empty; and the bottom layer's input (V, GH).

    The input of a one-hot vector is a row of the weights: V vectors of V numbers would be far larger than the model.
    """
    cell = model.layers()[0]
    if model.embedding is None and not model.norms:
        return np.zeros((0, 0), np.float32), array(cell.weight_ih.T + cell.bias_ih)
    symbols = model.embed(torch.arange(model.vocab_size, device=model.head.weight.device).unsqueeze(0))
    embedded = array(symbols[0]) if model.config.residual else np.zeros((0, 0), np.float32)
    return embedded, array(cell.project(model.below(0, symbols))[0])


def _matrices(maps: Sequence[tuple[Tensor, Tensor]], as_int8: bool) -> Matrices:
    """Pack linear maps (weight, bias) of one shape for `multiply`; see `pack`."""
    if not maps:
        return Matrices(raw=np.zeros((0, 0, 0), np.uint8), scale=_stacked([], 2), bias=_stacked([], 2))
    outputs, inputs = maps[0][0].shape
    numbers = np.zeros((len(maps), inputs + -inputs % UNROLL, outputs), np.int8 if as_int8 else np.float32)
    scales = np.ones((len(maps), outputs), np.float32)
    for i, (weight, _) in enumerate(maps):
        if as_int8:
            scale = row_scale(weight)
            scales[i] = array(scale)
            numbers[i, :inputs] = array((weight / scale[:, None]).round()).T
            continue
        numbers[i, :inputs] = array(weight).T
    return Matrices(raw=numbers.view(np.uint8), scale=scales, bias=np.stack([array(bias) for _, bias in maps]))


def checksums(model: CharRNN) -> list[int]:
    """Return a checksum of the values of each parameter and buffer of a model."""
    tensors = [tensor.detach().cpu().contiguous() for tensor in (*model.parameters(), *model.buffers())]
    return [zlib.crc32(tensor.flatten().view(torch.uint8).numpy().data) for tensor in tensors]


def _is_int8(weight: Tensor) -> bool:
    """Return whether int8 numbers times `row_scale` represent a matrix exactly."""
    scale = row_scale(weight)[:, None]
    return bool(((weight / scale).round() * scale - weight).abs().max() <= EXACT * weight.abs().max())


def array(tensor: Tensor) -> Array:
    """Return a tensor as a contiguous float32 array."""
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())


def _stacked(arrays: Sequence[Array], dims: int) -> Array:
    return np.stack(arrays) if arrays else np.zeros((0,) * dims, np.float32)


def _norm(norm: nn.Module) -> tuple[Array, float]:
    assert isinstance(norm, nn.LayerNorm)
    return np.stack([array(norm.weight), array(norm.bias)]), norm.eps
