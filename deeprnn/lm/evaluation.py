"""How well a model predicts a text: nats per character, bits per character, perplexity.

Knows: models or decoders that read ids. Does not know: files, the page.

The rule: the state is zero at the start of the text and carried through all of it; the nats (-ln p) of all predicted
characters are added, and the sum is divided once. The first character is only context. Figures that begin with a zero
state more often (`cold_256`, those in lanes) say so where they are made, in `deeprnn.train.measurement`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

CHUNK = 1024  # characters per forward pass; it limits memory and does not change the result


@dataclass(frozen=True, kw_only=True, repr=False)
class Score:
    """How well a model predicts a text.

    nats: -ln p of each character after the first, in order (nats[i] belongs to character i + 1); see `per_character`.
    unknown: positions in the text, from 0, of characters outside the model's alphabet. Every figure includes them, with
        the probability that the model gives to its unknown symbol; but not the first character, which is only context.
    symbol_nats: -ln p of each symbol that the model predicted, of which the figures are made. They are more or fewer
        than `nats` only if the text has an em dash, which is read as two symbols, or CR LF, which is read as one. So
        the figures are those of the same text with two hyphens and LF.
    """

    nats: list[float]
    unknown: list[int]
    symbol_nats: list[float]

    @property
    def symbols(self) -> int:
        """How many symbols the model predicted."""
        return len(self.symbol_nats)

    @property
    def mean_nats(self) -> float:
        """Nats per predicted symbol."""
        return math.fsum(self.symbol_nats) / self.symbols

    def __repr__(self) -> str:
        """Return the figures without the lists."""
        return f"Score(ppl={self.ppl:.4f}, symbols={self.symbols}, unknown: {len(self.unknown)})"

    @property
    def bpc(self) -> float:
        """Bits per predicted symbol."""
        return self.mean_nats / math.log(2)

    @property
    def ppl(self) -> float:
        """Perplexity per predicted symbol, exp(mean nats): 1 is certainty, the alphabet's size is uniform guessing."""
        return math.exp(self.mean_nats)


@runtime_checkable
class Reader(Protocol):
    """A model that reads texts: a `CharRNN`, or the `Decoder` of one."""

    def initial_state(self, batch_size: int) -> Float[Tensor, "L S B H"]:
        """Return the zero state, with which every text begins."""
        ...

    def __call__(
        self, tokens: Int[Tensor, "B T"], state: Float[Tensor, "L S B H"]
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, "L S B H"]]:
        """Read T characters in every lane; return the logits after each of them and the state after the last."""
        ...


@torch.inference_mode()
def nats_per_char(model: Reader, ids: Int[Tensor, " N"]) -> Float[Tensor, " N-1"]:
    """Return -ln p of each character after the first, with the state carried through the text; float64, on the CPU.

    Raises:
        ValueError: there are fewer than two characters.
    """
    state = model.initial_state(1)
    tokens = ids.to(state.device).unsqueeze(0)
    if tokens.shape[1] < 2:
        raise ValueError("scoring needs at least two characters: the first is context for the second.")
    nats = []
    for start in range(0, tokens.shape[1] - 1, CHUNK):
        chunk = tokens[:, start : start + CHUNK + 1]
        logits, state = model(chunk[:, :-1], state)
        nats.append(F.cross_entropy(logits[0].double(), chunk[0, 1:], reduction="none"))
    return torch.cat(nats).cpu()


def per_character(nats: Sequence[float], positions: Sequence[int], length: int) -> list[float]:
    """Return the nats of each character after the first, from the nats of each symbol after the first.

    positions: the position of each symbol in the text; see `vocab.source_positions`. length: that of the text.
    The nats of a character that is read as two symbols are added; a character that is not read has 0. If the first
    character is read as two symbols, the nats of the second symbol are added to the next character.
    """
    found = [0.0] * (length - 1)
    for value, position in zip(nats, positions[1:], strict=True):
        found[max(position - 1, 0)] += value
    return found


def mixture(nats: Float[Tensor, "M N"], weights: Sequence[float]) -> Float[Tensor, " N"]:
    """Return -ln of the weighted mean of M models' probabilities of each symbol, from -ln p of each model.

    Of a character that is read as two symbols it is the mean for each: see `per_character`, which comes after it.
    """
    logs = torch.tensor(weights, dtype=torch.float64).log().unsqueeze(1)
    return -torch.logsumexp(logs - nats, 0)


def unigram_ppl(train_ids: Int[Tensor, " N"], ids: Int[Tensor, " M"], vocab_size: int) -> float:
    """Return the perplexity of `ids` after the first, predicted from how often each symbol occurs in `train_ids`.

    The counts are smoothed: one is added to that of each of the `vocab_size` symbols.
    """
    counts = torch.bincount(train_ids, minlength=vocab_size).double() + 1
    return math.exp(-(counts / counts.sum()).log()[ids[1:]].mean().item())
