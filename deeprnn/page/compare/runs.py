"""Runs: what is to be written, the board that fills while it is, and how a run ends.

Knows: boards, what the service tells. Does not know: components.
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
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.registry import Registry


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
) -> Order:
    """What the controls ask for; they answer a question as long as its models are chosen."""
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "max_chars": length}
    order = Order(names=names or [], prompt=prompt, seed=seed, sampling=sampling)
    asked = comparisons(registry).get(preset or "")
    if asked and asked.groups.get(budget := budget or asked.budget) == tuple(order.names):
        return replace(order, preset=preset, budget=budget)
    return order
