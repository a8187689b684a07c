"""The questions. To add one: its module, its words, a line here.

Knows: the questions. Does not know: their content, how figures are written.
"""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

from deeprnn.config import Recipe
from deeprnn.experiments import (
    ablations,
    authors,
    best,
    chinese,
    data,
    depth,
    gru,
    mixing,
    poems,
    rote,
    scratch,
    style,
    ten,
)
from deeprnn.experiments.question import Comparison, Figures, Question
from deeprnn.experiments.recipes import smoke
from deeprnn.store.results import Results

QUESTIONS: tuple[Question, ...] = (
    scratch.QUESTION,
    gru.QUESTION,
    rote.QUESTION,
    data.QUESTION,
    authors.QUESTION,
    style.QUESTION,
    mixing.QUESTION,
    best.QUESTION,
    depth.QUESTION,
    ten.QUESTION,
    chinese.QUESTION,
    poems.QUESTION,
    ablations.QUESTION,
)
# The comparisons, questions and tables that are shown first; all others follow in the order above.
FIRST_COMPARED = (
    *("depth", "rote", "general", "ten", "two_by_two", "plain_ladder", "ladder"),
    *("cells", "data", "authors"),
)
FIRST_SHOWN = ("depth", "ten", "rote", "gru", "data", "authors", "style", "mixing")
FIRST_TABULATED = ("depth",)


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Keyed = TypeVar("Keyed", bound=_Keyed)


@functools.cache
def all_recipes() -> Mapping[str, Recipe]:
    """Return every recipe by name."""
    recipes = itertools.chain([smoke()], *(question.recipes() for question in QUESTIONS))
    return MappingProxyType({recipe.name: recipe for recipe in recipes})


def comparisons() -> list[Comparison]:
    """Return the comparisons in the order of the page."""
    return _beginning_with(FIRST_COMPARED, (one for question in QUESTIONS for one in question.comparisons))


def shown() -> list[Question]:
    """Return the questions that have answers, in the order of the page."""
    return [one for one in _beginning_with(FIRST_SHOWN, QUESTIONS) if one.answers]


def tabulated() -> list[Question]:
    """Return the questions in the order of the overview's tables."""
    return _beginning_with(FIRST_TABULATED, QUESTIONS)


def answers(results: Results) -> dict[str, Figures]:
    """Return the figures of every answer that has enough runs, by the answer's key."""
    return {key: figures for question in QUESTIONS for key, figures in question.answered(results).items()}


def _beginning_with(first: Sequence[str], items: Iterable[Keyed]) -> list[Keyed]:
    order = {key: at for at, key in enumerate(first)}
    return sorted(items, key=lambda item: order.get(item.key, len(order)))
