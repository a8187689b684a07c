"""The Inside view: what each layer of one or two models does while they read a text.

Knows: its controls, and how its pictures' numbers become sentences. Does not know: the other views, the probes.
"""

import functools
import itertools
import math
import threading
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import gradio as gr

from deeprnn.nn.cells import CELLS
from deeprnn.page import links, service
from deeprnn.page.address import Addresses
from deeprnn.page.service import MAX_LOOK_CHARS, MIN_LOOK_CHARS, SHOWN_UNITS, RequestError
from deeprnn.page.shared.components import Drawing, ModelChoice, carried
from deeprnn.page.shared.picker import Choices, knows_most, narrow
from deeprnn.page.shared.widgets import (
    READS,
    Joined,
    Translations,
    announce,
    drawing,
    perplexity,
    refusing,
    title_of,
    titles,
    two_digits,
    warn,
    wiring,
)
from deeprnn.page.words import LANGUAGES, SPACE, table, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

FIRST = ("depth-lstm-10-plain", "depth-lstm-10-residual")
TEXT = "The Time Traveller was expounding a recondite matter to us."
_STILL = 0.1  # a layer hardly moves if its state changes by less than this share of its size at each character
_SEPARATE: tuple[Joined, ...] = ("plain", "residual")  # the wirings whose layers have separate states
_KEEPING = threading.Lock()
Look = dict[str, Any]


def pictures(registry: Registry, models: Sequence[str], text: str) -> Any:
    """Return what `inside.js` draws, in both languages: each model's numbers and sentences, and the broken models.

    Raises:
        RequestError: see `service.look`; not if only one of two models is broken.
    """
    looks, faults = dict[str, Look](), list[RequestError]()
    for name in models:
        try:
            looks[name] = service.look(registry, name, text)
        except RequestError as error:
            if error.key != "error_broken" or len(faults) + 1 == len(models):
                raise
            faults.append(error)
    return in_both(lambda lang: _drawn(registry, looks, faults, lang))


def _drawn(registry: Registry, looks: dict[str, Look], faults: Sequence[RequestError], lang: Lang) -> dict[str, Any]:
    """Return what `inside.js` draws in one language; looks: by the model's name."""
    shown = {name: title_of(registry, name, lang) for name in looks}
    return {
        "text": next((found["text"] for found in looks.values()), ""),
        "headline": headline([(shown[name], found) for name, found in looks.items()], lang),
        "notes": [fault.message(lang) for fault in faults] + _unknown(registry, looks, shown, lang),
        "models": [
            {
                **found,
                "lens": _readable_levels(found["lens"], registry.info(name).config.residual),
                "title": shown[name],
                "name": name,
                "cell": registry.info(name).config.cell,
                "keeping": CELLS[registry.info(name).config.cell].keeping or "",
                "says": says(found, registry.info(name).config.cell, registry.info(name).config.residual, lang),
            }
            for name, found in looks.items()
        ],
    }


def _unknown(registry: Registry, looks: dict[str, Look], titles: dict[str, str], lang: Lang) -> list[str]:
    """Return, for each model that does not know some characters of the text, how many, and what that means."""
    counts = {name: registry.info(name).vocab.count_unknown(look["text"]) for name, look in looks.items()}
    return [
        tr("inside.unknown", lang, title=titles[name], n=count, of=len(looks[name]["text"]))
        for name, count in counts.items()
        if count
    ]


def _readable_levels(lens: dict[str, Any], residual: bool) -> dict[str, Any]:
    """Return the levels whose vectors the head can read: all of a residual stack, only the top one of a plain stack."""
    return lens if residual else {key: levels[-1:] for key, levels in lens.items()}


def labels(lang: Lang) -> dict[str, str]:
    """Return the labels of the pictures."""
    return table("inside.label", lang) | {"scale_units": tr("inside.scale_units", lang, n=SHOWN_UNITS)}


def headline(looks: Sequence[tuple[str, Look]], lang: Lang) -> dict[str, str]:
    """Return what the pictures show, in one sentence for each model: how many of its layers move; and the perplexities.

    looks: with the models' titles.
    """
    moves = [tr("inside.moves.of", lang, title=title, moves=_moves(look, lang)) for title, look in looks]
    figures = [perplexity_in_short(math.exp(look["nats"])) for _, look in looks]
    ppl = tr("inside.moves.ppl", lang, ppl=tr("inside.moves.and", lang).join(figures))
    return {
        "bold": SPACE[lang].join(moves),
        "rest": SPACE[lang].join([ppl, tr("inside.moves.hardly", lang, share=f"{100 * _STILL:.0f}")]),
    }


