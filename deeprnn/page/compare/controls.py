"""The components of the Compare view, in their order on the page, and their values for a board.

Knows: components, words. Does not know: what the components' events do.
"""

import json
from typing import Any, get_args

import gradio as gr

from deeprnn.experiments.question import Budget
from deeprnn.page.compare import cards
from deeprnn.page.compare.beside import exported, next_chars, served
from deeprnn.page.compare.cards import Board
from deeprnn.page.service import MAX_NEW_CHARS, MAX_SEED
from deeprnn.page.shared.components import Drawing, Number, Slider
from deeprnn.page.shared.picker import model_picker
from deeprnn.page.shared.poems import FREE, SHAPES, settings_of
from deeprnn.page.shared.questions import comparisons, words_of
from deeprnn.page.shared.theme import asset
from deeprnn.page.shared.widgets import Translations, drawing
from deeprnn.page.words import LANGUAGES, table, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

EXAMPLES = ("the time traveller", "The Time Traveller smiled", "ROMEO:\n", "却说孙行者")
_WORDS = (
    ("prompt", "label", "field.prompt"),
    ("budget", "label", "compare.equal"),
    ("temperature", "label", "field.temperature"),
    ("temperature", "info", "compare.temperature_hint"),
    ("length", "label", "field.max_chars"),
    ("seed", "label", "field.seed"),
    ("fold", "label", "compare.settings"),
    ("top_k", "label", "field.top_k"),
    ("top_p", "label", "field.top_p"),
    ("go", "value", "compare.generate"),
    ("stop", "value", "compare.stop"),
    ("more", "value", "compare.continue"),
    ("keys", "value", "compare.keys"),
    ("measure", "value", "compare.measure"),
    ("note", "value", "compare.the_note"),
    ("shape", "label", "compare.shape"),
    ("acrostic", "label", "compare.acrostic"),
    ("acrostic", "placeholder", "compare.acrostic_hint"),
    ("regulated", "label", "compare.regulated"),
)


def _opening_board(registry: Registry) -> Board:
    """Return the board that the page opens with: the first question, or the first four models."""
    for key, one in comparisons(registry).items():
        return cards.of_preset(registry, key, one.budget)
    return cards.recorded(registry, list(registry.infos)[:4])


def _question_choices(registry: Registry, lang: Lang) -> list[tuple[str, str]]:
    return [(tr(f"{words_of(key)}.asked", lang), key) for key in comparisons(registry)]


def _budget_choices(registry: Registry, key: str, lang: Lang) -> list[tuple[str, str]]:
    return [(tr(f"equal.{one}", lang), one) for one in comparisons(registry)[key].groups]


def budget_update(registry: Registry, key: str | None, budget: Budget | None, lang: Lang) -> Any:
    """Return an update of the switch "compare at equal ..."; it is visible if the question offers several choices."""
    choices = _budget_choices(registry, key, lang) if key else []
    return gr.update(choices=choices, value=budget, visible=len(choices) > 1)


def budgets(registry: Registry) -> str:
    """Return a JavaScript function: (question, name of the language) -> an update of the switch's choices."""
    choices = {
        name: {key: _budget_choices(registry, key, lang) for key in comparisons(registry)}
        for name, lang in LANGUAGES.items()
    }
    said = json.dumps(choices, ensure_ascii=False)
    return f"(key, language) => ({{ __type__: 'update', choices: ({said})[language][key] ?? [] }})"


def _shape_choices(lang: Lang) -> list[tuple[str, str]]:
    return [(tr(f"compare.shapes.{one}", lang), one) for one in (FREE, *SHAPES)]


SETTINGS = 9  # how many values `settings` returns


def settings(board: Board) -> list[Any]:
    """Return the values of the controls for a board, in the order of `Controls.settings`.

    Where no form was asked for, the one that is chosen next is to keep tones and rhyme.
    """
    drawn = [board.sampling[key] for key in ("temperature", "top_k", "top_p", "max_chars")]
    form = settings_of(board.form) | ({} if board.form else {"regulated": True})
    return [board.prompt, *drawn, board.seed, *form.values()]


