"""Means over seeds, and their confidence intervals.

Knows: numbers. Does not know: runs, how an estimate is written.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)  # the 97.5% quantiles of Student's t for 1 to 30 degrees of freedom


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds and the half width of its 95% t-interval, which is None for a single seed."""

    mean: float
    half_width: float | None
    num_seeds: int


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean and the 95% t-interval.

    Raises:
        ValueError: `values` is empty.
    """
    if not values:
        raise ValueError("there is no value to take the mean of.")
    half = None
    if len(values) > 1:
        half = _T_95[min(len(values), len(_T_95) + 1) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(mean=statistics.fmean(values), half_width=half, num_seeds=len(values))
