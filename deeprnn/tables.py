"""The experiments' results in Markdown: a table for each set of runs, and the sentences that answer the questions.

Knows: results, the recipes' names. Does not know: how runs are made, files, the page.
Every figure is computed from `results.json`.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

from deeprnn.cells import CELLS
from deeprnn.recipes import AUTHORS, CELL_NAMES, DEPTHS, OWN_TEXT
from deeprnn.results import Estimate, Results

WIRINGS = ("plain", "residual")
DATA = ("10k", "50k", "book", "wells-3", "wells-8", "authors")
MERGED = ("five", "five-marked", "cross-domain")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figure(results: Results, recipe: str, part: str = "heldout") -> str:
    """A recipe's perplexity over its seeds, a failure by its name, or a dash for what was not run."""
    runs = results.seeds(recipe)
    if not runs:
        return "–"
    if not results.finished(recipe):
        return str(runs[0]["outcome"]["status"])
    text = str(results.estimate(recipe, part)).removesuffix(" (1 seed)")
    return f"{text} *{runs[0]['outcome']['status']}*" if runs[0]["outcome"]["status"] != "learned" else text


def depth_table(results: Results, kind: str = "depth") -> str:
    """Set B: cells and wirings down, depths across. kind: `depth` (equal parameters) or `width` (equal width)."""
    depths = [n for n in DEPTHS if any(results.seeds(f"{kind}-{cell}-{n}-plain") for cell in CELL_NAMES)]
    if not depths:
        return "not run yet"
    rows = [
        [CELLS[cell].label, wiring, *(figure(results, f"{kind}-{cell}-{n}-{wiring}") for n in depths)]
        for cell, wiring in itertools.product(CELL_NAMES, WIRINGS)
    ]
    return table(["cell", "stack", *(f"{n} layer{'s' * (n > 1)}" for n in depths)], rows)


def data_table(results: Results) -> str:
    """Set D: the same model after more and more text; the best weights on the way, and those at the end."""
    rows = []
    for name in DATA:
        for run in results.seeds(f"data-{name}")[:1]:
            text = results.texts[run["text_key"]]
            curve = run["curve"]
            rows.append(
                [
                    f"`data-{name}`",
                    f"{text['train_chars']:,}",
                    f"{curve['chars'][-1]:,}",
                    figure(results, run["name"], "train"),
                    figure(results, run["name"]),
                    f"{curve['val_ppl'][-1]:.2f}",
                    f"{run['final']['val']['ppl']:.2f}",
                    f"{ngram_ppl(text):.2f}",
                ]
            )
    head = ["recipe", "characters of text", "read in all", "train", "test", "validation at the end", "at its best"]
    return table([*head, "6-gram, test"], rows)


def author_table(results: Results) -> str:
    """Set E: who was trained on, down; who is read, across."""
    rows = []
    for name in (*AUTHORS, *MERGED):
        for run in results.seeds(f"author-{name}")[:1]:
            figures = (f"{run['elsewhere'][text]['ppl']:.3f}" for text in OWN_TEXT.values())
            rows.append([f"`author-{name}`", *figures])
    return table(["trained on", *(name.capitalize() for name in AUTHORS)], rows)


def ablation_table(results: Results) -> str:
    """What the training loses without each of its parts, in nats per character of the test part, the same seed."""
    base = "ablation-none"
    if not results.seeds(base):
        return "not run yet"
    whole = results.estimate(base, figure="nats").mean
    names = sorted({run["name"] for run in results.runs.values() if run["name"].startswith("ablation-")} - {base})
    rows = [["nothing", figure(results, base, "train"), figure(results, base), f"{whole:.4f}", ""]]
    for name in names:
        if not results.finished(name):
            rows.append([name.removeprefix("ablation-"), *(["diverged"] * 2), "", ""])
            continue
        nats = results.estimate(name, figure="nats").mean
        shown = [figure(results, name, "train"), figure(results, name), f"{nats:.4f}", f"{nats - whole:+.4f}"]
        rows.append([name.removeprefix("ablation-"), *shown])
    return table(["without", "train ppl", "test ppl", "test nats", "difference"], rows)


def novelty_table(results: Results) -> str:
    """What the shipped models copy and repeat."""

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.1f}%"

    rows = []
    for name, novelty in sorted(results.novelty.items()):
        ours, real = novelty["sample"], novelty["heldout"]
        place = ours["place"]
        where = f" (at {100 * place['fraction']:.0f}% of `{place['text']}`)" if place else ""
        shown = [percent(ours["copied_share"]), percent(ours["dictionary_share"]), percent(ours["distinct"][2])]
        rows.append([f"`{name}`", f"{ours['longest_run']}{where}", *shown, percent(real["copied_share"])])
    head = ["checkpoint", "longest copied run", "copied", "known words", "distinct-3"]
    return table([*head, "copied, of real text"], rows)


def baseline_table(results: Results) -> str:
    """What no model made, for each training and held-out part."""
    rows = [
        [
            key,
            str(text["symbols"]),
            f"{math.exp(text['unigram_nats']):.2f}",
            f"{ngram_ppl(text):.3f}",
            f"{text['xz_bpc']:.3f}",
        ]
        for key, text in sorted(results.texts.items())
    ]
    return table(["text, form, parts", "symbols (uniform)", "unigram", "6-gram", "xz, bits/char"], rows)


