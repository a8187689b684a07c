"""Why ten plain layers do not learn: one change at a time, to ten that do not learn and to ten that do."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments import depth
from deeprnn.experiments.charts import Cell, Chart, Column, Dot, Dots, Table, Values, Word, titled
from deeprnn.experiments.question import Answer, Figures, OverviewTable, Question
from deeprnn.experiments.recipes import note_stack
from deeprnn.experiments.words import WORDS
from deeprnn.store.results import Results, Runs

CELL = "lstm"
PLAIN = depth.at_equal_parameters(CELL, depth.DEEPEST, residual=False)
BOTH = depth.at_equal_parameters(CELL, depth.DEEPEST, residual=True)  # residual connections and LayerNorm
ALONE: dict[str, dict[str, Any]] = {
    "residual": {"residual": True, "pre_norm": False},
    "layer-norm": {"pre_norm": True},
}
TO_PLAIN: dict[str, dict[str, Any]] = {
    "longer": {"epochs": 4 * PLAIN.train.epochs},
    "slower": {"learning_rate": PLAIN.train.learning_rate / 4},
}
TO_BOTH: dict[str, dict[str, Any]] = {
    "uniform": {"init": "uniform"},
    "no-warm-up": {"warmup_fraction": 0.0},
    "sgd": {"optimizer": "sgd", "learning_rate": 2.0, "weight_decay": 0.0},
}
RECIPES = {  # by what is changed, in the order of the table; "plain" and "both" are those that are changed
    "plain": PLAIN.name,
    **{part: f"ten-{part}" for part in (*ALONE, *TO_PLAIN)},
    "both": BOTH.name,
    **{part: f"ten-{part}" for part in TO_BOTH},
}


def recipes() -> Iterator[Recipe]:
    """Yield ten LSTM layers on *The Time Machine* with each change, then the note's ten layers with each."""
    for part, change in ALONE.items():
        yield _recipe(part, replace(PLAIN, model=replace(PLAIN.model, **change)))
    for base, changes in ((PLAIN, TO_PLAIN), (BOTH, TO_BOTH)):
        for part, change in changes.items():
            yield _recipe(part, replace(base, train=replace(base.train, **change)))
    yield from of_note()


def of_note() -> Iterator[Recipe]:
    """Yield the note's ten layers: all of its epochs; with an embedding as wide as they are; and one change to that."""
    plain = replace(depth.ten_plain(), experiment="d2l")
    yield replace(plain, name="d2l-lstm-10-longer", train=note_stack(CELL, depth.DEEPEST).train)
    base = replace(plain, model=replace(plain.model, embedding_size=plain.model.hidden_size))
    models: dict[str, dict[str, Any]] = {"": {}, "-residual": ALONE["residual"], "-layer-norm": ALONE["layer-norm"]}
    for part, change in models.items():
        yield replace(base, name=f"d2l-lstm-10-embedding{part}", model=replace(base.model, **change))
    trains: dict[str, dict[str, Any]] = {
        "-orthogonal": {"init": "orthogonal"},
        "-adamw": {"optimizer": "adamw", "learning_rate": 1e-3},
        "-warm-up": {"warmup_fraction": 0.1},
    }
    for part, change in trains.items():
        yield replace(base, name=f"d2l-lstm-10-embedding{part}", train=replace(base.train, **change))


def _recipe(part: str, recipe: Recipe) -> Recipe:
    return replace(recipe, name=f"ten-{part}", experiment="ten")


def runs_of(results: Results) -> dict[str, Runs]:
    """Return the runs of each change, in the order of `RECIPES`, without those that were not run."""
    found = {part: results.where(recipe=name) for part, name in RECIPES.items()}
    return {part: runs for part, runs in found.items() if runs.finished}


def answer(results: Results) -> Figures:
    """Return the held-out perplexity of each run, by what was changed.

    Raises:
        LookupError: a change was not run.
    """
    runs = runs_of(results)
    ppl = {part.replace("-", "_"): runs[part].figure() for part in RECIPES}
    return {
        **ppl,
        "plain_mean": ppl["plain"].mean,
        "residual_mean": ppl["residual"].mean,
        "norm_mean": ppl["layer_norm"].mean,
        "times": TO_PLAIN["longer"]["epochs"] / PLAIN.train.epochs,
        "rate": PLAIN.train.learning_rate,
        "slow": TO_PLAIN["slower"]["learning_rate"],
        "fast": TO_BOTH["sgd"]["learning_rate"],
        "unigram": math.exp(results.texts[runs["plain"][0].text_key].unigram_nats),
    }


def chart(results: Results, parts: Sequence[str], name: str, claimed: Word) -> Dots:
    """Return a chart of the runs of some changes; name: what the reader chooses it by."""
    runs = {part: found for part, found in runs_of(results).items() if part in parts}
    dots = [
        Dot(name=Word(key=f"ten.change.{part}"), cell=CELL, heldout=of.figure(), train=of.figure("train"))
        for part, of in runs.items()
    ]
    rows: list[list[Cell]] = [[dot.name, dot.train, dot.heldout, dot.heldout.num_seeds] for dot in dots]
    columns = [Column(name=Word(key=f"charts.head.{key}")) for key in ("run", "train", "heldout", "seeds")]
    return Dots(name=Word(key=f"ten.chart.{name}"), title=claimed, rows=dots, table=Table(columns=columns, rows=rows))


def charts(results: Results) -> list[list[Chart]]:
    """Return what one change does to ten plain layers, and what one does to ten that learn."""
    plain = Word(key="ten.figure.changes")
    to_plain = titled("ten.figure.to_plain", lambda: _alone(results), plain)
    return [
        [
            chart(results, ("plain", *ALONE, *TO_PLAIN, "both"), "to_plain", to_plain),
            chart(results, ("both", *ALONE, *TO_BOTH), "to_both", plain),
        ]
    ]


def _alone(results: Results) -> Values:
    runs = runs_of(results)
    return {part.replace("-", "_"): runs[part].figure().mean for part in ("plain", *ALONE)}


def table(results: Results) -> Table | None:
    """Return the perplexities of ten layers by what was changed; None without runs."""
    rows: list[list[Cell]] = [
        [WORDS[f"ten.change.{part}"]["en"], f"`{RECIPES[part]}`", runs.reading("train"), runs.reading()]
        for part, runs in runs_of(results).items()
    ]
    head = ("ten LSTM layers", "recipe", "train ppl", "test ppl")
    return Table(columns=[Column(name=one) for one in head], rows=rows) if rows else None


QUESTION = Question(
    key="ten",
    recipes=recipes,
    answers=(Answer(key="ten", figures=answer),),
    charts=charts,
    example=BOTH.name,
    comparison="ten",
    commands=("python train.py 'ten-*' 'depth-lstm-10-*' --seeds 0 1 2",),
    tables=(
        OverviewTable(
            heading="Ten layers, one change at a time",
            about="Half a million weights, ten epochs of *The Time Machine*. First ten plain layers, and what one "
            "change makes of them, then ten with residual connections and LayerNorm, and the same.",
            table=table,
        ),
    ),
)
