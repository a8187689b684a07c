"""What the runs answer: for each question its figures, and a sentence around them in English and Chinese.

Knows: results. Does not know: how runs are made, the page, the README. No figure is typed in here.
"""

import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from deeprnn.cells import CELLS
from deeprnn.results import Estimate, Results, Run, estimate, heldout

WIRINGS = ("plain", "residual")
DATA = ("10k", "50k", "book", "wells-3", "wells-8", "authors")
MERGED = ("five", "five-marked", "cross-domain")
Figures = dict[str, object]

TITLES = {
    "scratch": ("Two layers from scratch", "从零实现两层"),
    "rote": ("Perplexity 1.0", "困惑度 1.0"),
    "gru": ("GRU for LSTM", "用 GRU 换 LSTM"),
    "data": ("More data", "更多数据"),
    "authors": ("Merging authors", "合并作者"),
    "shelf": ("Merging all that each author wrote", "合并每位作者的全部文本"),
    "depth": ("Depth", "深度"),
    "rate": ("Ten layers want a higher learning rate", "十层要更高的学习率"),
}
SENTENCES = {
    "scratch": (
        "With weights and a state for each layer, {right} in training and {right_new} on new text; with one set of "
        "weights and one state that comes back as it went in, {wrong} and {wrong_new}: letter frequencies.",
        "每层各有一套权重和一个状态时，训练 {right}，新文本 {right_new}；两层共用一套权重、状态原样返回时，{wrong} 和 "
        "{wrong_new}：只学到了字母频率。",
    ),
    "rote": (
        "The two-layer models come to {train_low} to {train_high} on the 10,000 characters they were trained on and "
        "{new_low} to {new_high} on the rest of the book, where guessing all symbols alike gives {symbols}: 1.0 is "
        "recitation. They were best on new text, {best_low} to {best_high}, after {early} to {late} of {epochs} "
        "epochs; the same characters with rote learning held off reach {few}.",
        "两层模型在训练用的一万个字符上降到 {train_low} 至 {train_high}，在书的其余部分却是 {new_low} 至 {new_high}，"
        "而在所有符号中乱猜也只是 {symbols}：1.0 就是背诵。它们在新文本上最好的时候（{best_low} 至 {best_high}）是 "
        "{epochs} 个周期中的第 {early} 到 {late} 个；同样的字符，抑制死记之后达到 {few}。",
    ),
    "gru": (
        "Two layers, equal parameters, as many epochs of the book: the GRU reaches {gru} (residual) and {gru_plain} "
        "(plain), the LSTM {lstm} and {lstm_plain}. Given about as long instead: the GRU {gru_timed} in {gru_seconds} "
        "s of training, the LSTM {lstm_timed} in {lstm_seconds} s.",
        "两层、参数量相同、在全书上训练同样多的周期：GRU 达到 {gru}（残差）和 {gru_plain}（直接堆叠），LSTM 为 {lstm} "
        "和 {lstm_plain}。若改为给差不多长的时间：GRU 训练 {gru_seconds} 秒达到 {gru_timed}，LSTM 训练 {lstm_seconds} "
        "秒达到 {lstm_timed}。",
    ),
    "data": (
        "From 10,000 characters the model comes to {end_train} in training and {end_new} on new text at the end. On "
        "the same test text its best is {few} from 10,000 characters, {book} from the whole book, {more} with two "
        "more books.",
        "只有一万个字符时，训练结束时训练困惑度 {end_train}，新文本 {end_new}。在同一段测试文本上，最好成绩是：一万个"
        "字符 {few}，整本书 {book}，再加两本书 {more}。",
    ),
    "authors": (
        "With the same number of characters in all, one model of five authors is {shared_mean}% worse in perplexity "
        "than each author's own model on average ({shared_low}% to {shared_high}%); a model of one author reads "
        "another {foreign_mean}% worse than that author's own does ({foreign_low}% to {foreign_high}%).",
        "总字符数相同时，五位作者合用的一个模型的困惑度平均比各自的专用模型差 {shared_mean}%（{shared_low}% 到 "
        "{shared_high}%）；而用一位作者的模型去读另一位，平均差 {foreign_mean}%（{foreign_low}% 到 {foreign_high}%）。",
    ),
    "shelf": (
        "With all the text there is of each, read {epochs} times, one model of five authors is {shared_mean}% from "
        "each author's own in perplexity on average ({shared_low}% to {shared_high}%; below 0 it is better, and it "
        "also takes {times} times as many steps as theirs); a model of one author reads another {foreign_mean}% worse "
        "({foreign_low}% to {foreign_high}%).",
        "若每位作者的全部文本都用上，各读 {epochs} 遍，五位合用的一个模型与各自专用模型的困惑度平均相差 {shared_mean}%"
        "（{shared_low}% 到 {shared_high}%；小于 0 为更好，它的训练步数平均也是它们的 {times} 倍）；一位作者的模型读"
        "另一位平均差 {foreign_mean}%（{foreign_low}% 到 {foreign_high}%）。",
    ),
    "depth": (
        "At equal parameters ten plain layers fail or fall far behind: {plain}. Ten residual layers hold, a little "
        "behind the best depth: {residual}.",
        "参数量相同时，直接堆叠十层不是学不动就是远远落后：{plain}。十层残差站得住，只比最佳深度稍差：{residual}。",
    ),
    "rate": (
        "With a learning rate of {rate} instead of {was} for every depth, ten residual layers come to {residual}: at "
        "most {most}% behind the best depth.",
        "每种深度都把学习率从 {was} 提到 {rate} 时，十层残差为 {residual}：比最佳深度最多差 {most}%。",
    ),
}