class Controls:
    """The components of the view, in their order on the page."""

    def __init__(self, registry: Registry, language: gr.Radio, words: Translations, own: Drawing) -> None:
        first = _opening_board(registry)
        with gr.Row(equal_height=False, elem_id="compare"):
            with gr.Column(min_width=0, elem_classes="asked"):
                self._add_questions(registry, words, first)
            with gr.Column(min_width=0, elem_classes="main"):
                self._add_prompt(registry, words, first)
                self.board = drawing(
                    words,
                    lambda: cards.draw(registry, first),
                    asset("compare/cards.html"),
                    "compare",
                    cards.labels,
                    server_functions=[served(registry, next_chars), served(registry, exported)],
                    elem_id="board",
                )
            with gr.Column(min_width=0, elem_classes="models"):
                self.picker = model_picker(registry, language, words, own, first.names)
            with gr.Column(min_width=0, elem_classes="settings"):
                self._add_settings(first)
        for name, prop, key in _WORDS:
            words.add(getattr(self, name), prop, key)

    def _add_questions(self, registry: Registry, words: Translations, first: Board) -> None:
        """Add the questions, and the switch of what is equal; on a phone, a button opens their list."""
        drawing(
            words,
            lambda: {"titles": in_both(lambda lang: {key: name for name, key in _question_choices(registry, lang)})},
            '<button type="button" aria-expanded="false" aria-controls="questions"></button>',
            "questions",
            lambda lang: {"none": tr("compare.choose", lang)},
            elem_id="question",
        )
        self.preset = gr.Radio(_question_choices(registry, "en"), value=first.preset, elem_id="questions")
        words.add(self.preset, "label", "compare.questions")
        words.add_made(self.preset, "choices", lambda lang: _question_choices(registry, lang))
        # all choices: for an evicted session, gradio checks the value against the page as it was built
        self.budget = gr.Radio(list(get_args(Budget)), elem_id="budget", elem_classes="chips", visible=False)

    def _add_prompt(self, registry: Registry, words: Translations, first: Board) -> None:
        """Add the prompt, the buttons beside it, the next letters while the reader types, and the examples."""
        with gr.Row(elem_classes="asking"):
            self.prompt = gr.Textbox(first.prompt, lines=2, max_lines=6, elem_id="prompt", scale=1, min_width=0)
            with gr.Row(elem_id="actions"):
                self.go = gr.Button(variant="primary", elem_id="generate", min_width=0)
                self.stop = gr.Button(elem_id="stop", min_width=0)
                self.more = gr.Button(elem_id="continue", min_width=0)
        self._add_form(words)  # above the strip of next letters, which covers what is below it
        drawing(
            words,
            dict,
            '<div class="live" hidden></div>',
            "live",
            lambda lang: table("compare.live", lang),
            server_functions=[served(registry, next_chars)],
            elem_id="live",
        )
        with gr.Row(elem_classes="examples"):
            self.examples = [gr.Button(text.strip(), size="sm", min_width=0) for text in EXAMPLES]

    def _add_form(self, words: Translations) -> None:
        """Add the form of a poem; the style sheet shows it while all models on the board write poems."""
        with gr.Column(elem_id="poem"):
            with gr.Row():
                self.shape = gr.Radio(_shape_choices("en"), value=FREE, elem_id="shape", elem_classes="chips")
                self.acrostic = gr.Textbox(elem_id="acrostic", max_lines=1, min_width=0)
                self.regulated = gr.Checkbox(True, elem_id="regulated", min_width=0)
            forms = gr.Markdown(elem_classes="hint")
        words.add_made(self.shape, "choices", _shape_choices)
        words.add_made(forms, "value", lambda lang: "<br>".join(table("compare.form", lang).values()))

    def _add_settings(self, first: Board) -> None:
        """Add how texts are drawn, and hints."""
        with gr.Accordion(open=False, elem_id="settings") as self.fold:
            self.temperature = Slider(0, 2, first.sampling["temperature"], step=0.05, buttons=[])
            chars = first.sampling["max_chars"]
            with gr.Row():
                self.length = Number(
                    chars, minimum=1, maximum=MAX_NEW_CHARS, precision=0, min_width=100, elem_id="length"
                )
                self.seed = Number(first.seed, minimum=0, maximum=MAX_SEED, precision=0, min_width=100)
            self.top_k = Slider(0, 100, 0, step=1, buttons=[])
            self.top_p = Slider(0.05, 1, 1, step=0.05, buttons=[])
        self.keys = gr.Markdown(elem_classes="hint")
        self.measure = gr.Markdown(elem_classes="hint")
        self.note = gr.Markdown(elem_classes="hint")

    def asked(self) -> list[Any]:
        """Return the components whose values are the arguments of `order_of`."""
        prompt, *numbers = self.settings()
        return [self.preset, self.budget, prompt, self.picker, *numbers]

    def settings(self) -> list[Any]:
        """Return the components of a board's settings; the last three are of poems."""
        numbers = [self.temperature, self.top_k, self.top_p, self.length, self.seed]
        return [self.prompt, *numbers, self.shape, self.acrostic, self.regulated]
