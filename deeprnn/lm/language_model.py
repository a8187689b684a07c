"""A trained model with its alphabet, which `deeprnn.load` returns.

Knows: model, vocabulary, sampling and scoring. Does not know: files, training, the page.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from deeprnn.checks import text as checked_text
from deeprnn.checks import whole
from deeprnn.config import ModelConfig
from deeprnn.lm.decoder import EACH_CHARS, BrokenWeightsError, Decoder, stream, write_each
from deeprnn.lm.evaluation import Score, nats_per_char, per_character
from deeprnn.lm.sampling import Sampling, distribution
from deeprnn.lm.template import Template
from deeprnn.nn.model import CharRNN
from deeprnn.text.vocab import UNKNOWN_ID, Vocab, source_positions

MAX_CHARS = 10**8  # the most characters in one call
MAX_MEAN_NATS = 700  # above it, the perplexity overflows


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A character language model; it holds no state between calls, so threads may share it.

    Its weights may be changed between calls: every call checks them, and makes a new decoder if they have changed. The
    object can be pickled and copied.
    """

    name: str
    model: CharRNN
    vocab: Vocab

    @property
    def config(self) -> ModelConfig:
        """The architecture."""
        return self.model.config

    @functools.cached_property
    def decoder(self) -> Decoder:
        """The decoder, which generates and reads texts fast; it is made from the weights at the first access."""
        return Decoder(self.model, self.name)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes without the decoder, which contains machine code."""
        return {name: value for name, value in self.__dict__.items() if name != "decoder"}

    def _current_decoder(self) -> Decoder:
        """Return a decoder of the present weights."""
        decoder = self.decoder
        if decoder.is_current():
            return decoder
        self.__dict__.pop("decoder", None)
        return self.decoder

    def _nats(self, ids: Sequence[int]) -> list[float]:
        nats = nats_per_char(self._current_decoder(), torch.tensor(ids, dtype=torch.long))
        if not bool(nats.isfinite().all()) or nats.mean() > MAX_MEAN_NATS:
            raise BrokenWeightsError(self.name)
        found: list[float] = nats.tolist()
        return found

    def stream(
        self,
        prompt: str,
        max_chars: int = 200,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        written: str = "",
    ) -> Iterator[str]:
        """Continue `prompt`, one character at a time; see `generate`.

        written: the text that this model generated earlier after the same prompt with the same seed. The new text
        continues it and is the same as without the interruption, unless the rounding of a long `written`, which is read
        at once rather than one character at a time, decides on a character, which is rare.
        """
        sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        max_chars = whole("max_chars", max_chars)
        if max_chars > MAX_CHARS:
            raise ValueError(f"max_chars must be at most {MAX_CHARS:,}.")
        ids = self.prompt_ids(prompt, written)
        drawn = len(self.vocab.encode(written))
        return (self.vocab.decode([i]) for i in stream(self._current_decoder(), ids, max_chars, sampling, drawn))

    def generate(
        self,
        prompt: str,
        max_chars: int = 200,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """Return the continuation of `prompt`: exactly `max_chars` characters, without the prompt.

        The prompt may have any length; `vocab.fold` converts it, and characters outside the model's alphabet are read
        as the unknown symbol. An empty prompt is replaced by a line break, or by a space if the alphabet has no line
        break, or by the unknown symbol if it has neither. temperature 0 is greedy; the same seed gives the same
        text; see `Sampling`.

        Raises:
            ValueError: a sampling value is outside its range, max_chars is negative, or the model's weights overflow.
            TypeError: a value has the wrong type; the message names it.
        """
        return "".join(self.stream(prompt, max_chars, temperature, top_k, top_p, seed))

    def fill(
        self,
        template: Template,
        prompt: str = "",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """Return a text after `prompt` that has at each place what the template allows; see `generate`.

        Raises:
            ValueError: the template is of another alphabet, a sampling value is outside its range, or the model's
                weights overflow.
            TypeError: a value has the wrong type; the message names it.
        """
        sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        ids = self.prompt_ids(prompt)
        return self.vocab.decode(stream(self._current_decoder(), ids, len(template), sampling, template=template))

    def generate_each(
        self,
        prompt: str,
        seeds: Sequence[int],
        max_chars: int = 200,
        temperature: float = 0.8,
        end: str = "",
        top_k: int = 0,
        top_p: float = 1.0,
    ) -> list[str]:
        """Return the continuation of `prompt` for each seed; they are written together, about twice as fast.

        Each is what `generate` returns for its seed, cut before the first `end`, if that is given and is there.

        Raises:
            ValueError: see `generate`.
        """
        samplings = [Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed) for seed in seeds]
        decode = self.vocab.decode
        if not 0 <= whole("max_chars", max_chars) <= MAX_CHARS:
            raise ValueError(f"max_chars must be from 0 to {MAX_CHARS:,}, not {max_chars}.")
        if not samplings:
            return []
        texts = write_each(
            self._current_decoder(),
            self.prompt_ids(prompt),
            max_chars,
            samplings,
            lambda ids: bool(end) and end in decode(ids[-EACH_CHARS - len(end) :]),
        )
        return [decode(ids).partition(end)[0] if end else decode(ids) for ids in texts]

    def next_char(self, prompt: str, k: int = 10) -> list[tuple[str, float]]:
        """Return the k most probable next characters and their probabilities at temperature 1, most probable first.

        As in generating, the unknown symbol is left out, and the others have its share; `score` counts it.

        Raises:
            ValueError: k is below 1, or the model's weights overflow.
            TypeError: k is no whole number, or `prompt` no string.
        """
        k = whole("k", k)
        if k < 1:
            raise ValueError(f"k must be 1 or more, not {k}.")
        logits, _ = self._current_decoder().read(self.prompt_ids(prompt))
        probabilities = distribution(logits, Sampling(temperature=1.0))
        likeliest = (-probabilities).argsort(kind="stable")[: min(k, len(logits) - 1)]
        return [(self.vocab.decode([int(i)]), float(probabilities[i])) for i in likeliest]

    def surprise(self, prompt: str, text: str) -> list[float]:
        """Return -ln p (nats) of each character of `text` after `prompt`, at temperature 1; see `per_character`.

        Raises:
            ValueError: the model's weights overflow.
            TypeError: `prompt` or `text` is not a string.
        """
        ids, places = self.prompt_ids(prompt, checked_text("text", text)), source_positions(text)
        if not text:
            return []
        return per_character(self._nats(ids)[-len(places) :], [-1, *(p + 1 for p in places)], len(text) + 1)

    def prompt_ids(self, prompt: str, written: str = "") -> list[int]:
        """Return the ids to read before the next character: the prompt (`start_id` if it is empty), then `written`."""
        checked_text("prompt", prompt)
        checked_text("written", written)
        return (self.vocab.encode(prompt) or [self.vocab.start_id]) + self.vocab.encode(written)

    def score(self, text: str) -> Score:
        """Return how well the model predicts each character of `text` after the first.

        Raises:
            ValueError: `text` has fewer than two characters, or the model's weights overflow.
            TypeError: `text` is not a string.
        """
        ids, places = self.vocab.encode(checked_text("text", text)), source_positions(text)
        if len(text) < 2 or len(ids) < 2:
            raise ValueError("scoring needs at least two characters: the first is context for the second.")
        unknown = dict.fromkeys(place for place, i in zip(places, ids, strict=True) if i == UNKNOWN_ID)
        nats = self._nats(ids)
        return Score(nats=per_character(nats, places, len(text)), unknown=list(unknown), symbol_nats=nats)
