"""The Score view: how improbable each model finds each character of a text.

Knows: its controls, and which event scores which text. Does not know: the other views, what a score is made of.

`score.js` draws the board. It triggers an event when the reader stops the scoring (`input`).
"""

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gradio as gr

from deeprnn.page import links
from deeprnn.page.address import Addresses
from deeprnn.page.score import examples
from deeprnn.page.score.examples import DEFAULT, EXAMPLES, REAL, TextOf
from deeprnn.page.score.rows import Part, parts
from deeprnn.page.service import MAX_MODELS, MAX_SCORE_CHARS, RequestError
from deeprnn.page.shared.components import Drawing, carried
from deeprnn.page.shared.picker import model_picker, picked
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.widgets import (
    QUIET,
    READS,
    Translations,
    announce,
    drawing,
    refusing,
    warn,
)
from deeprnn.page.words import LANGUAGES, table, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.words import Lang

_KEEPING = threading.Lock()


def no_text(_: CheckpointInfo) -> None:
    """Return None: no text is on this machine."""


def labels(lang: Lang) -> dict[str, str]:
    """Return the labels of the table and the heat map."""
    return table("score.label", lang) | {key: tr(key, lang) for key in ("heat_scale", "heat_scale_high")}


@functools.lru_cache(maxsize=32)
def _kept(registry: Registry, key: str) -> tuple[Part, ...]:
    return tuple(parts(registry, EXAMPLES[key].text, examples.models(registry, key)))


def found(registry: Registry, text: str, names: list[str]) -> Iterator[list[Part]]:
    """Return the parts of a drawing in groups, as they come; those of an example with its models are kept.

    Raises:
        RequestError: at once; see `parts`.
    """
    for key, example in EXAMPLES.items():
        if text == example.text and names == examples.models(registry, key):
            with _KEEPING:  # so that visitors who come at the same time have it computed once
                return iter([list(_kept(registry, key))])
    return ([part] for part in parts(registry, text, names))


def written(turn: int, groups: Iterable[list[Part]], drawn: str = "") -> str:
    """Return the text of a drawing, grown by groups of parts; see `Drawing`."""
    for part in itertools.chain.from_iterable(groups):
        drawn += carried(part | {"turn": turn}) if isinstance(part, dict) else "\n" + carried(part)
    return drawn


class Turns:
    """Which drawing of a session is the latest: a new one ends the one before. Turns grow, over all sessions.

    A session of None is that of a page that is being opened: its drawing is ended by none.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turn = time.time_ns() // 1_000_000  # higher than all earlier ones, even after a restart
        self._latest: dict[str, int] = {}

    def begin(self, session: str | None) -> int:
        """End the session's drawing; return the turn of a new one."""
        with self._guard:
            self._turn += 1
            if session is not None:
                self._latest[session] = self._turn
            return self._turn

    def is_latest(self, session: str | None, turn: int) -> bool:
        """Return whether the drawing of this turn goes on."""
        return session is None or self._latest.get(session) == turn

    def end(self, session: str | None, turn: int | None = None) -> None:
        """End the session's drawing, or only the one of this turn."""
        with self._guard:
            if session is not None and turn in (None, self._latest.get(session)):
                self._latest.pop(session, None)


class _ScoreControls:
    """The components of the view, in their order on the page."""

    def __init__(
        self, registry: Registry, language: gr.Radio, words: Translations, own: Drawing, text_of: TextOf
    ) -> None:
        self.chosen = examples.models(registry, DEFAULT)
        self.buttons = {}
        with gr.Row(elem_id="score-controls", equal_height=False):
            with gr.Column(scale=3, min_width=320):
                self.text = gr.Textbox(EXAMPLES[DEFAULT].text, lines=4, max_lines=4, elem_id="score-text")
                words.add(self.text, "label", "score.text", most=f"{MAX_SCORE_CHARS:,}")
                with gr.Row(elem_classes="examples"):
                    for key in (*EXAMPLES, *REAL):
                        there = key in EXAMPLES or examples.excerpt(registry, text_of, self.chosen, key) is not None
                        self.buttons[key] = gr.Button(size="sm", min_width=60, visible=there)
                        words.add(self.buttons[key], "value", f"score.example.{key}")
            with gr.Column(scale=2, min_width=320, elem_id="score-models"):
                self.picker = model_picker(registry, language, words, own, self.chosen)
                self.go = gr.Button(variant="primary", elem_id="score", min_width=110)
                words.add(self.go, "value", "score.score")
        template = '<div class="score-result"></div>'
        self.board = drawing(words, dict, template, "score", labels, elem_id="scores")


