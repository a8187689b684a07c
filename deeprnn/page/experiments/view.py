"""The Experiments view: each question with its charts, its answers, and how they were measured.

Knows: the parts of a question. Does not know: any one question, the other views, how a chart is drawn.
"""

import functools
from collections.abc import Sequence
from typing import Any

import gradio as gr

from deeprnn.experiments.charts import Chart, Lines
from deeprnn.experiments.format import claim, sentence
from deeprnn.experiments.question import Question
from deeprnn.experiments.questions import shown
from deeprnn.page.shared.figures import drawn
from deeprnn.page.shared.questions import answers, comparisons
from deeprnn.page.shared.widgets import Translations, drawing, millions, results_note
from deeprnn.page.words import table, tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results, RunRecord
from deeprnn.words import Lang, in_both

ANSWERED = tuple(shown())


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def sections(registry: Registry, lang: Lang) -> dict[str, Any]:
    """Return what `experiments.js` draws: the questions that have an answer, in order."""
    missing = [title(question, lang) for question in ANSWERED if not _is_whole(question, registry)]
    return {
        "sections": [_section(registry, question, lang) for question in ANSWERED if _is_shown(question, registry)],
        "note": results_note(registry, missing, lang),
    }


@functools.lru_cache(maxsize=8)  # they are the same in all languages
def _charts(registry: Registry) -> dict[str, Sequence[Sequence[Chart]]]:
    """Return the charts of each question that is shown."""
    return {one.key: one.charts(registry.results) for one in ANSWERED if _is_shown(one, registry)}


def _is_shown(question: Question, registry: Registry) -> bool:
    """Return whether a question has the answer with its key; or any answer, if all of its answers are optional."""
    found = answers(registry)
    optional = all(answer.optional for answer in question.answers)
    return question.key in found or (optional and any(answer.key in found for answer in question.answers))


def title(question: Question, lang: Lang) -> str:
    """Return a question's title: that of the answer with the question's key."""
    return tr(f"{question.key}.answer.{question.key}.title", lang)


def _is_whole(question: Question, registry: Registry) -> bool:
    """Return whether the results contain all answers of the question but optional ones, and its example run.

    One of optional answers alone is whole without any of them, and then without its example run too.
    """
    found = {answer.key for answer in question.answers} & answers(registry).keys()
    every = {answer.key for answer in question.answers if not answer.optional}
    has_example = bool(registry.results.where(recipe=question.example, seed=0))
    return every <= found and (has_example or not found)


def _section(registry: Registry, question: Question, lang: Lang) -> dict[str, Any]:
    found = answers(registry)
    said = {f"{question.key}.answer.{one.key}": found[one.key] for one in question.answers if one.key in found}
    choices = _charts(registry)[question.key]
    figures = [[drawn(chart, lang) for chart in charts if _is_filled(chart)] for charts in choices]
    return {
        "key": question.key,
        "title": title(question, lang),
        "asked": tr(f"{question.key}.asked", lang),
        "answers": [
            {"claim": claim(key, values, lang), "sentence": sentence(key, values, lang)} for key, values in said.items()
        ],
        "method": _method(registry.results, question, lang),
        "commands": question.commands,
        "figures": list(filter(None, figures)),
        "preset": question.comparison if question.comparison in comparisons(registry) else None,
    }


def _is_filled(chart: Chart) -> bool:
    """Return whether there is anything to draw."""
    return bool(chart.table.rows) and not (isinstance(chart, Lines) and not chart.series)


def _method(results: Results, question: Question, lang: Lang) -> str:
    """Return how a question's models were trained, with the settings of its example; "" if that run is missing."""
    for run in results.where(recipe=question.example, seed=0).finished:
        return tr(f"{question.key}.method", lang, **_recipe(results, run, lang), **question.facts(results))
    return ""


def _recipe(results: Results, run: RunRecord, lang: Lang) -> dict[str, object]:
    """Return the settings of a run, by the {places} that the sentence of a method may have."""
    text, model, train = results.texts[run.text_key], run.model_config, run.train_config
    return {
        "layers": model.num_layers,
        "units": model.hidden_size,
        "dropout": model.dropout,
        "weight_drop": train.weight_drop,
        "params": millions(run.num_params, lang),
        "epochs": train.epochs,
        "batch": train.batch_size,
        "window": train.window,
        "rate": train.learning_rate,
        "clip": train.clip_norm,
        "chars": text.train_chars,
        "limit": train.max_train_chars or text.train_chars,
        "symbols": text.symbols,
        "heldout": text.heldout_chars,
    }


def build(registry: Registry, words: Translations) -> None:
    """Create the components of the view."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "experiments.intro")
    drawing(
        words,
        lambda: in_both(functools.partial(sections, registry)),
        '<div class="experiments"></div>',
        "experiments",
        lambda lang: table("chart", lang) | table("experiments.label", lang),
        fixed=True,
        elem_id="experiments",
    )