def of(results: Results) -> dict[str, Figures]:
    """The figures of each question that has been measured, by the places of its sentence."""
    return {key: found for key, ask in _QUESTIONS.items() if (found := ask(results))}


def sentence(key: str, figures: Figures, lang: Literal["en", "zh"]) -> str:
    """The answer in a language; a figure without an interval is that of one seed."""
    return SENTENCES[key][0 if lang == "en" else 1].format(**figures)


def cells(results: Results, kind: str = "depth") -> list[str]:
    """The cells of a set of runs in the order of the registry."""
    return [cell for cell in CELLS if any(name.startswith(f"{kind}-{cell}-") for name in results.runs)]


def depths(results: Results, kind: str = "depth") -> list[int]:
    """How deep the stacks of a set of runs are. kind: `depth` (equal parameters) or `width` (equal width)."""
    return sorted({int(name.split("-")[2]) for name in results.runs if name.startswith(f"{kind}-")})


def best_depth(results: Results, cell: str, wiring: str, kind: str = "depth") -> tuple[int, Estimate] | None:
    """The depth with the lowest held-out perplexity at equal parameters; None before all depths were run."""
    names = {n: f"{kind}-{cell}-{n}-{wiring}" for n in depths(results, kind)}
    if not names or not all(results.finished(name) for name in names.values()):
        return None
    found = {n: results.estimate(name) for n, name in names.items()}
    best = min(found, key=lambda n: found[n].mean)
    return best, found[best]


def authors(results: Results, kind: str = "author") -> dict[str, str]:
    """The authors who have a model of their own, and the text that each is held out from, in the order of reading.

    kind: `author` (equally many characters) or `shelf` (all there are).
    """
    names = (name.removeprefix(f"{kind}-") for name in results.runs if name.startswith(f"{kind}-"))
    own = {
        name: results.runs[f"{kind}-{name}"]["train_config"]["text"]
        for name in names
        if name not in MERGED and "-seed" not in name
    }
    order = [text for run in results.seeds(f"{kind}-five")[:1] for text in run["elsewhere"]]
    return {name: text for text in order for name, mine in own.items() if mine == text}


def elsewhere(results: Results, name: str, text: str, kind: str = "author") -> Estimate:
    """Perplexity of `author-NAME` on the held-out part of a text, over its seeds."""
    return results.estimate_of(*_elsewhere(f"{kind}-{name}", text))


def figure(results: Results, recipe: str, part: str = "heldout") -> str:
    """A recipe's perplexity over its seeds with its failure, in Markdown; see `reading`."""
    text, failure = reading(results, recipe, part)
    return f"{text} *{failure}*" if text and failure else text or failure


