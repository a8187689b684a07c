"""The experiments' results as charts: plain values that `charts.js` draws, with the table that says the same.

Knows: results, words. Does not know: components, how a chart is drawn.

A chart is of one of three kinds:

    lines   series of points, each point [x for each of the axes `xs`..., y, half width of its interval or None]
    dots    one value a row, with its interval
    matrix  rows x columns of values, with how strongly each is to be coloured
"""

import itertools
from collections.abc import Sequence
from typing import Any

from deeprnn.experiments import findings
from deeprnn.experiments.findings import DATA, WIRINGS
from deeprnn.nn.cells import CELLS
from deeprnn.page.words import tr
from deeprnn.store.results import Estimate, Results, RunRecord
from deeprnn.words import Lang

Chart = dict[str, Any]
_XS = ("experiments.axis.epochs", "experiments.axis.chars", "experiments.axis.seconds")
_MERGED = {"author": "experiments.figure.author", "shelf": "experiments.figure.shelf"}
CURVES_HEAD = ("run", "parameters", "train", "heldout", "lowest", "seconds", "speed")
DATA_PARTS = ("train", "heldout", "end", "ngram")
CELLS_HEAD = ("model", "parameters", "train", "heldout", "seeds", "epochs", "seconds", "speed")
_DASH = {"plain": 1, "residual": 0}


def depth(results: Results, kind: str, lang: Lang, wirings: Sequence[str] = WIRINGS) -> Chart:
    """Held-out perplexity by depth: a line for each cell, plain or residual. kind: `depth` or `width`."""
    series = []
    for cell, wiring in itertools.product(findings.cells(results, kind), wirings):
        names = {n: f"{kind}-{cell}-{n}-{wiring}" for n in findings.depths(results, kind)}
        points = [[n, *_point(results.estimate(name))] for n, name in names.items() if results.finished(name)]
        if points:
            title = ("，" if lang == "zh" else ", ").join([CELLS[cell].label, tr(f"wiring.{wiring}", lang)])
            series.append({"name": title, "cell": cell, "dash": _DASH[wiring], "points": points, "dots": True})
    depths = findings.depths(results, kind)
    rows = [
        [
            CELLS[cell].label,
            tr(f"wiring.{wiring}", lang),
            *(_figure(results, f"{kind}-{cell}-{n}-{wiring}", lang) for n in depths),
        ]
        for cell, wiring in itertools.product(findings.cells(results, kind), wirings)
    ]
    head = [tr("filter.cell", lang), tr("filter.wiring", lang), *(_layers(n, lang) for n in depths)]
    chart = _lines(series, [tr("experiments.axis.layers", lang)], lang, ticks=depths)
    name = _equal(kind, lang) if wirings == WIRINGS else tr("experiments.figure.residual", lang)
    if kind == "rate":
        rates = {run.train_config.learning_rate for n, run in results.runs.items() if n.startswith("rate-")}
        name = tr("experiments.figure.rate", lang, rate=", ".join(f"{rate:g}" for rate in sorted(rates)))
    return chart | {"name": name, "table": {"columns": head, "rows": rows}}


def curves(results: Results, names: Sequence[str], lang: Lang, *, log_x: bool = False) -> Chart:
    """Training and held-out perplexity of some runs as they learned, by epochs, characters read and seconds."""
    series, rows = [], []
    runs = [run for name in names if (run := results.runs.get(name)) and run.curve.epoch]
    for dash, run in enumerate(runs):
        curve, cell = run.curve, run.model_config.cell
        xs = list(zip(curve.epoch, curve.chars, curve.seconds, strict=True))
        parts = (("experiments.part.train", curve.train_ppl), ("experiments.part.heldout", curve.val_ppl))
        for thin, (part, ppls) in zip((True, False), parts, strict=True):
            points = [[*x, round(y, 4), None] for x, y in zip(xs, ppls, strict=True)]
            title = f"{run.name} · {tr(part, lang)}"
            series.append({"name": title, "cell": cell, "dash": dash, "points": points, "thin": thin})
        rows.append(_curve_row(results, run, lang))
    chart = _lines(series, [tr(axis, lang) for axis in _XS], lang, log_x=log_x)
    chart["rules"] = [
        {"name": tr("experiments.guessing", lang, n=symbols), "y": symbols}
        for symbols in sorted({results.texts[run.text_key].symbols for run in runs if run.text_key in results.texts})
    ]
    return chart | {
        "name": tr("experiments.figure.curves", lang),
        "table": {"columns": [tr(f"experiments.head.{key}", lang) for key in CURVES_HEAD], "rows": rows},
    }


def _figure(results: Results, recipe: str, lang: Lang, part: str = "heldout") -> str:
    """As `findings.reading` has it, in words of the page."""
    text, failure = findings.reading(results, recipe, part)
    known = {"never learned": "experiments.status.never", "diverged": "experiments.status.diverged"}
    return " ".join(filter(None, (text, tr(known[failure], lang) if failure in known else failure)))


def _curve_row(results: Results, run: RunRecord, lang: Lang) -> list[str]:
    final = _figure(results, run.name, lang, "train"), _figure(results, run.name, lang)
    lowest = f"{run.best_val.ppl:.3f} ({run.best_val.epoch})" if run.best_val else "–"
    speed = f"{run.chars_per_second:,}"
    return [run.name, f"{run.num_params:,}", *final, lowest, f"{run.train_seconds:.0f}", speed]


