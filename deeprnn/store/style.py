"""The records in `results.json` of whom texts sound like: those that models write, and real ones.

Knows: what `measure.style` says, its JSON form. Does not know: how texts are written or judged.
"""

from dataclasses import dataclass
from typing import Self

from deeprnn.config import StrictConfig
from deeprnn.documents import Node
from deeprnn.measure.metrics import MAX_TEMPERATURE
from deeprnn.measure.style import Judged
from deeprnn.store.temperatures import at_temperature

MIXED = "mixed"  # the name of real pieces that are each of several authors


@dataclass(frozen=True, kw_only=True)
class StyleMethod(StrictConfig):
    """How it was measured whom texts sound like."""

    order: int
    """Of the judge's n-grams."""
    judge_chars: int
    """That the judge has read of each author."""
    piece: int
    """Characters of a piece."""
    stretch: int
    """Characters of each of the neighbours in a piece."""
    mixed: int
    """Characters after which a mixed piece changes its author."""
    before: int
    """Characters of held-out text before a piece, which a model reads."""
    pieces: int
    """Of each author's held-out part, and of those after it that a model writes."""
    prompt: str
    """What a model reads before pieces that come after no author."""
    free_pieces: int
    """Of those."""


@dataclass(frozen=True, kw_only=True)
class StyleSample:
    """What a model writes at one temperature, judged.

    free: after the method's prompt, with the seeds from 0 on. after: after the held-out text of each author.
    """

    temperature: float
    free: Judged
    after: dict[str, Judged]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of one temperature."""
        return cls(
            temperature=node["temperature"].number(0, MAX_TEMPERATURE),
            free=Judged.read(node["free"]),
            after={author: Judged.read(one) for author, one in node["after"].entries().items()},
        )


@dataclass(frozen=True, kw_only=True)
class Style:
    """Whom the texts of one model sound like."""

    weights_sha256: str
    method: StyleMethod
    samples: tuple[StyleSample, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of one model."""
        return cls(
            weights_sha256=node["weights_sha256"].text(64, 64),
            method=node["method"].config(StyleMethod),
            samples=tuple(map(StyleSample.read, node["samples"].items())),
        )

    def at(self, temperature: float) -> StyleSample:
        """Return what was written at a temperature.

        Raises:
            LookupError: nothing was.
        """
        return at_temperature(self.samples, temperature, "texts")


@dataclass(frozen=True, kw_only=True)
class RealStyle:
    """Whom real texts sound like."""

    method: StyleMethod
    judged: Judged

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of some texts."""
        return cls(method=node["method"].config(StyleMethod), judged=Judged.read(node["judged"]))


def other_books(author: str) -> str:
    """Return the name of the real pieces of other books by an author than the judge has read."""
    return f"{author}, other books"