def reading(results: Results, recipe: str, part: str = "heldout") -> tuple[str, str]:
    """A recipe's perplexity over its seeds, empty if none came to its end, and its failure, empty if it learned.

    What was not run is a dash.
    """
    runs = results.seeds(recipe)
    if not runs:
        return "–", ""
    status = str(runs[0]["outcome"]["status"])
    text = str(results.estimate(recipe, part)) if results.finished(recipe) else ""
    return text, "" if text and status == "learned" else status


def ngram_ppl(text: dict[str, float]) -> float:
    """The smoothed n-gram's perplexity on a text's held-out part."""
    return math.exp(text["ngram_nats"])


def _depth(results: Results) -> Figures | None:
    plain = {cell: f"depth-{cell}-10-plain" for cell in cells(results)}
    gaps = _gaps(results, "depth")
    if not gaps or not all(results.finished(name) for name in plain.values()):
        return None
    fallen = ", ".join(f"{CELLS[cell].label} {results.estimate(name)}" for cell, name in plain.items())
    return {"plain": fallen, "residual": _behind(gaps)}


def _rate(results: Results) -> Figures | None:
    gaps = _gaps(results, "rate")
    if not gaps:
        return None
    rate, was = (
        results.seeds(f"{kind}-{cells(results, 'rate')[0]}-10-residual")[0]["train_config"]["learning_rate"]
        for kind in ("rate", "depth")
    )
    return {
        "rate": f"{rate:g}",
        "was": f"{was:g}",
        "residual": _behind(gaps),
        "most": f"{max(gap.mean for _, gap in gaps.values()):.1f}",
    }


def _gaps(results: Results, kind: str) -> dict[str, tuple[Estimate, Estimate]] | None:
    """Of each cell ten residual layers, and by how many percent they are behind the best depth; see `_percent`."""
    found = {}
    for cell in cells(results, kind):
        best, name = best_depth(results, cell, "residual", kind), f"{kind}-{cell}-10-residual"
        if best is None or not results.finished(name):
            return None
        other = f"{kind}-{cell}-{best[0]}-residual"
        found[cell] = results.estimate(name), _percent(results, [(_held(name), _held(other))])
    return found


Figure = tuple[str, Callable[[Run], float]]  # a recipe, and what is read of its run


def _held(recipe: str) -> Figure:
    return recipe, lambda run: float(heldout(run["final"])["ppl"])


def _elsewhere(recipe: str, text: str) -> Figure:
    return recipe, lambda run: float(run["elsewhere"][text]["ppl"])


def _percent(results: Results, pairs: Sequence[tuple[Figure, Figure]]) -> Estimate:
    """By how many percent the first figure of a pair is above the second, on average over the pairs.

    The mean is that of the figures' means over all their seeds, the interval that over the seeds which all have.
    """
    recipes = {recipe for pair in pairs for recipe, _ in pair}
    runs = {recipe: {run["seed"]: run for run in results.finished(recipe)} for recipe in recipes}
    common = set.intersection(*(set(seeds) for seeds in runs.values()))

    def gap(seeds: Mapping[str, Collection[int]]) -> float:
        def mean(figure: Figure) -> float:
            recipe, of = figure
            return statistics.fmean(of(runs[recipe][seed]) for seed in seeds[recipe])

        return 100 * statistics.fmean(mean(one) / mean(other) - 1 for one, other in pairs)

    each = [gap({recipe: [seed] for recipe in recipes}) for seed in sorted(common)]
    half = estimate(each).half_width if each else None
    return Estimate(mean=gap(runs), half_width=half, num_seeds=len(common))


def _shown(percent: Estimate, sign: str = "") -> str:
    half = "" if percent.half_width is None else f" ± {percent.half_width:.1f}"
    return f"{percent.mean:{sign}.1f}{half}"


def _behind(gaps: dict[str, tuple[Estimate, Estimate]]) -> str:
    return ", ".join(f"{CELLS[cell].label} {held} ({_shown(gap, '+')}%)" for cell, (held, gap) in gaps.items())


