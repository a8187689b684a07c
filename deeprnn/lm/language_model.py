"""A trained model together with its alphabet: what `deeprnn.load` returns.

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
from deeprnn.lm.decoder import BrokenWeightsError, Decoder, stream
from deeprnn.lm.evaluation import Score, nats_per_char, per_character
from deeprnn.lm.sampling import Sampling, distribution
from deeprnn.nn.model import CharRNN
from deeprnn.text.vocab import UNKNOWN_ID, Vocab, owners

MAX_CHARS = 10**8  # that can be asked for at once
MAX_MEAN_NATS = 700  # beyond it a perplexity is no number


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A character language model; it holds no state between calls, so threads may share it.

    Its weights may be changed between calls, in whichever way: every call compares them with those that the decoder was
    made of. It can be pickled and copied.
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
        """What writes and reads texts, fast; made when it is first asked for, of the weights as they are then."""
        return Decoder(self.model, self.name)

    def __getstate__(self) -> dict[str, Any]:
        """All but the decoder, which is machine code."""
        return {name: value for name, value in self.__dict__.items() if name != "decoder"}

    def _current(self) -> Decoder:
        """The decoder of the weights as they are now."""
        decoder = self.decoder
        if decoder.is_current():
            return decoder
        self.__dict__.pop("decoder", None)
        return self.decoder

    def _nats(self, ids: Sequence[int]) -> list[float]:
        nats = nats_per_char(self._current(), torch.tensor(ids, dtype=torch.long))
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

        written: what this model wrote after the prompt before, with the same seed; it goes on after that as if it had
        never stopped.
        """
        sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        max_chars = whole("max_chars", max_chars)
        if max_chars > MAX_CHARS:
            raise ValueError(f"max_chars must be at most {MAX_CHARS:,}.")
        ids = self.prompt_ids(prompt, written)
        drawn = len(self.vocab.encode(written))
        return (self.vocab.decode([i]) for i in stream(self._current(), ids, max_chars, sampling, drawn))

    def generate(
        self,
        prompt: str,
        max_chars: int = 200,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """The continuation of `prompt`: exactly `max_chars` characters, without the prompt.

        The prompt is folded into the model's alphabet (`vocab.fold`) and may be of any length; characters outside it
        are read as the unknown symbol. An empty prompt is read as a line break, or a space where the alphabet has
        no line break. temperature 0 is greedy; the same seed gives the same text; see `Sampling`.

        Raises:
            ValueError: a sampling value is outside its range, max_chars is negative, or the model's weights overflow.
            TypeError: a value is of the wrong type; the message names it.
        """
        return "".join(self.stream(prompt, max_chars, temperature, top_k, top_p, seed))

    def next_char(self, prompt: str, k: int = 10) -> list[tuple[str, float]]:
        """The k most probable next characters with their probabilities at temperature 1, the likeliest first.

        Raises:
            ValueError: k is below 1.
        """
        k = whole("k", k)
        if k < 1:
            raise ValueError(f"k must be 1 or more, not {k}.")
        logits, _ = self._current().read(self.prompt_ids(prompt))
        probabilities = distribution(logits, Sampling(temperature=1.0))
        likeliest = (-probabilities).argsort(kind="stable")[: min(k, len(logits) - 1)]
        return [(self.vocab.decode([int(i)]), float(probabilities[i])) for i in likeliest]

    def surprise(self, prompt: str, text: str) -> list[float]:
        """-ln p of each character of `text` after `prompt`, in nats, at temperature 1; see `per_character`."""
        ids, places = self.prompt_ids(prompt, checked_text("text", text)), owners(text)
        if not text:
            return []
        return per_character(self._nats(ids)[-len(places) :], [-1, *(p + 1 for p in places)], len(text) + 1)

    def prompt_ids(self, prompt: str, written: str = "") -> list[int]:
        """What is read before the next character: the prompt, or what stands for an empty one, and what was written."""
        checked_text("prompt", prompt)
        checked_text("written", written)
        return (self.vocab.encode(prompt) or [self.vocab.start_id]) + self.vocab.encode(written)

    def score(self, text: str) -> Score:
        """How improbable the model finds each character of `text` after the first, in nats.

        Raises:
            ValueError: fewer than two characters, or the model's weights overflow. TypeError: `text` is no string.
        """
        ids, places = self.vocab.encode(checked_text("text", text)), owners(text)
        if len(text) < 2 or len(ids) < 2:
            raise ValueError("scoring needs at least two characters: the first is context for the second.")
        unknown = dict.fromkeys(place for place, i in zip(places, ids, strict=True) if i == UNKNOWN_ID)
        nats = per_character(self._nats(ids), places, len(text))
        return Score(nats=nats, unknown=list(unknown), symbols=len(ids) - 1)
