"""The Compare view: one prompt, one seed, up to six models writing side by side.

Knows: its controls, and what each of them does to the board. Does not know: the other views.

`cards.js` draws the board, and asks back through `server` functions (what could come next, files) and two events: a
click on a possible next character (`select`), and a file to open (`upload`).
"""

import contextlib
import functools
import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import gradio as gr

from deeprnn.experiments.question import Budget
from deeprnn.page import links, service
from deeprnn.page.compare import cards, export
from deeprnn.page.compare.cards import Board
from deeprnn.page.service import MAX_MODELS, MAX_NEW_CHARS, MAX_PROMPT_CHARS, MAX_SEED, RequestError
from deeprnn.page.shared.components import Number, Slider
from deeprnn.page.shared.questions import comparisons, words_of
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.theme import asset
from deeprnn.page.shared.widgets import (
    QUIET,
    Translations,
    announce,
    at_most,
    drawing,
    model_picker,
    picked,
    readers,
    refusing,
    titles,
)
from deeprnn.page.words import LANGUAGES, NAMES, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

EXAMPLES = ("the time traveller", "The Time Traveller smiled", "ROMEO:\n", "却说孙行者")


@dataclass
class RunControl:
    """A run that is under way: the turn of its drawing, and how fast each model writes; and whether it is to end."""

    turn: int
    over: bool = False
    speeds: dict[str, float] = field(default_factory=dict)


