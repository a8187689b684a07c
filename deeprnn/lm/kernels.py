"""The functions that Numba compiles: one step of a network, and loops over characters and layers, for many texts.

Knows: weights as arrays, cells' `recur_units`, how a character is drawn. Does not know: torch, models, texts.

The result for one text does not depend on the other texts, to the last bit: the same numbers are added in the same
order, whatever the number of texts.

Dimensions: B texts at once, V symbols, E input size, H hidden size, L layers with a state, S state vectors per layer,
G gates, N characters.
"""

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from deeprnn.config import Wiring
from deeprnn.lm.compiling import compiled, compiled_callback
from deeprnn.lm.sampling import Numbers, draw
from deeprnn.nn.activations import Array, sigmoid, tanh
from deeprnn.nn.cells import Cell

SAMPLE = -1  # replaces the id of a character that is to be drawn; SAMPLE - k: from the k-th of several sets
UNROLL = 8  # rows of a matrix that are added in one pass of the inner loop
BLOCK = 64  # rows of a matrix that are summed before their sum is added to the total
WIRINGS: dict[Wiring, int] = {"stack": 0, "shared": 1, "shared-updated": 2}
FLOAT = np.float32
for _scalar in (tanh, sigmoid):
    register_jitable(_scalar)


class Matrices(NamedTuple):
    """Linear maps of one shape (N, K): transposed, padded with zero rows to a multiple of `UNROLL`, as bytes.

    The bytes are of float32 numbers, or of int8 numbers if the weights were stored as int8. `scale` is then the scale
    of each row before transposing; for float32 it is 1.
    """

    raw: NDArray[np.uint8]  # (maps, K, N times the bytes per number)
    scale: Array  # (maps, N)
    bias: Array  # (maps, N)


class Weights(NamedTuple):
    """A model's weights in the layout that `step` reads."""

    embedded: Array  # (V, H) in a residual stack, else (0, 0)
    projected: Array  # (V, G*H): the bottom layer's input projection of each symbol
    upper: Matrices  # weight_ih of the layers above the bottom one, or of the shared layer
    hidden: Matrices  # weight_hh of each layer; empty if the cell has none
    norms: Array  # (layers, 2, H): weight and bias of each LayerNorm; (0, 0, 0) if there are none
    final_norm: Array  # (0 or 1, 2, H)
    eps: float
    head: Matrices
    num_layers: int
    residual: bool
    wiring: int


@compiled
def _copy(numbers: Array, to: Array) -> None:
    """Copy a vector to the start of another."""
    for j in range(len(numbers)):
        to[j] = numbers[j]


@compiled
def _normalize(x: Array, norm: Array, eps: float, out: Array) -> None:
    """Write the `nn.LayerNorm` of one vector to `out`."""
    size = norm.shape[1]
    mean = np.float32(0)
    for j in range(size):
        mean += x[j]
    mean /= np.float32(size)
    variance = np.float32(0)
    for j in range(size):
        variance += (x[j] - mean) * (x[j] - mean)
    scale = np.float32(1) / np.sqrt(variance / np.float32(size) + np.float32(eps))
    for j in range(size):
        out[j] = (x[j] - mean) * scale * norm[0, j] + norm[1, j]


@compiled
def _layer_input(x: Array, norms: Array, layer: int, eps: float, out: Array) -> None:
    """Write to `out` the input of a layer or of the head: x (B, H), after LayerNorm if the model has it."""
    for b in range(len(x)):
        if len(norms):
            _normalize(x[b], norms[layer], eps, out[b])
        else:
            _copy(x[b], out[b])


@compiled
def step(
    multiply: Any,
    recur: Any,
    weights: Weights,
    tokens: NDArray[np.int64],
    slots: NDArray[np.int64],
    states: Array,
    logits: Array,
    buffers: tuple[Array, Array, Array, Array, Array],
) -> None:
    """Read one character of each text in `slots`; update their states (slots, L, S, H) and logits (slots, V) in place.

    multiply, recur: the addresses of what `multiplication` and `recurrence` compile. buffers: see `new_buffers`.
    """
    x, below, projected, hidden, head = buffers
    texts, size = len(slots), states.shape[3]
    stacked = weights.wiring == 0
    for layer in range(weights.num_layers):
        own = layer if stacked else 0  # the index of the layer's weights and state
        # 1. Project the input: the bottom layer looks it up in a table, the others multiply the layer below.
        if layer == 0:
            for b in range(texts):
                _copy(weights.projected[tokens[b]], projected[b])
                if weights.residual:
                    _copy(weights.embedded[tokens[b]], x[b])
        else:
            upper, i = weights.upper, layer - 1 if stacked else 0
            _layer_input(x, weights.norms, layer, weights.eps, below)
            multiply(upper.raw[i], upper.scale[i], upper.bias[i], below, projected)
        # 2. Multiply the hidden state before this character by the hidden weights, if the cell has them.
        if len(weights.hidden.raw):
            for b in range(texts):
                _copy(states[slots[b], own, 0], below[b])
            multiply(weights.hidden.raw[own], weights.hidden.scale[own], weights.hidden.bias[own], below, hidden)
        # 3. Update the state with the cell's equations; the new h is the output, plus the input in a residual stack.
        for b in range(texts):
            state = states[slots[b], own] if stacked else states[slots[b], own].copy()
            recur(projected[b], hidden[b], state)
            for j in range(size):
                x[b, j] = x[b, j] + state[0, j] if weights.residual else state[0, j]
            if weights.wiring == 2 and layer == weights.num_layers - 1:
                states[slots[b], own] = state
    if weights.wiring == 1:  # the note's mistake: the output is the state, which never changes
        for b in range(texts):
            _copy(states[slots[b], 0, 0], x[b])
    # 4. Compute the logits from the output of the top layer.
    _layer_input(x, weights.final_norm, 0, weights.eps, below)
    multiply(weights.head.raw[0], weights.head.scale[0], weights.head.bias[0], below, head)
    for b in range(texts):
        _copy(head[b], logits[slots[b]])


