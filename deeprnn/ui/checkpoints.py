"""The Checkpoints view: every model there is, its card, its hash, its files, and how to load it.

Knows: checkpoints' metadata. Does not know: the other views.
"""

from typing import Any

import gradio as gr

from deeprnn.cells import CELLS
from deeprnn.checkpoint import WEIGHTS, CheckpointInfo
from deeprnn.registry import Registry
from deeprnn.ui import links
from deeprnn.ui.text import LANGUAGES, Lang, tr
from deeprnn.ui.widgets import QUIET, Translations, drawing, millions, perplexity, texts, titles, wiring

_COLUMNS = ("name", "cell", "depth", "width", "wiring", "parameters", "text", "train", "heldout", "size")
_LABELS = (
    *("ck_filter", "ck_none", "ck_weights", "ck_folder", "ck_all", "ck_sha", "ck_load"),
    *("ck_choose", "ck_compare", "ck_copy", "link_copied", "ck_left_out"),
)


def listing(registry: Registry, lang: Lang, chosen: str | None = None) -> dict[str, Any]:
    """What `checkpoints.js` draws: a row a checkpoint, each cell as it reads and as it sorts."""
    shown = titles(registry, lang)
    return {
        "columns": [tr(f"ck_{column}", lang) for column in _COLUMNS],
        "rows": [_row(info, shown[name], lang) for name, info in registry.infos.items()],
        "left_out": [f"{name}: {why}" for name, why in registry.left_out.items()],
        "labels": {key: tr(key, lang) for key in _LABELS},
        "chosen": chosen,
    }


def _row(info: CheckpointInfo, title: str, lang: Lang) -> dict[str, Any]:
    size = (info.path / WEIGHTS).stat().st_size
    cells: list[tuple[str, str | float]] = [
        (info.name, info.name),
        (CELLS[info.config.cell].label, info.config.cell),
        (str(info.config.num_layers), info.config.num_layers),
        (str(info.config.hidden_size), info.config.hidden_size),
        (tr(wiring(info), lang), wiring(info)),
        (millions(info.num_params, lang), info.num_params),
        (f"{texts(info, lang)} · {info.vocab.form}", texts(info, "en")),
        (perplexity(info.train_ppl), info.train_ppl),
        (perplexity(info.heldout_ppl), info.heldout_ppl),
        (f"{size / 1e6:.1f} MB", size),
    ]
    return {
        "name": info.name,
        "title": title if info.name in title else f"{title} · {info.name}",
        "cell": info.config.cell,
        "cells": [{"text": text, "sort": sort} for text, sort in cells],
        "sha256": info.weights_sha256,
        "code": f'import deeprnn\n\nlm = deeprnn.load("checkpoints/{info.name}")\n'
        f"print(lm.generate({info.metrics.sample.prompt!r}, seed=0))",
    }


def card(registry: Registry, name: str) -> str:
    """The model card of a checkpoint, without its front matter; nothing for no such name."""
    if name not in registry.infos:
        return ""
    path = registry.infos[name].path / "README.md"
    whole = path.read_text("utf-8") if path.is_file() else ""
    return whole.split("---\n", 2)[-1].strip()


def build(registry: Registry, page: gr.Blocks, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "ck_intro")
    board = drawing(listing(registry, "en"), '<div class="checkpoints"></div>', "checkpoints.js", elem_id="checkpoints")
    shown = gr.Markdown(elem_id="model-card", sanitize_html=True)

    def on_select(event: gr.EventData) -> str:
        return card(registry, str(getattr(event, "value", "")))

    def on_visit(request: gr.Request) -> Any:
        ask = links.parse(registry, request.query_params, request.headers.get("accept-language", ""))
        if ask.view != "checkpoints" or not ask.models:
            return listing(registry, ask.lang), gr.skip()
        return listing(registry, ask.lang, ask.models[0]), card(registry, ask.models[0])

    def on_language(current: dict[str, Any], language: str) -> dict[str, Any]:
        chosen = current.get("chosen")
        return listing(registry, LANGUAGES[language], chosen if chosen in registry.infos else None)

    board.select(on_select, None, shown, **QUIET)
    language.input(on_language, [board, language], board, queue=False, **QUIET)
    page.load(on_visit, None, [board, shown], **QUIET)
