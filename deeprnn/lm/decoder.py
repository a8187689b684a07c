"""Writing text on a CPU, fast: one character at a time, for many texts of a model side by side.

Knows: models, their weights as arrays, how a character is drawn. Does not know: text, threads, files, training.

One step of a small network is too little work for PyTorch: most of its time goes into starting operations (and, in
`nn.LSTM`, into repacking the weights for every call). Here Numba compiles the whole loop over characters, layers and
units; it runs without the interpreter and its lock, about as fast as the weights can be read from memory. What the
bottom layer makes of each character does not depend on the state and is kept in a table.

What a text becomes does not depend on the texts beside it, to the last bit: the products go through the same additions
in the same order however many texts there are.

Dimensions: B texts side by side, V symbols, H hidden size, L layers with a state, S states a layer keeps, G gates,
N characters.
"""

import functools
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from jaxtyping import Float, Int
from numba.extending import register_jitable
from numpy.typing import NDArray
from torch import Tensor, nn

from deeprnn.config import ModelConfig, Wiring
from deeprnn.lm.compiling import called, compiled
from deeprnn.lm.sampling import Numbers, Sampling, draw, uniforms
from deeprnn.nn.activations import Array, sigmoid, tanh
from deeprnn.nn.cells import CELLS, Cell
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights, row_scale

PROMPT_CHUNK = 1024  # characters of a prompt read in one forward pass
STEPPED_CHARS = 64  # of a prompt, up to which it is read step by step
STREAM_CHARS = 64  # that `stream` writes at once
SAMPLE = -1  # stands for a character that is not known before it is drawn
UNROLL = 8  # rows of a matrix that are added at once
BLOCK = 64  # rows of a matrix that are summed before they are added to the others
PROBED = 6  # characters that a decoder reads beside its model when it is made
AGREES = 1e-4  # of the largest logit, or of 1: how near the two must come
EXACT = 1e-6  # of the largest weight: how near int8 must come to stand for a matrix
WIRINGS: dict[Wiring, int] = {"stack": 0, "shared": 1, "shared-updated": 2}
FLOAT = np.float32
for _scalar in (tanh, sigmoid):
    register_jitable(_scalar)


class Matrices(NamedTuple):
    """Linear maps of one shape (N, K): transposed, with rows of zeros to a multiple of `UNROLL`, as bytes.

    The bytes are of float32, or of int8 where those are what was stored: `scale` is then that of each row.
    """

    raw: NDArray[np.uint8]  # (maps, K, N times the bytes of a number)
    scale: Array  # (maps, N)
    bias: Array  # (maps, N)


class Weights(NamedTuple):
    """A model's weights as `step` reads them."""

    embedded: Array  # (V, H) of a residual or shared stack, else (V, E)
    projected: Array  # (V, G*H): what the bottom layer makes of each symbol
    upper: Matrices  # weight_ih of the layers above the bottom one, or of the shared one
    hidden: Matrices  # weight_hh of each layer, where a cell has one
    norms: Array  # (layers, 2, H): weight and bias; no layer where there are none
    final_norm: Array  # (0 or 1, 2, H)
    eps: float
    head: Matrices
    num_layers: int
    residual: bool
    wiring: int


@compiled
def _copy(numbers: Array, to: Array) -> None:
    """Copy a vector to the beginning of another."""
    for j in range(len(numbers)):
        to[j] = numbers[j]


