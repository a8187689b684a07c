"""The Learn view: the equation with its picture, the note, the code, the classic mistake, the cells, perplexity, d2l.

Knows: the package's own source, the results, words. Does not know: the other views, how its sections are drawn.
"""

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from deeprnn.experiments import questions, scratch
from deeprnn.experiments.charts import curves
from deeprnn.experiments.format import sentence
from deeprnn.experiments.question import Question
from deeprnn.nn.cells import CELLS, Cell, RNNCell
from deeprnn.nn.model import CharRNN
from deeprnn.page.learn import one_for_all, two_layers
from deeprnn.page.shared.figures import drawn
from deeprnn.page.shared.highlighting import Pieces, pieces
from deeprnn.page.shared.questions import answers, comparisons
from deeprnn.page.shared.widgets import Translations, drawing, perplexity, results_note, title
from deeprnn.page.words import table, tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results
from deeprnn.words import Lang, in_both

Functions = tuple[Callable[..., Any], ...]
_SCRATCH: Functions = (two_layers.get_params, two_layers.rnn)
_PACKAGE: tuple[Functions, ...] = (
    (Cell.project, RNNCell.gates, RNNCell.recur, Cell.scan),
    (CharRNN.below, CharRNN._stack, CharRNN.above),
    (CharRNN._shared,),
)
_RECITER = "note-lstm-2"
_CHAPTER: dict[Lang, str] = {
    "en": "https://d2l.ai/chapter_recurrent-modern/deep-rnn.html",
    "zh": "https://zh.d2l.ai/chapter_recurrent-modern/deep-rnn.html",
}
# The questions that answer an exercise of the chapter, by the word of the exercise; the last is the note's own.
EXERCISES = {
    "scratch": ("scratch",),
    "gru": ("gru",),
    "data": ("data", "rote"),
    "authors": ("authors",),
    "depth": ("depth",),
}


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def lesson(registry: Registry, lang: Lang) -> dict[str, Any]:
    """Return what `learn.js` draws: the sections in order, each with its code and charts."""
    mistake, ppl = _mistake(registry, lang), _perplexity(registry.results, lang)
    known = {one["key"] for one in (*mistake, *ppl)}
    missing = [name for key, name in table("learn.short", lang).items() if key not in known]
    return {
        "sections": [
            _section("stack", lang, picture=True),
            _section("note", lang, _recipe()),
            _section(
                "scratch", lang, code=[["", _code(_SCRATCH)]], table=_shapes(lang), fold=_fold("code", lang, _PACKAGE)
            ),
            *mistake,
            _section(
                "cells",
                lang,
                equations=[[cell.label, equations(name)] for name, cell in CELLS.items()],
                fold=_fold("cells", lang),
            ),
            *ppl,
            _section("d2l", lang, exercises=_exercises(registry, lang)),
        ],
        "glossary": _glossary(lang),
        "note": results_note(registry, missing, lang),
    }


def _section(
    key: str, lang: Lang, places: Mapping[str, object] = MappingProxyType({}), **content: Any
) -> dict[str, Any]:
    title, text = (tr(f"learn.section.{key}.{part}", lang, **places) for part in ("title", "text"))
    return {"key": key, "title": title, "text": text, **content}


def _fold(key: str, lang: Lang, code: tuple[Functions, ...] = ()) -> dict[str, Any]:
    said = {part: tr(f"learn.fold.{key}.{part}", lang) for part in ("title", "text")}
    return said | {"code": [["", _code(functions)] for functions in code]}


def _glossary(lang: Lang) -> dict[str, dict[str, str]]:
    """Return the name and the meaning of each term by its key."""
    words = table("learn.term", lang)
    keys = dict.fromkeys(key.partition(".")[0] for key in words)
    return {key: {part: words[f"{key}.{part}"] for part in ("name", "means")} for key in keys}


def _recipe() -> dict[str, object]:
    """Return the settings of the note's runs, by the {places} of the text about it."""
    train, rnn = (questions.all_recipes()[name].train for name in (_RECITER, scratch.RIGHT))
    return {
        "chars": f"{train.max_train_chars:,}",
        "batch": train.batch_size,
        "window": train.window,
        "epochs": train.epochs,
        "clip": train.clip_norm,
        "rate": train.learning_rate,
        "rnn_rate": rnn.learning_rate,
    }


