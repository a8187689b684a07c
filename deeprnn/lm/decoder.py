"""Fast text generation on a CPU: one character at a time, for many texts of one model at once.

Knows: models, their weights as arrays, how a character is drawn. Does not know: text, threads, files, training.

One step of a small network is too little work for PyTorch, which spends most of the time on starting operations (and,
in `nn.LSTM`, on repacking the weights for every call). Instead, Numba compiles the whole loop over characters, layers
and units (see `kernels`); it runs without the interpreter and its lock, about as fast as the weights can be read from
memory. The input projection of the bottom layer does not depend on the state; a table holds it for each symbol.

Dimensions: B texts at once, V symbols, H hidden size, L layers with a state, S state vectors per layer, G gates,
N characters.
"""

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from deeprnn.config import ModelConfig
from deeprnn.lm import kernels
from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.packing import array, checksums, pack
from deeprnn.lm.sampling import Numbers, Sampling, draw, uniforms
from deeprnn.lm.template import Choices, Template
from deeprnn.nn.activations import Array
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights

PROMPT_CHUNK = 1024  # characters of a prompt that are read in one forward pass
STEPPED_CHARS = 64  # a prompt up to this length is read step by step
STREAM_CHARS = 64  # characters that `stream` generates in one call
EACH_CHARS = 16  # characters of every text that `write_each` generates in one call
PROBED = 6  # characters with which a new decoder is compared with its model
TOLERANCE = 1e-4  # largest allowed difference of the logits, relative to the largest logit or to 1


class BrokenWeightsError(ValueError):
    """The numbers that a model computes overflow."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        """Return what is wrong, and the remedy."""
        return (
            f"{self.name} is broken: its weights are so large that what it computes overflows. "
            "Download or train it again."
        )


class DecodeBatch:
    """The states (slots, L, S, H) and next logits (slots, V) of the texts that one model generates, one slot each."""

    def __init__(self, decoder: "Decoder", slots: int) -> None:
        shape = tuple(decoder.model.initial_state(slots).shape)  # (L, S, B, H)
        self.decoder = decoder
        self.states = np.zeros((slots, shape[0], shape[1], shape[3]), np.float32)
        self.logits = np.zeros((slots, decoder.model.vocab_size), np.float32)

    def grow(self, slots: int) -> None:
        """Increase the number of slots to `slots`; the present ones keep their contents."""
        more = slots - len(self.logits)
        self.states, self.logits = (
            np.concatenate((kept, np.zeros((more, *kept.shape[1:]), np.float32))) for kept in (self.states, self.logits)
        )

    def write(
        self,
        slots: Sequence[int],
        forced_ids: NDArray[np.int64],
        uniforms: Numbers,
        samplings: Sequence[Sampling],
        choices: Sequence[Choices | None] | None = None,
    ) -> NDArray[np.int64]:
        """Read or draw the next N characters of the texts in `slots` (B); return their ids (B, N).

        forced_ids: the ids to read (B, N); where it is SAMPLE, an id is drawn with the number in `uniforms` (B, N).
        choices: of each text, the sets of symbols (K, V) that it draws from; where `forced_ids` is SAMPLE - k, an id of
            the set k is drawn. None: there is one set, all symbols.

        Raises:
            BrokenWeightsError: a logit is not finite.
        """
        most = len(self.logits[0])
        settings = (
            np.array([sampling.temperature for sampling in samplings]),
            np.array([min(sampling.top_k, most) for sampling in samplings]),
            np.array([sampling.top_p for sampling in samplings]),
        )
        compiled = functools.partial(kernels.write, *self.decoder.compiled)
        write = compiled if self.decoder.agrees else self._write_by_the_model
        sets = self._stacked(choices or [None] * len(slots))
        written: NDArray[np.int64] = write(
            np.array(slots), self.states, self.logits, forced_ids, uniforms, *sets, *settings
        )
        if not np.isfinite(self.logits[slots]).all():
            raise BrokenWeightsError(self.decoder.name)
        return written

    def _stacked(self, choices: Sequence[Choices | None]) -> tuple[Choices, NDArray[np.int64]]:
        """Return all sets of symbols (M, V), each array once, and the row where those of each text begin (B)."""
        everything = np.ones((1, len(self.logits[0])), np.bool_)
        arrays = {id(one): one for one in (everything if one is None else one for one in choices)}
        begins = dict(zip(arrays, itertools.accumulate(map(len, arrays.values()), initial=0), strict=False))
        rows = [begins[id(everything if one is None else one)] for one in choices]
        return np.concatenate(list(arrays.values())), np.array(rows)

    @torch.inference_mode()
    def _write_by_the_model(
        self,
        slots: NDArray[np.int64],
        states: Array,
        logits: Array,
        forced_ids: NDArray[np.int64],
        uniforms: Numbers,
        allowed: Choices,
        rows: NDArray[np.int64],
        temperature: Numbers,
        top_k: NDArray[np.int64],
        top_p: Numbers,
    ) -> NDArray[np.int64]:
        """Do the same as `kernels.write` with the model's own step, which is slow."""
        written, device = forced_ids.copy(), self.decoder.initial_state(1).device
        for n in range(forced_ids.shape[1]):
            for b in np.flatnonzero(forced_ids[:, n] <= SAMPLE):
                among = allowed[rows[b] + SAMPLE - forced_ids[b, n]]
                written[b, n] = draw(logits[slots[b]], among, uniforms[b, n], temperature[b], top_k[b], top_p[b])
            before = torch.from_numpy(states[slots]).permute(1, 2, 0, 3).to(device)
            next_logits, after = self.decoder.model.step(torch.from_numpy(written[:, n]).to(device), before)
            logits[slots], states[slots] = array(next_logits), array(after.permute(2, 0, 1, 3))
        return written


