"""The Score view: one text, how improbable each model finds each of its characters.

Knows: its controls, and how scores become a table and a heat map. Does not know: the other views.

`heat.js` draws one JSON value; what was scored stays in it, so that another language only changes the words.
"""

import math
from typing import Any

import gradio as gr

from deeprnn.registry import Registry
from deeprnn.ui import service
from deeprnn.ui.service import MAX_SCORE_CHARS, RequestError
from deeprnn.ui.text import LANGUAGES, Lang, tr
from deeprnn.ui.theme import asset
from deeprnn.ui.widgets import Translations, model_picker, perplexity, titles

# The first is how the note's training text begins; the others were written for this page.
EXAMPLES = {
    "example_memorised": "the time traveller for so it will be convenient to speak of him was expounding a recondite "
    "matter to us his grey eyes shone and twinkled",
    "example_new": "the old clockmaker had spoken of nothing else that evening and when the lamp burned low he drew "
    "his chair to the fire and told us how the strange engine worked",
    "example_shuffled": "recondite eyes the him twinkled speak us a so expounding shone traveller to convenient his "
    "be for matter it and of time will to was grey",
    "example_prose": "My dear friend, the train leaves Paris at 7:45. Bring two coats, an umbrella and good humour!",
}
Result = dict[str, Any]


def result(registry: Registry, text: str, answers: list[dict[str, Any]], lang: Lang) -> Result:
    """What `heat.js` draws, in a language."""
    if not answers:
        return {"empty": tr("score_empty", lang)}
    shown = titles(registry, lang)
    infos = [registry.infos[answer["model"]] for answer in answers]
    rows = [
        answer
        | {
            "title": shown[info.name],
            "cell": info.config.cell,
            "figures": [
                perplexity(answer["ppl"]),
                f"{answer['bpc']:.3f}",
                f"{answer['bpc'] * math.log(2):.3f}",
                f"{len(answer['unknown']):,}",
                str(len(info.vocab)),
            ],
        }
        for answer, info in zip(answers, infos, strict=True)
    ]
    notes = []
    if len({(info.vocab.form, info.vocab.characters) for info in infos}) > 1:
        notes.append(tr("forms_differ", lang))
    if any(answer["unknown"] for answer in answers):
        notes.append(tr("unknown_counted", lang))
    if any(answer["unknown"] and info.vocab.form == "d2l" for answer, info in zip(answers, infos, strict=True)):
        notes.append(tr("note_forms", lang))
    columns = ("col_model", "col_ppl", "col_bpc", "col_nats", "col_unknown", "col_guess")
    labels = {
        "heat": "heat",
        "low": "heat_scale",
        "high": "heat_scale_high",
        "unknown": "heat_unknown",
        "hint": "heat_hint",
        "first": "heat_first",
    }
    return {
        "text": text,
        "rows": rows,
        "notes": notes,
        "columns": [tr(column, lang) for column in columns],
        "labels": {name: tr(key, lang) for name, key in labels.items()},
    }


def relabel(registry: Registry, current: Result | None, lang: Lang) -> Result:
    """The same scores in another language."""
    current = current or {}
    kept = ("model", "ppl", "bpc", "nats", "unknown")
    answers = [{key: row[key] for key in kept} for row in current.get("rows", [])]
    return result(registry, current.get("text", ""), answers, lang)


def build(registry: Registry, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    text = gr.Textbox(EXAMPLES["example_memorised"], lines=5, max_length=MAX_SCORE_CHARS, elem_id="score-text")
    with gr.Row():
        for key, example in EXAMPLES.items():
            button = gr.Button(size="sm", min_width=120)
            words.add(button, "value", key)
            button.click(lambda example=example: example, None, text, api_visibility="private", queue=False)
    picker = model_picker(registry, words)
    go = gr.Button(variant="primary", elem_id="score")
    board = gr.HTML(
        result(registry, "", [], "en"),
        html_template='<div class="score-result"></div>',
        js_on_load=asset("heat.js"),
        apply_default_css=False,
        elem_id="scores",
    )
    words.add(text, "label", "score_text")
    words.add(text, "info", "score_hint", most=f"{MAX_SCORE_CHARS:,}")
    words.add(go, "value", "score")

    def on_score(text: str, names: list[str], language: str) -> Result:
        lang = LANGUAGES[language]
        try:
            return result(registry, text, service.score(registry, text=text, models=names), lang)
        except RequestError as error:
            raise gr.Error(error.message(lang), print_exception=False) from error

    go.click(on_score, [text, picker, language], board, api_visibility="private", show_progress="minimal")
    language.change(
        lambda current, language: relabel(registry, current, LANGUAGES[language]),
        [board, language],
        board,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