def _moves(look: Look, lang: Lang) -> str:
    """Return how many layers move from one character to the next."""
    still = [fmean(row) < _STILL for row in look["change"]]
    count, hardly = len(still), sum(still)
    if not hardly:
        return tr({1: "inside.moves.one", 2: "inside.moves.both"}.get(count, "inside.moves.all"), lang, n=count)
    if hardly == count:
        return tr("inside.moves.none", lang, n=count)
    upper = all(still[-hardly:])
    key = "inside.moves.some" if not upper else "inside.moves.upper" if hardly > 1 else "inside.moves.top"
    return tr(key, lang, k=hardly, n=count)


def perplexity_in_short(value: float) -> str:
    """Return a perplexity with three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


@functools.cache
def _kept_drawing(registry: Registry, models: tuple[str, ...]) -> str:
    return carried(pictures(registry, models, TEXT))


def found(registry: Registry, models: Sequence[str], text: str) -> Any:
    """Return what `inside.js` draws; that of the text and the models that the view opens with is kept.

    Raises:
        RequestError: see `pictures`.
    """
    if text == TEXT and tuple(models) == FIRST:
        with _KEEPING:  # so that visitors who come at the same time have it computed once
            return _kept_drawing(registry, FIRST)
    return pictures(registry, models, text)


def readable(registry: Registry, models: Sequence[str], text: str) -> str:
    """Return the text if a model knows more than half of its characters, else the beginning of the first's sample."""
    if any(knows_most(registry, name, text) for name in models):
        return text
    sample = registry.info(models[0]).metrics.sample
    return (sample.prompt + sample.text)[: len(TEXT)]


def says(look: Look, cell: str, residual: bool, lang: Lang) -> dict[str, str]:
    """Return a sentence for each picture, made from its numbers."""
    return {
        "change": _ends("inside.say.change", [100 * fmean(row) for row in look["change"]], ".0f", lang),
        "gates": _kept(look, cell, lang),
        "echo": _ends("inside.say.echo", look["lifetime"], "d", lang),
        "without": _without(look, lang) + tr("inside.without.residual" if residual else "inside.without.plain", lang),
        "lens": _lens(look, residual, lang),
        "gradients": _gradients(look["gradients"], lang),
    }


def _ends(said: str, values: Sequence[float], form: str, lang: Lang) -> str:
    """Return a sentence about the layers with the largest and the smallest value; said: the key of its table."""
    high, low = values.index(max(values)), values.index(min(values))
    a, b = format(values[high], form), format(values[low], form)
    if len(values) == 1:
        return tr(f"{said}.one", lang, a=a)
    if a == b:
        return tr(f"{said}.even", lang, a=a, n=len(values))
    return tr(f"{said}.most", lang, high=high + 1, a=a, low=low + 1, b=b)


def _kept(look: Look, cell: str, lang: Lang) -> str:
    layers = range(len(look["change"]))
    gates = [{letter: fmean(rows[layer]) for letter, rows in look["gates"].items()} for layer in layers]
    kept = [100 * share for share in map(CELLS[cell].kept, gates) if share is not None]
    return _ends("inside.say.keep", kept, ".0f", lang) if kept else tr("inside.say.no_gate", lang)


def _without(look: Look, lang: Lang) -> str:
    whole = perplexity(math.exp(look["nats"]))
    found = {layer: nats for layer, nats in enumerate(look["without"], 1) if nats is not None}
    if not found:
        return tr("inside.say.without.none", lang, whole=whole) + SPACE[lang]
    high, low = max(found, key=found.__getitem__), min(found, key=found.__getitem__)
    a, b = (perplexity(math.exp(found[layer])) for layer in (high, low))
    many = "inside.say.without.even" if a == b else "inside.say.without.most"
    key = "inside.say.without.one" if len(found) == 1 else many
    return tr(key, lang, whole=whole, high=high, a=a, low=low, b=b) + SPACE[lang]


def _lens(look: Look, residual: bool, lang: Lang) -> str:
    levels, means = look["lens"]["levels"], [fmean(row) for row in look["lens"]["nats"]]
    top = perplexity(math.exp(means[-1]))
    if len(levels) == 1:
        return tr("inside.say.lens.one", lang, b=top)
    if not residual:
        return tr("inside.say.lens.plain", lang, b=top)
    steps = [after - before for before, after in itertools.pairwise(means)]
    start = tr("inside.label.embedding", lang) if levels[0] == 0 else tr("inside.label.layer", lang, n=levels[0])
    best = levels[1 + steps.index(min(steps))]
    return tr("inside.say.lens.levels", lang, start=start, a=perplexity(math.exp(means[0])), b=top, best=best)


