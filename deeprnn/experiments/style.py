"""Style: whether a model of several authors writes like one of them, like each in turn, or like their average.

`judging.py` measures it; here is what it shows, of all seeds of each model at equal characters that were judged.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
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


Pieces = Mapping[str, Judged]  # by author


def written_by(results: Results, recipe: str, temperature: float = TEMPERATURE) -> list[StyleSample]:
    """Return what the models of a recipe wrote, one for each seed that was judged.

    Raises:
        LookupError: none was.
    """
    names = [run.name for run in results.where(recipe=recipe) if run.name in results.style]
    if not names:
        raise LookupError(f"what {recipe} writes was not judged.")
    return [results.style[name].at(temperature) for name in names]


def after(results: Results, recipe: str, temperature: float = TEMPERATURE) -> list[Pieces]:
    """Return what the models of a recipe wrote after a passage by each author, one for each seed that was judged.

    Raises:
        LookupError: none was.
    """
    return [one.after for one in written_by(results, recipe, temperature)]


def real(results: Results) -> dict[str, Judged]:
    """Return the real pieces of each author.

    Raises:
        LookupError: they were not judged.
    """
    return {author: results.style_texts[author].judged for author in AUTHORS}


def alone(results: Results) -> list[Pieces]:
    """Return what each author's own model wrote after passages of all authors, for the seeds that all authors have."""
    found: dict[str, list[Judged]] = {}
    for author in AUTHORS:
        with contextlib.suppress(LookupError):
            found[author] = [Judged.together(one.values()) for one in after(results, f"author-{author}")]
    return [dict(zip(found, seed, strict=True)) for seed in zip(*found.values(), strict=False)]


def little(results: Results) -> list[Pieces]:
    """Return the same of the model `FEW`, by its author.

    Raises:
        LookupError: it was not judged.
    """
    return [{"wells": Judged.together(one.values())} for one in after(results, FEW)]


def together(seeds: Sequence[Pieces]) -> dict[str, Judged]:
    """Return the pieces of several seeds together."""
    return {author: Judged.together(one[author] for one in seeds) for author in seeds[0]} if seeds else {}


def over_seeds(figure: Callable[[Pieces], Estimate], seeds: Sequence[Pieces]) -> Estimate:
    """Return a figure's mean and its interval over seeds; of one seed, and of real text, that over the pieces.

    Raises:
        ValueError: there are none.
    """
    found = [figure(one) for one in seeds]
    return found[0] if len(found) == 1 else estimate([one.mean for one in found])


def of_whole_books(results: Results) -> list[Figures]:
    """Return how many pieces of the model with whole books are given to the author before them; [] if none was judged.

    They are those of all its seeds together, which are too few for an interval over them.
    """
    with contextlib.suppress(LookupError):
        seeds = after(results, WHOLE)
        return [{"share": right(together(seeds)), "seeds": len(seeds)}]
    return []


def right(judged: Pieces) -> Estimate:
    """Return the percentage of each author's pieces that are given to that author.

    Raises:
        ValueError: there are none.
    """
    pieces = sum(len(one.margins) for one in judged.values())
    return percent(sum(one.given.get(author, 0) for author, one in judged.items()), pieces)


def margin(judged: Pieces) -> Estimate:
    """Return the mean margin in nats a character, over the pieces."""
    return estimate([margin for one in judged.values() for margin in one.margins])


def neighbours(judged: Pieces) -> Estimate:
    """Return how much neighbouring stretches agree, as a mean over the pieces."""
    return estimate([cosine for one in judged.values() for cosine in one.neighbours])


def answer(results: Results) -> Figures:
    """Return how often pieces are given to their author, and how decided they are: real, of five authors, of one.

    Raises:
        LookupError, ValueError: something was not judged.
    """
    five, own = after(results, MERGED), alone(results)
    other = {author: one for kind, author, one in rows(results) if kind == "other"}
    each: dict[str, Sequence[Pieces]] = {"real": [real(results)], "five": five, "own": own, "few": little(results)}
    every: dict[str, Sequence[Pieces]] = each | {"mixed": [{MIXED: results.style_texts[MIXED].judged}]}
    return {
        **{name: over_seeds(right, seeds) for name, seeds in each.items()},
        **{f"{name}_margin": over_seeds(margin, seeds) for name, seeds in every.items()},
        **{f"{name}_neighbours": over_seeds(neighbours, seeds) for name, seeds in every.items()},
        "seeds": min(len(five), len(own)),
        "cooler": over_seeds(right, after(results, MERGED, COOLER)),
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
        five = together(after(results, MERGED))
        found += [("after", author, five[author]) for author in AUTHORS if author in five]
        found.append(("free", "", Judged.together(one.free for one in written_by(results, MERGED))))
    found += [("alone", author, one) for author, one in together(alone(results)).items()]
    with contextlib.suppress(LookupError):
        found += [("few", author, one) for author, one in together(little(results)).items()]
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
    return {"five": over_seeds(right, after(results, MERGED)).mean, "real": right(real(results)).mean}


def _author(author: str) -> Word:
    return Word(key=f"authors.name.{author}")


def _named(kind: str, author: str) -> Label:
    return Word(key=f"style.row.{kind}", values={"author": _author(author)} if author else {})


def _given(judged: Judged) -> list[Estimate]:
    """Return the percentage of the pieces that each author is given."""
    return [percent(judged.given.get(author, 0), len(judged.margins)) for author in AUTHORS]


def _figures(judged: Judged) -> list[Cell]:
    return [*_given(judged), margin({"": judged}), neighbours({"": judged})]


QUESTION = Question(
    key="style",
    answers=(Answer(key="style", figures=answer),),
    charts=lambda results: [[chart(results)]],
    example=MERGED,
    facts=method,
    comparison="authors",
    commands=(
        f"python train.py {' '.join(f'author-{author}' for author in (*AUTHORS, 'five'))} data-10k --seeds 0 1 2",
        "python train.py --gather runs",
    ),
    tables=(
        OverviewTable(
            heading="Style: one author, or their average?",
            about="Of pieces of 500 characters, in percent with the 95% interval: how many a judge with a character "
            "5-gram of each author's own text gives to each. Margin: by how many nats a character the best author is "
            "ahead of the second. Neighbours: whether one stretch of 25 characters and the next sound like the same "
            "authors, from 0 (not at all) to 1. Models at temperature 1, all seeds together.",
            table=table,
        ),
    ),
)
