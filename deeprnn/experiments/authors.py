"""Merging authors: whether one model can learn from several authors."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments.charts import Cell, Chart, Column, Label, Matrix, Square, Table, Values, Word, titled
from deeprnn.experiments.gaps import elsewhere, percent_above
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question, ends
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Results, Runs

AUTHORS = {
    "wells": ("time_machine", "war_of_the_worlds"),
    "austen": ("pride_and_prejudice",),
    "doyle": ("sherlock_holmes",),
    "dickens": ("tale_of_two_cities",),
    "melville": ("moby_dick",),
}
OWN_TEXT = {name: texts[0] for name, texts in AUTHORS.items()}  # the text whose end is held out, for each author
FIVE = tuple(OWN_TEXT.values())
ESSAYS = ("time_machine", "federalist", "origin_of_species")
CHARS = 465_000  # the training characters of the two books by Wells
MERGED = ("five", "five-marked", "cross-domain")


def recipes() -> Iterator[Recipe]:
    """Yield models of one author and of several, scored on every author's held-out part.

    `author-`: each trains on 465,000 characters in all; `shelf-`: on all the text of its authors. `-marked`: each
    paragraph begins with a mark of its text.
    """
    for name, texts in AUTHORS.items():
        yield _recipe("author", name, texts, None if texts == AUTHORS["wells"] else CHARS // len(texts))
    yield _recipe("author", "five", FIVE, CHARS // len(FIVE))
    yield _recipe("author", "five-marked", FIVE, CHARS // len(FIVE), mark_texts=True)
    yield _recipe("author", "cross-domain", ESSAYS, CHARS // len(ESSAYS))
    for name, texts in AUTHORS.items():
        yield _recipe("shelf", name, texts, None, epochs=4)
    yield _recipe("shelf", "five", tuple(itertools.chain(*AUTHORS.values())), None, epochs=4)


def _recipe(
    experiment: str, who: str, texts: tuple[str, ...], limit: int | None, epochs: int = 6, **more: Any
) -> Recipe:
    train = modern_training(
        texts[0], epochs, more_texts=texts[1:], score_on=FIVE, max_train_chars=limit, eval_lanes=8, **more
    )
    model = stack("gru", 2, 256, dropout=0.2)
    return Recipe(name=f"{experiment}-{who}", experiment=experiment, model=model, train=train)


def trained_on(results: Results, experiment: str, who: str) -> Runs:
    """Return the runs of an author's own model, or of a merged one. experiment: `author` or `shelf`; see `recipes`."""
    return results.where(recipe=f"{experiment}-{who}")


def own_texts(results: Results, experiment: str) -> dict[str, str]:
    """Return the authors with a model of their own, in the order of `AUTHORS`, and the text that tests each of them."""
    return {name: text for name, text in OWN_TEXT.items() if trained_on(results, experiment, name).finished}


def readers(results: Results, experiment: str) -> list[str]:
    """Return the models that were scored on the held-out parts of all these texts: single authors, then merged ones."""
    own = own_texts(results, experiment)
    runs = {name: trained_on(results, experiment, name).finished for name in (*own, *MERGED)}
    return [name for name, read in runs.items() if read and all({*own.values()} <= {*run.elsewhere} for run in read)]


def perplexity(results: Results, experiment: str, who: str, text: str) -> Estimate:
    """Return the perplexity of a model on the held-out part of a text, over its seeds."""
    return trained_on(results, experiment, who).estimate(lambda run: run.elsewhere[text].ppl)


def compared(results: Results, experiment: str) -> dict[str, tuple[Estimate, list[float]]]:
    """Return by how many percent other models' perplexity is above that of each author's own: the mean, and each.

    "shared": the model of five authors; "foreign": the own model of another author.

    Raises:
        ValueError: there are fewer than two authors.
    """
    own = own_texts(results, experiment)
    if len(own) < 2:
        raise ValueError(f"fewer than two authors' own models among the runs of {experiment}.")
    alone = {name: elsewhere(trained_on(results, experiment, name), text) for name, text in own.items()}
    five = trained_on(results, experiment, "five")
    pairs = {
        "shared": [(elsewhere(five, text), alone[name]) for name, text in own.items()],
        "foreign": [
            (elsewhere(trained_on(results, experiment, a), own[b]), alone[b]) for a in own for b in own if a != b
        ],
    }
    return {name: (percent_above(each), [percent_above([pair]).mean for pair in each]) for name, each in pairs.items()}


def answer_authors(results: Results) -> Figures:
    """Return by how much perplexity rises with the shared model and with another author's, at equal characters."""
    (shared, each_shared), (foreign, each_foreign) = compared(results, "author").values()
    return {
        "shared_mean": shared,
        **ends("shared", each_shared),
        "foreign_mean": foreign,
        **ends("foreign", each_foreign),
    }


