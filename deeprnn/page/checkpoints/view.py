"""The Checkpoints view: each checkpoint with its card, its hash, its files, and the code that loads it.

Knows: checkpoints' metadata. Does not know: the other views.
"""

import functools
import json
from typing import Any

import gradio as gr

from deeprnn.nn.cells import CELLS
from deeprnn.page import links
from deeprnn.page.address import Addresses
from deeprnn.page.shared.widgets import QUIET, Translations, drawing, millions, perplexity, texts, title, titles, wiring
from deeprnn.page.words import table, tr
from deeprnn.store.checkpoint import WEIGHTS, CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both


def listing(registry: Registry, lang: Lang, chosen: str | None = None) -> dict[str, Any]:
    """Return what `checkpoints.js` draws: one row for each checkpoint; each cell has its text and its sort key."""
    shown = titles(registry, lang)
    return {
        "columns": list(table("checkpoints.column", lang).values()),
        "rows": [_row(info, shown[name], lang) for name, info in registry.infos.items()],
        "left_out": [f"{name}: {why}" for name, why in registry.left_out.items()],
        "chosen": chosen,
    }


def _row(info: CheckpointInfo, shown: str, lang: Lang) -> dict[str, Any]:
    path = info.path / WEIGHTS
    size = path.stat().st_size if path.is_file() else 0  # the file may have been deleted
    cells: list[tuple[str, str | float]] = [
        (info.name, info.name),
        (CELLS[info.config.cell].label, info.config.cell),
        (str(info.config.num_layers), info.config.num_layers),
        (str(info.config.hidden_size), info.config.hidden_size),
        (tr(f"wiring.{wiring(info.config)}", lang), wiring(info.config)),
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


def card(registry: Registry, name: str, lang: Lang) -> dict[str, Any]:
    """Return the card of a checkpoint, which `card.js` draws; {} if there is no checkpoint of this name."""
    if name not in registry.infos:
        return {}
    info = registry.infos[name]
    made, symbols = info.metrics, len(info.vocab)
    parts = table("checkpoints.part", lang)
    by = {"command": made.command, "device": made.device, "threads": made.threads}
    return {
        "name": name,
        "what": tr(
            "checkpoints.card.what",
            lang,
            title=title(info.config, info.metrics.train_config, lang),
            units=info.config.hidden_size,
            count=f"{info.num_params:,}",
            symbols=symbols,
            form=tr(f"checkpoints.form.{info.vocab.form}", lang),
            texts=texts(info, lang),
        ),
        "columns": list(table("checkpoints.measured", lang).values()),
        "rows": [
            [parts.get(part, part), f"{of.chars:,}", f"{of.ppl:.4f}", f"{of.bpc:.4f}", f"{of.nats:.4f}"]
            for part, of in made.final.items()
        ],
        "note": tr(
            "checkpoints.card.note",
            lang,
            symbols=symbols,
            unigram=perplexity(made.unigram["val"]),
            best=perplexity(made.best_ppl),
            epoch=made.best_epoch,
        ),
        "made": tr("checkpoints.card.made", lang, seconds=f"{made.wall_seconds:,.0f}", **by),
    }


def build(registry: Registry, addresses: Addresses, words: Translations) -> None:
    """Create the components of the view and connect their events."""
    intro = gr.Markdown(elem_classes="hint")
    words.add(intro, "value", "checkpoints.intro")

    def listed(chosen: str | None = None) -> Any:
        return in_both(functools.partial(listing, registry, chosen=chosen))

    def told(name: str) -> Any:
        return in_both(functools.partial(card, registry, name))

    board = drawing(
        words,
        listed,
        '<div class="checkpoints"></div>',
        "checkpoints",
        lambda lang: table("checkpoints.label", lang) | {"link_copied": tr("link_copied", lang)},
        fixed=True,
        elem_id="checkpoints",
    )
    shown = drawing(words, dict, '<div class="record"></div>', "record", lambda _: {}, elem_id="model-card")

    def on_select(event: gr.EventData) -> Any:
        return told(str(getattr(event, "value", "")))

    def on_address(ask: links.Ask, _: str | None) -> Any:
        if ask.view != "checkpoints" or not ask.models:
            return gr.skip(), gr.skip()
        return listed(ask.models[0]), told(ask.models[0])

    board.select(on_select, None, shown, **QUIET)
    addresses.follow("checkpoints", on_address, [board, shown])
