"""What the runs answer: for each question its figures, and a sentence around them in English and Chinese.

Knows: results. Does not know: how runs are made, the page, the README. No figure is typed in here.
"""

import contextlib
import re
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from deeprnn.nn.cells import CELLS
from deeprnn.store.results import Estimate, Results, RunRecord, estimate

BY_HEART = 1.1  # a training perplexity under which a text is as good as known
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
    "ladder": ("How deep?", "要多深？"),
}
SENTENCES = {
    "scratch": (
        "With weights and a state for each layer, {right} in training and {right_new} on held-out text; with one set "
        "of weights and one state that comes back as it went in, {wrong} and {wrong_new}: letter frequencies.",
        "每层各有一套权重和一个状态时，训练 {right}，留出文本 {right_new}；两层共用一套权重、状态原样返回时，{wrong} "
        "和 {wrong_new}：只学到了字母频率。",
    ),
    "rote": (
        "On the 10,000 characters that they were trained on, {share}% of the book, the two-layer models come to "
        "{train_low} to {train_high}; on its last tenth to {new_low} to {new_high}, where guessing all symbols alike "
        "gives {symbols}: 1.0 is recitation. They were best on that tenth, {best_low} to {best_high}, after {early} "
        "to {late} of {epochs} epochs. few-lstm-2 differs in several things at once (residual connections with "
        "LayerNorm, an embedding, dropout, weight drop, AdamW, an orthogonal start, its best weights kept) and "
        "reaches {few} from the same characters; a {order}-gram, which only counts them, {ngram}.",
        "用来训练的一万个字符只占全书的 {share}%。两层模型在这些字符上降到 {train_low} 至 {train_high}，在书末十分之一"
        "上却是 {new_low} 至 {new_high}，而在所有符号中均匀猜测也只是 {symbols}：1.0 就是背诵。它们在书末十分之一上最"
        "好的时候（{best_low} 至 {best_high}）是 {epochs} 个迭代周期中的第 {early} 到 {late} 个。few-lstm-2 同时有多处"
        "不同（带 LayerNorm 的残差连接、嵌入层、暂退法、权重丢弃、AdamW、正交初始化、保留最好的权重），用同样的字符达到"
        " {few}；只靠计数的 {order} 元语法是 {ngram}。",
    ),
    "gru": (
        "In the note's own recipe the GRU has {note_saved}% fewer weights than the LSTM. It knows its text by heart "
        "sooner, below a training perplexity of 1.1 after {note_gru_epoch} epochs for the LSTM's {note_lstm_epoch}, "
        "and ends at {note_gru_train} for {note_lstm_train}; the lowest held-out perplexity, {note_gru_best} for "
        "{note_lstm_best}, and the characters a second in training, {note_gru_speed} for {note_lstm_speed}, hardly "
        "differ (seed 0 of each). On the whole book, with dropout, equal parameters and as many epochs: the GRU "
        "reaches {gru} (residual) and {gru_plain} (plain), the LSTM {lstm} and {lstm_plain}. Given about as long "
        "instead: the GRU {gru_timed} in {gru_seconds} s of training, the LSTM {lstm_timed} in {lstm_seconds} s.",
        "按原笔记的做法，GRU 的权重比 LSTM 少 {note_saved}%。它背下训练文本更快：训练困惑度降到 1.1 以下，GRU 用了 "
        "{note_gru_epoch} 个迭代周期，LSTM 用了 {note_lstm_epoch} 个，最后分别是 {note_gru_train} 和 {note_lstm_train}"
        "；最低的留出困惑度（{note_gru_best} 和 {note_lstm_best}）和训练速度（每秒 {note_gru_speed} 和 "
        "{note_lstm_speed} 个字符）相差无几（各只有种子 0）。改用全书、加暂退法、参数量相同、迭代周期相同：GRU 达到 "
        "{gru}（残差）和 {gru_plain}（直接堆叠），LSTM 为 {lstm} 和 {lstm_plain}。若改为训练时间大致相同：GRU 用 "
        "{gru_seconds} 秒达到 {gru_timed}，LSTM 用 {lstm_seconds} 秒达到 {lstm_timed}。",
    ),
    "data": (
        "From 10,000 characters the model comes to {end_train} in training and {end_new} on held-out text at the end. "
        "Its best on the same held-out text, by characters of training text, with the {order}-gram of that text in "
        "brackets: {each}. It reads {read_low} to {read_high} characters in every run; with no more reading than that,"
        " eight books and more bring it nothing further, while counting still gains.",
        "只有一万个字符时，训练结束时训练困惑度 {end_train}，留出文本 {end_new}。在同一段留出文本上的最好成绩，按训练"
        "文本的字符数列出，括号里是同一文本的 {order} 元语法：{each}。每次训练都读 {read_low} 到 {read_high} 个字符；"
        "只读这么多时，八本书以上不再有好处，而计数还在变好。",
    ),
    "authors": (
        "With the same number of characters in all, one model of five authors is {shared_mean}% worse in perplexity "
        "than each author's own model on average ({shared_low}% to {shared_high}%); it has read a fifth as much of "
        "each, and that is not told apart from sharing here. A model of one author reads another {foreign_mean}% "
        "worse than that author's own does ({foreign_low}% to {foreign_high}%).",
        "总字符数相同时，五位作者合用的一个模型的困惑度平均比各自的专用模型高 {shared_mean}%（{shared_low}% 到 "
        "{shared_high}%）；它对每位只读了五分之一，这与合用本身的影响在这里没有分开。用一位作者的模型去读另一位，平均"
        "高 {foreign_mean}%（{foreign_low}% 到 {foreign_high}%）。",
    ),
    "shelf": (
        "With all the text there is of each, read {epochs} times, one model of five authors is {lower_mean}% lower in "
        "perplexity than each author's own on average ({lower_low}% to {lower_high}%; it also takes {times} times as "
        "many steps as theirs); a model of one author reads another {foreign_mean}% worse ({foreign_low}% to "
        "{foreign_high}%).",
        "若每位作者的全部文本都用上，各读 {epochs} 遍，五位合用的一个模型的困惑度平均比各自的专用模型低 {lower_mean}%"
        "（低 {lower_low}% 到 {lower_high}%；它的训练步数平均也是它们的 {times} 倍）；用一位作者的模型去读另一位，平均"
        "高 {foreign_mean}%（{foreign_low}% 到 {foreign_high}%）。",
    ),
    "depth": (
        "At equal parameters ten plain layers fail or fall far behind: {plain}. Ten residual layers, which also have "
        "LayerNorm, hold, a little behind the best depth: {residual}. Most of these figures are of single seeds; "
        "where several were run, the interval is up to ± {wide}%, and the best depth is the best of {depths}.",
        "参数量相同时，直接堆叠十层不是学不动就是远远落后：{plain}。十层残差（另有 LayerNorm）站得住，只比最佳深度稍差"
        "：{residual}。这些数大多只有一个种子；有多个种子的，区间最宽为 ± {wide}%，而“最佳深度”是 {depths} 种深度里最"
        "好的一个。",
    ),
    "rate": (
        "With a learning rate of {rate} instead of {was} for every depth, ten residual layers come to {residual}: at "
        "most {most}% behind the best depth.",
        "每种深度都把学习率从 {was} 提到 {rate} 时，十层残差为 {residual}：比最佳深度最多差 {most}%。",
    ),
    "ladder": (
        "That depends on what is held equal. The best number of layers in a residual stack (perplexity): at equal "
        "parameters and a learning rate of {was}, {slow}; at {rate}, {fast}; at equal width, where more layers are "
        "more weights, {wide}, of at most {most} that were tried. At equal parameters more than two layers gain "
        "{gain_low}% to {gain_high}%, mostly by single seeds. The higher rate lowers ten layers by {ten_low}% to "
        "{ten_high}% and two by {two_low}% to {two_high}%: too low a rate costs deep stacks most.",
        "取决于固定哪一项来比较。残差堆叠的最佳层数（括号里是困惑度）：参数量相同、学习率 {was} 时，{slow}；学习率 "
        "{rate} 时，{fast}；宽度相同（层数越多权重越多）时，{wide}，最多试到 {most} 层。参数量相同时，超过两层只改善 "
        "{gain_low}% 到 {gain_high}%，且大多只有一个种子。提高学习率使十层的困惑度降低 {ten_low}% 到 {ten_high}%，两层"
        "降低 {two_low}% 到 {two_high}%：学习率太低，吃亏最多的是深的网络。",
    ),
}


