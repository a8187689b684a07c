"""What each control of the Compare view does to the board: one method for each event.

Knows: boards, runs, the controls' values. Does not know: how the controls are laid out.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from deeprnn.experiments.question import Budget
from deeprnn.page import links
from deeprnn.page.compare import cards, export
from deeprnn.page.compare.beside import branched
from deeprnn.page.compare.cards import Board
from deeprnn.page.compare.controls import SETTINGS, budget_update, settings
from deeprnn.page.compare.runs import Order, RunControls, order_of, updates_of, write
from deeprnn.page.service import MAX_MODELS, MAX_NEW_CHARS, RequestError
from deeprnn.page.shared.picker import at_most, picked, readers
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.widgets import announce, refusing, warn
from deeprnn.page.words import LANGUAGES, NAMES
from deeprnn.store.registry import Registry


class Handlers:
    """The handlers and the active runs. A refused request ends no run; any other change of the board ends it."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._runs = registry, RunControls()

    def on_generate(self, request: gr.Request, language: str, *asked: Any) -> Iterator[Any]:
        """Write new texts with the settings of the controls."""
        yield from self._run(request.session_hash, language, lambda: order_of(self._registry, *asked))

    def on_continue(self, request: gr.Request, language: str, value: Any, length: Any) -> Iterator[Any]:
        """Continue the board's texts."""

        def order() -> Order:
            return Order.to_continue(Board.read(self._registry, value), length)

        yield from self._run(request.session_hash, language, order)

    def on_stop(self, value: Any, request: gr.Request) -> Any:
        """End the run; the board stays as it was shown when the reader pressed Stop, which the browser sends."""
        board, turn = self._stopped(value, request.session_hash)
        if all(card.state != "stopped" for card in board.cards):
            return gr.skip()
        return cards.draw(self._registry, board, turn)

    def on_pick(self, names: list[str], value: Any, request: gr.Request) -> Any:
        """Show other models: draw the board, choose no question, hide the switch of what is equal.

        A board with a visitor's own model that was removed is drawn again without it.
        """
        shown = self._read(value)
        if names[:MAX_MODELS] == shown.names and not shown.gone:
            return gr.skip(), gr.skip(), gr.skip()
        board = self._redraw(lambda board: cards.show(self._registry, names, board), value, request.session_hash)
        return board, None, gr.update(visible=False)

    def on_example(self, text: str) -> Callable[..., Any]:
        """Return a handler that sets this example as the prompt, with models that can read it."""

        def pressed(
            request: gr.Request, names: list[str] | None, value: Any, language: str, *wanted: str | None
        ) -> Any:
            chosen = self._readers(text, names or [])
            if chosen == names:
                return text, gr.skip(), gr.skip(), gr.skip(), gr.skip()
            board = self._redraw(lambda board: cards.show(self._registry, chosen, board), value, request.session_hash)
            shown = picked(self._registry, LANGUAGES[language], wanted, chosen)
            return text, board, shown, None, gr.update(visible=False)

        return pressed

    def _readers(self, text: str, names: list[str]) -> list[str]:
        """Return the chosen models that can read an example, else those of the question that has it, else others."""
        found = readers(self._registry, text, names)
        asked = next((one.groups[one.budget] for one in comparisons(self._registry).values() if one.prompt == text), ())
        return list(asked) if asked and not {*found} <= {*names} else found

    def on_preset(self, request: gr.Request, key: str, value: Any, language: str, *wanted: str | None) -> Any:
        """Show a question's default group of models, with the settings with which their texts were written."""
        shown = cards.of_preset(self._registry, key, comparisons(self._registry)[key].budget)
        return (
            self._redraw(lambda _: shown, value, request.session_hash),
            picked(self._registry, LANGUAGES[language], wanted, shown.names),
            *settings(shown),
            budget_update(self._registry, key, shown.budget, LANGUAGES[language]),
        )

    def on_budget(
        self, request: gr.Request, key: str, budget: Budget, value: Any, language: str, *wanted: str | None
    ) -> Any:
        """Show the models of a question that are compared at another equal budget."""
        shown = cards.of_preset(self._registry, key, budget)
        board = self._redraw(lambda _: shown, value, request.session_hash)
        return board, picked(self._registry, LANGUAGES[language], wanted, shown.names), *settings(shown)

    def on_back(self, request: gr.Request, value: Any, language: str, *wanted: str | None) -> Any:
        """Show the recordings of the board's question again, with the settings with which they were made."""
        board = self._read(value)
        if board.preset is None or board.budget is None:
            return [gr.skip()] * (2 + SETTINGS)
        return self.on_budget(request, board.preset, board.budget, value, language, *wanted)

    def on_branch(self, event: gr.EventData) -> str:
        """Return the prompt after a click on a possible next character."""
        return branched(str(getattr(event, "context", "")))

    def on_open_file(self, event: gr.EventData, request: gr.Request, language: str, *wanted: str | None) -> Any:
        """Show a comparison that was saved as a file."""
        lang = LANGUAGES[language]
        with refusing(lang):
            board = export.reopen(self._registry, getattr(event, "text", None))
        if board.gone:
            warn("error_model_gone", lang)
        turn, _ = self._runs.end(request.session_hash)
        return (
            cards.draw(self._registry, board, turn),
            board.preset,
            picked(self._registry, lang, wanted, board.names),
            budget_update(self._registry, board.preset, board.budget, lang),
            *settings(board),
        )

    def on_address(self, ask: links.Ask, session: str | None) -> Any:
        """Show what the address asks for; other controls stay, because the reader may have set them meanwhile.

        session: None when the page is opened; otherwise the session's run ends. The last value returned is the
        language and the length of a text to be written at once, with the board's turn and the prompt, or None.
        """
        # when the page is opened, the turn is lower than that of what the reader requests meanwhile
        turn = self._runs.end(session)[0] if session else cards.next_turn()
        made = self._recordings_asked(ask)
        board = made or self._asked_board(ask)
        shown = [gr.skip()] * 4
        if board:
            switch = budget_update(self._registry, board.preset, board.budget, ask.lang)
            chosen = gr.update(value=board.names)
            shown = [cards.draw(self._registry, board, turn), board.preset, chosen, switch]
        prompt, *numbers, shape, acrostic, regulated = settings(board) if board else [gr.skip()] * SETTINGS
        keys = ("temperature", "top_k", "top_p", "length", "seed")
        numbers = [ask.numbers.get(key, value) for key, value in zip(keys, numbers, strict=True)]
        if (length := int(ask.numbers.get("length", 0))) > MAX_NEW_CHARS:
            numbers[3] = MAX_NEW_CHARS
        asked = not made and bool(ask.prompt is not None or ask.numbers or ask.shape)
        if ask.shape:  # then nothing given is given as nothing
            prompt, shape, acrostic, regulated = "", ask.shape, ask.acrostic or "", ask.regulated
        prompt = prompt if ask.prompt is None else ask.prompt
        given = prompt if isinstance(prompt, str) else None  # the reader may have typed another one meanwhile
        written = (NAMES[ask.lang], length, turn, given) if ask.view == "compare" and asked else None
        return *shown, prompt, *numbers, shape, acrostic, regulated, written

    def on_asked(
        self, request: gr.Request, written: tuple[str, int, int, str | None] | None, *asked: Any
    ) -> Iterator[Any]:
        """Write the text that the address asks for, in its language, even if the switch does not show it yet."""
        if written:
            language, length, _, given = written
            preset, budget, typed, *others = asked
            prompt = typed if given is None else given
            order = functools.partial(order_of, self._registry, preset, budget, prompt, *others)
            yield from self._run(request.session_hash, language, order, length)
        else:
            yield gr.skip()

    def _run(self, session: str | None, language: str, order: Callable[[], Order], length: int = 0) -> Iterator[Any]:
        lang = LANGUAGES[language]
        announce(self._registry, lang)
        with refusing(lang):  # a refused request ends no run
            asked = order()
            updates = updates_of(self._registry, asked, length)
        control = self._runs.begin(session)
        try:
            yield from write(self._registry, control, asked, updates)
        finally:
            self._runs.leave(session, control)
        yield gr.skip()  # gradio sends the last value again at the end; without this, that is the whole text

    def _redraw(self, change: Callable[[Board], Board], value: Any, session: str | None) -> Any:
        """End the run, if there is one, with the texts that are shown; draw the changed board."""
        board, turn = self._stopped(value, session)
        return cards.draw(self._registry, change(board), turn)

    def _stopped(self, value: Any, session: str | None) -> tuple[Board, int]:
        """End the session's run; return the board that is shown, with nothing being written, and the next turn."""
        turn, speeds = self._runs.end(session)
        return self._read(value).stopped(speeds), turn

    def _read(self, value: Any) -> Board:
        try:
            return Board.read(self._registry, value)
        except RequestError:
            return cards.recorded(self._registry, [])

    def _asked_board(self, ask: links.Ask) -> Board | None:
        if ask.preset and ask.budget:
            return cards.of_preset(self._registry, ask.preset, ask.budget)
        if ask.models:
            return cards.recorded(self._registry, at_most(ask.models, ask.lang, "compare.link_many"))
        return None

    def _recordings_asked(self, ask: links.Ask) -> Board | None:
        """Return the recordings of models after a prompt: what these would write with the settings of a new page."""
        if ask.preset or ask.prompt is None or ask.numbers or ask.shape or len(ask.models) > MAX_MODELS:
            return None
        return cards.recorded_after(self._registry, ask.prompt, ask.models)
