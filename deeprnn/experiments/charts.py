"""Charts and tables as values: numbers, and keys of the words around them.

Knows: runs. Does not know: words, how a chart is drawn, how a table is written.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.results import Reading, Results, RunRecord


@dataclass(frozen=True, kw_only=True)
class Word:
    """The key of a string in the page's words, and the values of its {places}."""

    key: str
    values: "Values" = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A run, written as its cell and its layers, without its text."""

    run: RunRecord


# A string that is the same in all languages; a `Word`; a run, written as its title; its stack; several of these.
Label: TypeAlias = "str | Word | RunRecord | Stack | tuple[Label, ...]"
Values: TypeAlias = "Mapping[str, Label | float]"  # by the {places} of a string
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
    """A line. short: its name beside its end. colour: a cell's name, or one of `SPARE_COLOURS`.

    mark: the index of the shape of its marks. dash: that of its dash pattern. dots: whether every point is marked.
    """

    name: Label
    short: Label
    colour: str
    points: Sequence[Point]
    mark: int = 0
    dash: int = 0
    dots: bool = False
    thin: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Perplexity, or another figure, along an axis; if there are several axes, the reader chooses one.

    name: what the reader chooses it by, if there are several charts. title: what it shows, in a sentence.
    y: what the figure is. log_y: whether equal distances are equal ratios; if not, the axis begins at 0.
    most: the greatest value that there can be; intervals end there.
    rules: horizontal lines, each with its name.
    """

    name: Word
    title: Word
    axes: Sequence[Word]
    series: Sequence[Series]
    table: Table
    log_x: bool = False
    ticks: Sequence[int] = ()
    y: Word = Word(key="charts.axis.ppl")
    log_y: bool = True
    most: float | None = None
    rules: Sequence[tuple[Word, float]] = ()


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A row of a chart of dots: held-out and training perplexity."""

    name: Label
    cell: str
    heldout: Estimate
    train: Estimate


@dataclass(frozen=True, kw_only=True)
class Dots:
    """A chart with one value in each row, with its interval. heldout: what the held-out perplexity is of."""

    name: Word
    title: Word
    rows: Sequence[Dot]
    table: Table
    heldout: Word = Word(key="charts.part.heldout")


@dataclass(frozen=True, kw_only=True)
class Square:
    """A perplexity, or a percentage. own: whether it has a frame.

    loss: by what share a perplexity is above that of the column's own row.
    """

    value: Estimate
    own: bool
    loss: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Rows by columns of losses, of perplexities or of percentages; None: not measured.

    down, across: the names of the axes.
    """

    name: Word
    title: Word
    rows: Sequence[Label]
    columns: Sequence[Label]
    squares: Sequence[Sequence[Square | None]]
    down: Word
    across: Word
    shows: Literal["loss", "ppl", "percent"]
    table: Table


Chart = Lines | Dots | Matrix
SPARE_COLOURS = ("spare-1", "spare-2", "spare-3", "spare-4")  # of the style sheet, for further runs of a cell
_RUN_COLUMNS = (
    *(("run", ""), ("parameters", ","), ("train", ""), ("heldout", ""), ("lowest", ""), ("seconds", ".0f")),
    ("speed", ","),
)


def titled(key: str, values: Callable[[], Values], otherwise: Word) -> Word:
    """Return a claim with its values, or another title if runs are missing for it."""
    try:
        return Word(key=key, values=values())
    except (LookupError, ValueError, ArithmeticError):
        return otherwise


def curves(results: Results, recipes: Sequence[str], title: Word | None = None, *, log_x: bool = False) -> Lines:
    """Return each recipe's learning curves, of seed 0, along epochs, characters read and seconds."""
    found = [run for recipe in recipes for run in results.where(recipe=recipe, seed=0) if run.curve.epoch]
    texts = [results.texts[run.text_key] for run in found if run.text_key in results.texts]
    shades = colours([run.model_config.cell for run in found])
    return Lines(
        name=Word(key="charts.curves"),
        title=title or Word(key="charts.title.curves"),
        axes=[Word(key=f"charts.axis.{axis}") for axis in ("epochs", "chars", "seconds")],
        series=[one for mark, run in enumerate(found) for one in _learning(run, shades[mark], mark)],
        log_x=log_x,
        rules=[(Word(key="charts.guessing", values={"n": n}), n) for n in sorted({text.symbols for text in texts})],
        table=Table(
            columns=[Column(name=Word(key=f"charts.head.{key}"), format=format) for key, format in _RUN_COLUMNS],
            rows=[_facts(results, run) for run in found],
        ),
    )


def colours(cells: Sequence[str]) -> list[str]:
    """Return a colour for each model, by its cell: the first of a cell has the cell's, the others have spare ones."""
    spare, found = itertools.cycle(SPARE_COLOURS), list[str]()
    for cell in cells:
        found.append(next(spare) if cell in found else cell)
    return found


def _learning(run: RunRecord, colour: str, mark: int) -> list[Series]:
    curve = run.curve
    measured = "val" if "test" in run.final else "heldout"  # its held-out figure is then another one than the curve's
    xs = list(zip(curve.epoch, curve.chars, curve.seconds, strict=True))

    def named(model: Label, part: str) -> Word:
        return Word(key="charts.run_part", values={"run": model, "part": Word(key=f"charts.part.{part}")})

    return [
        Series(
            name=named(run, part),
            short=named(Stack(run=run), part),
            colour=colour,
            mark=mark,
            dash=int(part == "train"),
            points=[Point(xs=x, value=estimate([y])) for x, y in zip(xs, ppls, strict=True)],
            thin=part == "train",
        )
        for part, ppls in (("train", curve.train_ppl), (measured, curve.val_ppl))
    ]


def _facts(results: Results, run: RunRecord) -> list[Cell]:
    runs, best = results.where(recipe=run.recipe), run.best_val
    lowest = Word(key="charts.lowest_at", values={"ppl": best.ppl, "epoch": best.epoch}) if best else None
    readings = runs.reading("train"), runs.reading()
    return [run, run.num_params, *readings, lowest, run.train_seconds, run.chars_per_second]