def answers(results: Results) -> dict[str, Figures]:
    """The figures of each question that has been measured, by the places of its sentence."""
    answers = {}
    for key, ask in _QUESTIONS.items():
        with contextlib.suppress(LookupError, ValueError, ArithmeticError):  # it lacks runs or texts
            if found := ask(results):
                answers[key] = found
    return answers


def sentence(key: str, figures: Figures, lang: Literal["en", "zh"]) -> str:
    """The answer in a language; a figure without an interval is that of one seed."""
    shown = {name: listed(value, lang) if isinstance(value, tuple) else value for name, value in figures.items()}
    return SENTENCES[key][0 if lang == "en" else 1].format(**shown)


def listed(items: Sequence[str], lang: Literal["en", "zh"]) -> str:
    """Several figures as a language lists them."""
    return (
        ", ".join(items)
        if lang == "en"
        else "、".join(items).replace(" (", "（").replace(")", "）").replace(" – ", "：")
    )


def cells(results: Results, kind: str = "depth") -> list[str]:
    """The cells of a set of runs in the order of the registry."""
    return [cell for cell in CELLS if any(name.startswith(f"{kind}-{cell}-") for name in results.runs)]


def depths(results: Results, kind: str = "depth") -> list[int]:
    """How deep the stacks of a set of runs are. kind: `depth` (equal parameters) or `width` (equal width)."""
    found = (re.match(rf"{kind}-[^-]+-(\d+)-", name) for name in results.runs)
    return sorted({int(one[1]) for one in found if one})


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
        name: results.runs[f"{kind}-{name}"].train_config.text for name in names if results.finished(f"{kind}-{name}")
    }
    # Not the merged ones, other seeds, nor runs that `--data` gave another text.
    own = {n: text for n, text in own.items() if n not in MERGED and "-seed" not in n and not n.endswith(f"-{text}")}
    order = [text for run in results.seeds(f"{kind}-five")[:1] for text in run.elsewhere]
    return {name: text for text in order for name, mine in own.items() if mine == text}