class RunControls:
    """The runs under way, by the visitor's session. Nobody has two: what a visitor asks for next ends what he had.

    Each drawing gets its turn here, so that whatever still comes of a run that was ended is an older one.
    """

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._of: dict[str | None, RunControl] = {}

    def begin(self, session: str | None) -> RunControl:
        """A new run; the one before ends."""
        with self._guard:
            turn, _ = self.end(session)
            control = self._of[session] = RunControl(turn=turn)
            return control

    def end(self, session: str | None) -> tuple[int, dict[str, float]]:
        """End what the visitor has under way: the turn of what is drawn instead, and how fast the models wrote."""
        with self._guard:
            control = self._of.pop(session, None)
            if control:
                control.over = True
            return cards.next_turn(), control.speeds if control else {}

    def leave(self, session: str | None, control: RunControl) -> None:
        """A run has come to its end."""
        with self._guard:
            if self._of.get(session) is control:
                del self._of[session]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be written: by which models, after which prompt, drawn how, in answer to which question.

    written: what each model has written so far, to be continued.
    """

    names: Sequence[str]
    prompt: str
    seed: Any
    sampling: dict[str, Any]
    preset: str | None = None
    budget: Budget | None = None
    written: list[str] | None = None

    @classmethod
    def to_continue(cls, board: Board, length: Any) -> "Order":
        """Go on where a board's models stopped, with the seed they had; but for the length, the controls are not asked.

        Raises:
            RequestError: there is nothing that goes on.
        """
        if not can_continue(board):
            raise RequestError("error_nothing_to_continue")
        return cls(
            names=board.names,
            prompt=board.prompt,
            seed=board.seed,
            sampling=board.sampling | {"max_chars": length},
            preset=board.preset,
            budget=board.budget,
            written=[card.text for card in board.cards],
        )


Updates = Generator[list[service.Continuation], None, None]


def updates_of(registry: Registry, order: Order, length: int = 0) -> Updates:
    """What `service.stream` tells of an order; `length`: of the texts, where that is more than is written at a time.

    Raises:
        RequestError: see `service.stream`.
    """
    asked = {"prompt": order.prompt, "models": order.names, "seed": order.seed} | order.sampling
    stream = functools.partial(service.stream, registry, **asked)
    updates = stream(written=order.written)
    return _continued(stream, updates, length) if length else updates


def _continued(stream: Callable[..., Updates], updates: Updates, length: int) -> Updates:
    """Updates, and those of what follows until the texts have that length: no sound model is done before."""
    rest = length
    while rest > 0:
        update: list[service.Continuation] = []
        with contextlib.closing(updates):
            for update in updates:
                yield [replace(one, done=one.broken or (one.done and len(one.text) >= length)) for one in update]
        rest = min((length - len(one.text) for one in update if not one.broken), default=0)
        if rest > 0:
            updates = stream(written=[one.text for one in update], max_chars=min(rest, MAX_NEW_CHARS))


def write(registry: Registry, control: RunControl, order: Order, updates: Updates) -> Iterator[str]:
    """The drawing of a board that fills while the models write, until they have finished or the control is over."""
    growing = cards.Growing(registry, control.turn)
    with contextlib.closing(updates):  # whoever is stopped costs nothing any more
        for update in updates:
            if control.over:
                return
            control.speeds = {one.model: one.chars_per_second for one in update}
            written = tuple(
                cards.Card(
                    model=one.model,
                    prompt=order.prompt,
                    text=one.text,
                    state="broken" if one.broken else "finished" if one.done else "writing",
                    speed=one.chars_per_second,
                    unknown=one.unknown,
                )
                for one in update
            )
            board = Board(
                prompt=order.prompt,
                seed=int(order.seed),
                sampling=order.sampling,
                cards=written,
                preset=order.preset,
                budget=order.budget,
            )
            yield growing.grown(board)


def can_continue(board: Board) -> bool:
    """Whether there is something that goes on: written here, by all its models that can write, after one prompt."""
    states = {card.state for card in board.cards}
    return states <= {"finished", "stopped", "broken"} and states != {"broken"} and bool(states)


def branched(context: str) -> str:
    """The prompt of a branch: the end of what is before it, where that is longer than a prompt may be."""
    return context[-MAX_PROMPT_CHARS:]


def next_chars(registry: Registry, ask: dict[str, Any]) -> Any:
    """What could come after a text, for `cards.js`, in both languages: each model's ten likeliest characters.

    Raises:
        RequestError: see `service.next_char`.
    """
    answers = service.next_char(registry, prompt=ask.get("context"), models=ask.get("models"))

    def row(answer: dict[str, Any], lang: Lang) -> dict[str, Any]:
        name = answer["model"]
        told = {"error": tr("error_broken", lang, name=name)} if "error" in answer else {}
        return answer | told | {"title": titles(registry, lang)[name], "cell": registry.infos[name].config.cell}

    return {"rows": in_both(lambda lang: [row(answer, lang) for answer in answers])}


def exported(registry: Registry, ask: dict[str, Any]) -> dict[str, Any]:
    """A comparison as a file for `cards.js` to save, in the language that it names.

    Raises:
        RequestError: it is no comparison, or there is no such kind of file.
    """
    kind = str(ask.get("kind"))
    lang: Lang = "zh" if ask.get("lang") == "zh" else "en"
    mime, text = export.export(registry, Board.read(registry, ask.get("value")), kind, lang)
    return {"name": f"deeprnn-comparison.{kind}", "mime": mime, "text": text}


def _first(registry: Registry) -> Board:
    """What the page opens with: the first question, or the first models there are."""
    for key, one in comparisons(registry).items():
        return cards.of_preset(registry, key, one.budget)
    return cards.recorded(registry, list(registry.infos)[:4])


def _question_choices(registry: Registry, lang: Lang) -> list[tuple[str, str]]:
    return [(tr(f"{words_of(key)}.asked", lang), key) for key in comparisons(registry)]


def _budget_choices(registry: Registry, key: str, lang: Lang) -> list[tuple[str, str]]:
    return [(tr(f"equal.{one}", lang), one) for one in comparisons(registry)[key].groups]


def _budget_update(registry: Registry, key: str | None, budget: Budget | None, lang: Lang) -> Any:
    """The switch "compare at equal ...", where the question has a choice."""
    choices = _budget_choices(registry, key, lang) if key else []
    return gr.update(choices=choices, value=budget, visible=len(choices) > 1)


def _budgets(registry: Registry) -> str:
    """A JavaScript function that gives the switch its words, from the question and the name of the language."""
    choices = {
        name: {key: _budget_choices(registry, key, lang) for key in comparisons(registry)}
        for name, lang in LANGUAGES.items()
    }
    said = json.dumps(choices, ensure_ascii=False)
    return f"(key, language) => ({{ __type__: 'update', choices: ({said})[language][key] ?? [] }})"


def _settings(board: Board) -> list[Any]:
    """What the controls show of a board: its prompt, then temperature, top_k, top_p, length and seed."""
    return [board.prompt, *(board.sampling[key] for key in ("temperature", "top_k", "top_p", "max_chars")), board.seed]


class _Controls:
    """The components of the view, in their order on the page."""

    def __init__(self, registry: Registry, language: gr.Radio, words: Translations) -> None:
        first = _first(registry)
        self.preset = gr.Radio(
            _question_choices(registry, "en"), value=first.preset, elem_id="questions", elem_classes="chips"
        )
        words.add(self.preset, "label", "compare.questions")
        words.add_made(self.preset, "choices", lambda lang: _question_choices(registry, lang))
        with gr.Row(equal_height=False, elem_id="compare"):
            with gr.Column(scale=1, min_width=280, elem_classes="controls"):
                self.prompt = gr.Textbox(first.prompt, lines=3, elem_id="prompt")
                with gr.Row(elem_classes="examples"):
                    self.examples = [gr.Button(text.strip(), size="sm", min_width=60) for text in EXAMPLES]
                self.picker = model_picker(registry, language, words, first.names)
                # all of them, since a session that the server has forgotten has the choices of the page as built
                self.budget = gr.Radio(list(get_args(Budget)), elem_id="budget", visible=False)
                self.temperature = Slider(0, 2, first.sampling["temperature"], step=0.05, buttons=[])
                with gr.Row():
                    self.length = Number(
                        first.sampling["max_chars"], minimum=1, maximum=MAX_NEW_CHARS, precision=0, min_width=100
                    )
                    self.seed = Number(first.seed, minimum=0, maximum=MAX_SEED, precision=0, min_width=100)
                with gr.Accordion(open=False) as more:
                    self.top_k = Slider(0, 100, 0, step=1, buttons=[])
                    self.top_p = Slider(0.05, 1, 1, step=0.05, buttons=[])
                with gr.Row(elem_id="actions"):
                    self.go = gr.Button(variant="primary", elem_id="generate", min_width=110)
                    self.stop = gr.Button(elem_id="stop", min_width=70)
                    self.more = gr.Button(elem_id="continue", min_width=80)
                keys = gr.Markdown(elem_classes="hint")
                measure = gr.Markdown(elem_classes="hint")
            with gr.Column(scale=3, min_width=320, elem_classes="shown"):
                self.board = drawing(
                    words,
                    lambda: cards.draw(registry, first),
                    asset("compare/cards.html"),
                    "compare",
                    cards.labels,
                    server_functions=[_served(registry, next_chars), _served(registry, exported)],
                    elem_id="board",
                )
        for component, prop, key in (
            (self.prompt, "label", "field.prompt"),
            (self.budget, "label", "compare.equal"),
            (self.temperature, "label", "field.temperature"),
            (self.temperature, "info", "compare.temperature_hint"),
            (self.length, "label", "field.max_chars"),
            (self.seed, "label", "field.seed"),
            (more, "label", "compare.more"),
            (self.top_k, "label", "field.top_k"),
            (self.top_p, "label", "field.top_p"),
            (self.go, "value", "compare.generate"),
            (self.stop, "value", "compare.stop"),
            (self.more, "value", "compare.continue"),
            (keys, "value", "compare.keys"),
            (measure, "value", "compare.measure"),
        ):
            words.add(component, prop, key)

    def asked(self) -> list[Any]:
        """What a run is asked for, as `_order` reads it."""
        return [
            self.preset,
            self.budget,
            self.prompt,
            self.picker,
            self.temperature,
            self.top_k,
            self.top_p,
            self.length,
            self.seed,
        ]


def _served(registry: Registry, function: Callable[[Registry, dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """What `server` calls by the function's name: whatever the browser sends, an answer or an error to show."""

    def served(ask: Any) -> Any:
        try:
            return function(registry, ask if isinstance(ask, dict) else {})
        except RequestError as error:
            return {"error": in_both(error.message)}

    served.__name__ = function.__name__
    return served


