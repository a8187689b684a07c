"""Charts and tables as values: numbers, and keys of the words around them.

Knows: runs. Does not know: words, how a chart is drawn, how a table is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.results import Reading, Results, RunRecord


@dataclass(frozen=True, kw_only=True)
class Word:
    """The key of a string in the page's words, and the values of its {places}."""

    key: str
    values: Mapping[str, "Label | float"] = field(default_factory=dict)


# A string that is the same in all languages; a `Word`; a run, written as its title; several of these.
Label: TypeAlias = "str | Word | RunRecord | tuple[Label, ...]"
Cell: TypeAlias = "Label | float | Estimate | Reading | None"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table's column. format: Python's format specification of its numbers."""

    name: Label
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells; None: not run."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value, and its x on each axis of the chart."""

    xs: tuple[float, ...]
    value: Estimate


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line in a cell's colour. dash: the index of its dash pattern. dots: whether its points are marked."""

    name: Label
    cell: str
    points: Sequence[Point]
    dash: int = 0
    dots: bool = False
    thin: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Perplexity along an axis; if there are several, the reader chooses one.

    symbols: sizes of alphabets; a horizontal line shows the perplexity of guessing for each.
    """

    name: Word
    axes: Sequence[Word]
    series: Sequence[Series]
    table: Table
    log_x: bool = False
    ticks: Sequence[int] = ()
    symbols: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A row of a chart of dots: held-out and training perplexity."""

    name: Label
    cell: str
    heldout: Estimate
    train: Estimate


@dataclass(frozen=True, kw_only=True)
class Dots:
    """A chart with one value in each row, with its interval."""

    name: Word
    rows: Sequence[Dot]
    table: Table


@dataclass(frozen=True, kw_only=True)
class Square:
    """A perplexity. loss: by what share it is above that of the column's own row; own: whether it is in that row."""

    ppl: Estimate
    loss: float
    own: bool


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Rows by columns of losses, or of perplexities. down, across: the names of the axes."""

    name: Word
    rows: Sequence[Label]
    columns: Sequence[Label]
    squares: Sequence[Sequence[Square]]
    down: Word
    across: Word
    shows_ppl: bool
    table: Table


Chart = Lines | Dots | Matrix
_RUN_COLUMNS = (
    *(("run", ""), ("parameters", ","), ("train", ""), ("heldout", ""), ("lowest", ""), ("seconds", ".0f")),
    ("speed", ","),
)


def curves(results: Results, recipes: Sequence[str], *, log_x: bool = False) -> Lines:
    """Return each recipe's learning curves, of seed 0, along epochs, characters read and seconds."""
    found = [run for recipe in recipes for run in results.where(recipe=recipe, seed=0) if run.curve.epoch]
    texts = [results.texts[run.text_key] for run in found if run.text_key in results.texts]
    return Lines(
        name=Word(key="charts.curves"),
        axes=[Word(key=f"charts.axis.{axis}") for axis in ("epochs", "chars", "seconds")],
        series=[one for dash, run in enumerate(found) for one in _learning(run, dash)],
        log_x=log_x,
        symbols=sorted({text.symbols for text in texts}),
        table=Table(
            columns=[Column(name=Word(key=f"charts.head.{key}"), format=format) for key, format in _RUN_COLUMNS],
            rows=[_facts(results, run) for run in found],
        ),
    )


def _learning(run: RunRecord, dash: int) -> list[Series]:
    curve = run.curve
    xs = list(zip(curve.epoch, curve.chars, curve.seconds, strict=True))
    return [
        Series(
            name=Word(key="charts.run_part", values={"run": run, "part": Word(key=f"charts.part.{part}")}),
            cell=run.model_config.cell,
            dash=dash,
            points=[Point(xs=x, value=estimate([y])) for x, y in zip(xs, ppls, strict=True)],
            thin=part == "train",
        )
        for part, ppls in (("train", curve.train_ppl), ("heldout", curve.val_ppl))
    ]


def _facts(results: Results, run: RunRecord) -> list[Cell]:
    runs, best = results.where(recipe=run.recipe), run.best_val
    lowest = Word(key="charts.lowest_at", values={"ppl": best.ppl, "epoch": best.epoch}) if best else None
    readings = runs.reading("train"), runs.reading()
    return [run.name, run.num_params, *readings, lowest, run.train_seconds, run.chars_per_second]
