"""Whose text a piece of text sounds like: a judge with one character n-gram for each author.

Knows: texts, n-grams. Does not know: who the authors are, models, where pieces come from.

A piece is given to the author whose n-gram predicts it best; all authors are equally probable before. The probabilities
of the authors that Bayes' rule gives are not reported: they take characters for independent, so over 500 of them they
are almost always 0 or 1, and say nothing of how mixed a piece is. Two figures do, beside those of real text:

    margin      by how many nats a character the best author is ahead of the second, in the whole piece
    neighbours  whether short stretches, one after the other, sound like the same authors: 1 if they say the same of the
                authors, 0 if one says nothing of the next. A text whose author changes has a small margin, but its
                neighbours agree for as long as each author lasts; in a style between the authors they do not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from deeprnn.documents import Node
from deeprnn.measure.baselines import NGram
from deeprnn.measure.metrics import MAX_NATS
from deeprnn.text.vocab import Vocab


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the judge says of some pieces.

    given: how many pieces each author is given, of all authors. margins, neighbours: for each piece; see the module.
    """

    given: dict[str, int]
    margins: tuple[float, ...]
    neighbours: tuple[float, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read what was said of some pieces, of which there is one at least; each was given to one author."""
        given = {author: count.whole() for author, count in node["given"].entries().items()}
        margins, neighbours = node["margins"].numbers(0, MAX_NATS), node["neighbours"].numbers(-1, 1)
        if not margins or {sum(given.values()), len(neighbours)} != {len(margins)}:
            raise node["margins"].refusal("one for each piece that is given, as neighbours are")
        return cls(given=given, margins=margins, neighbours=neighbours)

    @classmethod
    def together(cls, every: Iterable["Judged"]) -> Self:
        """Return what was said of the pieces of several of these; there must be one, all by the same judge."""
        several = list(every)
        return cls(
            given={author: sum(one.given[author] for one in several) for author in several[0].given},
            margins=tuple(margin for one in several for margin in one.margins),
            neighbours=tuple(cosine for one in several for cosine in one.neighbours),
        )


class Judge:
    """One n-gram for each author, with the alphabet of all their texts."""

    def __init__(self, texts: Mapping[str, str], order: int, stretch: int) -> None:
        """Count the text of each author.

        texts: in the form `full`, by author. stretch: characters of one of the neighbours.

        Raises:
            ValueError: there are fewer than two authors, or their texts are not equally long or shorter than `order`.
        """
        if len(texts) < 2 or len({len(text) for text in texts.values()}) > 1:
            raise ValueError("a judge needs texts of equal length by two authors or more.")
        self._stretch = stretch
        self._vocab = Vocab.from_text("".join(texts.values()), "full")
        encode, size = self._vocab.encode, len(self._vocab)
        self._ngrams = {author: NGram.build(encode(text), size, order) for author, text in texts.items()}

    def judge(self, pieces: Iterable[str]) -> Judged:
        """Judge pieces, each of two stretches or more; the first character of each is only context."""
        authors, given = list(self._ngrams), Counter[str]()
        margins, neighbours = list[float](), list[float]()
        for piece in pieces:
            ids = self._vocab.encode(piece)
            nats = np.stack([ngram.nats(ids).numpy() for ngram in self._ngrams.values()], axis=1)  # characters, authors
            means = nats.mean(axis=0)
            best, second = means.argsort()[:2]
            given[authors[best]] += 1
            margins.append(round(float(means[second] - means[best]), 4))
            sums = np.add.reduceat(nats, range(0, len(nats), self._stretch), axis=0)
            neighbours.append(round(_cosine_of_neighbours(sums - sums.mean(axis=1, keepdims=True)), 4))
        return Judged(
            given={author: given[author] for author in authors}, margins=tuple(margins), neighbours=tuple(neighbours)
        )


def _cosine_of_neighbours(rows: Float64[np.ndarray, "S A"]) -> float:
    """Return the cosine between all rows but the last and all but the first, each as one vector; 0 if one is 0."""
    one, other = rows[:-1].ravel(), rows[1:].ravel()
    lengths = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / lengths if lengths else 0.0