def ngram_ppl(text: dict[str, float]) -> float:
    """The smoothed n-gram's perplexity on a text's held-out part."""
    return math.exp(text["ngram_nats"])


def verdicts(results: Results) -> list[str]:
    """A sentence for each question that has been measured; a figure without an interval is that of one seed."""
    return [sentence.replace(" (1 seed)", "") for ask in _QUESTIONS if (sentence := ask(results))]


def best_depth(results: Results, cell: str, wiring: str) -> tuple[int, Estimate] | None:
    """The depth with the lowest held-out perplexity at equal parameters; None before all depths were run."""
    names = {n: f"depth-{cell}-{n}-{wiring}" for n in DEPTHS}
    if not all(results.finished(name) for name in names.values()):
        return None
    found = {n: results.estimate(name) for n, name in names.items()}
    best = min(found, key=lambda n: found[n].mean)
    return best, found[best]


def _depth(results: Results) -> str | None:
    parts = []
    for cell in CELL_NAMES:
        plain, residual = (best_depth(results, cell, wiring) for wiring in WIRINGS)
        if plain is None or residual is None:
            return None
        deep, tall = (results.estimate(f"depth-{cell}-10-{wiring}") for wiring in WIRINGS)
        loss = 100 * (tall.mean / residual[1].mean - 1)
        parts.append(
            f"{CELLS[cell].label} {plain[1]} with {plain[0]} plain layer{'s' * (plain[0] > 1)} and {deep} with ten, "
            f"{residual[1]} with {residual[0]} residual layer{'s' * (residual[0] > 1)} and {tall} with ten "
            f"({loss:+.1f}%)"
        )
    return "**Depth.** At equal parameters plain stacks fail by depth and residual ones hold: " + "; ".join(parts) + "."


def _scratch(results: Results) -> str | None:
    right, wrong = "note-rnn-2", "note-rnn-2-shared"
    if not all(results.seeds(name) for name in (right, wrong)):
        return None
    train = {name: results.estimate(name, "train") for name in (right, wrong)}
    return (
        f"**Two layers from scratch.** With weights and a state for each layer, {train[right]} in training and "
        f"{results.estimate(right)} on new text; with one set of weights and one state that comes back as it went in, "
        f"{train[wrong]} and {results.estimate(wrong)}: letter frequencies."
    )


def _gru_for_lstm(results: Results) -> str | None:
    names = [f"depth-{cell}-2-{wiring}" for cell, wiring in itertools.product(("gru", "lstm"), WIRINGS)]
    if not all(results.seeds(name) for name in names):
        return None
    gru_plain, gru, lstm_plain, lstm = (results.estimate(name) for name in names)
    said = (
        f"**GRU for LSTM.** Two layers, equal parameters, ten epochs of the book: the GRU reaches {gru} (residual) and "
        f"{gru_plain} (plain), the LSTM {lstm} and {lstm_plain}."
    )
    timed = {cell: results.seeds(f"time-{cell}-2-residual") for cell in ("gru", "lstm")}
    if not all(timed.values()):
        return said
    reached = (
        f"the {CELLS[cell].label} {results.estimate(runs[0]['name'])} in {runs[0]['train_seconds']:.0f} s of training"
        for cell, runs in timed.items()
    )
    return f"{said} Given about as long instead of as many epochs: {', '.join(reached)}."


def _data(results: Results) -> str | None:
    if not all(results.seeds(f"data-{name}") for name in DATA):
        return None
    few, book, many = (f"data-{name}" for name in ("10k", "book", "wells-3"))
    end = results.seeds(few)[0]["curve"]
    return (
        f"**More data.** From 10,000 characters the model comes to {end['train_ppl'][-1]:.3f} in training and "
        f"{end['val_ppl'][-1]:.1f} on new text: 1.0 is recitation. On the same test text its best is "
        f"{results.estimate(few)} from 10,000 characters, {results.estimate(book)} from the whole book, "
        f"{results.estimate(many)} with two more books."
    )


def _authors(results: Results) -> str | None:
    if not all(results.seeds(f"author-{name}") for name in (*AUTHORS, "five")):
        return None
    elsewhere = {name: results.seeds(f"author-{name}")[0]["elsewhere"] for name in (*AUTHORS, "five")}
    worse = [elsewhere["five"][text]["ppl"] / elsewhere[name][text]["ppl"] for name, text in OWN_TEXT.items()]
    foreign = [
        elsewhere[a][OWN_TEXT[b]]["ppl"] / elsewhere[b][OWN_TEXT[b]]["ppl"] for a in AUTHORS for b in AUTHORS if a != b
    ]
    return (
        f"**Merging authors.** With the same number of characters in all, one model of five authors is "
        f"{100 * (min(worse) - 1):+.0f}% to {100 * (max(worse) - 1):+.0f}% in perplexity on each author against that "
        f"author's own model; a model of one author reads another {100 * (min(foreign) - 1):+.0f}% to "
        f"{100 * (max(foreign) - 1):+.0f}% worse than that author's own does."
    )


_QUESTIONS: tuple[Callable[[Results], str | None], ...] = (_scratch, _depth, _gru_for_lstm, _data, _authors)
