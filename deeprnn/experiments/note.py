"""Runs of the note's recipe: what they come to in training, on held-out text at the end, and there at the lowest.

Knows: runs whose held-out part is that of their curve, as in the note. Does not know: any one question.

The lowest was found by looking at the held-out text itself, as whoever stops by hand when it turns.
"""

from collections.abc import Iterable, Mapping, Sequence

from deeprnn.experiments.charts import Cell, Column, Label, Lines, Point, Series, Table, Word
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import NEVER_LEARNED, Results, Runs

LINES = {"lowest": 0, "end": 1, "train": 2}  # the dash of each line
_PAGE = (
    *("charts.head.run", "charts.head.epochs", "charts.note.train", "charts.note.end", "charts.note.lowest"),
    "charts.head.seeds",
)
_OVERVIEW = ("recipe", "epochs", "train", "held-out at the end", "lowest held-out")


def figures(runs: Runs) -> dict[str, Estimate]:
    """Return the perplexities of a recipe's finished runs over its seeds, by the keys of `LINES`.

    Raises:
        ValueError: no run finished.
    """
    return {"lowest": runs.lowest(), "end": runs.figure(), "train": runs.figure("train")}


def entry(runs: Runs) -> dict[str, Estimate | int]:
    """Return `figures` with the number of epochs."""
    return figures(runs) | {"epochs": runs[0].train_config.epochs}


def learned(runs: Runs) -> bool:
    """Return whether every seed learned more than how often each letter occurs."""
    return all(run.outcome.status == "learned" for run in runs)


def began(results: Results, runs: Runs) -> list[int]:
    """Return after how many epochs each seed that learned knew more than how often each letter occurs."""
    unigram = results.texts[runs[0].text_key].unigram_ppl
    looks = [zip(run.curve.epoch, run.curve.val_ppl, strict=True) for run in runs if run.outcome.status == "learned"]
    return [int(next(epoch for epoch, ppl in each if ppl < NEVER_LEARNED * unigram)) for each in looks]


def lines(by_x: Mapping[int, Runs]) -> list[Series]:
    """Return the three lines of a chart of runs by anything that is counted."""
    found = {x: figures(runs) for x, runs in by_x.items()}
    return [
        Series(
            name=Word(key=f"charts.note.{part}"),
            short=Word(key=f"charts.note.{part}"),
            colour="lstm",
            dash=dash,
            points=[Point(xs=(x,), value=of[part]) for x, of in found.items()],
            dots=True,
        )
        for part, dash in LINES.items()
    ]


def chart(
    name: Word, title: Word, axis: Word, by_x: Mapping[int, Runs], more: Sequence[Series] = (), *, log_x: bool = False
) -> Lines:
    """Return a chart of runs by anything that is counted, with a table of them; more: further lines."""
    return Lines(
        name=name,
        title=title,
        axes=[axis],
        series=[*lines(by_x), *more],
        log_x=log_x,
        ticks=[] if log_x else list(by_x),
        table=page_table((runs[0], runs) for runs in by_x.values()),
    )


def page_table(named: Iterable[tuple[Label, Runs]]) -> Table:
    """Return the table below a chart, with a row for each name and its runs."""
    return Table(
        columns=[Column(name=Word(key=key)) for key in _PAGE],
        rows=[[name, *_row(runs), len(runs.finished)] for name, runs in named],
    )


def table(each: Iterable[Runs]) -> Table:
    """Return a table of the overview, with a row for each recipe's runs."""
    return Table(
        columns=[Column(name=one) for one in _OVERVIEW],
        rows=[[f"`{runs.recipe}`", *_row(runs)] for runs in each],
    )


def _row(runs: Runs) -> list[Cell]:
    found = figures(runs)
    return [runs[0].train_config.epochs, runs.reading("train"), found["end"], found["lowest"]]
