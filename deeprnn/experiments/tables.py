"""The experiments' results in Markdown: a table for each set of runs, and the sentences that answer the questions.

Knows: results, their findings. Does not know: how runs are made, files, the page.
Every figure is computed from `results.json`.
"""

import itertools
import math
from collections.abc import Iterable, Sequence

from deeprnn.experiments import findings
from deeprnn.experiments.findings import DATA, WIRINGS, format_ppl
from deeprnn.nn.cells import CELLS
from deeprnn.store.results import Results, recipe_of


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def depth_table(results: Results, kind: str = "depth") -> str:
    """Set B: cells and wirings down, depths across. kind: `depth` (equal parameters) or `width` (equal width)."""
    depths = findings.depths(results, kind)
    if not depths:
        return "not run yet"
    rows = [
        [CELLS[cell].label, wiring, *(format_ppl(results, f"{kind}-{cell}-{n}-{wiring}") for n in depths)]
        for cell, wiring in itertools.product(findings.cells(results, kind), WIRINGS)
        if any(results.seeds(f"{kind}-{cell}-{n}-{wiring}") for n in depths)
    ]
    return table(["cell", "stack", *(f"{n} layer{'s' * (n > 1)}" for n in depths)], rows)


def data_table(results: Results) -> str:
    """Set D: the same model after more and more text; the best weights on the way, and those at the end."""
    rows = []
    for name in DATA:
        for run in results.finished(f"data-{name}")[:1]:
            text = results.texts[run.text_key]
            rows.append(
                [
                    f"`data-{name}`",
                    f"{text.train_chars:,}",
                    f"{run.curve.chars[-1]:,}",
                    format_ppl(results, run.name, "train"),
                    format_ppl(results, run.name),
                    f"{run.curve.val_ppl[-1]:.2f}",
                    f"{run.final['val'].ppl:.2f}",
                    f"{text.ngram_ppl:.2f}",
                ]
            )
    head = ["recipe", "characters of text", "read in all", "train", "test", "validation at the end", "at its best"]
    return table([*head, "6-gram, test"], rows)


def author_table(results: Results, kind: str = "author") -> str:
    """Set E: who was trained on, down; who is read, across. kind: `author` (equal characters) or `shelf` (all)."""
    own = findings.authors(results, kind)
    rows = [
        [f"`{kind}-{name}`", *(str(findings.elsewhere(results, name, text, kind)) for text in own.values())]
        for name in findings.who_read(results, kind)
    ]
    return table(["trained on", *(name.capitalize() for name in own)], rows)


def ablation_table(results: Results) -> str:
    """What the training loses without each of its parts, in nats per character of the test part, the same seed."""
    base = "ablation-none"
    if not results.seeds(base):
        return "not run yet"
    whole = results.estimate(base, figure="nats").mean
    names = sorted({recipe_of(name) for name in results.runs if name.startswith("ablation-")} - {base})
    rows = [["nothing", format_ppl(results, base, "train"), format_ppl(results, base), f"{whole:.4f}", ""]]
    for name in names:
        if not results.finished(name):
            rows.append([name.removeprefix("ablation-"), *(["diverged"] * 2), "", ""])
            continue
        nats = results.estimate(name, figure="nats").mean
        shown = [format_ppl(results, name, "train"), format_ppl(results, name), f"{nats:.4f}", f"{nats - whole:+.4f}"]
        rows.append([name.removeprefix("ablation-"), *shown])
    return table(["without", "train ppl", "test ppl", "test nats", "difference"], rows)


def novelty_table(results: Results) -> str:
    """What the shipped models copy and repeat."""

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.1f}%"

    rows = []
    for name, novelty in sorted(results.novelty.items()):
        ours, place = novelty.sample, novelty.sample.place
        where = f" (at {100 * place.fraction:.0f}% of `{place.text}`)" if place else ""
        shown = [percent(ours.copied_share), percent(ours.dictionary_share), percent(ours.distinct[2])]
        rows.append([f"`{name}`", f"{ours.longest_run}{where}", *shown, percent(novelty.heldout.copied_share)])
    head = ["checkpoint", "longest copied run", "copied", "known words", "distinct-3"]
    return table([*head, "copied, of real text"], rows)


def baseline_table(results: Results) -> str:
    """What no model made, for each training and held-out part."""
    rows = [
        [
            key,
            str(text.symbols),
            f"{math.exp(text.unigram_nats):.2f}",
            f"{text.ngram_ppl:.3f}",
            f"{text.xz_bpc:.3f}",
        ]
        for key, text in sorted(results.texts.items())
    ]
    return table(["text, form, parts", "symbols (uniform)", "unigram", "6-gram", "xz, bits/char"], rows)


def goals_table(results: Results) -> str:
    """What was to be reached and what was: the recipe with the best validation figure where several tried."""
    ours = {recipe_of(name): run.train_config.text for name, run in results.runs.items() if name.startswith("book-")}
    books = [name for name, text in ours.items() if not name.endswith(f"-{text}") and results.finished(name)]
    rate = findings.answers(results).get("rate")
    tries: list[tuple[str, float, str | None, str, str]] = [
        ("10,000 characters of *The Time Machine* (d2l), held-out", 8.0, "few-lstm-2", "heldout", "ppl"),
        ("*The Time Machine* alone, test", 3.95, _best(results, books), "heldout", "ppl"),
        ("the same test text, more books", 3.40, "wells-lstm-2", "heldout", "ppl"),
        ("tiny_shakespeare, nats, state carried", 1.40, "shakespeare-lstm-2", "val", "nats"),
        ("tiny_shakespeare, nats, cold windows of 256", 1.42, "shakespeare-lstm-2", "cold_256", "nats"),
    ]
    rows = []
    for what, goal, name, part, unit in tries:
        if name and results.finished(name):
            reached = results.estimate(name, part, unit)
            met = "yes" if reached.mean <= goal else "no"
            rows.append([what, f"{goal:.2f}", str(reached), met, f"`python train.py {recipe_of(name)}`"])
    if rate:
        met = "yes" if float(str(rate["most"])) <= 2 else "no"
        gap = f"{rate['most']}% at most"
        rows.append(["ten residual layers behind the best depth", "2%", gap, met, "`python train.py 'rate-*'`"])
    return table(["what", "goal", "reached", "met", "command"], rows) if rows else "not run yet"


def _best(results: Results, names: Sequence[str]) -> str | None:
    return min(names, key=lambda name: results.estimate(name, "val").mean, default=None)


def verdicts(results: Results) -> list[str]:
    """A sentence for each question that has been measured; a figure without an interval is that of one seed."""
    heads = {key: title if title.endswith("?") else f"{title}." for key, (title, _) in findings.TITLES.items()}
    return [
        f"**{heads[key]}** {findings.sentence(key, figures, 'en')}"
        for key, figures in findings.answers(results).items()
    ]
