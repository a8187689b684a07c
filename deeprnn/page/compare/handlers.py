"""What each control of the Compare view does to the board: one method an event.

Knows: boards, runs, the controls' values. Does not know: how the controls are laid out.
"""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from deeprnn.experiments.question import Budget
from deeprnn.page import links
from deeprnn.page.compare import cards, export
from deeprnn.page.compare.beside import branched
from deeprnn.page.compare.cards import Board
from deeprnn.page.compare.controls import budget_update, settings
from deeprnn.page.compare.runs import Order, RunControls, order_of, updates_of, write
from deeprnn.page.service import MAX_MODELS, MAX_NEW_CHARS, RequestError
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.widgets import announce, at_most, picked, readers, refusing
from deeprnn.page.words import LANGUAGES, NAMES
from deeprnn.store.registry import Registry


class Handlers:
    """The handlers, and the runs under way. A run that is refused ends no other; any other change of the board does."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._runs = registry, RunControls()

    def on_generate(self, request: gr.Request, language: str, *asked: Any) -> Iterator[Any]:
        """Write anew, by what the controls say."""
        yield from self._run(request.session_hash, language, lambda: order_of(self._registry, *asked))

    def on_continue(self, request: gr.Request, language: str, value: Any, length: Any) -> Iterator[Any]:
        """Write on where the board's texts end."""

        def order() -> Order:
            return Order.to_continue(Board.read(self._registry, value), length)

        yield from self._run(request.session_hash, language, order)

    def on_stop(self, value: Any, request: gr.Request) -> Any:
        """What was shown when the reader pressed Stop is what stays: the browser sends it."""
        turn, speeds = self._runs.end(request.session_hash)
        board = self._read(value).stopped(speeds)
        if all(card.state != "stopped" for card in board.cards):
            return gr.skip()
        return cards.draw(self._registry, board, turn)

    def on_pick(self, names: list[str], value: Any, request: gr.Request) -> Any:
        """Show other models: the board, no question, no switch of what is equal."""
        if names[:MAX_MODELS] == self._read(value).names:
            return gr.skip(), gr.skip(), gr.skip()
        board = self._redraw(lambda board: cards.show(self._registry, names, board), value, request.session_hash)
        return board, None, gr.update(visible=False)

    def on_example(self, text: str) -> Callable[..., Any]:
        """What sets this example as the prompt, with models that can read it."""

        def pressed(
            request: gr.Request, names: list[str] | None, value: Any, language: str, *wanted: str | None
        ) -> Any:
            chosen = readers(self._registry, text, names or [])
            if chosen == names:
                return text, gr.skip(), gr.skip(), gr.skip(), gr.skip()
            board = self._redraw(lambda board: cards.show(self._registry, chosen, board), value, request.session_hash)
            shown = picked(self._registry, LANGUAGES[language], wanted, chosen)
            return text, board, shown, None, gr.update(visible=False)

        return pressed

    def on_preset(self, request: gr.Request, key: str, value: Any, language: str, *wanted: str | None) -> Any:
        """Show a question's first models, with the settings that their texts were written with."""
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
        """Show a question's models that have something else equal."""
        shown = cards.of_preset(self._registry, key, budget)
        board = self._redraw(lambda _: shown, value, request.session_hash)
        return board, picked(self._registry, LANGUAGES[language], wanted, shown.names), *settings(shown)

    def on_branch(self, event: gr.EventData) -> str:
        """The prompt that a click on a possible next character makes."""
        return branched(str(getattr(event, "context", "")))

    def on_open_file(self, event: gr.EventData, request: gr.Request, language: str, *wanted: str | None) -> Any:
        """Show a comparison that was saved as a file."""
        lang = LANGUAGES[language]
        with refusing(lang):
            board = export.reopen(self._registry, getattr(event, "text", None))
        turn, _ = self._runs.end(request.session_hash)
        return (
            cards.draw(self._registry, board, turn),
            board.preset,
            picked(self._registry, lang, wanted, board.names),
            budget_update(self._registry, board.preset, board.budget, lang),
            *settings(board),
        )

    def on_visit(self, request: gr.Request) -> Any:
        """Show what the address asks for; what it does not ask for stays, as the reader may have set it by now.

        Last, the language and the length of what is to be written at once; None: nothing is.
        """
        ask = links.parse(self._registry, request.query_params, request.headers.get("accept-language", ""))
        turn = cards.next_turn()  # before that of what the reader asks for meanwhile
        board = self._asked_board(ask)
        shown = [gr.skip()] * 4
        if board:
            switch = budget_update(self._registry, board.preset, board.budget, ask.lang)
            chosen = gr.update(value=board.names)
            shown = [cards.draw(self._registry, board, turn), board.preset, chosen, switch]
        prompt, *numbers = settings(board) if board else [gr.skip()] * 6
        keys = ("temperature", "top_k", "top_p", "length", "seed")
        numbers = [ask.numbers.get(key, value) for key, value in zip(keys, numbers, strict=True)]
        if (length := int(ask.numbers.get("length", 0))) > MAX_NEW_CHARS:
            numbers[3] = MAX_NEW_CHARS
        written = ask.view == "compare" and bool(ask.prompt or ask.numbers)  # no recording is of other settings
        return *shown, ask.prompt or prompt, *numbers, (NAMES[ask.lang], length) if written else None

    def on_asked(self, request: gr.Request, written: tuple[str, int] | None, *asked: Any) -> Iterator[Any]:
        """Write what the address asks for, in its language, whether the switch shows it yet or not."""
        if written:
            language, length = written
            yield from self._run(request.session_hash, language, lambda: order_of(self._registry, *asked), length)
        else:
            yield gr.skip()

    def _run(self, session: str | None, language: str, order: Callable[[], Order], length: int = 0) -> Iterator[Any]:
        lang = LANGUAGES[language]
        announce(self._registry, lang)
        with refusing(lang):  # what is refused ends nothing
            asked = order()
            updates = updates_of(self._registry, asked, length)
        control = self._runs.begin(session)
        try:
            yield from write(self._registry, control, asked, updates)
        finally:
            self._runs.leave(session, control)
        yield gr.skip()  # gradio repeats at the end what came last: all of the text

    def _redraw(self, change: Callable[[Board], Board], value: Any, session: str | None) -> Any:
        """Change the board that is shown; if models write, they end with what is shown."""
        turn, speeds = self._runs.end(session)
        return cards.draw(self._registry, change(self._read(value).stopped(speeds)), turn)

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