def who_read(results: Results, kind: str = "author") -> list[str]:
    """Whose models have read the held-out parts of all these texts: the authors' own, then the merged ones."""
    own = authors(results, kind)
    read = {name: results.finished(f"{kind}-{name}") for name in (*own, *MERGED)}
    return [
        name for name, runs in read.items() if runs and all(set(own.values()) <= set(run.elsewhere) for run in runs)
    ]


def elsewhere(results: Results, name: str, text: str, kind: str = "author") -> Estimate:
    """Perplexity of `author-NAME` on the held-out part of a text, over its seeds."""
    return results.estimate_of(*_elsewhere(f"{kind}-{name}", text))


def format_ppl(results: Results, recipe: str, part: str = "heldout") -> str:
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
    status = runs[0].outcome.status
    text = str(results.estimate(recipe, part)) if results.finished(recipe) else ""
    return text, "" if text and status == "learned" else status


def _depth(results: Results) -> Figures | None:
    plain = {cell: f"depth-{cell}-10-plain" for cell in cells(results)}
    gaps = _gaps(results, "depth")
    if not gaps or not all(results.finished(name) for name in plain.values()):
        return None
    fallen = tuple(f"{CELLS[cell].label} {results.estimate(name)}" for cell, name in plain.items())
    tried = depths(results)
    each = (results.estimate(f"depth-{cell}-{n}-residual") for cell in plain for n in tried)
    wide = max((100 * one.half_width / one.mean for one in each if one.half_width is not None), default=0.0)
    return {"plain": fallen, "residual": _behind(gaps), "wide": f"{wide:.1f}", "depths": len(tried)}


def _ladder(results: Results) -> Figures | None:
    best = {
        kind: {cell: best_depth(results, cell, "residual", kind) for cell in cells(results, kind)}
        for kind in ("depth", "rate", "width")
    }
    if not all(each and all(each.values()) for each in best.values()):
        return None

    def named(kind: str) -> tuple[str, ...]:
        return tuple(f"{CELLS[cell].label} {one[0]} ({one[1]})" for cell, one in best[kind].items() if one)

    def lower(new: str, old: str) -> float:
        return 0.0 - _percent(results, [(_held(new), _held(old))]).mean

    gains = {
        "gain": [
            lower(f"{kind}-{cell}-{one[0]}-residual", f"{kind}-{cell}-2-residual")
            for kind in ("depth", "rate")
            for cell, one in best[kind].items()
            if one
        ],
        "two": [lower(f"rate-{cell}-2-residual", f"depth-{cell}-2-residual") for cell in best["rate"]],
        "ten": [lower(f"rate-{cell}-10-residual", f"depth-{cell}-10-residual") for cell in best["rate"]],
    }
    rates = {key: _learning_rate(results, kind) for key, kind in (("was", "depth"), ("rate", "rate"))}
    found: Figures = {"slow": named("depth"), "fast": named("rate"), "wide": named("width")}
    found |= rates | {"most": max(depths(results, "width"))}
    for key, values in gains.items():
        found |= _span(key, values, 1)
    return found


def _learning_rate(results: Results, kind: str) -> str:
    run = results.seeds(f"{kind}-{cells(results, kind)[0]}-10-residual")[0]
    return f"{run.train_config.learning_rate:g}"