@compiled
def _normalize(x: Array, norm: Array, eps: float, out: Array) -> None:
    """`nn.LayerNorm` of one vector."""
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
    """Read one character of each text in `slots`: their states (slots, L, S, H) and logits (slots, V) move on.

    multiply, recur: the addresses of what `_multiplication` and `_recurrence` compiled. buffers: see `new_buffers`.
    """
    x, below, projected, hidden, head = buffers
    texts, size = len(slots), states.shape[3]
    stacked = weights.wiring == 0
    for layer in range(weights.num_layers):
        own = layer if stacked else 0  # whose weights and state
        if layer == 0:
            for b in range(texts):
                _copy(weights.projected[tokens[b]], projected[b])
                if weights.residual:
                    _copy(weights.embedded[tokens[b]], x[b])
        else:
            for b in range(texts):
                if len(weights.norms):
                    _normalize(x[b], weights.norms[layer], weights.eps, below[b])
                else:
                    _copy(x[b], below[b])
            upper, i = weights.upper, layer - 1 if stacked else 0
            multiply(upper.raw[i], upper.scale[i], upper.bias[i], below, projected)
        if len(weights.hidden.raw):
            for b in range(texts):
                _copy(states[slots[b], own, 0], below[b])
            multiply(weights.hidden.raw[own], weights.hidden.scale[own], weights.hidden.bias[own], below, hidden)
        for b in range(texts):
            state = states[slots[b], own] if stacked else states[slots[b], own].copy()
            recur(projected[b], hidden[b], state)
            for j in range(size):
                x[b, j] = x[b, j] + state[0, j] if weights.residual else state[0, j]
            if weights.wiring == 2 and layer == weights.num_layers - 1:
                for kept in range(len(state)):
                    _copy(state[kept], states[slots[b], own, kept])
    for b in range(texts):
        if weights.wiring == 1:  # the note's mistake: what comes out is the state as it went in
            _copy(states[slots[b], 0, 0], x[b])
        if len(weights.final_norm):
            _normalize(x[b], weights.final_norm[0], weights.eps, below[b])
        else:
            _copy(x[b], below[b])
    multiply(weights.head.raw[0], weights.head.scale[0], weights.head.bias[0], below, head)
    for b in range(texts):
        _copy(head[b], logits[slots[b]])


@compiled
def new_buffers(weights: Weights, texts: int) -> tuple[Array, Array, Array, Array, Array]:
    """What each layer hands on, what the next one reads, its two products, and what the head makes of the last."""
    padded, symbols, gates = weights.head.raw.shape[1], weights.head.bias.shape[1], weights.projected.shape[1]
    zeros = np.zeros((texts, padded), np.float32), np.zeros((texts, padded), np.float32)
    products = np.empty((texts, gates), np.float32), np.empty((texts, gates), np.float32)
    return zeros[0], zeros[1], products[0], products[1], np.empty((texts, symbols), np.float32)


@compiled
def _write(
    multiply: Any,
    recur: Any,
    weights: Weights,
    slots: NDArray[np.int64],
    states: Array,
    logits: Array,
    forced_ids: NDArray[np.int64],
    uniforms: Numbers,
    temperature: Numbers,
    top_k: NDArray[np.int64],
    top_p: Numbers,
) -> NDArray[np.int64]:
    """Read N characters of each text in `slots`, drawing where `forced_ids` says SAMPLE; see `DecodeBatch.write`."""
    written = np.empty(uniforms.shape, np.int64)
    tokens = np.empty(len(slots), np.int64)
    buffers = new_buffers(weights, len(slots))
    for n in range(uniforms.shape[1]):
        for b in range(len(slots)):
            tokens[b] = forced_ids[b, n]
            if tokens[b] == SAMPLE:
                tokens[b] = draw(logits[slots[b]], uniforms[b, n], temperature[b], top_k[b], top_p[b])
            written[b, n] = tokens[b]
        step(multiply, recur, weights, tokens, slots, states, logits, buffers)
    return written


@compiled
def _scan(multiply: Any, recur: Any, weights: Weights, layer: int, projected: Array, state: Array) -> Array:
    """All steps of one layer of one text, from the bottom layer's part of its gates (T, G*H): the outputs (T, H).

    The state (S, H) moves on in its place.
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


class BrokenWeightsError(ValueError):
    """A model's numbers overflow as it reads or writes."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is broken: its weights are so large that what it computes overflows.")


