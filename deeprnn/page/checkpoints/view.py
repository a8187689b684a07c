"""The Checkpoints view: every model there is, its card, its hash, its files, and how to load it.

Knows: checkpoints' metadata. Does not know: the other views.
"""

import functools
import json
from typing import Any

import gradio as gr

from deeprnn.nn.cells import CELLS
from deeprnn.page import links
from deeprnn.page.shared.widgets import QUIET, Translations, drawing, millions, perplexity, texts, title, titles, wiring
from deeprnn.page.words import LANGUAGES, table, tr
from deeprnn.store.checkpoint import WEIGHTS, CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.words import Lang


def listing(registry: Registry, lang: Lang, chosen: str | None = None) -> dict[str, Any]:
    """What `checkpoints.js` draws: a row a checkpoint, each cell as it reads and as it sorts."""
    shown = titles(registry, lang)
    return {
        "columns": list(table("checkpoints.column", lang).values()),
        "rows": [_row(info, shown[name], lang) for name, info in registry.infos.items()],
        "left_out": [f"{name}: {why}" for name, why in registry.left_out.items()],
        "labels": table("checkpoints.label", lang) | {"link_copied": tr("link_copied", lang)},
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
        (tr(f"wiring.{wiring(info)}", lang), wiring(info)),
        (millions(info.num_params, lang), info.num_params),
        (f"{texts(info, lang)} · {tr(f'checkpoints.form.{info.vocab.form}', lang)}", texts(info, "en")),
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
        "checkpoints.card.what",
        lang,
        title=title(info, lang),
        units=info.config.hidden_size,
        count=f"{info.num_params:,}",
        symbols=symbols,
        form=tr(f"checkpoints.form.{info.vocab.form}", lang),
        texts=texts(info, lang),
    )
    parts = table("checkpoints.part", lang)
    rows = [
        f"| {parts.get(part, part)} | {of.chars:,} | {of.ppl:.4f} | {of.bpc:.4f} | {of.nats:.4f} |"
        for part, of in made.final.items()
    ]
    shown = "\n".join([f"| {tr('checkpoints.card.head', lang)} |", "| --- | --- | --- | --- | --- |", *rows])
    unigram, best = perplexity(made.unigram["val"]), perplexity(made.best_ppl)
    note = tr("checkpoints.card.note", lang, symbols=symbols, unigram=unigram, best=best, epoch=made.best_epoch)
    by = {"command": made.command, "device": made.device, "threads": made.threads}
    run = tr("checkpoints.card.made", lang, seconds=f"{made.wall_seconds:,.0f}", **by)
    return "\n\n".join([f"### {name}", what, shown, note, run])


def build(registry: Registry, page: gr.Blocks, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "checkpoints.intro")
    board = drawing(listing(registry, "en"), '<div class="checkpoints"></div>', "checkpoints", elem_id="checkpoints")
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
