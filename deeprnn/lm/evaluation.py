"""How well a model predicts a text: nats per character, bits per character, perplexity.

Knows: readers of ids. Does not know: files, the page.

One rule everywhere: the state is zero at the start of the text and carried through all of it, the nats
(-ln p) of every predicted character are summed, and the sum is divided once. The first character is context.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

CHUNK = 1024  # characters a forward pass; bounds memory, does not change the result


@dataclass(frozen=True, kw_only=True, repr=False)
class Score:
    """How a model found a text.

    nats: -ln p of each character after the first, in order (nats[i] belongs to character i + 1); see `per_character`.
    unknown: positions in the text, from 0, of characters outside the model's alphabet. They are counted in
        every figure, at the price the model puts on its unknown symbol.
    symbols: how many the model predicted, by which the figures are divided. Other than `len(nats)` only where the text
        has CR LF, which is read as one symbol, or an em dash, which is read as two: so the figures are those of the
        same text with LF and two hyphens.
    """

    nats: list[float]
    unknown: list[int]
    symbols: int

    @property
    def mean_nats(self) -> float:
        """Nats per predicted symbol."""
        return math.fsum(self.nats) / self.symbols

    def __repr__(self) -> str:
        """The figures, not the lists."""
        return f"Score(ppl={self.ppl:.4f}, symbols={self.symbols}, unknown: {len(self.unknown)})"

    @property
    def bpc(self) -> float:
        """Bits per predicted character."""
        return self.mean_nats / math.log(2)

    @property
    def ppl(self) -> float:
        """Perplexity per character, exp(mean nats): 1 is certainty, the alphabet's size is uniform guessing."""
        return math.exp(self.mean_nats)


@runtime_checkable
class Reader(Protocol):
    """What reads texts: a `CharRNN`, or a `Decoder` of one."""

    def initial_state(self, batch_size: int) -> Float[Tensor, "L S B H"]:
        """The zero state that every text begins with."""
        ...

    def __call__(
        self, tokens: Int[Tensor, "B T"], state: Float[Tensor, "L S B H"]
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, "L S B H"]]:
        """Read T characters in every lane: logits of the next character after each, and the state after the last."""
        ...


@torch.inference_mode()
def nats_per_char(model: Reader, ids: Int[Tensor, " N"]) -> Float[Tensor, " N-1"]:
    """-ln p of each character after the first, the state carried through the whole text; float64, on the CPU.

    Raises:
        ValueError: fewer than two characters.
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


def per_character(nats: Sequence[float], owners: Sequence[int], length: int) -> list[float]:
    """The nats of each character of a text of `length` after the first, from those of each symbol after the first.

    owners: the position that each symbol stands for; see `vocab.owners`. The nats of a character that is read as two
    symbols are added; one that is not read has 0. What a first character's second symbol costs goes to the next one.
    """
    found = [0.0] * (length - 1)
    for value, position in zip(nats, owners[1:], strict=True):
        found[max(position - 1, 0)] += value
    return found


def mixture(nats: Float[Tensor, "M N"], weights: Sequence[float]) -> Float[Tensor, " N"]:
    """-ln of the weighted mean of M models' probabilities of each character, given each one's -ln p of it."""
    logs = torch.tensor(weights, dtype=torch.float64).log().unsqueeze(1)
    return -torch.logsumexp(logs - nats, 0)


def unigram_ppl(train_ids: Int[Tensor, " N"], ids: Int[Tensor, " M"], vocab_size: int) -> float:
    """Perplexity on `ids` after the first of knowing only how often each symbol occurs in `train_ids`.

    Counts are smoothed by adding one to each of the `vocab_size` symbols.
    """
    counts = torch.bincount(train_ids, minlength=vocab_size).double() + 1
    return math.exp(-(counts / counts.sum()).log()[ids[1:]].mean().item())
