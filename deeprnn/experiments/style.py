"""Style: whether a model of several authors writes like one of them, like each in turn, or like their average.

`judging.py` measures it; here is what it shows, of the first run of each model at equal characters.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict

from deeprnn.experiments.authors import AUTHORS
from deeprnn.experiments.charts import Cell, Column, Label, Matrix, Square, Table, Values, Word, titled
from deeprnn.experiments.question import Answer, Figures, OverviewTable, Question
from deeprnn.measure.style import Judged
from deeprnn.store.estimates import Estimate, estimate, percent
from deeprnn.store.results import Results
from deeprnn.store.style import MIXED, StyleSample, other_books

MERGED = "author-five"
WHOLE = "shelf-five"  # of the same authors, with whole books
FEW = "data-10k"  # a model of little text of one author: its style is blurred by that alone
TEMPERATURE, COOLER = 1.0, 0.8  # of the texts that are shown, and of those whose share is told beside
_OVERVIEW = {  # the rows of the overview's table, by kind
    "real": "real text of {author}",
    "other": "other books by {author}",
    "mixed": "real text, another author every 50 characters",
    "after": "five authors' model, after {author}",
    "free": "five authors' model, after an empty line",
    "alone": "{author}'s own model, after any author",
    "few": "a model of 10,000 characters of {author}, after any author",
}


def written_by(results: Results, recipe: str, temperature: float = TEMPERATURE) -> StyleSample:
    """Return what the first model of a recipe wrote.

    Raises:
        LookupError: it was not judged.
    """
    names = [run.name for run in results.where(recipe=recipe, seed=0)]
    return results.style[names[0]].at(temperature)


def real(results: Results) -> dict[str, Judged]:
    """Return the real pieces of each author.

    Raises:
        LookupError: they were not judged.
    """
    return {author: results.style_texts[author].judged for author in AUTHORS}


def alone(results: Results) -> dict[str, Judged]:
    """Return what each author's own model wrote after passages of all authors, for those that were judged."""
    found = {}
    for author in AUTHORS:
        with contextlib.suppress(LookupError):
            found[author] = Judged.together(written_by(results, f"author-{author}").after.values())
    return found


def little(results: Results) -> dict[str, Judged]:
    """Return the same of the model `FEW`, by its author.

    Raises:
        LookupError: it was not judged.
    """
    return {"wells": Judged.together(written_by(results, FEW).after.values())}


def of_whole_books(results: Results) -> list[Figures]:
    """Return how many pieces of the model with whole books are given to the author before them; [] if none was judged.

    They are those of all its seeds.
    """
    judged = [run.name for run in results.where(recipe=WHOLE).finished if run.name in results.style]
    after = [results.style[name].at(TEMPERATURE).after for name in judged]
    if not after:
        return []
    together = {author: Judged.together(one[author] for one in after) for author in AUTHORS}
    return [{"share": right(together), "seeds": len(judged)}]


def right(judged: Mapping[str, Judged]) -> Estimate:
    """Return the percentage of each author's pieces that are given to that author.

    Raises:
        ValueError: there are none.
    """
    pieces = sum(len(one.margins) for one in judged.values())
    return percent(sum(one.given.get(author, 0) for author, one in judged.items()), pieces)


def margin(judged: Judged) -> Estimate:
    """Return the mean margin in nats a character, over the pieces."""
    return estimate(judged.margins)


def neighbours(judged: Judged) -> Estimate:
    """Return how much neighbouring stretches agree, as a mean over the pieces."""
    return estimate(judged.neighbours)


def answer(results: Results) -> Figures:
    """Return how often pieces are given to their author, and how decided they are: real, of five authors, of one.

    Raises:
        LookupError, ValueError: something was not judged.
    """
    five, own = written_by(results, MERGED).after, alone(results)
    other = {author: one for kind, author, one in rows(results) if kind == "other"}
    each = {"real": real(results), "five": five, "own": own, "few": little(results)}
    together = {name: Judged.together(judged.values()) for name, judged in each.items()}
    together["mixed"] = results.style_texts[MIXED].judged
    return {
        **{name: right(judged) for name, judged in each.items()},
        **{f"{name}_margin": margin(judged) for name, judged in together.items()},
        **{f"{name}_neighbours": neighbours(judged) for name, judged in together.items()},
        "cooler": right(written_by(results, MERGED, COOLER).after),
        "whole": of_whole_books(results),
        "other": right(other),
        "guessing": 100 / len(AUTHORS),
        **{name: value for name, value in method(results).items() if name in ("order", "stretch", "mixed")},
    }