class DecodeBatch:
    """The states and next logits of texts that one model writes; each has a slot."""

    def __init__(self, decoder: "Decoder", slots: int) -> None:
        shape = tuple(decoder.model.initial_state(slots).shape)  # (L, S, B, H)
        self.decoder = decoder
        self.states = np.zeros((slots, shape[0], shape[1], shape[3]), np.float32)
        self.logits = np.zeros((slots, decoder.model.vocab_size), np.float32)

    def grow(self, slots: int) -> None:
        """Have that many slots; what is in the others stays."""
        more = slots - len(self.logits)
        self.states, self.logits = (
            np.concatenate((kept, np.zeros((more, *kept.shape[1:]), np.float32))) for kept in (self.states, self.logits)
        )

    def write(
        self, slots: Sequence[int], forced_ids: NDArray[np.int64], uniforms: Numbers, samplings: Sequence[Sampling]
    ) -> NDArray[np.int64]:
        """The next N characters of the texts in `slots` (B): ids (B, N).

        forced_ids: ids (B, N) to be read as they are, or SAMPLE where one is to be drawn by the uniform number (B, N)
        there.
        """
        most = len(self.logits[0])
        settings = (
            np.array([sampling.temperature for sampling in samplings]),
            np.array([min(sampling.top_k, most) for sampling in samplings]),
            np.array([sampling.top_p for sampling in samplings]),
        )
        write = functools.partial(_write, *self.decoder.compiled) if self.decoder.agrees else self._write_by_the_model
        written: NDArray[np.int64] = write(np.array(slots), self.states, self.logits, forced_ids, uniforms, *settings)
        if not np.isfinite(self.logits[slots]).all():
            raise BrokenWeightsError(self.decoder.name)
        return written

    @torch.inference_mode()
    def _write_by_the_model(
        self,
        slots: NDArray[np.int64],
        states: Array,
        logits: Array,
        forced_ids: NDArray[np.int64],
        uniforms: Numbers,
        temperature: Numbers,
        top_k: NDArray[np.int64],
        top_p: Numbers,
    ) -> NDArray[np.int64]:
        """The same as `_write`, slowly: by the model's own step."""
        written, device = forced_ids.copy(), self.decoder.initial_state(1).device
        for n in range(forced_ids.shape[1]):
            for b in np.flatnonzero(forced_ids[:, n] == SAMPLE):
                written[b, n] = draw(logits[slots[b]], uniforms[b, n], temperature[b], top_k[b], top_p[b])
            before = torch.from_numpy(states[slots]).permute(1, 2, 0, 3).to(device)
            said, after = self.decoder.model.step(torch.from_numpy(written[:, n]).to(device), before)
            logits[slots], states[slots] = _array(said), _array(after.permute(2, 0, 1, 3))
        return written