class Decoder:
    """A model with its weights packed for the compiled loops. It holds no state of a text, so threads may share it.

    agrees: whether the compiled loops compute the model's logits; else the model's own step is used. They do not if a
    cell has a parameter that `recur_units` or `weight_ih` does not contain, of which a warning tells, or if the weights
    are so large that sums overflow.

    Raises:
        ValueError: a weight is not float32.
    """

    def __init__(self, model: CharRNN, name: str = "the model") -> None:
        if others := {weight.dtype for weight in model.parameters()} - {torch.float32}:
            raise ValueError(
                f"{name} has weights of {', '.join(sorted(map(str, others)))}; to generate or score, make them float32 "
                "by model.float()."
            )
        self.model, self.name = model, name
        numbers, weights = pack(model)
        self.compiled = kernels.multiplication(numbers), kernels.recurrence(type(model.layers()[0])), weights
        self._checksums = checksums(model)
        self.agrees = True
        found = self._agreement()
        self.agrees = bool(found)
        if found is False:
            warnings.warn(
                f"the compiled loops do not say what a {type(model.layers()[0]).__name__} says: it is run by its own "
                f"step, which is slow. Its `recur_units` must do what `recur` does, and `project` be one linear map.",
                stacklevel=3,
            )

    def is_current(self) -> bool:
        """Return whether the model's weights have not changed since the decoder was made."""
        return self._checksums == checksums(self.model)

    @torch.inference_mode()
    def _agreement(self) -> bool | None:
        """Return whether generating and scoring some characters give the logits of the model's own step.

        None: the weights are so large that a sum overflows, or not, by the order in which it is added. What the model's
        own step then gives is what counts.
        """
        if not all(bool(weight.abs().sum(-1).isfinite().all()) for weight in self.model.parameters()):
            return None
        ids = [i % self.model.vocab_size for i in range(PROBED)]
        texts, state = DecodeBatch(self, 1), self.initial_state(1)
        scored, _ = self(torch.tensor([ids], device=state.device), state)
        buffers = kernels.new_buffers(self.compiled[2], 1)
        for n, i in enumerate(ids):
            logits, state = self.model.step(torch.tensor([i], device=state.device), state)
            kernels.step(*self.compiled, np.array([i]), np.array([0]), texts.states, texts.logits, buffers)
            expected = array(logits[0])
            if not np.isfinite(expected).all():
                return None
            for other in (texts.logits[0], array(scored[0, n])):
                if not np.abs(other - expected).max() <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
                    return False
        return True

    def initial_state(self, batch_size: int) -> Float[Tensor, "L S B H"]:
        """Return the zero state, with which every text begins."""
        return self.model.initial_state(batch_size)

    def __call__(
        self, tokens: Int[Tensor, "1 T"], state: Float[Tensor, "L S 1 H"]
    ) -> tuple[Float[Tensor, "1 T V"], Float[Tensor, "L S 1 H"]]:
        """Do the same as the model's `forward` for one text, but faster: `kernels.scan` runs the layers."""
        kernel = functools.partial(self._run, tokens[0]) if self.agrees else "scratch"
        found: tuple[Tensor, Tensor] = self.model(tokens, state, kernel=kernel)
        return found

    def begin(self, ids: Sequence[int]) -> tuple[Array, Array, list[int]]:
        """Return the first logits (V) and state (L, S, H) of a text, and the ids of its prompt that are still unread.

        A long prompt is read here. A short one is left to `DecodeBatch.write`, which reads it along with other texts.
        """
        if len(ids) > STEPPED_CHARS:
            return *self.read(ids), []
        layers, kept, _, size = self.initial_state(1).shape
        return np.zeros(self.model.vocab_size, np.float32), np.zeros((layers, kept, size), np.float32), list(ids)

    @torch.inference_mode()
    def read(self, ids: Sequence[int]) -> tuple[Array, Array]:
        """Return the logits (V) and the state (L, S, H) after a prompt of at least one character.

        Raises:
            BrokenWeightsError: a logit is not finite.
        """
        state = self.initial_state(1)
        tokens = torch.as_tensor(ids, dtype=torch.long, device=state.device).unsqueeze(0)
        for chunk in torch.split(tokens, PROMPT_CHUNK, dim=1):
            logits, state = self(chunk, state)
        if not bool(logits[0, -1].isfinite().all()):
            raise BrokenWeightsError(self.name)
        return array(logits[0, -1]), array(state[:, :, 0])

    def _run(self, tokens: Tensor, layer: int, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run one layer of the stack over all tokens; see `Cell.scan`."""
        cell = self.model.layers()[layer]
        if not cell.has_hidden_weights or x.device.type != "cpu":
            return cell.fused(x, state)
        projected = self.compiled[2].projected[tokens.numpy()] if layer == 0 else array(cell.project(x)[:, 0])
        moved = array(state[:, 0]).copy()
        outputs = kernels.scan(*self.compiled, layer, projected, moved)
        return torch.from_numpy(outputs).unsqueeze(1), torch.from_numpy(moved).unsqueeze(1)


def stream(
    decoder: Decoder,
    prompt_ids: Sequence[int],
    max_chars: int,
    sampling: Sampling,
    drawn: int = 0,
    template: Template | None = None,
) -> Iterator[int]:
    """Continue a prompt of at least one id, one id at a time.

    drawn: how many ids at the end of the prompt were generated earlier with this seed. Their uniform numbers are
    skipped, so the text is the same as without the interruption, but for the rounding of reading them at once.
    template: what may stand at each place after the prompt, those of the `drawn` ids included; the text ends with it.

    Raises:
        ValueError: max_chars or drawn is negative, or the template is of another alphabet.
    """
    if max_chars < 0:
        raise ValueError(f"max_chars must be 0 or more, not {max_chars}.")
    if drawn < 0:
        raise ValueError(f"drawn must be 0 or more, not {drawn}.")
    places = places_of(decoder, template, drawn, max_chars)
    return _stream(decoder, prompt_ids, places, sampling, drawn, template)


def _stream(
    decoder: Decoder,
    prompt_ids: Sequence[int],
    places: NDArray[np.int64],
    sampling: Sampling,
    drawn: int,
    template: Template | None,
) -> Iterator[int]:
    texts = DecodeBatch(decoder, 1)
    texts.logits[0], texts.states[0], unread = decoder.begin(prompt_ids)
    forced_ids, numbers = schedule_ids(unread, uniforms(sampling.seed, len(places), drawn), places)
    choices = [template.choices if template else None]
    for start in range(0, len(forced_ids), STREAM_CHARS):
        part = slice(start, start + STREAM_CHARS)
        ids = texts.write([0], forced_ids[None, part], numbers[None, part], [sampling], choices)[0]
        yield from ids[max(0, len(unread) - start) :].tolist()


def places_of(decoder: Decoder, template: Template | None, drawn: int, max_chars: int) -> NDArray[np.int64]:
    """Return what may stand at the next `max_chars` places of a text: SAMPLE; or what its template says, to its end.

    Raises:
        ValueError: the template is of another alphabet.
    """
    if template is None:
        return np.full(max_chars, SAMPLE, np.int64)
    template.check(decoder.model.vocab_size)
    return template.places[drawn : drawn + max_chars]


def schedule_ids(
    unread: Sequence[int], numbers: Numbers, places: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], Numbers]:
    """Return `forced_ids` and `uniforms` of `DecodeBatch.write` for one text: first its unread ids, then its places.

    numbers: those of the places. places: see `places_of`; None: SAMPLE at each.
    """
    after = np.full(len(numbers), SAMPLE, np.int64) if places is None else places
    return np.concatenate((np.array(unread, np.int64), after)), np.concatenate((np.zeros(len(unread)), numbers))


def write_each(
    decoder: Decoder,
    prompt_ids: Sequence[int],
    max_chars: int,
    samplings: Sequence[Sampling],
    is_whole: Callable[[list[int]], bool],
) -> list[list[int]]:
    """Continue a prompt of at least one id once for each sampling, all texts together; return their ids.

    Each text is what `stream` writes, up to `EACH_CHARS` characters longer than where it became whole.
    """
    texts = DecodeBatch(decoder, len(samplings))
    texts.logits[:], texts.states[:], unread = decoder.begin(prompt_ids)
    scheduled = [schedule_ids(unread, uniforms(sampling.seed, max_chars)) for sampling in samplings]
    written: list[list[int]] = [[] for _ in samplings]
    slots = list(range(len(samplings)))
    for start in range(0, len(unread) + max_chars, EACH_CHARS):
        part = slice(start, start + EACH_CHARS)
        forced_ids = np.stack([scheduled[slot][0][part] for slot in slots])
        numbers = np.stack([scheduled[slot][1][part] for slot in slots])
        found = texts.write(slots, forced_ids, numbers, [samplings[slot] for slot in slots])
        for slot, ids, mask in zip(slots, found, forced_ids == SAMPLE, strict=True):
            written[slot] += ids[mask].tolist()
        slots = [slot for slot in slots if not is_whole(written[slot])]
        if not slots:
            break
    return written


def warm_up() -> None:
    """Compile all loops, or load their machine code from the cache; it takes seconds only at the first start."""
    for cell in CELLS:
        for rounded in (False, True):
            model = CharRNN(ModelConfig(cell=cell, hidden_size=kernels.UNROLL, num_layers=1), 2)
            model.reset_parameters("uniform", torch.Generator().manual_seed(0))
            if rounded:
                model.load_state_dict(decode_weights(encode_weights(model.state_dict(), "int8")))
            for _ in stream(Decoder(model), [1], 1, Sampling()):
                pass