def _scratch(results: Results) -> Figures | None:
    names = {"right": "note-rnn-2", "wrong": "note-rnn-2-shared"}
    if not all(results.finished(name) for name in names.values()):
        return None
    train: Figures = {key: results.estimate(name, "train") for key, name in names.items()}
    return train | {f"{key}_new": results.estimate(name) for key, name in names.items()}


def _rote(results: Results) -> Figures | None:
    names = [f"note-{cell}-2" for cell in ("rnn", "gru", "lstm")]
    if not all(results.finished(name) for name in [*names, "few-lstm-2"]):
        return None
    train, new = ([results.estimate(name, part).mean for name in names] for part in ("train", "heldout"))
    best = [run["best_val"] for name in names for run in results.seeds(name)[:1]]
    first = results.seeds(names[0])[0]
    return {
        **_span("train", train, 3),
        **_span("new", new, 1),
        **_span("best", [one["ppl"] for one in best], 2),
        "early": min(one["epoch"] for one in best),
        "late": max(one["epoch"] for one in best),
        "epochs": first["train_config"]["epochs"],
        "symbols": results.texts[first["text_key"]]["symbols"],
        "few": results.estimate("few-lstm-2"),
    }


def _gru(results: Results) -> Figures | None:
    names = {
        f"{cell}{end}": f"{kind}-{cell}-2-{wiring}"
        for cell in ("gru", "lstm")
        for end, kind, wiring in (
            ("", "depth", "residual"),
            ("_plain", "depth", "plain"),
            ("_timed", "time", "residual"),
        )
    }
    if not all(results.finished(name) for name in names.values()):
        return None
    seconds: Figures = {
        f"{cell}_seconds": f"{results.estimate_of(names[f'{cell}_timed'], lambda run: run['train_seconds']).mean:.0f}"
        for cell in ("gru", "lstm")
    }
    return seconds | {key: results.estimate(name) for key, name in names.items()}


def _data(results: Results) -> Figures | None:
    if not all(results.finished(f"data-{name}") for name in DATA):
        return None
    few, book, more = (f"data-{name}" for name in ("10k", "book", "wells-3"))
    return {
        "end_train": results.estimate_of(few, lambda run: run["curve"]["train_ppl"][-1]),
        "end_new": results.estimate_of(few, lambda run: run["curve"]["val_ppl"][-1]),
        **{key: results.estimate(name) for key, name in (("few", few), ("book", book), ("more", more))},
    }


def _authors(results: Results, kind: str = "author") -> Figures | None:
    own = authors(results, kind)
    if len(own) < 2:
        return None
    at_home = {name: _elsewhere(f"{kind}-{name}", text) for name, text in own.items()}
    pairs = {
        "shared": [(_elsewhere(f"{kind}-five", text), at_home[name]) for name, text in own.items()],
        "foreign": [(_elsewhere(f"{kind}-{a}", own[b]), at_home[b]) for a in own for b in own if a != b],
    }
    found: Figures = {}
    for name, each in pairs.items():
        found[f"{name}_mean"] = _shown(_percent(results, each))
        found |= _span(name, [_percent(results, [pair]).mean for pair in each], 0)
    return found


def _shelf(results: Results) -> Figures | None:
    found = _authors(results, "shelf")
    if found is None:
        return None
    (merged, *_), *alone = (results.seeds(f"shelf-{name}") for name in ("five", *authors(results, "shelf")))
    read = [runs[0]["curve"]["chars"][-1] for runs in alone]
    times = f"{merged['curve']['chars'][-1] / statistics.fmean(read):.0f}"
    return found | {"epochs": merged["train_config"]["epochs"], "times": times}


def _span(name: str, values: list[float], digits: int) -> dict[str, str]:
    return {f"{name}_low": f"{min(values):.{digits}f}", f"{name}_high": f"{max(values):.{digits}f}"}


_QUESTIONS: dict[str, Callable[[Results], Figures | None]] = {
    "scratch": _scratch,
    "gru": _gru,
    "rote": _rote,
    "data": _data,
    "authors": _authors,
    "shelf": _shelf,
    "depth": _depth,
    "rate": _rate,
}
