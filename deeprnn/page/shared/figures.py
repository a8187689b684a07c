"""Charts and tables with their words, as plain values that `kinds.js` draws.

Knows: charts as values, words. Does not know: components, how a chart is drawn.

There are three kinds of charts:

    lines   series of points, each point [x for each of the axes `xs`..., y, half width of its interval or None]
    dots    one value in each row, with its interval
    matrix  rows x columns of values, each with the strength of its colour
"""

from typing import Any, Literal

from deeprnn.experiments.charts import Cell, Chart, Dots, Label, Lines, Matrix, Series, Square, Stack, Table, Word
from deeprnn.experiments.format import NOTHING, figure
from deeprnn.page.shared.widgets import stack, title
from deeprnn.page.words import COMMA, tr
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Reading, RunRecord
from deeprnn.words import Lang

Drawn = dict[str, Any]
_STRONGEST = 0.6  # squares of this loss or more have the strongest colour
_FAILURES = {"never learned": "charts.failure.never_learned", "diverged": "charts.failure.diverged"}


def drawn(chart: Chart, lang: Lang) -> Drawn:
    """Return a chart in one language, with a table of the same numbers."""
    kind: Drawn = (
        _lines(chart, lang)
        if isinstance(chart, Lines)
        else _dots(chart, lang)
        if isinstance(chart, Dots)
        else _matrix(chart, lang)
    )
    return kind | {
        "name": said(chart.name, lang),
        "title": said(chart.title, lang),
        "table": _table(chart.table, lang),
    }


def said(label: Label, lang: Lang) -> str:
    """Return a label in one language."""
    if isinstance(label, str):
        return label
    if isinstance(label, RunRecord):
        return title(label.model_config, label.train_config, lang)
    if isinstance(label, Stack):
        return stack(label.run.model_config, lang)
    if isinstance(label, Word):
        values = {
            name: value if isinstance(value, int | float) else said(value, lang) for name, value in label.values.items()
        }
        return tr(label.key, lang, **values)
    return COMMA[lang].join(said(one, lang) for one in label)


def cell(value: Cell, format_spec: str, lang: Lang) -> str:
    """Return the text of a table's cell in one language; for a failed run it includes the kind of failure."""
    if isinstance(value, str | Word | RunRecord | Stack | tuple):
        return said(value, lang)
    if not isinstance(value, Reading):
        return figure(value, format_spec)
    text = figure(value.estimate, format_spec) if value.estimate else ""
    failure = tr(_FAILURES[value.failure], lang) if value.failure in _FAILURES else value.failure
    return " ".join(filter(None, (text, failure)))


def _table(table: Table, lang: Lang) -> Drawn:
    formats = [column.format for column in table.columns]
    return {
        "columns": [said(column.name, lang) for column in table.columns],
        "rows": [
            [cell(one, format_spec, lang) for one, format_spec in zip(row, formats, strict=True)] for row in table.rows
        ],
        "recipes": [row[0].recipe if isinstance(row[0], RunRecord) else None for row in table.rows],
    }


def _lines(chart: Lines, lang: Lang) -> Drawn:
    """Return a chart of lines. On a log scale equal distances of perplexities are equal differences in nats."""
    return {
        "kind": "lines",
        "series": [_series(one, lang) for one in chart.series],
        "xs": [said(axis, lang) for axis in chart.axes],
        "log_x": chart.log_x,
        "ticks": list(chart.ticks),
        "y": said(chart.y, lang),
        "log_y": chart.log_y,
        "most": chart.most,
        "rules": [{"name": said(name, lang), "y": value} for name, value in chart.rules],
    }


def _series(series: Series, lang: Lang) -> Drawn:
    return {
        "name": said(series.name, lang),
        "short": said(series.short, lang),
        "colour": series.colour,
        "mark": series.mark,
        "dash": series.dash,
        "points": [[*point.xs, *_rounded(point.value)] for point in series.points],
        "dots": series.dots,
        "thin": series.thin,
    }


def _rounded(value: Estimate) -> list[float | None]:
    return [round(value.mean, 4), None if value.half_width is None else round(value.half_width, 4)]


def _dots(chart: Dots, lang: Lang) -> Drawn:
    return {
        "kind": "dots",
        "rows": [
            {
                "name": said(dot.name, lang),
                "cell": dot.cell,
                "train": dot.train.mean,
                "value": dot.heldout.mean,
                "half": dot.heldout.half_width,
            }
            for dot in chart.rows
        ],
        "x": {"label": tr("charts.axis.ppl", lang)},
        "labels": {"value": said(chart.heldout, lang), "train": tr("charts.part.train", lang)},
    }


def _matrix(chart: Matrix, lang: Lang) -> Drawn:
    return {
        "kind": "matrix",
        "rows": [said(one, lang) for one in chart.rows],
        "columns": [said(one, lang) for one in chart.columns],
        "cells": [[_square(one, chart.shows) for one in row] for row in chart.squares],
        "labels": {"down": said(chart.down, lang), "across": said(chart.across, lang)},
    }


def _square(square: Square | None, shows: Literal["loss", "ppl", "percent"]) -> Drawn:
    if square is None:
        return {"text": NOTHING, "strength": 0, "own": False, "title": NOTHING}
    value, percent = square.value, shows == "percent"
    texts = {"loss": f"{round(100 * square.loss):+d}%", "ppl": f"{value.mean:.2f}", "percent": f"{value.mean:.0f}%"}
    return {
        "text": texts[shows],
        "strength": round(min(max(value.mean / 100 if percent else square.loss / _STRONGEST, 0), 1), 3),
        "own": square.own,
        "title": f"{figure(value, '.1f')}%" if percent else figure(value),
    }
