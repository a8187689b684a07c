"""Whom the texts of models of one author and of several sound like, beside real text, for `results.json`.

Knows: the authors, finished runs, how much is written and judged. Does not know: how a piece is judged, the page.

The judge reads as many characters of each author's own text, all from its training part. Real pieces are from the
held-out parts; a model continues the characters before each of them.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from deeprnn.config import TrainConfig
from deeprnn.experiments.authors import AUTHORS, OWN_TEXT
from deeprnn.experiments.style import FEW
from deeprnn.measure.style import Judge
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.results import RunRecord
from deeprnn.store.style import MIXED, RealStyle, Style, StyleMethod, StyleSample, other_books
from deeprnn.text.batches import split
from deeprnn.text.catalogue import catalogue
from deeprnn.text.corpora import load_corpus

METHOD = StyleMethod(
    order=5,
    judge_chars=161_000,  # the training part of the shortest text has 161,081
    piece=500,
    stretch=25,
    mixed=50,
    before=300,
    pieces=35,  # there is no room for more in the held-out part of the shortest text
    prompt="\n\n",
    free_pieces=200,
)
TEMPERATURES = (1.0, 0.8)
RECIPES = frozenset((FEW, *(f"{kind}-{who}" for kind in ("author", "shelf") for who in (*AUTHORS, "five"))))


def has_style(run: RunRecord) -> bool:
    """Return whether a run finished that has read one author, or all five of them without marks."""
    return bool(run.final) and run.recipe in RECIPES


def style_of(info: CheckpointInfo, known: Style | None) -> Style:
    """Judge what a run writes at each of `TEMPERATURES`.

    known: an earlier result, which is returned if the weights and the method are the same.

    Raises:
        ValueError: the checkpoint is broken, or a text cannot be loaded.
    """
    begun = Style(weights_sha256=info.weights_sha256, method=METHOD, samples=())
    written = tuple(one.temperature for one in known.samples) if known else ()
    if known and replace(known, samples=()) == begun and written == TEMPERATURES:
        return known
    lm, judge = checkpoint.load(info.path), _judge(METHOD).judge

    def sample(temperature: float) -> StyleSample:
        def after(author: str, seed: int) -> Iterator[str]:  # with the same seed all would soon write the same text
            for place, (before, _) in enumerate(passages(_parts(author)["heldout"], METHOD)):
                yield lm.generate(before, METHOD.piece, temperature, seed=seed + place)

        free = lm.generate_each(METHOD.prompt, range(METHOD.free_pieces), METHOD.piece, temperature)
        return StyleSample(
            temperature=temperature,
            free=judge(free),
            after={author: judge(after(author, at * METHOD.pieces)) for at, author in enumerate(OWN_TEXT)},
        )

    return replace(begun, samples=tuple(map(sample, TEMPERATURES)))


def style_of_texts(known: dict[str, RealStyle]) -> dict[str, RealStyle]:
    """Judge real pieces of each author, of other books by the same authors, and `MIXED` ones.

    known: an earlier result, which is returned if the method is the same.

    Raises:
        ValueError: a text cannot be loaded, or is too short.
    """
    if known and all(one.method == METHOD for one in known.values()):
        return known
    real = {author: [piece for _, piece in passages(_parts(author)["heldout"], METHOD)] for author in OWN_TEXT}
    other = {other_books(author): found for author in OWN_TEXT if (found := _pieces_of_other_books(author))}
    judge = _judge(METHOD).judge
    every = real | other | {MIXED: mixed(real, METHOD.mixed)}
    return {name: RealStyle(method=METHOD, judged=judge(pieces)) for name, pieces in every.items()}


def passages(text: str, method: StyleMethod) -> list[tuple[str, str]]:
    """Return pieces at equal distances, each with the characters before it; no two pieces overlap.

    Raises:
        ValueError: the text is too short.
    """
    room = len(text) - method.before
    if room < method.pieces * method.piece:
        raise ValueError(f"{len(text)} characters are too few for {method.pieces} pieces of {method.piece}.")
    distance = room // method.pieces
    places = range(method.before, method.before + method.pieces * distance, distance)
    return [(text[at - method.before : at], text[at : at + method.piece]) for at in places]


def mixed(pieces: Mapping[str, Sequence[str]], every: int) -> list[str]:
    """Return as many pieces, in which the next author goes on after every so many characters, at the same place."""
    return [
        "".join(row[(first + k) % len(row)][at : at + every] for k, at in enumerate(range(0, len(row[0]), every)))
        for row in zip(*pieces.values(), strict=True)
        for first in range(len(row))
    ]


def _pieces_of_other_books(author: str) -> list[str]:
    """Return pieces of each catalogued text of an author that is not the own text."""
    own, entries = OWN_TEXT[author], catalogue()
    by = entries[own].author if own in entries else None
    books = [load_corpus(name, "full").text for name, one in entries.items() if one.author == by and name != own]
    return [piece for book in books for _, piece in passages(book, METHOD)]


def _parts(author: str) -> dict[str, str]:
    """Return the training part of an author's own text, and what is held out: validation and test."""
    text = load_corpus(OWN_TEXT[author], "full").text
    end = split(len(text), TrainConfig.train_fraction, TrainConfig.val_fraction)["train"][1]
    return {"train": text[:end], "heldout": text[end:]}


@functools.lru_cache(maxsize=1)
def _judge(method: StyleMethod) -> Judge:
    texts = {author: _parts(author)["train"][: method.judge_chars] for author in OWN_TEXT}
    return Judge(texts, method.order, method.stretch)
