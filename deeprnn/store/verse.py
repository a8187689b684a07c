"""The records in `results.json` of the form that poems keep: those of models, of n-grams, and real ones.

Knows: counts of `measure.verse`, their JSON form. Does not know: how poems are written or counted.
"""

from dataclasses import dataclass
from typing import Self

from deeprnn.documents import Node
from deeprnn.measure.metrics import MAX_LABEL, MAX_NATS, MAX_TEMPERATURE
from deeprnn.measure.verse import Count, VerseCounts
from deeprnn.store.temperatures import at_temperature


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """The form of poems that were written at one temperature, one for each seed from 0 on."""

    temperature: float
    counts: VerseCounts

    @classmethod
    def read_each(cls, node: Node) -> tuple[Self, ...]:
        """Read the records of several temperatures."""
        return tuple(
            cls(temperature=one["temperature"].number(0, MAX_TEMPERATURE), counts=VerseCounts.read(one["counts"]))
            for one in node.items()
        )


@dataclass(frozen=True, kw_only=True)
class Verse:
    """The form of the poems of one model.

    prompt: what each poem continues. max_chars: where a poem without an end is cut off.
    """

    weights_sha256: str
    prompt: str
    max_chars: int
    samples: tuple[Sampled, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of one model."""
        return cls(
            weights_sha256=node["weights_sha256"].text(64, 64),
            prompt=node["prompt"].text(MAX_LABEL),
            max_chars=node["max_chars"].whole(1),
            samples=Sampled.read_each(node["samples"]),
        )

    def at(self, temperature: float) -> VerseCounts:
        """Return the counts at a temperature.

        Raises:
            LookupError: no poems were written at it.
        """
        return at_temperature(self.samples, temperature, "poems").counts


@dataclass(frozen=True, kw_only=True)
class VerseNGram:
    """The nats per held-out character of an n-gram, and the form of the poems that it writes."""

    order: int
    nats: float
    samples: tuple[Sampled, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of one n-gram."""
        return cls(
            order=node["order"].whole(1),
            nats=node["nats"].number(0, MAX_NATS),
            samples=Sampled.read_each(node["samples"]),
        )

    def at(self, temperature: float) -> VerseCounts:
        """Return the counts at a temperature; see `Verse.at`."""
        return at_temperature(self.samples, temperature, "poems").counts


@dataclass(frozen=True, kw_only=True)
class VerseText:
    """The form of the real poems of a text's held-out part, and the n-grams of its training part.

    variants: of the real poems, those that share at least half of their lines with one training poem.
    """

    heldout: VerseCounts
    variants: Count
    ngrams: tuple[VerseNGram, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the record of one text."""
        return cls(
            heldout=VerseCounts.read(node["heldout"]),
            variants=Count.read(node["variants"]),
            ngrams=tuple(map(VerseNGram.read, node["ngrams"].items())),
        )
