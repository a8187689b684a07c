"""The Score view: how improbable each model finds each character of a text.

Knows: its controls, and how scores become a table, a heat map and a plot. Does not know: the other views.

`heat.js` draws one JSON value.
"""

import base64
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import numpy as np

from deeprnn.lm.evaluation import per_character
from deeprnn.page import links, service
from deeprnn.page.address import Addresses
from deeprnn.page.service import MAX_MODELS, MAX_SCORE_CHARS, RequestError
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.widgets import (
    QUIET,
    Translations,
    alphabets_note,
    announce,
    book,
    drawing,
    model_picker,
    perplexity,
    picked,
    readers,
    refusing,
    titles,
)
from deeprnn.page.words import LANGUAGES, table, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import source_positions
from deeprnn.words import Lang, in_both

# The first is the beginning of the note's training text; d2l joins its lines without a space. The others were written
# for this page.
EXAMPLES = {
    "memorised": "the time traveller for so it will be convenient to speak of himwas expounding a recondite "
    "matter to us his grey eyes shone andtwinkled",
    "new": "the old clockmaker had spoken of nothing else that evening and when the lamp burned low he drew "
    "his chair to the fire and told us how the strange engine worked",
    "shuffled": "recondite eyes the him twinkled speak us a so expounding shone traveller to convenient his "
    "be for matter it and of time will to was grey",
    "prose": "My dear friend, the train leaves Paris at 7:45. Bring two coats, an umbrella and good humour!",
    "chinese": "那行者听了，心中暗笑道：“你这老儿好没道理，我一路上翻山过水，哪里肯为这点小事停下来？”",
}
REAL = ("real_train", "real_heldout", "real_other")
EXCERPT_CHARS = 600
FIRST = ("note-lstm-2", "few-lstm-2", "note-lstm-10")
Result = dict[str, Any]
TextOf = Callable[[CheckpointInfo], str | None]  # returns a model's main text, or None


def no_text(_: CheckpointInfo) -> None:
    """Return None: no text is on this machine."""


def result(registry: Registry, text: str, answers: list[dict[str, Any]]) -> Any:
    """Return what `heat.js` draws, in both languages: the rows of the models, then those of the baselines.

    answers: those of `service.score`.
    """
    bases = service.baselines(registry, text=text, answers=answers)
    return in_both(lambda lang: _drawn(registry, text, answers, bases, lang))


def _drawn(
    registry: Registry, text: str, answers: list[dict[str, Any]], bases: list[dict[str, Any]], lang: Lang
) -> Result:
    """Return what `heat.js` draws in one language; {} without answers."""
    if not answers:
        return {}
    scored = [answer for answer in answers if "error" not in answer]
    infos = [registry.infos[answer["model"]] for answer in scored]
    shown = titles(registry, lang)
    rows = [_row(answer, shown[info.name], info, info.config.cell) for answer, info in zip(scored, infos, strict=True)]
    rows += [
        _row(base | {"unknown": []}, _base_title(registry, base, lang), registry.infos[base["model"]], "base")
        for base in bases
    ]
    where = source_positions(text)
    return {
        "text": text,
        "symbols": _packed(per_character([1.0] * (len(where) - 1), where, len(text))),  # per character
        "rows": rows,
        "models": [answer["model"] for answer in answers],
        "notes": _missing(registry, answers, infos, lang) + _notes(registry, scored, infos, lang),
        "columns": list(table("score.column", lang).values()),
    }


def _row(answer: dict[str, Any], title: str, info: CheckpointInfo, cell: str) -> dict[str, Any]:
    unknown = answer["unknown"]
    figures = [
        perplexity(answer["ppl"]),
        f"{answer['bpc']:.3f}",
        f"{answer['bpc'] * math.log(2):.3f}",
        f"{len(unknown):,}" if cell != "base" else "",
        str(len(info.vocab)),
    ]
    return {
        "title": title,
        "cell": cell,
        "figures": figures,
        "nats": _packed(answer["nats"]),
        "unknown": _packed(unknown),
    }


def _packed(numbers: Sequence[float]) -> str:
    """Return numbers as base64 of float32: writing twelve rows of 20,000 numbers as digits takes 0.1 s."""
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def _base_title(registry: Registry, base: dict[str, Any], lang: Lang) -> str:
    info = registry.infos[base["model"]]
    text = book(info.metrics.text.name, lang)
    return tr(f"score.row.{base['kind']}", lang, n=base["count"], text=text, chars=f"{info.train_chars:,}")


def _missing(registry: Registry, answers: list[dict[str, Any]], infos: list[CheckpointInfo], lang: Lang) -> list[str]:
    """Return a sentence for each missing row: why it is missing."""
    broken = [tr("error_broken", lang, name=answer["model"]) for answer in answers if "error" in answer]
    ngrams = dict.fromkeys(filter(None, (registry.broken_ngram(info.name) for info in infos)))
    return broken + [tr("score.ngram_broken", lang, file=file) for file in ngrams]


def _notes(registry: Registry, answers: list[dict[str, Any]], infos: list[CheckpointInfo], lang: Lang) -> list[str]:
    notes = list(filter(None, [alphabets_note(registry, infos, lang)]))
    if any(answer["unknown"] for answer in answers):
        notes.append(tr("score.unknown_counted", lang))
    if any(answer["unknown"] and info.vocab.form == "d2l" for answer, info in zip(answers, infos, strict=True)):
        notes.append(tr("score.note_forms", lang))
    return notes