def _shapes(lang: Lang) -> list[list[str]]:
    """Return the name, shape and meaning of each tensor in the code, with 28 symbols, 256 units and batches of 32."""
    symbols, hiddens, batch = 28, 256, 32
    sizes = {
        "X": (batch, symbols),
        "W_xh1": (symbols, hiddens),
        "W_xh2": (hiddens, hiddens),
        "W_hh1, W_hh2": (hiddens, hiddens),
        "b_h1, b_h2": (hiddens,),
        "H1, H2": (batch, hiddens),
        "W_hq": (hiddens, symbols),
        "b_q": (symbols,),
    }
    rows = [
        [name, " × ".join(map(str, size)), meaning]
        for (name, size), meaning in zip(sizes.items(), table("learn.shape", lang).values(), strict=True)
    ]
    return [list(table("learn.shape_head", lang).values()), *rows]


def _mistake(registry: Registry, lang: Lang) -> list[dict[str, Any]]:
    found = answers(registry).get("scratch")
    floor = next(iter(registry.results.where(recipe=scratch.WRONG, seed=0).finished), None)
    if not found or floor is None:
        return []
    return [
        _section(
            "mistake",
            lang,
            {"floor": perplexity(floor.final["train"].ppl)},
            pair=[tr(f"learn.code_{which}", lang) for which in ("right", "wrong")],
            code=[
                [tr("learn.code_right", lang), _code((two_layers.rnn,))],
                [tr("learn.code_wrong", lang), _code((one_for_all.rnn_2,))],
            ],
            answer=sentence("scratch.answer.scratch", found, lang),
            figure=drawn(scratch.chart(registry.results), lang),
        )
    ]


def _perplexity(results: Results, lang: Lang) -> list[dict[str, Any]]:
    run = next(iter(results.where(recipe=_RECITER, seed=0).finished), None)
    if run is None or run.best_val is None:
        return []
    train, new, text = run.final["train"].ppl, run.final["val"].ppl, results.texts[run.text_key]
    values = {
        "name": title(run.model_config, run.train_config, lang),
        "train": perplexity(train),
        "new": perplexity(new),
        "sure": f"{100 / train:.0f}",
        "symbols": text.symbols,
        "half": f"{new**2:,.0f}",
        "epoch": run.best_val.epoch,
        "best": perplexity(run.best_val.ppl),
        "chars": f"{run.train_config.max_train_chars or text.train_chars:,}",
    }
    return [_section("ppl", lang, values, figure=drawn(curves(results, (_RECITER,)), lang))]


def _exercises(registry: Registry, lang: Lang) -> list[dict[str, Any]]:
    """Return what the chapter asks, each with links (a text and an address) to the answers that there are."""
    asked = {question.key: question for question in questions.QUESTIONS}
    shown = [
        {
            "asked": tr(f"learn.exercise.{exercise}", lang),
            "links": [link for key in keys for link in _links(registry, asked[key], lang)],
        }
        for exercise, keys in EXERCISES.items()
    ]
    return [{"asked": "", "links": [[tr("learn.link.chapter", lang), _CHAPTER[lang]]]}, *shown]


def _links(registry: Registry, question: Question, lang: Lang) -> list[list[str]]:
    key, found = question.key, []
    if key in answers(registry):
        name = tr(f"{key}.answer.{key}.title", lang)
        found.append([tr("learn.link.experiments", lang, title=name), f"?view=experiments&question={key}"])
    for one in question.comparisons:
        if one.key in comparisons(registry):
            name = tr(f"{key}.comparison.{one.key}.asked", lang)
            found.append([tr("learn.link.compare", lang, title=name), f"?view=compare&preset={one.key}"])
    return found


@functools.cache
def _code(functions: Functions) -> Pieces:
    """Return the source code of functions in the package, without remarks to the linter."""
    sources = "\n\n".join(textwrap.dedent(inspect.getsource(function)).rstrip() for function in functions)
    return pieces(re.sub(r" *# noqa.*", "", sources))


def equations(cell: str) -> str:
    """Return a cell's equations: the first indented lines of its module's docstring."""
    lines = (inspect.getdoc(inspect.getmodule(CELLS[cell])) or "").splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("    "))
    last = next((index for index, line in enumerate(lines[first:], first) if not line.strip()), len(lines))
    return textwrap.dedent("\n".join(lines[first:last]))


def build(registry: Registry, words: Translations) -> None:
    """Create the component of the view."""
    drawing(
        words,
        lambda: in_both(functools.partial(lesson, registry)),
        '<div class="learn"></div>',
        "learn",
        lambda lang: table("chart", lang) | table("learn.label", lang) | {"link_copied": tr("link_copied", lang)},
        fixed=True,
        elem_id="learn",
    )
