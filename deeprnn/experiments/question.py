"""The parts of a question: recipes, comparisons, answers, charts and tables, as values without words.

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

Budget = Literal["recipe", "width", "parameters", "time"]  # what is equal; "recipe": nothing, as in the note's runs
Highlight = Literal["plain", "surprise", "copied"]
Figure: TypeAlias = "str | float | Estimate | Sequence[Figures] | None"  # a list has its own template
Figures: TypeAlias = Mapping[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Models that are shown side by side; its words are in the table `comparison.KEY` of its question.

    groups: the models, by what is equal among them; the first group is the default. open_ended: whether a group is
    shown with some of its models missing.
    """

    key: str
    groups: Mapping[Budget, tuple[str, ...]]
    prompt: str = "the time traveller"
    highlight: Highlight = "plain"
    open_ended: bool = False

    @property
    def budget(self) -> Budget:
        """What is equal in the default group."""
        return next(iter(self.groups))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer; `figures` returns the values for the {places} of its sentence and of its claim.

    The claim says it in one sentence with at most three rounded figures. optional: whether its question is whole
    without it, so that nothing is said of it as long as its runs are missing.

    `figures` raises LookupError, ValueError or ArithmeticError if runs or texts are missing in the results.
    """

    key: str
    figures: Callable[[Results], Figures]
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A goal that was set before the runs: a figure of at most `limit`. in_percent: whether the figure is in percent.

    `reached` raises LookupError or ValueError if runs are missing in the results.
    """

    what: str
    limit: float
    reached: Callable[[Results], "Reached"]
    in_percent: bool = False


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The figure that was reached, and the recipes that reached it, as the command line names them."""

    figure: Estimate
    recipes: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with all its parts.

    recipes: its own recipes; its other parts may also use those of other questions. comparisons: those that the page
    offers. answers: in order; the title of the one with the question's key is the question's. charts: its figures; in
    each, the reader chooses one of several charts. example: the recipe whose settings the method describes. facts:
    further values for the method. comparison: the key of the one that the page links to. commands: those that train its
    models. tables: in the checkpoints' overview. goals: set before the runs.

    The Experiments view does not show a question without answers.
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
        """Return the figures of each answer that has enough runs, by the answer's key."""
        found = {}
        for answer in self.answers:
            with contextlib.suppress(LookupError, ValueError, ArithmeticError):  # runs or texts are missing
                found[answer.key] = answer.figures(results)
        return found


@dataclass(frozen=True, kw_only=True)
class OverviewTable:
    """A table in the checkpoints' overview. about: a sentence above it that says what was measured.

    `table` returns None or a table without rows if nothing was run; then it is not shown.
    """

    heading: str
    about: str
    table: Callable[[Results], Table | None]


def clause(holds: bool, **figures: Figure) -> Sequence[Figures]:
    """Return the figures of a part of a sentence that is said only if it `holds`; its place has its own template."""
    return [figures] if holds else []


def seeds(counts: Iterable[int]) -> Figures:
    """Return the parts of a sentence on the seeds of its figures: all have one (`alone`), or some do (`partly`).

    counts: the seeds of each. The words are the same everywhere, those of `charts.clause`.
    """
    single = [count <= 1 for count in counts]
    return {"alone": clause(all(single)), "partly": clause(any(single) and not all(single))}


def one_seed(count: int) -> Figures:
    """Return the part of a sentence that says that what is before it is of one seed (`single`).

    count: the seeds. The words are the same everywhere, those of `charts.clause`.
    """
    return {"single": clause(count == 1)}


def ends(name: str, values: Sequence[float]) -> Figures:
    """Return the lowest and the highest value as `NAME_low` and `NAME_high`."""
    return {f"{name}_low": min(values), f"{name}_high": max(values)}


def of_recipe(recipe: str, part: str = "heldout", unit: str = "ppl") -> Callable[[Results], Reached]:
    """Return a function that returns what one recipe reached."""
    return lambda results: Reached(figure=results.where(recipe=recipe).figure(part, unit), recipes=recipe)
