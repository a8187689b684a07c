"""The Checkpoints view: the models by question; of each one its facts, its files, and the code that loads it.

Knows: checkpoints' metadata, which question has which recipes. Does not know: the other views.
"""

import functools
import json
from typing import Any, get_args

import gradio as gr

from deeprnn.experiments.question import Question
from deeprnn.experiments.questions import QUESTIONS
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.highlighting import pieces
from deeprnn.page.shared.widgets import (
    Translations,
    drawing,
    millions,
    perplexity,
    texts,
    title_of,
    titles,
    wiring,
)
from deeprnn.page.words import WORDS, table, tr
from deeprnn.store.checkpoint import WEIGHTS, CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

_OTHERS = "checkpoints.others"  # the key of the heading above models that belong to no question


def listing(registry: Registry, lang: Lang) -> dict[str, Any]:
    """Return what `checkpoints.js` draws: for each question, a row for each of its models."""
    shown = titles(registry, lang)
    of = _question_of()
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in (*(one.key for one in QUESTIONS), _OTHERS)}
    for name, info in registry.infos.items():
        found[of.get(name, _OTHERS)].append(_row(registry, info, shown[name], lang))
    headings = {one.key: _heading(one, lang) for one in QUESTIONS} | {_OTHERS: (tr(_OTHERS, lang), "")}
    return {
        "columns": list(table("checkpoints.column", lang).values()),
        "groups": [
            {"title": headings[key][0], "asked": headings[key][1], "rows": rows} for key, rows in found.items() if rows
        ],
        "left_out": [f"{name}: {why}" for name, why in registry.left_out.items()],
    }


@functools.cache
def _question_of() -> dict[str, str]:
    """Return the key of each model's question: the one with its recipe, else the first that compares it."""
    compared = {
        name: question.key
        for question in reversed(QUESTIONS)
        for comparison in question.comparisons
        for names in comparison.groups.values()
        for name in names
    }
    return compared | {recipe.name: question.key for question in QUESTIONS for recipe in question.recipes()}


def _heading(question: Question, lang: Lang) -> tuple[str, str]:
    """Return a question's title and what it asks; of a question without answers its key or its first comparison's."""
    title, asked = f"{question.key}.answer.{question.key}.title", f"{question.key}.asked"
    if title in WORDS:
        return tr(title, lang), tr(asked, lang)
    compared = [f"{question.key}.comparison.{one.key}.asked" for one in question.comparisons]
    return tr(compared[0], lang) if compared else question.key, ""


def _row(registry: Registry, info: CheckpointInfo, shown: str, lang: Lang) -> dict[str, Any]:
    path = info.path / WEIGHTS
    size = path.stat().st_size if path.is_file() else 0  # the file may have been deleted
    cells: list[tuple[str, str | float]] = [
        (shown, shown),
        (millions(info.num_params, lang), info.num_params),
        (perplexity(info.train_ppl), info.train_ppl),
        (perplexity(info.heldout_ppl), info.heldout_ppl),
        (f"{size / 1e6:.1f} MB", size),
    ]
    return {
        "name": info.name,
        "cell": info.config.cell,
        "words": " ".join(
            word for one in get_args(Lang) for word in (titles(registry, one)[info.name], texts(registry, info, one))
        ),
        "cells": [{"text": text, "sort": sort} for text, sort in cells],
    }


def card(registry: Registry, ask: dict[str, Any]) -> Any:
    """Return the card of the checkpoint that `ask` names, in both languages; {} if there is none of this name."""
    info = registry.find(str(ask.get("name")))
    return in_both(functools.partial(_card, registry, info)) if info else {}


def _card(registry: Registry, info: CheckpointInfo, lang: Lang) -> dict[str, Any]:
    made, symbols = info.metrics, len(info.vocab)
    parts = table("checkpoints.part", lang)
    return {
        "name": info.name,
        "title": title_of(registry, info.name, lang),
        "facts": _facts(registry, info, lang),
        "columns": list(table("checkpoints.measured", lang).values()),
        "rows": [
            [parts.get(part, part), f"{of.chars:,}", perplexity(of.ppl), f"{of.bpc:.3f}"]
            for part, of in made.final.items()
        ],
        "note": tr(
            "checkpoints.note",
            lang,
            symbols=symbols,
            unigram=perplexity(made.unigram["val"]),
            best=perplexity(made.best_ppl),
            epoch=made.best_epoch,
        ),
        "command": made.command,
        "sha256": info.weights_sha256,
        "code": pieces(
            f"import deeprnn\n\nlm = deeprnn.load({json.dumps(f'checkpoints/{info.name}', ensure_ascii=False)})\n"
            f"print(lm.generate({made.sample.prompt!r}, seed=0))"
        ),
    }


def _facts(registry: Registry, info: CheckpointInfo, lang: Lang) -> list[list[str]]:
    """Return a name and a value for each fact."""
    made = info.metrics
    values = [
        tr(
            "checkpoints.stack",
            lang,
            cell=CELLS[info.config.cell].label,
            layers=info.config.num_layers,
            units=info.config.hidden_size,
            wiring=tr(f"wiring.{wiring(info.config)}", lang),
        ),
        f"{info.num_params:,}",
        tr("model.trained_on", lang, text=texts(registry, info, lang), chars=f"{info.train_chars:,}"),
        tr("checkpoints.alphabet", lang, n=len(info.vocab), form=tr(f"checkpoints.form.{info.vocab.form}", lang)),
        tr("checkpoints.time", lang, seconds=f"{made.wall_seconds:,.0f}", device=made.device, threads=made.threads),
    ]
    return [[name, value] for name, value in zip(table("checkpoints.fact", lang).values(), values, strict=True)]


def build(registry: Registry, words: Translations) -> None:
    """Create the components of the view; `checkpoints.js` asks for the card of a model when the reader chooses it."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "checkpoints.intro")

    def model_card(ask: Any) -> Any:
        return card(registry, ask if isinstance(ask, dict) else {})

    drawing(
        words,
        lambda: in_both(functools.partial(listing, registry)),
        '<div class="checkpoints"></div>',
        "checkpoints",
        lambda lang: table("checkpoints.label", lang) | {"link_copied": tr("link_copied", lang)},
        server_functions=[model_card],
        fixed=True,
        elem_id="checkpoints",
    )
