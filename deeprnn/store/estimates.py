"""Means over seeds, shares of things, and their confidence intervals.

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


_Z_95 = 1.959964  # the 97.5% quantile of the normal distribution


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds and the half width of its 95% t-interval, which is None for a single seed.

    Or a share, in percent, of things that one seed made, and the half width of its own interval; see `percent`.
    """

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


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of things that were counted, and its 95% Wilson interval."""

    share: float
    low: float
    high: float


def share(kept: int, of: int) -> Share:
    """Return the share of `kept` of `of` things with its interval, for things that do not depend on each other.

    Source: Wilson 1927, Journal of the American Statistical Association 22, 209-212.

    Raises:
        ValueError: there are no things, or `kept` is not from 0 to `of`.
    """
    if not 0 <= kept <= of or of == 0:
        raise ValueError(f"{kept} of {of} is no share.")
    p, z2 = kept / of, _Z_95**2 / of
    middle = (p + z2 / 2) / (1 + z2)
    half = _Z_95 * math.sqrt(p * (1 - p) / of + z2 / of / 4) / (1 + z2)
    return Share(share=p, low=max(0.0, min(p, middle - half)), high=min(1.0, max(p, middle + half)))


def percent(kept: int, of: int) -> Estimate:
    """Return `share` as a percentage, with the distance to the farther end of the interval, which is not symmetric.

    Raises:
        ValueError: see `share`.
    """
    found = share(kept, of)
    farther = max(found.share - found.low, found.high - found.share)
    return Estimate(mean=100 * found.share, half_width=100 * farther, num_seeds=1)
