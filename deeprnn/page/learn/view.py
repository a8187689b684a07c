"""The Learn view: the equation with its picture, the code, the classic mistake, perplexity.

Knows: the package's own source, the results, words. Does not know: the other views, how its sections are drawn.
"""

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from deeprnn.experiments import scratch
from deeprnn.experiments.charts import curves
from deeprnn.experiments.format import figure, sentence
from deeprnn.nn.cells import CELLS, Cell, RNNCell
from deeprnn.nn.model import CharRNN
from deeprnn.page.learn import two_layers
from deeprnn.page.shared.figures import drawn
from deeprnn.page.shared.questions import answers
from deeprnn.page.shared.widgets import Translations, drawing, perplexity, results_note
from deeprnn.page.words import table, tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results
from deeprnn.words import Lang, in_both

_SCRATCH: tuple[Callable[..., Any], ...] = (two_layers.get_params, two_layers.rnn)
_STEP: tuple[Callable[..., Any], ...] = (Cell.project, RNNCell.gates, RNNCell.recur, Cell.scan)
_RIGHT: tuple[Callable[..., Any], ...] = (CharRNN.below, CharRNN._stack, CharRNN.above)
_WRONG: tuple[Callable[..., Any], ...] = (CharRNN._shared,)
_RECITER = "note-lstm-2"


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def lesson(registry: Registry, lang: Lang) -> dict[str, Any]:
    """Return what `learn.js` draws: the sections in order, each with its code and charts."""
    results = registry.results
    told = [*_mistake(registry, lang), *_perplexity(results, lang)]
    known = {one["key"] for one in told}
    missing = [name for key, name in table("learn.short", lang).items() if key not in known]
    sections = [
        _section("stack", lang, picture=True),
        _section("scratch", lang, code=[["", _sources(_SCRATCH)]], table=_shapes(lang)),
        _section("code", lang, code=[["", _sources(_STEP)], ["", _sources(_RIGHT)]]),
        _section("cells", lang, code=[[cell.label, equations(name)] for name, cell in CELLS.items()]),
        *told,
    ]
    return {
        "sections": sections,
        "note": results_note(registry, missing, lang),
    }


def _section(
    key: str, lang: Lang, places: Mapping[str, object] = MappingProxyType({}), **content: Any
) -> dict[str, Any]:
    title, text = (tr(f"learn.section.{key}.{part}", lang, **places) for part in ("title", "text"))
    return {"key": key, "title": title, "text": text, **content}


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
    if not found:
        return []
    return [
        _section(
            "mistake",
            lang,
            {"floor": figure(found["wrong"])},
            answer=sentence("scratch.answer.scratch", found, lang),
            code=[
                [tr("learn.code_right", lang), _sources(_RIGHT)],
                [tr("learn.code_wrong", lang), _sources(_WRONG)],
            ],
            figure=drawn(scratch.chart(registry.results), lang),
        )
    ]


def _perplexity(results: Results, lang: Lang) -> list[dict[str, Any]]:
    run = next(iter(results.where(recipe=_RECITER, seed=0).finished), None)
    if run is None or run.best_val is None:
        return []
    train, new, text = run.final["train"].ppl, run.final["val"].ppl, results.texts[run.text_key]
    values = {
        "name": _RECITER,
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


@functools.cache
def _sources(functions: tuple[Callable[..., Any], ...]) -> str:
    """Return the source code of functions in the package."""
    return "\n\n".join(textwrap.dedent(inspect.getsource(function)).rstrip() for function in functions)


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
        lambda lang: table("chart", lang) | table("learn.label", lang),
        fixed=True,
        elem_id="learn",
    )
