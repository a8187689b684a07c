"""The Experiments view: each question with its figures, the answer that they give, and how it was measured.

Knows: which figures answer which question. Does not know: the other views, how a figure is drawn.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from deeprnn.experiments import findings
from deeprnn.page import figures
from deeprnn.page.figures import Chart
from deeprnn.page.presets import answers, presets
from deeprnn.page.shared.widgets import Translations, drawn_in_each_language, millions, results_note
from deeprnn.page.words import table, tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results, RunRecord
from deeprnn.words import Lang


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `figures` gives its figures, each as the charts that the reader may choose between.

    preset: the comparison that lets one see it. commands: what trains the models. example: one of them, whose recipe
    the method tells. more: further findings that belong here.
    """

    key: str
    preset: str
    example: str
    commands: tuple[str, ...]
    figures: Callable[[Results, Lang], list[list[Chart]]]
    more: tuple[str, ...] = ()

    def is_whole(self, registry: Registry) -> bool:
        """Whether the results hold everything that it tells."""
        return {self.key, *self.more} <= answers(registry).keys() and self.example in registry.results.runs


QUESTIONS = (
    Question(
        key="scratch",
        preset="mistake",
        example="note-rnn-2",
        commands=("python train.py 'note-rnn-2*'",),
        figures=lambda results, lang: [
            [figures.curves(results, ("note-rnn-2", "note-rnn-2-shared", "note-rnn-2-shared-updated"), lang)]
        ],
    ),
    Question(
        key="gru",
        preset="cells",
        example="depth-gru-2-residual",
        commands=("python train.py 'depth-*-2-*' 'time-*' --seeds 0 1 2", "python train.py 'width-*-2-*'"),
        figures=lambda results, lang: [
            [figures.cells(results, kind, lang) for kind in ("depth", "width", "time")],
            [figures.curves(results, ("note-gru-2", "note-lstm-2"), lang)],
        ],
    ),
    Question(
        key="rote",
        preset="rote",
        example="few-lstm-2",
        commands=(
            "python train.py note-rnn-2 note-gru-2 note-lstm-2 --seeds 0 1 2",
            "python train.py few-lstm-2 --seeds 0 1 2",
        ),
        figures=lambda results, lang: [
            [figures.curves(results, ("note-rnn-2", "note-gru-2", "note-lstm-2", "few-lstm-2"), lang, log_x=True)]
        ],
    ),
    Question(
        key="data",
        preset="data",
        example="data-10k",
        commands=("python train.py 'data-*' --seeds 0 1 2",),
        figures=lambda results, lang: [[figures.data(results, lang)]],
    ),
    Question(
        key="authors",
        preset="authors",
        example="author-five",
        commands=("python train.py 'author-*' --seeds 0 1 2", "python train.py 'shelf-*'"),
        more=("shelf",),
        figures=lambda results, lang: [
            [
                *(figures.authors(results, kind, lang) for kind in ("author", "shelf")),
                figures.authors(results, "author", lang, ppl=True),
            ]
        ],
    ),
    Question(
        key="depth",
        preset="ten",
        example="depth-gru-2-residual",
        more=("ladder", "rate"),
        commands=("python train.py 'depth-*' 'width-*' 'rate-*'", "python train.py 'note-lstm-10*'"),
        figures=lambda results, lang: [
            [
                *(figures.depth(results, kind, lang) for kind in ("depth", "width")),
                *(figures.depth(results, kind, lang, ("residual",)) for kind in ("depth", "rate")),
            ],
            [figures.curves(results, ("note-lstm-2", "note-lstm-10", "note-lstm-10-residual"), lang, log_x=True)],
        ],
    ),
)


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def sections(registry: Registry, lang: Lang) -> dict[str, Any]:
    """What `experiments.js` draws: the questions that were measured, in order."""
    found, known = answers(registry), presets(registry)
    missing = [
        tr(f"experiments.question.{question.key}.title", lang)
        for question in QUESTIONS
        if not question.is_whole(registry)
    ]
    return {
        "sections": [
            {
                "key": question.key,
                "title": tr(f"experiments.question.{question.key}.title", lang),
                "asked": tr(f"experiments.question.{question.key}.asked", lang),
                "answers": [
                    findings.sentence(key, found[key], lang) for key in (question.key, *question.more) if key in found
                ],
                "method": _method(registry.results, question, lang),
                "commands": question.commands,
                "figures": [
                    shown
                    for charts in question.figures(registry.results, lang)
                    if (shown := [chart for chart in charts if chart["table"]["rows"]])
                ],
                "preset": question.preset if question.preset in known else None,
            }
            for question in QUESTIONS
            if question.key in found
        ],
        "labels": table("chart", lang) | table("experiments.label", lang),
        "note": results_note(registry, missing, lang),
        "empty": tr("experiments.empty", lang),
        "lang": lang,
    }


def _method(results: Results, question: Question, lang: Lang) -> str:
    """How a question's models were made, told of its example; nothing where that was not run to its end."""
    run = results.runs.get(question.example)
    if run is None or not run.final:
        return ""
    return tr(f"experiments.question.{question.key}.method", lang, **_recipe(results, run, lang))


def _recipe(results: Results, run: RunRecord, lang: Lang) -> dict[str, object]:
    """What a run was made of, by the places that a method may have."""
    text, model, train = results.texts[run.text_key], run.model_config, run.train_config
    same_width = results.runs.get(run.name.replace("depth-", "width-"), run)
    return {
        "layers": model.num_layers,
        "units": model.hidden_size,
        "width": same_width.model_config.hidden_size,
        "dropout": model.dropout,
        "weight_drop": train.weight_drop,
        "params": millions(run.num_params, lang),
        "epochs": train.epochs,
        "batch": train.batch_size,
        "window": train.window,
        "rate": f"{train.learning_rate:g}",
        "clip": f"{train.clip_norm:g}",
        "chars": f"{text.train_chars:,}",
        "limit": f"{train.max_train_chars or text.train_chars:,}",
        "symbols": text.symbols,
    }


def build(registry: Registry, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "experiments.intro")
    drawn_in_each_language(language, words, functools.partial(sections, registry), "experiments")