def answer_shelf(results: Results) -> Figures:
    """Return by how much the shared model lowers perplexity and another author's raises it, with all the text."""
    (shared, each_shared), (foreign, each_foreign) = compared(results, "shelf").values()
    few, more = (trained_on(results, experiment, "wells") for experiment in ("shelf", "author"))
    return {
        "lower_mean": Estimate(mean=-shared.mean, half_width=shared.half_width, num_seeds=shared.num_seeds),
        **ends("lower", [-loss for loss in each_shared]),
        "foreign_mean": foreign,
        **ends("foreign", each_foreign),
        "epochs": few[0].train_config.epochs,
        "readings": more[0].train_config.epochs,
        "few": few[0].heldout.ppl,
        "more": more[0].heldout.ppl,
        "times": _times(results, "shelf"),
    }


def chart(results: Results, experiment: str, *, shows_ppl: bool = False) -> Matrix:
    """Return a matrix of models by authors read: the loss relative to the author's own model, or the perplexity."""
    names = readers(results, experiment)
    own = {name: text for name, text in own_texts(results, experiment).items() if name in names}
    read = {name: [perplexity(results, experiment, name, text) for text in own.values()] for name in names}
    best = [read[name][column].mean for column, name in enumerate(own)]
    squares = [
        [
            Square(value=ppl, loss=ppl.mean / least - 1, own=author == name)
            for author, ppl, least in zip(own, read[name], best, strict=True)
        ]
        for name in names
    ]
    columns: list[Label] = [Word(key=f"authors.name.{name}") for name in own]
    rows: list[Label] = [Word(key=f"authors.name.{name}") for name in names]
    plain = Word(key="authors.figure.ppl")
    down, across = Word(key="charts.axis.trained"), Word(key="charts.axis.read")
    cells: list[list[Cell]] = [[title, *read[name]] for title, name in zip(rows, names, strict=True)]
    return Matrix(
        name=Word(key="charts.axis.ppl" if shows_ppl else f"authors.chart.{experiment}"),
        title=plain
        if shows_ppl
        else titled(f"authors.figure.{experiment}", lambda: _claimed(results, experiment), plain),
        rows=rows,
        columns=columns,
        squares=squares,
        down=down,
        across=across,
        shows="ppl" if shows_ppl else "loss",
        table=Table(columns=[Column(name=one) for one in (down, *columns)], rows=cells),
    )


def _times(results: Results, experiment: str) -> float:
    """Return how many times as much the shared model has read as the authors' own on average."""
    five, *alone = (trained_on(results, experiment, name)[0] for name in ("five", *own_texts(results, experiment)))
    return five.curve.chars[-1] / statistics.fmean(run.curve.chars[-1] for run in alone)


def _claimed(results: Results, experiment: str) -> Values:
    """Return by how many percent the shared model is above or below each author's own, and another author's above."""
    (shared, _), (foreign, _) = compared(results, experiment).values()
    return {"shared": abs(shared.mean), "foreign": foreign.mean, "times": _times(results, experiment)}


def charts(results: Results) -> Sequence[Sequence[Chart]]:
    """Return the losses relative to each author's own model, with equal and with all text; then the perplexities."""
    return [[chart(results, "author"), chart(results, "shelf"), chart(results, "author", shows_ppl=True)]]


def table(results: Results, experiment: str) -> Table:
    """Return the perplexities of models (rows) by authors read (columns)."""
    own = own_texts(results, experiment)
    rows: list[list[Cell]] = [
        [f"`{experiment}-{name}`", *(perplexity(results, experiment, name, text) for text in own.values())]
        for name in readers(results, experiment)
    ]
    return Table(columns=[Column(name=one) for one in ("trained on", *(name.capitalize() for name in own))], rows=rows)


QUESTION = Question(
    key="authors",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="authors",
            prompt="It was a truth ",
            groups={"recipe": ("author-wells", "author-austen", "author-five")},
        ),
    ),
    answers=(Answer(key="authors", figures=answer_authors), Answer(key="shelf", figures=answer_shelf)),
    charts=charts,
    example="author-five",
    comparison="authors",
    commands=("python train.py 'author-*' --seeds 0 1 2", "python train.py 'shelf-*'"),
    tables=(
        OverviewTable(
            heading="Authors",
            about="Perplexity on each author's test part after 465,000 characters in all.",
            table=lambda results: table(results, "author"),
        ),
        OverviewTable(
            heading="",
            about="The same after all the text there is of each.",
            table=lambda results: table(results, "shelf"),
        ),
    ),
)
