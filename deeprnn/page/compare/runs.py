"""Runs: what the models are to write, the board while they write, and how a run ends.

Knows: boards, the service's updates. Does not know: components.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deeprnn.experiments.question import Budget
from deeprnn.page import service
from deeprnn.page.compare import cards
from deeprnn.page.compare.cards import Board
from deeprnn.page.service import MAX_NEW_CHARS, RequestError
from deeprnn.page.shared.poems import FREE, SHAPES, write_poems
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.registry import Registry
from deeprnn.text.poem_form import POEM_BEFORE, PoemForm, opening_in


@dataclass
class RunControl:
    """An active run: the turn of its drawing, whether it must end, and each model's characters per second."""

    turn: int
    over: bool = False
    speeds: dict[str, float] = field(default_factory=dict)


class RunControls:
    """The active runs by session. A session has one at most: a new run ends the one before.

    Each drawing gets its turn here, so that late drawings of an ended run have a lower turn than the new one.
    """

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._active: dict[str | None, RunControl] = {}

    def begin(self, session: str | None) -> RunControl:
        """End the session's run, if there is one; return a new one."""
        with self._guard:
            turn, _ = self.end(session)
            control = self._active[session] = RunControl(turn=turn)
            return control

    def end(self, session: str | None) -> tuple[int, dict[str, float]]:
        """End the session's run; return the turn of the next drawing, and the models' speeds, by name."""
        with self._guard:
            control = self._active.pop(session, None)
            if control:
                control.over = True
            return cards.next_turn(), control.speeds if control else {}

    def leave(self, session: str | None, control: RunControl) -> None:
        """Remove a run that has ended."""
        with self._guard:
            if self._active.get(session) is control:
                del self._active[session]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be written: the models, the prompt, the sampling settings, and the question, if there is one.

    written: the text of each model so far, to be continued. form: of the poem that each model is to write.
    """

    names: Sequence[str]
    prompt: str
    seed: Any
    sampling: dict[str, Any]
    preset: str | None = None
    budget: Budget | None = None
    written: list[str] | None = None
    form: PoemForm | None = None

    @classmethod
    def to_continue(cls, board: Board, length: Any) -> "Order":
        """Return the order that continues a board's texts with its own seed and settings, and the length given.

        Raises:
            RequestError: the board has no text that can be continued.
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
            form=board.form,
        )


Updates = Generator[list[service.Continuation], None, None]


def updates_of(registry: Registry, order: Order, length: int = 0) -> Updates:
    """Return the updates of `service.stream` for an order; length: of the texts, if longer than one call may write.

    If the order has a form, they are those of `service.stream_poems`.

    Raises:
        RequestError: see `service.stream` and `service.stream_poems`.
    """
    if order.form:
        drawn = {key: value for key, value in order.sampling.items() if key != "max_chars"}
        asked = {"models": order.names, "seed": order.seed, "written": order.written} | vars(order.form) | drawn
        return service.stream_poems(registry, **asked)
    asked = {"prompt": order.prompt, "models": order.names, "seed": order.seed} | order.sampling
    stream = functools.partial(service.stream, registry, **asked)
    updates = stream(written=order.written)
    return _continued(stream, updates, length) if length else updates


def _continued(stream: Callable[..., Updates], updates: Updates, length: int) -> Updates:
    """Yield the updates, then those of further calls until the texts have the length; only then is a model done."""
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
    """Yield the growing drawing of the board while the models write, until they have finished or the run must end."""
    growing = cards.Growing(registry, control.turn)
    with contextlib.closing(updates):  # a stopped run frees its models at once
        for update in updates:
            if control.over:
                return
            control.speeds = {one.model: one.chars_per_second for one in update}
            written = tuple(
                cards.Card(
                    model=one.model,
                    prompt=POEM_BEFORE if order.form else order.prompt,
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
                form=order.form,
            )
            yield growing.grown(board)


def can_continue(board: Board) -> bool:
    """Return whether all cards are finished, stopped or broken, and not all are broken."""
    states = {card.state for card in board.cards}
    return states <= {"finished", "stopped", "broken"} and states != {"broken"} and bool(states)


def order_of(
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
    shape: str | None = FREE,
    acrostic: Any = "",
    regulated: Any = False,
) -> Order:
    """Return the order of the controls; it has the question only if exactly the question's models are chosen.

    It has a form if all models write poems: then the poem begins with the prompt, without whole poems in it.

    Raises:
        RequestError: no poem has this form.
    """
    names, form = names or [], None
    if shape in SHAPES and all(map(registry.find, names)) and write_poems(registry, names):
        form = service.checked_form(*SHAPES[shape], opening_in(prompt), acrostic, regulated)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "max_chars": length}
    order = Order(names=names, prompt=prompt, seed=seed, sampling=sampling, form=form)
    asked = comparisons(registry).get(preset or "")
    if asked and asked.groups.get(budget := budget or asked.budget) == tuple(order.names):
        return replace(order, preset=preset, budget=budget)
    return order