@compiled
def new_buffers(weights: Weights, texts: int) -> tuple[Array, Array, Array, Array, Array]:
    """Make the arrays that `step` writes: a layer's output, the next layer's input, its two products, the logits."""
    padded, symbols, gates = weights.head.raw.shape[1], weights.head.bias.shape[1], weights.projected.shape[1]
    zeros = np.zeros((texts, padded), np.float32), np.zeros((texts, padded), np.float32)
    products = np.empty((texts, gates), np.float32), np.empty((texts, gates), np.float32)
    return zeros[0], zeros[1], products[0], products[1], np.empty((texts, symbols), np.float32)


@compiled
def write(
    multiply: Any,
    recur: Any,
    weights: Weights,
    slots: NDArray[np.int64],
    states: Array,
    logits: Array,
    forced_ids: NDArray[np.int64],
    uniforms: Numbers,
    allowed: NDArray[np.bool_],
    rows: NDArray[np.int64],
    temperature: Numbers,
    top_k: NDArray[np.int64],
    top_p: Numbers,
) -> NDArray[np.int64]:
    """Read N characters of each text in `slots`, or draw them; see `DecodeBatch.write`.

    Where `forced_ids` is SAMPLE - k, a symbol of the set `allowed[rows[b] + k]` is drawn for the b-th text.
    """
    written = np.empty(uniforms.shape, np.int64)
    tokens = np.empty(len(slots), np.int64)
    buffers = new_buffers(weights, len(slots))
    for n in range(uniforms.shape[1]):
        for b in range(len(slots)):
            tokens[b] = forced_ids[b, n]
            if tokens[b] <= SAMPLE:
                among = allowed[rows[b] + SAMPLE - tokens[b]]
                tokens[b] = draw(logits[slots[b]], among, uniforms[b, n], temperature[b], top_k[b], top_p[b])
            written[b, n] = tokens[b]
        step(multiply, recur, weights, tokens, slots, states, logits, buffers)
    return written


@compiled
def scan(multiply: Any, recur: Any, weights: Weights, layer: int, projected: Array, state: Array) -> Array:
    """Run all steps of one layer for one text; return the outputs (T, H).

    projected: the projected inputs (T, G*H). state: (S, H), updated in place.
    """
    maps, size = weights.hidden, state.shape[1]
    outputs = np.empty((len(projected), size), np.float32)
    h = np.zeros((1, maps.raw.shape[1]), np.float32)
    hidden = np.empty((1, projected.shape[1]), np.float32)
    for t in range(len(projected)):
        _copy(state[0], h[0])
        multiply(maps.raw[layer], maps.scale[layer], maps.bias[layer], h, hidden)
        recur(projected[t], hidden[0], state)
        _copy(state[0], outputs[t])
    return outputs


@functools.cache
def recurrence(cell: type[Cell]) -> Any:
    """Compile the `recur_units` of a cell."""
    vector, matrix = numba.float32[::1], numba.float32[:, ::1]
    return compiled_callback(numba.void(vector, vector, matrix), cell.recur_units)


@functools.cache
def multiplication(numbers: Any) -> Any:
    """Compile inputs (B, K) times weights (K, N) plus bias, for weights of the number type `numbers`."""

    def multiply(raw, scale, bias, inputs, outputs):  # type: ignore[no-untyped-def]  # compiled
        weights, block = raw.view(numbers), np.empty_like(outputs)
        outputs[:] = 0
        for start in range(0, len(weights), BLOCK):
            # Summing in blocks is more accurate than one long sum.
            block[:] = 0
            for k in range(start, min(start + BLOCK, len(weights)), UNROLL):
                w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
                w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
                for b in range(len(inputs)):  # each weight is loaded from memory once for all texts
                    x, out = inputs[b, k : k + UNROLL], block[b]
                    x0, x1, x2, x3, x4, x5, x6, x7 = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
                    for j in range(len(out)):
                        found = x0 * FLOAT(w0[j])
                        found = found + x1 * FLOAT(w1[j])
                        found = found + x2 * FLOAT(w2[j])
                        found = found + x3 * FLOAT(w3[j])
                        found = found + x4 * FLOAT(w4[j])
                        found = found + x5 * FLOAT(w5[j])
                        found = found + x6 * FLOAT(w6[j])
                        out[j] += found + x7 * FLOAT(w7[j])
            outputs += block
        for b in range(len(inputs)):
            for j in range(len(bias)):
                outputs[b, j] = outputs[b, j] * scale[j] + bias[j]

    vector, matrix = numba.float32[::1], numba.float32[:, ::1]
    return compiled_callback(numba.void(numba.uint8[:, ::1], vector, vector, matrix, matrix), multiply)