def _gradients(norms: list[list[float]], lang: Lang) -> str:
    bottom, top = norms[0], norms[-1]
    values = zip("abcd", (bottom[0], top[0], bottom[-1], top[-1]), strict=True)
    key = "inside.say.gradients.layers" if len(norms) > 1 else "inside.say.gradients.one"
    return tr(key, lang, distance=len(bottom) - 1, **{letter: two_digits(norm) for letter, norm in values})


def _choices(registry: Registry, lang: Lang, *, none: bool) -> Choices:
    """Return the models whose layers have separate states; none: begin with the choice of no model."""
    shown = titles(registry, lang)
    listed = [(shown[name], name) for name, info in registry.infos.items() if wiring(info.config) in _SEPARATE]
    return [(tr("inside.none", lang), "")] * none + listed


class _InsideControls:
    """The components of the view, in their order on the page."""

    def __init__(self, registry: Registry, language: gr.Radio, words: Translations, own: Drawing) -> None:
        listed = [name for _, name in _choices(registry, "en", none=False)]
        self.chosen = [name for name in FIRST if name in listed] or listed[:1]
        with gr.Row(elem_id="inside-controls", equal_height=False):
            self.first = self._models(registry, words, "inside.first", self.chosen[:1], none=False)
            self.second = self._models(registry, words, "inside.second", self.chosen[1:], none=True)
            self.text = gr.Textbox(TEXT, lines=1, max_lines=3, min_width=280, elem_id="inside-text")
            words.add(self.text, "label", "inside.text", least=MIN_LOOK_CHARS, most=MAX_LOOK_CHARS)
            self.go = gr.Button(variant="primary", scale=0, min_width=120, elem_id="look")
            words.add(self.go, "value", "inside.look")
        template = '<div class="inside"></div>'
        empty = functools.partial(pictures, registry, (), "")
        self.board = drawing(words, empty, template, "inside", labels, elem_id="inside")
        narrow(registry, self.first, language, own, wirings=_SEPARATE)
        none = ["", {name: tr("inside.none", lang) for name, lang in LANGUAGES.items()}, []]
        narrow(registry, self.second, language, own, wirings=_SEPARATE, first=[none])

    @staticmethod
    def _models(
        registry: Registry, words: Translations, label: str, chosen: Sequence[str], *, none: bool
    ) -> gr.Dropdown:
        choices = _choices(registry, "en", none=none)
        value = next(iter(chosen), "" if none else None)
        models = ModelChoice(choices, value=value, min_width=280, filterable=False)
        words.add(models, "label", label)
        words.add_first(models, "choices", lambda lang: _choices(registry, lang, none=none))
        return models


def build(registry: Registry, addresses: Addresses, language: gr.Radio, words: Translations, own: Drawing) -> None:
    """Create the components of the view and connect their events. Nothing is computed until the tab is opened.

    own: the board of the visitor's own models.
    """
    ui = _InsideControls(registry, language, words, own)

    def on_look(one: Any, other: Any, text: Any, language: str) -> Any:
        lang = LANGUAGES[language]
        announce(registry, lang)
        with refusing(lang):
            return found(registry, list(dict.fromkeys(filter(None, (one, other)))), text)

    def on_address(ask: links.Ask, _: str | None, typed: str = "") -> Any:
        if ask.view != "inside":
            return [gr.skip()] * 4
        asked = [name for name in ask.models if wiring(registry.info(name).config) in _SEPARATE][:2]
        names, shown = asked or ui.chosen, ask.text or typed or TEXT
        if asked and not ask.text:
            shown = readable(registry, asked, shown)
        try:
            drawn = found(registry, names, shown)
        except RequestError as error:
            warn(error.key, ask.lang, **error.values)
            drawn = pictures(registry, (), "")
        if not asked and not ask.text:  # the reader may have set the controls meanwhile
            return *[gr.skip()] * 3, drawn
        return names[0], names[1] if len(names) > 1 else "", shown, drawn

    asked = [ui.first, ui.second, ui.text, language]
    shown: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"} | READS
    choices = [ui.go.click, ui.first.input, ui.second.input]
    gr.on(choices, on_look, asked, ui.board, trigger_mode="always_last", **shown)  # one event: its last answer stays
    controls = [ui.first, ui.second, ui.text, ui.board]
    addresses.follow("inside", on_address, controls, [ui.text], typed=ui.text, places=READS)
