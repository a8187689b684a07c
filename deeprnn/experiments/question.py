"""What a question is made of: recipes, comparisons, answers, charts and tables, as values without words.

Knows: results, recipes. Does not know: any one question, how a figure or a sentence is written.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deeprnn.config import Recipe
from deeprnn.experiments.charts import Chart, Table
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Results

Budget = Literal["recipe", "width", "parameters", "time"]  # what is equal; the note's own recipe has no such thing
Highlight = Literal["plain", "surprise", "copied"]
Figure: TypeAlias = "str | float | Estimate | Sequence[Figures] | None"  # a list is written by a template of its own
Figures: TypeAlias = Mapping[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Models that are shown side by side. The string `preset_KEY` asks about them, `verdict_KEY` says what is seen.

    groups: the models, by what they have equal; the first ones are shown first. open_ended: some of a group's models
    will do.
    """

    key: str
    groups: Mapping[Budget, tuple[str, ...]]
    prompt: str = "the time traveller"
    highlight: Highlight = "plain"
    open_ended: bool = False

    @property
    def budget(self) -> Budget:
        """What its first models have equal."""
        return next(iter(self.groups))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What runs answer: `figures` are the values of the places of the answer's sentence.

    `figures` raises LookupError, ValueError or ArithmeticError where the results lack runs or texts.
    """

    key: str
    figures: Callable[[Results], Figures]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure that was set before the runs: at most `limit`. in_percent: whether it is a share of 100.

    `reached` raises LookupError or ValueError where the results lack runs.
    """

    what: str
    limit: float
    reached: Callable[[Results], "Reached"]
    in_percent: bool = False


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What was reached, and by which recipes."""

    figure: Estimate
    recipes: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, with all that belongs to it.

    recipes: of its own; it may use those of others. comparisons: which the page offers. answers: what its runs say;
    the one of the question's own key comes first on the page. charts: its figures, each as the charts that a reader
    may choose between. example: a recipe by which the method is told. facts: what the method tells besides.
    comparison: the one that lets one see it. commands: what trains its models.
    tables: in the checkpoints' overview. goals: set before the runs.

    A question without answers has no place among the experiments of the page.
    """

    key: str
    recipes: Callable[[], Iterable[Recipe]] = tuple
    comparisons: tuple[Comparison, ...] = ()
    answers: tuple[Answer, ...] = ()
    charts: Callable[[Results], Sequence[Sequence[Chart]]] = lambda _: ()
    example: str = ""
    facts: Callable[[Results], Figures] = lambda _: {}
    comparison: str = ""
    commands: tuple[str, ...] = ()
    tables: tuple["OverviewTable", ...] = ()
    goals: tuple[Goal, ...] = ()

    def answered(self, results: Results) -> dict[str, Figures]:
        """The figures of each answer that its runs give."""
        found = {}
        for answer in self.answers:
            with contextlib.suppress(LookupError, ValueError, ArithmeticError):  # it lacks runs or texts
                found[answer.key] = answer.figures(results)
        return found


@dataclass(frozen=True, kw_only=True)
class OverviewTable:
    """A table of the checkpoints' overview, under a heading and a sentence that says what was measured."""

    heading: str
    about: str
    table: Callable[[Results], Table | None]


def ends(name: str, values: Sequence[float]) -> Figures:
    """The lowest and the highest of some values, as `NAME_low` and `NAME_high`."""
    return {f"{name}_low": min(values), f"{name}_high": max(values)}


def of_recipe(recipe: str, part: str = "heldout", unit: str = "ppl") -> Callable[[Results], Reached]:
    """What one recipe reached."""
    return lambda results: Reached(figure=results.where(recipe=recipe).figure(part, unit), recipes=recipe)