class Decoder:
    """A model that is ready to write and to read one text. It holds no state of one, so threads may share it.

    On the CPU the model's matrices become views of what is read here, unless that is int8: memory holds them once.

    agrees: whether the compiled loops say what the model says. A cell with a parameter of its own that `recur_units`
    or `weight_ih` do not hold is not decoded by them: the model's own step is, with a warning.
    """

    def __init__(self, model: CharRNN, name: str = "the model") -> None:
        self.model, self.name = model, name
        numbers, weights = _weights(model)
        self.compiled = _multiplication(numbers), _recurrence(type(model.layers()[0])), weights
        self._checksums = _checksums(model)
        self.agrees = True
        self.agrees = self._agrees()
        if not self.agrees:
            warnings.warn(
                f"the compiled loops do not say what a {type(model.layers()[0]).__name__} says: it is run by its own "
                f"step, which is slow. Its `recur_units` must do what `recur` does, and `project` be one linear map.",
                stacklevel=3,
            )

    def is_current(self) -> bool:
        """Whether the model's weights are still those that this was made of."""
        return self._checksums == _checksums(self.model)

    @torch.inference_mode()
    def _agrees(self) -> bool:
        """Whether writing and scoring some characters come to the logits of the model's own step."""
        ids = [i % self.model.vocab_size for i in range(PROBED)]
        texts, state = DecodeBatch(self, 1), self.initial_state(1)
        scored, _ = self(torch.tensor([ids], device=state.device), state)
        buffers = new_buffers(self.compiled[2], 1)
        for n, i in enumerate(ids):
            logits, state = self.model.step(torch.tensor([i], device=state.device), state)
            step(*self.compiled, np.array([i]), np.array([0]), texts.states, texts.logits, buffers)
            said = _array(logits[0])
            if not np.isfinite(said).all():
                return True  # it is broken, and writing and scoring will say so
            for other in (texts.logits[0], _array(scored[0, n])):
                if not np.abs(other - said).max() <= AGREES * max(1.0, float(np.abs(said).max())):
                    return False
        return True

    def initial_state(self, batch_size: int) -> Float[Tensor, "L S B H"]:
        """The zero state that every text begins with."""
        return self.model.initial_state(batch_size)

    def __call__(
        self, tokens: Int[Tensor, "1 T"], state: Float[Tensor, "L S 1 H"]
    ) -> tuple[Float[Tensor, "1 T V"], Float[Tensor, "L S 1 H"]]:
        """What the model's `forward` says of one text, sooner: its layers are run by `_scan`."""
        kernel = functools.partial(self._run, tokens[0]) if self.agrees else "scratch"
        found: tuple[Tensor, Tensor] = self.model(tokens, state, kernel=kernel)
        return found

    def begin(self, ids: Sequence[int]) -> tuple[Array, Array, list[int]]:
        """Logits (V) and state (L, S, H) to begin a text with, and what of its prompt is still to be read.

        A short prompt is all left to `DecodeBatch.write`, which reads it beside other texts; a long one is read here.
        """
        if len(ids) > STEPPED_CHARS:
            return *self.read(ids), []
        layers, kept, _, size = self.initial_state(1).shape
        return np.zeros(self.model.vocab_size, np.float32), np.zeros((layers, kept, size), np.float32), list(ids)

    @torch.inference_mode()
    def read(self, ids: Sequence[int]) -> tuple[Array, Array]:
        """The logits (V) and the state (L, S, H) after a prompt of at least one character."""
        state = self.initial_state(1)
        tokens = torch.as_tensor(ids, dtype=torch.long, device=state.device).unsqueeze(0)
        for chunk in torch.split(tokens, PROMPT_CHUNK, dim=1):
            logits, state = self(chunk, state)
        if not bool(logits[0, -1].isfinite().all()):
            raise BrokenWeightsError(self.name)
        return _array(logits[0, -1]), _array(state[:, :, 0])

    def _run(self, tokens: Tensor, layer: int, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One layer over time, of a stack that reads these tokens; see `Cell.scan`."""
        cell = self.model.layers()[layer]
        if not cell.has_hidden_weights or x.device.type != "cpu":
            return cell.fused(x, state)
        projected = self.compiled[2].projected[tokens.numpy()] if layer == 0 else _array(cell.project(x)[:, 0])
        moved = _array(state[:, 0]).copy()
        outputs = _scan(*self.compiled, layer, projected, moved)
        return torch.from_numpy(outputs).unsqueeze(1), torch.from_numpy(moved).unsqueeze(1)


def stream(
    decoder: Decoder, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int = 0
) -> Iterator[int]:
    """Continue a prompt of at least one id, one id at a time.

    The last `drawn` ids of the prompt were written with this seed before: their uniform numbers are passed over, and
    the text goes on as if it had never stopped.

    Raises:
        ValueError: max_chars or drawn is negative.
    """
    if max_chars < 0:
        raise ValueError(f"max_chars must be 0 or more, not {max_chars}.")
    if drawn < 0:
        raise ValueError(f"drawn must be 0 or more, not {drawn}.")
    return _stream(decoder, prompt_ids, max_chars, sampling, drawn)


def _stream(
    decoder: Decoder, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int
) -> Iterator[int]:
    texts = DecodeBatch(decoder, 1)
    texts.logits[0], texts.states[0], unread = decoder.begin(prompt_ids)
    forced_ids, numbers = schedule_ids(unread, uniforms(sampling.seed, max_chars, drawn))
    for start in range(0, len(forced_ids), STREAM_CHARS):
        part = slice(start, start + STREAM_CHARS)
        ids = texts.write([0], forced_ids[None, part], numbers[None, part], [sampling])[0]
        yield from ids[forced_ids[part] == SAMPLE].tolist()


def schedule_ids(unread: Sequence[int], numbers: Numbers) -> tuple[NDArray[np.int64], Numbers]:
    """What `DecodeBatch.write` takes for one text: the ids to be read, then one to be drawn by each number."""
    forced_ids = np.full(len(unread) + len(numbers), SAMPLE, np.int64)
    forced_ids[: len(unread)] = unread
    return forced_ids, np.concatenate((np.zeros(len(unread)), numbers))


def warm_up() -> None:
    """Compile everything that is not compiled yet, or fetch what was; seconds at a first start, else nothing."""
    for cell in CELLS:
        for rounded in (False, True):
            model = CharRNN(ModelConfig(cell=cell, hidden_size=UNROLL, num_layers=1), 2)
            model.reset_parameters("uniform", torch.Generator().manual_seed(0))
            if rounded:
                model.load_state_dict(decode_weights(encode_weights(model.state_dict(), "int8")))
            for _ in stream(Decoder(model), [1], 1, Sampling()):
                pass


@functools.cache
def _recurrence(cell: type[Cell]) -> Any:
    """A cell's `recur_units`, compiled."""
    vector, matrix = numba.float32[::1], numba.float32[:, ::1]
    return called(numba.void(vector, vector, matrix), cell.recur_units)


@functools.cache
def _multiplication(numbers: Any) -> Any:
    """Inputs (B, K) times weights (K, N) plus bias, compiled for weights of a type."""

    def multiply(raw, scale, bias, inputs, outputs):  # type: ignore[no-untyped-def]  # compiled
        weights, block = raw.view(numbers), np.empty_like(outputs)
        outputs[:] = 0
        for start in range(0, len(weights), BLOCK):
            # Sums of sums of sums lose fewer digits than one long sum.
            block[:] = 0
            for k in range(start, min(start + BLOCK, len(weights)), UNROLL):
                w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
                w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
                for b in range(len(inputs)):  # each weight is fetched from far away once for all of them
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
    return called(numba.void(numba.uint8[:, ::1], vector, vector, matrix, matrix), multiply)


@torch.no_grad()
def _weights(model: CharRNN) -> tuple[Any, Weights]:
    """The type of a model's matrices, and its weights."""
    cells = model.layers()
    symbols = model.embed(torch.arange(model.vocab_size, device=model.head.weight.device).unsqueeze(0))
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
        embedded=_array(symbols[0]),
        projected=_array(cells[0].project(model.below(0, symbols))[0]),
        **{name: _matrices(pairs, as_int8) for name, pairs in maps.items()},
        norms=_stacked([norm for norm, _ in norms], 3),
        final_norm=_stacked([norm for norm, _ in final], 3),
        eps=max((eps for _, eps in [*norms, *final]), default=0.0),
        num_layers=model.config.num_layers,
        residual=model.config.residual,
        wiring=WIRINGS[model.config.wiring],
    )