def method(results: Results) -> Figures:
    """Return how the texts were judged, for the sentence on the method.

    Raises:
        LookupError: nothing was.
    """
    return asdict(results.style_texts[MIXED].method)


def rows(results: Results) -> list[tuple[str, str, Judged]]:
    """Return all that was judged: its kind, a key of `_OVERVIEW`; its author, or ""; and what the judge says."""
    texts = {name: one.judged for name, one in results.style_texts.items()}
    found = [("real", author, texts[author]) for author in AUTHORS if author in texts]
    found += [("other", author, texts[key]) for author in AUTHORS if (key := other_books(author)) in texts]
    found += [("mixed", "", texts[MIXED])] if MIXED in texts else []
    with contextlib.suppress(LookupError):
        five = written_by(results, MERGED)
        found += [("after", author, five.after[author]) for author in AUTHORS if author in five.after]
        found.append(("free", "", five.free))
    found += [("alone", author, one) for author, one in alone(results).items()]
    with contextlib.suppress(LookupError):
        found += [("few", author, one) for author, one in little(results).items()]
    return found


def chart(results: Results) -> Matrix:
    """Return a matrix of pieces by authors that they are given to: real ones, the shared model's, the own models'."""
    drawn = [row for row in rows(results) if row[0] in ("real", "after", "alone", "few")]
    down, across = Word(key="style.axis.pieces"), Word(key="style.axis.given")
    name = Word(key="style.figure.plain")
    return Matrix(
        name=name,
        title=titled("style.figure.given", lambda: _claimed(results), name),
        rows=[_named(kind, author) for kind, author, _ in drawn],
        columns=[_author(author) for author in AUTHORS],
        squares=[
            [Square(value=value, own=author == other) for other, value in zip(AUTHORS, _given(judged), strict=True)]
            for _, author, judged in drawn
        ],
        down=down,
        across=across,
        shows="percent",
        table=Table(
            columns=[
                Column(name=down),
                *(Column(name=_author(author), format=".1f") for author in AUTHORS),
                Column(name=Word(key="style.head.margin"), format=".3f"),
                Column(name=Word(key="style.head.neighbours"), format=".2f"),
            ],
            rows=[[_named(kind, author), *_figures(judged)] for kind, author, judged in rows(results)],
        ),
    )


def table(results: Results) -> Table | None:
    """Return the same as a table of the overview; None if nothing was judged."""
    every: list[list[Cell]] = [
        [_OVERVIEW[kind].format(author=author.capitalize()), *_figures(judged)]
        for kind, author, judged in rows(results)
    ]
    columns = [Column(name="pieces"), *(Column(name=author.capitalize(), format=".1f") for author in AUTHORS)]
    columns += [Column(name="margin, nats", format=".3f"), Column(name="neighbours", format=".2f")]
    return Table(columns=columns, rows=every) if every else None


def _claimed(results: Results) -> Values:
    return {"five": right(written_by(results, MERGED).after).mean, "real": right(real(results)).mean}


def _author(author: str) -> Word:
    return Word(key=f"authors.name.{author}")


def _named(kind: str, author: str) -> Label:
    return Word(key=f"style.row.{kind}", values={"author": _author(author)} if author else {})


def _given(judged: Judged) -> list[Estimate]:
    """Return the percentage of the pieces that each author is given."""
    return [percent(judged.given.get(author, 0), len(judged.margins)) for author in AUTHORS]


def _figures(judged: Judged) -> list[Cell]:
    return [*_given(judged), margin(judged), neighbours(judged)]


QUESTION = Question(
    key="style",
    answers=(Answer(key="style", figures=answer),),
    charts=lambda results: [[chart(results)]],
    example=MERGED,
    facts=method,
    comparison="authors",
    commands=("python train.py author-five author-wells author-austen data-10k", "python train.py --gather runs"),
    tables=(
        OverviewTable(
            heading="Style: one author, or their average?",
            about="Of pieces of 500 characters, in percent with the 95% interval: how many a judge with a character "
            "5-gram of each author's own text gives to each. Margin: by how many nats a character the best author is "
            "ahead of the second. Neighbours: whether one stretch of 25 characters and the next sound like the same "
            "authors, from 0 (not at all) to 1. Models at temperature 1, one seed.",
            table=table,
        ),
    ),
)