def excerpt(registry: Registry, text_of: TextOf, names: list[str] | None, key: str) -> str | None:
    """Return an excerpt of a real text, or None if the text is not on this machine.

    key: "real_train" or "real_heldout", a part of the first model's own text; "real_other", held-out text of another.
    """
    info = registry.infos[names[0]] if names and names[0] in registry.infos else next(iter(registry.infos.values()))
    if key == "real_other":
        own = info.metrics.text.name
        others = (one for one in registry.infos.values() if one.metrics.text.name != own)
        at_hand = ((one, text) for one in others if one.vocab.form == "full" and (text := text_of(one)))
        info, text = next(at_hand, (info, None))
        part = "val"
    else:
        text, part = text_of(info), "train" if key == "real_train" else "val"
    if text is None:
        return None
    start, end = info.metrics.text.ranges[part]
    middle = (start + end) // 2
    return text[middle : min(middle + EXCERPT_CHARS, end)]


def labels(lang: Lang) -> dict[str, str]:
    """Return the labels of the table and the heat map."""
    return table("score.label", lang) | {key: tr(key, lang) for key in ("heat_scale", "heat_scale_high")}


class _ScoreControls:
    """The components of the view, in their order on the page."""

    def __init__(self, registry: Registry, language: gr.Radio, words: Translations) -> None:
        self.text = gr.Textbox(EXAMPLES["memorised"], lines=5, elem_id="score-text")
        words.add(self.text, "label", "score.text")
        words.add(self.text, "info", "score.hint", most=f"{MAX_SCORE_CHARS:,}")
        self.buttons = {}
        with gr.Row(elem_classes="examples"):
            for key in (*EXAMPLES, *REAL):
                self.buttons[key] = gr.Button(size="sm", min_width=120, visible=key in EXAMPLES)
                words.add(self.buttons[key], "value", f"score.example.{key}")
        self.chosen = [name for name in FIRST if name in registry.infos] or list(registry.infos)[:3]
        self.picker = model_picker(registry, language, words, self.chosen)
        self.go = gr.Button(variant="primary", elem_id="score")
        words.add(self.go, "value", "score.score")
        template = '<div class="score-result"></div>'
        empty = functools.partial(result, registry, "", [])
        self.board = drawing(words, empty, template, "score", labels, elem_id="scores")


def build(registry: Registry, addresses: Addresses, language: gr.Radio, words: Translations, text_of: TextOf) -> None:
    """Create the components of the view and connect their events."""
    ui = _ScoreControls(registry, language, words)

    def on_score(text: str, names: list[str], language: str) -> Any:
        lang = LANGUAGES[language]
        announce(registry, lang)
        with refusing(lang):
            return result(registry, text, service.score(registry, text=text, models=names))

    def on_address(ask: links.Ask, _: str | None) -> Any:
        real = [gr.update(visible=excerpt(registry, text_of, ui.chosen, key) is not None) for key in REAL]
        return *(_visited(registry, ask, ui.chosen) if ask.view == "score" else [gr.skip()] * 3), *real

    _connect_examples(registry, ui, language, text_of)
    for control in (ui.text, ui.picker):
        told = calling("score", "tellControls")
        control.change(None, [ui.text, ui.picker], None, js=told, queue=False, **QUIET)
    asked = [ui.text, ui.picker, language]
    ui.go.click(on_score, asked, ui.board, api_visibility="private", show_progress="minimal")
    addresses.follow("score", on_address, [ui.text, ui.picker, ui.board, *(ui.buttons[key] for key in REAL)])


def _connect_examples(registry: Registry, ui: _ScoreControls, language: gr.Radio, text_of: TextOf) -> None:
    """Let a click on an example set the text, and models that can read it."""

    def pressed(key: str) -> Callable[..., Any]:
        def on_text(names: list[str], language: str, *wanted: str | None) -> Any:
            example = EXAMPLES[key] if key in EXAMPLES else excerpt(registry, text_of, names, key)
            if example is None:
                return gr.skip(), gr.skip()
            chosen = readers(registry, example, names, FIRST)
            return example, picked(registry, LANGUAGES[language], wanted, chosen)

        return on_text

    for key, button in ui.buttons.items():
        given = [ui.picker, language, *ui.picker.filters]
        button.click(pressed(key), given, [ui.text, ui.picker], queue=key in REAL, **QUIET)


def _visited(registry: Registry, ask: links.Ask, chosen: list[str]) -> tuple[Any, Any, Any]:
    """Return the text and the models that an address asks for, and their scores."""
    names = list(ask.models)
    if not names and ask.preset and ask.budget:
        names = list(comparisons(registry)[ask.preset].groups[ask.budget])
    names = names[:MAX_MODELS] or chosen  # the Compare view, which also reads the address, shows a warning
    announce(registry, ask.lang)
    try:
        answers = service.score(registry, text=ask.text, models=names) if ask.text else []
    except RequestError as error:
        answers = []
        gr.Warning(error.message(ask.lang), title=tr("warning_title", ask.lang))
    return ask.text or gr.skip(), gr.update(value=names), result(registry, ask.text or "", answers)
