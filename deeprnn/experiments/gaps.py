"""By how much one figure of the runs is above another, with an interval over seeds.

Knows: results. Does not know: any one question.
"""

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.results import RunRecord, Runs

Measured = tuple[Runs, Callable[[RunRecord], float]]  # a recipe's runs, and a function that returns the figure of each


def heldout(runs: Runs) -> Measured:
    """Return runs with their held-out perplexity as the figure."""
    return runs, lambda run: run.heldout.ppl


def lowest(runs: Runs) -> Measured:
    """Return runs with the lowest held-out perplexity of their curve as the figure."""
    return runs, lambda run: run.lowest


def elsewhere(runs: Runs, text: str) -> Measured:
    """Return runs with their perplexity on the held-out part of another text as the figure."""
    return runs, lambda run: run.elsewhere[text].ppl


def sign(change: Estimate) -> int:
    """Return 1 or -1 if a change is above or below 0 with all of its interval, else 0; one seed tells nothing: 0."""
    if change.half_width is None:
        return 0
    return int(change.mean > change.half_width) - int(change.mean < -change.half_width)


def tested(changes: Iterable[Estimate]) -> list[Estimate]:
    """Return the changes of several seeds, of which alone `sign` can tell anything."""
    return [change for change in changes if change.half_width is not None]


def told_apart(one: Measured, other: Measured) -> bool:
    """Return whether seeds tell two figures apart: the interval of their difference leaves out 0.

    Raises:
        ValueError: see `percent_above`.
    """
    return sign(percent_above([(one, other)])) != 0


def percent_above(pairs: Sequence[tuple[Measured, Measured]]) -> Estimate:
    """Return by how many percent the first figure of a pair is above the second, on average over the pairs.

    It is the mean over the seeds that all recipes have, each compared with itself; without such a seed the mean of each
    figure over its own seeds is compared. With fewer than two such seeds there is no interval.

    Raises:
        ValueError: there are no pairs, or a recipe has no finished run.
    """
    return _on_average(pairs, lambda one, other: 100 * (one / other - 1))


def nats_above(pairs: Sequence[tuple[Measured, Measured]]) -> Estimate:
    """Return by how many nats the first perplexity of a pair is above the second, on average over the pairs.

    Unlike percentages, such differences add up. Seeds and errors are those of `percent_above`.
    """
    return _on_average(pairs, lambda one, other: math.log(one / other))


def _on_average(pairs: Sequence[tuple[Measured, Measured]], apart: Callable[[float, float], float]) -> Estimate:
    if not pairs:
        raise ValueError("there are no figures to compare.")
    every = {runs.recipe: {run.seed: run for run in runs.finished} for pair in pairs for runs, _ in pair}
    common = set.intersection(*(set(seeds) for seeds in every.values()))

    def gap(seeds: Mapping[str, Collection[int]]) -> float:
        def mean(figure: Measured) -> float:
            runs, of = figure
            return statistics.fmean(of(every[runs.recipe][seed]) for seed in seeds[runs.recipe])

        return statistics.fmean(apart(mean(one), mean(other)) for one, other in pairs)

    if not common:
        return Estimate(mean=gap(every), half_width=None, num_seeds=0)
    return estimate([gap({recipe: [seed] for recipe in every}) for seed in sorted(common)])