def _matrices(maps: Sequence[tuple[Tensor, Tensor]], as_int8: bool) -> Matrices:
    """Linear maps of one shape as `multiply` reads them; of float32 the parameters become views, on the CPU."""
    if not maps:
        return Matrices(raw=np.zeros((0, 0, 0), np.uint8), scale=_stacked([], 2), bias=_stacked([], 2))
    outputs, inputs = maps[0][0].shape
    numbers = np.zeros((len(maps), inputs + -inputs % UNROLL, outputs), np.int8 if as_int8 else np.float32)
    scales = np.ones((len(maps), outputs), np.float32)
    for i, (weight, _) in enumerate(maps):
        if as_int8:
            scale = row_scale(weight)
            scales[i] = _array(scale)
            numbers[i, :inputs] = _array((weight / scale[:, None]).round()).T
            continue
        numbers[i, :inputs] = _array(weight).T
        if weight.device.type == "cpu":
            weight.data = torch.from_numpy(numbers[i, :inputs].T)
    return Matrices(raw=numbers.view(np.uint8), scale=scales, bias=np.stack([_array(bias) for _, bias in maps]))


def _checksums(model: CharRNN) -> list[int]:
    """One number for each tensor of a model, of its values; however they were changed, it is another one then."""
    found = []
    for tensor in (*model.parameters(), *model.buffers()):
        values = tensor.detach()
        turned = values.T if values.dim() == 2 and values.T.is_contiguous() else values
        found.append(zlib.crc32(turned.contiguous().cpu().flatten().view(torch.uint8).numpy().data))
    return found


def _is_int8(weight: Tensor) -> bool:
    """Whether a matrix is what int8 storage left of it; see `row_scale`."""
    scale = row_scale(weight)[:, None]
    return bool(((weight / scale).round() * scale - weight).abs().max() <= EXACT * weight.abs().max())


def _array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())


def _stacked(arrays: Sequence[Array], dims: int) -> Array:
    return np.stack(arrays) if arrays else np.zeros((0,) * dims, np.float32)


def _norm(norm: nn.Module) -> tuple[Array, float]:
    assert isinstance(norm, nn.LayerNorm)
    return np.stack([_array(norm.weight), _array(norm.bias)]), norm.eps
