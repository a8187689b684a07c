"""The Checkpoints view: every model there is, its card, its hash, its files, and how to load it.

Knows: checkpoints' metadata. Does not know: the other views.
"""

import functools
import json
from typing import Any

import gradio as gr

from deeprnn.nn.cells import CELLS
from deeprnn.store.checkpoint import WEIGHTS, CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.page import links
from deeprnn.page.words import LANGUAGES, STRINGS, Lang, tr
from deeprnn.page.shared.widgets import QUIET, Translations, drawing, millions, perplexity, texts, title, titles, wiring

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
        "lang": lang,
        "chosen": chosen,
    }


def _row(info: CheckpointInfo, shown: str, lang: Lang) -> dict[str, Any]:
    path = info.path / WEIGHTS
    size = path.stat().st_size if path.is_file() else 0  # it may be gone by now
    cells: list[tuple[str, str | float]] = [
        (info.name, info.name),
        (CELLS[info.config.cell].label, info.config.cell),
        (str(info.config.num_layers), info.config.num_layers),
        (str(info.config.hidden_size), info.config.hidden_size),
        (tr(wiring(info), lang), wiring(info)),
        (millions(info.num_params, lang), info.num_params),
        (f"{texts(info, lang)} · {tr(f'form_{info.vocab.form}', lang)}", texts(info, "en")),
        (perplexity(info.train_ppl), info.train_ppl),
        (perplexity(info.heldout_ppl), info.heldout_ppl),
        (f"{size / 1e6:.1f} MB", size),
    ]
    return {
        "name": info.name,
        "title": shown if info.name in shown else f"{shown} · {info.name}",
        "cell": info.config.cell,
        "cells": [{"text": text, "sort": sort} for text, sort in cells],
        "sha256": info.weights_sha256,
        "code": f"import deeprnn\n\nlm = deeprnn.load({json.dumps(f'checkpoints/{info.name}', ensure_ascii=False)})\n"
        f"print(lm.generate({info.metrics.sample.prompt!r}, seed=0))",
    }


def card(registry: Registry, name: str, lang: Lang) -> str:
    """What is to be known of a checkpoint, as Markdown in a language; nothing for no such name."""
    if name not in registry.infos:
        return ""
    info = registry.infos[name]
    made, symbols = info.metrics, len(info.vocab)
    what = tr(
        "ck_card_what",
        lang,
        title=title(info, lang),
        units=info.config.hidden_size,
        count=f"{info.num_params:,}",
        symbols=symbols,
        form=tr(f"form_{info.vocab.form}", lang),
        texts=texts(info, lang),
    )
    rows = [
        f"| {_part(part, lang)} | {of.chars:,} | {of.ppl:.4f} | {of.bpc:.4f} | {of.nats:.4f} |"
        for part, of in made.final.items()
    ]
    table = "\n".join([f"| {tr('ck_card_head', lang)} |", "| --- | --- | --- | --- | --- |", *rows])
    unigram, best = perplexity(made.unigram["val"]), perplexity(made.best_ppl)
    note = tr("ck_card_note", lang, symbols=symbols, unigram=unigram, best=best, epoch=made.best_epoch)
    seconds = f"{made.wall_seconds:,.0f}"
    run = tr("ck_card_made", lang, command=made.command, seconds=seconds, device=made.device, threads=made.threads)
    return "\n\n".join([f"### {name}", what, table, note, run])


def _part(part: str, lang: Lang) -> str:
    key = f"ck_part_{part}"
    return tr(key, lang) if key in STRINGS else part


def build(registry: Registry, page: gr.Blocks, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "ck_intro")
    board = drawing(listing(registry, "en"), '<div class="checkpoints"></div>', "checkpoints/checkpoints.js", elem_id="checkpoints")
    words.add_drawing(board, functools.partial(listing, registry))
    shown = gr.Markdown(elem_id="model-card", sanitize_html=True)

    def on_select(language: str, event: gr.EventData) -> str:
        return card(registry, str(getattr(event, "value", "")), LANGUAGES[language])

    def on_visit(request: gr.Request) -> Any:
        ask = links.parse(registry, request.query_params, request.headers.get("accept-language", ""))
        if ask.view != "checkpoints" or not ask.models:
            return gr.skip(), gr.skip()
        return listing(registry, ask.lang, ask.models[0]), card(registry, ask.models[0], ask.lang)

    def on_language(current: dict[str, Any], language: str) -> tuple[dict[str, Any], str]:
        chosen, lang = str(current.get("chosen", "")), LANGUAGES[language]
        return listing(registry, lang, chosen if chosen in registry.infos else None), card(registry, chosen, lang)

    board.select(on_select, language, shown, **QUIET)
    language.input(on_language, [board, language], [board, shown], queue=False, **QUIET)
    page.load(on_visit, None, [board, shown], **QUIET)