def cells(results: Results, kind: str, lang: Lang) -> Chart:
    """Two layers of each cell, plain and residual, at equal something. kind: `depth`, `width` or `time`."""
    rows, lines = [], []
    for cell, wiring in itertools.product(CELLS, WIRINGS):
        name = f"{kind}-{cell}-2-{wiring}"
        if not results.finished(name):
            continue
        title = ("，" if lang == "zh" else ", ").join([CELLS[cell].label, tr(f"wiring.{wiring}", lang)])
        estimate, run = results.estimate(name), results.finished(name)[0]
        train = results.estimate(name, "train")
        row = {"name": title, "cell": cell, "train": train.mean}
        rows.append(row | {"value": estimate.mean, "half": estimate.half_width})
        seconds = results.estimate_of(name, lambda run: run.train_seconds).mean
        shown = [f"{run.num_params:,}", str(train), str(estimate), str(estimate.num_seeds)]
        lines.append([title, *shown, f"{run.curve.epoch[-1]}", f"{seconds:.0f}", f"{run.chars_per_second:,}"])
    return {
        "kind": "dots",
        "name": _equal(kind, lang),
        "rows": rows,
        "x": {"label": tr("experiments.axis.ppl", lang)},
        "labels": {"value": tr("experiments.part.heldout", lang), "train": tr("experiments.part.train", lang)},
        "table": {"columns": [tr(f"experiments.head.{key}", lang) for key in CELLS_HEAD], "rows": lines},
    }


def data(results: Results, lang: Lang) -> Chart:
    """Perplexity against characters of text: in training, on the test text, and a 6-gram's there."""
    names = [f"data-{name}" for name in DATA if results.finished(f"data-{name}")]
    texts = {name: results.texts[results.finished(name)[0].text_key] for name in names}
    parts: dict[str, list[list[Any]]] = {part: [] for part in DATA_PARTS}
    rows = []
    for name, text in texts.items():
        chars = text.train_chars
        end = results.estimate_of(name, lambda run: run.curve.val_ppl[-1])
        train, test = results.estimate(name, "train"), results.estimate(name)
        for part, value in (("train", train), ("heldout", test), ("end", end)):
            parts[part].append([chars, *_point(value)])
        parts["ngram"].append([chars, round(text.ngram_ppl, 4), None])
        rows.append([name, f"{chars:,}", str(train), str(test), str(end), f"{text.ngram_ppl:.3f}"])
    series = [
        {"name": tr(f"experiments.data.{part}", lang), "cell": cell, "dash": dash, "points": points, "dots": True}
        for dash, (cell, (part, points)) in enumerate(
            zip(("gru", "lstm", "mingru", "base"), parts.items(), strict=True)
        )
    ]
    head = [
        tr("experiments.head.run", lang),
        tr("experiments.axis.text", lang),
        *(tr(f"experiments.data.{part}", lang) for part in parts),
    ]
    chart = _lines(series, [tr("experiments.axis.text", lang)], lang, log_x=True)
    return chart | {"name": tr("experiments.figure.data", lang), "table": {"columns": head, "rows": rows}}


def authors(results: Results, kind: str, lang: Lang, *, ppl: bool = False) -> Chart:
    """Who was trained on, down; who is read, across: what is lost beside each author's own model, or perplexities.

    kind: `author` (equally many characters of each) or `shelf` (all there are).
    """
    names = findings.who_read(results, kind)
    own = {name: text for name, text in findings.authors(results, kind).items() if name in names}
    read = {name: [findings.elsewhere(results, name, text, kind) for text in own.values()] for name in names}
    mine = [read[name][column].mean for column, name in enumerate(own)]
    cells = []
    for name in names:
        losses = [found.mean / best - 1 for found, best in zip(read[name], mine, strict=True)]
        row = zip(read[name], losses, strict=True)
        cells.append(
            [
                {
                    "text": f"{round(100 * loss):+d}%" if not ppl else f"{found.mean:.2f}",
                    "strength": round(min(max(loss, 0) / 0.6, 1), 3),
                    "own": list(own)[column : column + 1] == [name],
                    "title": str(found),
                }
                for column, (found, loss) in enumerate(row)
            ]
        )
    columns = [tr(f"experiments.author.{name}", lang) for name in own]
    rows = [tr(f"experiments.author.{name}", lang) for name in names]
    table = [[title, *(str(found) for found in read[name])] for title, name in zip(rows, names, strict=True)]
    return {
        "kind": "matrix",
        "name": tr("experiments.axis.ppl" if ppl else _MERGED[kind], lang),
        "rows": rows,
        "columns": columns,
        "cells": cells,
        "labels": {"down": tr("experiments.axis.trained", lang), "across": tr("experiments.axis.read", lang)},
        "table": {"columns": [tr("experiments.axis.trained", lang), *columns], "rows": table},
    }


def _lines(
    series: list[dict[str, Any]], axes: list[str], lang: Lang, *, log_x: bool = False, ticks: Sequence[int] = ()
) -> Chart:
    """All perplexities are drawn on a log scale: equal distances are equal differences in nats."""
    return {
        "kind": "lines",
        "series": series,
        "xs": axes,
        "log_x": log_x,
        "ticks": list(ticks),
        "y": tr("experiments.axis.ppl", lang),
        "rules": [],
    }


def _point(value: Estimate) -> list[float | None]:
    return [round(value.mean, 4), None if value.half_width is None else round(value.half_width, 4)]


def _equal(kind: str, lang: Lang) -> str:
    what = {"depth": "parameters", "width": "width", "time": "time"}[kind]
    return tr("experiments.figure.equal", lang, what=tr(f"equal.{what}", lang))


def _layers(count: int, lang: Lang) -> str:
    return tr("model.layer" if count == 1 else "model.layers", lang, n=count)