class _Handlers:
    """The handlers. A refused request ends no drawing."""

    def __init__(self, registry: Registry, text_of: TextOf) -> None:
        self._registry, self._text_of, self._turns = registry, text_of, Turns()

    def on_score(self, request: gr.Request, text: str, names: list[str], language: str) -> Iterator[Any]:
        """Score the text with the models chosen."""
        yield from self._drawn(request.session_hash, text, names, LANGUAGES[language])

    def on_example(self, key: str) -> Callable[..., Iterator[Any]]:
        """Return a handler that scores an example, with models that can read it."""

        def pressed(request: gr.Request, names: list[str], language: str, *wanted: str | None) -> Iterator[Any]:
            if key in EXAMPLES:
                text: str | None = EXAMPLES[key].text
                chosen = examples.chosen(self._registry, key, names)
            elif text := examples.excerpt(self._registry, self._text_of, names, key):
                chosen = examples.of_excerpt(self._registry, text, names)
            if not text:
                yield gr.skip(), gr.skip(), gr.skip()
                return
            lang = LANGUAGES[language]
            yield text, picked(self._registry, lang, wanted, chosen), gr.skip()
            for board in self._drawn(request.session_hash, text, chosen, lang):
                yield gr.skip(), gr.skip(), board

        return pressed

    def on_address(self, ask: links.Ask, session: str | None, typed: str = "") -> Any:
        """Score the text and with the models that an address asks for; without a text the one typed, else an example.

        The controls show that example when the page is sent; meanwhile the reader may have set them.
        """
        if ask.view != "score":
            return [gr.skip()] * 3
        names = list(ask.models)
        if not names and ask.preset and ask.budget:
            names = list(comparisons(self._registry)[ask.preset].groups[ask.budget])
        controls = [] if names or ask.text else [gr.skip()] * 2
        names = names[:MAX_MODELS] or examples.models(self._registry, DEFAULT)  # the Compare view shows a warning
        text = ask.text or (typed if len(typed) > 1 else examples.first_for(self._registry, names))
        turn = self._turns.begin(session)
        try:
            drawn: Any = written(turn, found(self._registry, text, names))
        except RequestError as error:
            drawn = {}
            warn(error.key, ask.lang, **error.values)
        if not self._turns.is_latest(session, turn):  # the reader has asked for something else meanwhile
            return [gr.skip()] * 3
        return *(controls or (text, gr.update(value=names))), drawn

    def on_stop(self, request: gr.Request) -> None:
        """End the drawing; models that have not begun to read do not."""
        self._turns.end(request.session_hash)

    def _drawn(self, session: str | None, text: str, names: list[str], lang: Lang) -> Iterator[Any]:
        announce(self._registry, lang)
        with refusing(lang):
            groups = found(self._registry, text, names)
        turn, drawn = self._turns.begin(session), ""
        try:
            for group in groups:
                if not self._turns.is_latest(session, turn):
                    break
                drawn = written(turn, [group], drawn)
                yield drawn
        finally:
            self._turns.end(session, turn)
        yield gr.skip()  # gradio sends the last value again at the end; without this, that is the whole text


def build(
    registry: Registry,
    addresses: Addresses,
    language: gr.Radio,
    words: Translations,
    own: Drawing,
    text_of: TextOf,
) -> None:
    """Create the components of the view and connect their events. Nothing is computed until the view is opened.

    own: the board of the visitor's own models.
    """
    ui, handlers = _ScoreControls(registry, language, words, own, text_of), _Handlers(registry, text_of)
    anew: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}  # an event does not wait for a drawing to end
    asked, shown = [ui.text, ui.picker, language], [ui.text, ui.picker, ui.board]
    ui.go.click(handlers.on_score, asked, ui.board, **anew, **READS)
    for key, button in ui.buttons.items():
        button.click(handlers.on_example(key), [ui.picker, language, *ui.picker.filters], shown, **anew, **READS)
    addresses.follow("score", handlers.on_address, shown, [ui.text], typed=ui.text, places=READS)
    ui.board.input(handlers.on_stop, None, None, **anew)
    for control in (ui.text, ui.picker):
        told = calling("score", "tellControls")
        control.change(None, [ui.text, ui.picker], None, js=told, queue=False, **QUIET)