def _rate(results: Results) -> Figures | None:
    gaps = _gaps(results, "rate")
    if not gaps:
        return None
    return {
        "rate": _learning_rate(results, "rate"),
        "was": _learning_rate(results, "depth"),
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


Figure = tuple[str, Callable[[RunRecord], float]]  # a recipe, and what is read of its run


def _held(recipe: str) -> Figure:
    return recipe, lambda run: run.heldout.ppl


def _elsewhere(recipe: str, text: str) -> Figure:
    return recipe, lambda run: run.elsewhere[text].ppl


def _percent(results: Results, pairs: Sequence[tuple[Figure, Figure]]) -> Estimate:
    """By how many percent the first figure of a pair is above the second, on average over the pairs.

    The mean is that of the figures' means over all their seeds, the interval that over the seeds which all have.
    """
    recipes = {recipe for pair in pairs for recipe, _ in pair}
    runs = {recipe: {run.seed: run for run in results.finished(recipe)} for recipe in recipes}
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


def _behind(gaps: dict[str, tuple[Estimate, Estimate]]) -> tuple[str, ...]:
    return tuple(f"{CELLS[cell].label} {held} ({_shown(gap, '+')}%)" for cell, (held, gap) in gaps.items())


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
    best = [run.best_val for name in names for run in results.finished(name)[:1] if run.best_val]
    first = results.finished(names[0])[0]
    text = results.texts[first.text_key]
    book = text.heldout_chars / (1 - first.train_config.train_fraction)
    return {
        "share": f"{100 * text.train_chars / book:.0f}",
        "order": text.ngram_order,
        "ngram": f"{text.ngram_ppl:.3f}",
        **_span("train", train, 3),
        **_span("new", new, 1),
        **_span("best", [one.ppl for one in best], 2),
        "early": min(one.epoch for one in best),
        "late": max(one.epoch for one in best),
        "epochs": first.train_config.epochs,
        "symbols": text.symbols,
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
    note = {cell: results.finished(f"note-{cell}-2")[:1] for cell in ("gru", "lstm")}
    if not all(results.finished(name) for name in names.values()) or not all(note.values()):
        return None
    gru, lstm = (run.num_params for (run,) in note.values())
    found: Figures = {"note_saved": f"{100 * (1 - gru / lstm):.0f}"}
    for cell, (run,) in note.items():
        learned = zip(run.curve.epoch, run.curve.train_ppl, strict=True)
        found |= {
            f"note_{cell}_epoch": next((epoch for epoch, ppl in learned if ppl < BY_HEART), "–"),
            f"note_{cell}_train": f"{run.final['train'].ppl:.3f}",
            f"note_{cell}_best": f"{run.best_val.ppl:.2f}" if run.best_val else "–",
            f"note_{cell}_speed": f"{run.chars_per_second:,}",
        }
    seconds: Figures = {
        f"{cell}_seconds": f"{results.estimate_of(names[f'{cell}_timed'], lambda run: run.train_seconds).mean:.0f}"
        for cell in ("gru", "lstm")
    }
    return found | seconds | {key: results.estimate(name) for key, name in names.items()}


def _data(results: Results) -> Figures | None:
    if not all(results.finished(f"data-{name}") for name in DATA):
        return None
    few, runs = "data-10k", [results.finished(f"data-{name}")[0] for name in DATA]
    text = {run.name: results.texts[run.text_key] for run in runs}
    read = [int(run.curve.chars[-1]) for run in runs]
    return {
        "end_train": results.estimate_of(few, lambda run: run.curve.train_ppl[-1]),
        "end_new": results.estimate_of(few, lambda run: run.curve.val_ppl[-1]),
        "order": text[few].ngram_order,
        "each": tuple(
            f"{of.train_chars:,} – {results.estimate(name)} ({of.ngram_ppl:.3f})" for name, of in text.items()
        ),
        "read_low": f"{min(read):,}",
        "read_high": f"{max(read):,}",
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
    # Said the other way round: how much lower, from the least to the most.
    mean, low, high = (str(found.pop(f"shared_{end}")).partition(" ") for end in ("mean", "low", "high"))
    found["lower_mean"] = f"{-float(mean[0]):.1f}{mean[1]}{mean[2]}"
    found |= {"lower_low": f"{-float(high[0]):.0f}", "lower_high": f"{-float(low[0]):.0f}"}
    (merged, *_), *alone = (results.seeds(f"shelf-{name}") for name in ("five", *authors(results, "shelf")))
    read = [runs[0].curve.chars[-1] for runs in alone]
    times = f"{merged.curve.chars[-1] / statistics.fmean(read):.0f}"
    return found | {"epochs": merged.train_config.epochs, "times": times}


def _span(name: str, values: list[float], digits: int) -> dict[str, str]:
    return {f"{name}_low": f"{min(values):.{digits}f}", f"{name}_high": f"{max(values):.{digits}f}"}


_QUESTIONS: dict[str, Callable[[Results], Figures | None]] = {
    "scratch": _scratch,
    "gru": _gru,
    "rote": _rote,
    "data": _data,
    "authors": _authors,
    "shelf": _shelf,
    "ladder": _ladder,
    "depth": _depth,
    "rate": _rate,
}
