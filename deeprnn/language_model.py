"""A trained model together with its alphabet: what `deeprnn.load` returns.

Knows: model, vocabulary, sampling and scoring. Does not know: files, training, the page.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from deeprnn.config import ModelConfig
from deeprnn.decoding import Decoder, stream
from deeprnn.evaluation import Score, nats_per_char
from deeprnn.model import CharRNN
from deeprnn.sampling import Sampling, distribution
from deeprnn.vocab import UNKNOWN_ID, Vocab


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A character language model; it holds no state between calls, so threads may share it."""

    name: str
    model: CharRNN
    vocab: Vocab

    @property
    def config(self) -> ModelConfig:
        """The architecture."""
        return self.model.config

    @functools.cached_property
    def decoder(self) -> Decoder:
        """What writes and reads texts, fast; made when it is first asked for."""
        return Decoder(self.model)

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
        sampling = Sampling(temperature=float(temperature), top_k=top_k, top_p=float(top_p), seed=seed)
        ids = self.prompt_ids(prompt, written)
        return (self.vocab.decode([i]) for i in stream(self.decoder, ids, max_chars, sampling, len(written)))

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
            ValueError: a sampling value is outside its range, or max_chars is negative.
        """
        return "".join(self.stream(prompt, max_chars, temperature, top_k, top_p, seed))

    def next_char(self, prompt: str, k: int = 10) -> list[tuple[str, float]]:
        """The k most probable next characters with their probabilities at temperature 1, the likeliest first.

        Raises:
            ValueError: k is below 1.
        """
        if k < 1:
            raise ValueError(f"k must be 1 or more, not {k}.")
        logits, _ = self.decoder.read(self.prompt_ids(prompt))
        probabilities = distribution(logits, Sampling(temperature=1.0))
        likeliest = (-probabilities).argsort(kind="stable")[: min(k, len(logits) - 1)]
        return [(self.vocab.decode([int(i)]), float(probabilities[i])) for i in likeliest]

    def surprise(self, prompt: str, text: str) -> list[float]:
        """-ln p of each character of `text` after `prompt`, in nats, at temperature 1."""
        ids = self.prompt_ids(prompt, text)
        return nats_per_char(self.decoder, torch.tensor(ids))[len(ids) - len(text) - 1 :].tolist() if text else []

    def prompt_ids(self, prompt: str, written: str = "") -> list[int]:
        """What is read before the next character: the prompt, or what stands for an empty one, and what was written."""
        return (self.vocab.encode(prompt) or [self.vocab.start_id]) + self.vocab.encode(written)

    def score(self, text: str) -> Score:
        """How improbable the model finds each character of `text` after the first, in nats.

        Raises:
            ValueError: fewer than two characters.
        """
        ids = self.vocab.encode(text)
        unknown = [position for position, i in enumerate(ids) if i == UNKNOWN_ID]
        return Score(nats=nats_per_char(self.decoder, torch.tensor(ids, dtype=torch.long)).tolist(), unknown=unknown)
