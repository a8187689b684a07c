"""Charts and tables as values: numbers, and keys of the words around them.

Knows: runs. Does not know: words, how a chart is drawn or a table written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.results import Reading, Results, RunRecord


@dataclass(frozen=True, kw_only=True)
class Word:
    """A string of the page's words, by its key, and what fills its places."""

    key: str
    values: Mapping[str, "Label | float"] = field(default_factory=dict)


# What is the same in all languages, such as a run's name; a word; a list of both.
Label: TypeAlias = "str | Word | tuple[Label, ...]"
Cell: TypeAlias = "Label | float | Estimate | Reading | None"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table's column. format: how its numbers are written, as Python's format specifications say it."""

    name: Label
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells; None is what was not run."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value at a place on each of the axes that a chart may have."""

    xs: tuple[float, ...]
    value: Estimate


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line in a cell's colour, dashed as the number says; with dots, or thin."""

    name: Label
    cell: str
    points: Sequence[Point]
    dash: int = 0
    dots: bool = False
    thin: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Perplexity along an axis, or along several that the reader may choose between.

    symbols: those of which guessing chooses one; a rule is drawn at each.
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
    """One value a row, with its interval."""

    name: Word
    rows: Sequence[Dot]
    table: Table


@dataclass(frozen=True, kw_only=True)
class Square:
    """A perplexity, and by what share it is above that of the column's own row."""

    ppl: Estimate
    loss: float
    own: bool


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Rows by columns: losses, or perplexities."""

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
    """Training and held-out perplexity of the first seeds as they learned, by epochs, characters read and seconds."""
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
            name=Word(key="charts.run_part", values={"run": run.name, "part": Word(key=f"charts.part.{part}")}),
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