def _order(
    registry: Registry,
    preset: str | None,
    budget: Budget | None,
    prompt: str,
    names: list[str] | None,
    temperature: Any,
    top_k: Any,
    top_p: Any,
    length: Any,
    seed: Any,
) -> Order:
    """What the controls ask for; they answer a question as long as its models are chosen."""
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "max_chars": length}
    order = Order(names=names or [], prompt=prompt, seed=seed, sampling=sampling)
    asked = comparisons(registry).get(preset or "")
    if asked and asked.groups.get(budget := budget or asked.budget) == tuple(order.names):
        return replace(order, preset=preset, budget=budget)
    return order


def build(registry: Registry, page: gr.Blocks, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    ui = _Controls(registry, language, words)
    controls = RunControls()

    def run(session: str | None, language: str, order: Callable[[], Order], length: int = 0) -> Iterator[Any]:
        lang = LANGUAGES[language]
        announce(registry, lang)
        with refusing(lang):  # what is refused ends nothing
            asked = order()
            updates = updates_of(registry, asked, length)
        control = controls.begin(session)
        try:
            yield from write(registry, control, asked, updates)
        finally:
            controls.leave(session, control)
        yield gr.skip()  # gradio repeats at the end what came last: all of the text

    def on_generate(request: gr.Request, language: str, *asked: Any) -> Iterator[Any]:
        yield from run(request.session_hash, language, lambda: _order(registry, *asked))

    def on_continue(request: gr.Request, language: str, value: Any, length: Any) -> Iterator[Any]:
        yield from run(request.session_hash, language, lambda: Order.to_continue(Board.read(registry, value), length))

    def on_stop(value: Any, request: gr.Request) -> Any:
        """What was shown when the reader pressed Stop is what stays: the browser sends it."""
        turn, speeds = controls.end(request.session_hash)
        board = _read(value).stopped(speeds)
        if all(card.state != "stopped" for card in board.cards):
            return gr.skip()
        return cards.draw(registry, board, turn)

    def redraw(change: Callable[[Board], Board], value: Any, session: str | None) -> Any:
        """Change the board that is shown; if models write, they end with what is shown."""
        turn, speeds = controls.end(session)
        return cards.draw(registry, change(_read(value).stopped(speeds)), turn)

    def _read(value: Any) -> Board:
        try:
            return Board.read(registry, value)
        except RequestError:
            return cards.recorded(registry, [])

    def on_pick(names: list[str], value: Any, request: gr.Request) -> Any:
        if names[:MAX_MODELS] == _read(value).names:
            return gr.skip(), gr.skip(), gr.skip()
        board = redraw(lambda board: cards.show(registry, names, board), value, request.session_hash)
        return board, None, gr.update(visible=False)

    def on_example(text: str) -> Callable[..., Any]:
        """What sets this example as the prompt, with models that can read it."""

        def pressed(
            request: gr.Request, names: list[str] | None, value: Any, language: str, *wanted: str | None
        ) -> Any:
            chosen = readers(registry, text, names or [])
            if chosen == names:
                return text, gr.skip(), gr.skip(), gr.skip(), gr.skip()
            board = redraw(lambda board: cards.show(registry, chosen, board), value, request.session_hash)
            return text, board, picked(registry, LANGUAGES[language], wanted, chosen), None, gr.update(visible=False)

        return pressed

    def on_preset(request: gr.Request, key: str, value: Any, language: str, *wanted: str | None) -> Any:
        shown = cards.of_preset(registry, key, comparisons(registry)[key].budget)
        return (
            redraw(lambda _: shown, value, request.session_hash),
            picked(registry, LANGUAGES[language], wanted, shown.names),
            *_settings(shown),
            _budget_update(registry, key, shown.budget, LANGUAGES[language]),
        )

    def on_budget(request: gr.Request, key: str, budget: Budget, value: Any, language: str, *wanted: str | None) -> Any:
        shown = cards.of_preset(registry, key, budget)
        board = redraw(lambda _: shown, value, request.session_hash)
        return board, picked(registry, LANGUAGES[language], wanted, shown.names), *_settings(shown)

    def on_branch(event: gr.EventData) -> str:
        return branched(str(getattr(event, "context", "")))

    def on_open_file(event: gr.EventData, request: gr.Request, language: str, *wanted: str | None) -> Any:
        lang = LANGUAGES[language]
        with refusing(lang):
            board = export.reopen(registry, getattr(event, "text", None))
        turn, _ = controls.end(request.session_hash)
        return (
            cards.draw(registry, board, turn),
            board.preset,
            picked(registry, lang, wanted, board.names),
            _budget_update(registry, board.preset, board.budget, lang),
            *_settings(board),
        )

    def on_visit(request: gr.Request) -> Any:
        """Show what the address asks for; a prompt of its own is written at once."""
        ask = links.parse(registry, request.query_params, request.headers.get("accept-language", ""))
        turn = cards.next_turn()  # before that of what the reader asks for meanwhile
        board = None  # what is not asked for stays, as the reader may have set it by now
        if ask.preset and ask.budget:
            board = cards.of_preset(registry, ask.preset, ask.budget)
        elif ask.models:
            board = cards.recorded(registry, at_most(ask.models, ask.lang, "compare.link_many"))
        shown = [gr.skip()] * 4
        if board:
            switch = _budget_update(registry, board.preset, board.budget, ask.lang)
            chosen = gr.update(value=board.names)
            shown = [cards.draw(registry, board, turn), board.preset, chosen, switch]
        prompt, *numbers = _settings(board) if board else [gr.skip()] * 6
        prompt = ask.prompt or prompt
        keys = ("temperature", "top_k", "top_p", "length", "seed")
        numbers = [ask.numbers.get(key, value) for key, value in zip(keys, numbers, strict=True)]
        if (length := int(ask.numbers.get("length", 0))) > MAX_NEW_CHARS:
            numbers[3] = MAX_NEW_CHARS
        written = ask.view == "compare" and bool(ask.prompt or ask.numbers)  # no recording is of other settings
        return (
            *shown,
            prompt,
            *numbers,
            (NAMES[ask.lang], length) if written else None,
        )

    def on_asked(request: gr.Request, written: tuple[str, int] | None, *asked: Any) -> Iterator[Any]:
        if written:  # in the address's language, whether the switch shows it yet or not
            language, length = written
            yield from run(request.session_hash, language, lambda: _order(registry, *asked), length)
        else:
            yield gr.skip()

    written = gr.State(None)  # the language and length of a comparison that the address asks to be written
    numbers = [ui.temperature, ui.top_k, ui.top_p, ui.length, ui.seed]
    settings = [ui.prompt, *numbers]
    everything = [language, *ui.asked()]
    # All go through the queue, whose messages to one visitor arrive in order. Nothing waits for a run to end.
    anew: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}
    ui.go.click(on_generate, everything, ui.board, **anew)
    ui.more.click(on_continue, [language, ui.board, ui.length], ui.board, **anew)
    ui.stop.click(on_stop, ui.board, ui.board, **anew)
    for happened in ("input", "change"):  # by the reader; by whomever
        told = calling("compare", "tellModels", happened)
        getattr(ui.picker, happened)(None, ui.picker, None, js=told, queue=False, **QUIET)
    picked_anew = [ui.board, ui.preset, ui.budget]
    ui.board.input(on_pick, [ui.picker, ui.board], picked_anew, trigger_mode="always_last", **QUIET)
    filters = ui.picker.filters
    ui.preset.input(
        on_preset, [ui.preset, ui.board, language, *filters], [ui.board, ui.picker, *settings, ui.budget], **QUIET
    )
    held = [ui.preset, ui.budget, ui.board, language, *filters]
    ui.budget.input(on_budget, held, [ui.board, ui.picker, *settings], **QUIET)
    language.input(None, [ui.preset, language], ui.budget, js=_budgets(registry), queue=False, **QUIET)
    branch = ui.board.select(on_branch, None, ui.prompt, **QUIET)
    branch.then(on_generate, everything, ui.board, **anew)
    opened = [ui.board, ui.preset, ui.picker, ui.budget, *settings]
    ui.board.upload(on_open_file, [language, *filters], opened, **QUIET)
    for button, text in zip(ui.examples, EXAMPLES, strict=True):
        button.click(
            on_example(text),
            [ui.picker, ui.board, language, *filters],
            [ui.prompt, ui.board, ui.picker, ui.preset, ui.budget],
            **QUIET,
        )
    visited = [ui.board, ui.preset, ui.picker, ui.budget, *settings, written]
    page.load(on_visit, None, visited, **QUIET)
    written.change(on_asked, [written, *ui.asked()], ui.board, **QUIET)  # a visit that asks for nothing sends nothing
