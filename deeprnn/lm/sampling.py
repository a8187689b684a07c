"""Drawing the next character: temperature, top-k, top-p, seeds.

Knows: logits and ids. Does not know: models, the page, files.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deeprnn.checks import real, whole
from deeprnn.lm.compiling import compiled
from deeprnn.text.vocab import UNKNOWN_ID

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next character is drawn.

    temperature: the logits are divided by it; 0 takes the most probable character.
    top_k: only the k most probable characters can be drawn (0: all).
    top_p: only the smallest set of most probable characters with this total probability can be drawn (1: all;
        Holtzman et al. 2020, section 3.1).
    seed: the same seed gives the same text.

    Raises:
        ValueError: a value is outside its range.
        TypeError: a value is not a number, or top_k or seed is not an integer.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, check in (("temperature", real), ("top_k", whole), ("top_p", real), ("seed", whole)):
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be 0 (greedy) or a positive number, not {self.temperature}.")
        if self.top_k < 0:
            raise ValueError(f"top_k must be 0 (all characters) or more, not {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1 (all characters), not {self.top_p}.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be a whole number in [0, 2**63), not {self.seed}.")


def uniforms(seed: int, count: int, skipped: int = 0) -> Numbers:
    """Return uniform random numbers (count), one for each character; every model uses the same numbers for a seed.

    The n-th number belongs to the n-th character after the prompt, whether it is drawn or given by a template.
    skipped: how many characters of this seed were written before; their numbers are skipped.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers: Numbers = torch.rand(skipped + count, generator=generator, dtype=torch.float64).numpy()[skipped:]
    return numbers


def distribution(
    logits: NDArray[np.floating[Any]], sampling: Sampling, allowed: NDArray[np.bool_] | None = None
) -> Numbers:
    """Return the probabilities (V) from which the next character is drawn; that of the unknown symbol is 0.

    allowed: the symbols (V) that may be drawn, at least one besides the unknown one; None: all. The others get the
        probability 0 before everything else, so top-k and top-p choose among those that are allowed.
    """
    allowed = np.ones(len(logits), np.bool_) if allowed is None else allowed
    found: Numbers = _distribution(
        logits.astype(np.float64), allowed, sampling.temperature, min(sampling.top_k, len(logits)), sampling.top_p
    )
    return found


@compiled
def _distribution(values: Numbers, allowed: NDArray[np.bool_], temperature: float, top_k: int, top_p: float) -> Numbers:
    """Replace logits by probabilities in place; see `distribution`. Loops compile faster than array operations."""
    size = len(values)
    for i in range(size):
        if i == UNKNOWN_ID or not allowed[i]:
            values[i] = -np.inf
    best = 0
    for i in range(size):
        if values[i] > values[best]:
            best = i
    if temperature == 0:
        for i in range(size):
            values[i] = 1.0 if i == best else 0.0
        return values
    # The largest logit is subtracted before the division, so that a small temperature cannot overflow to nan.
    most = values[best]
    for i in range(size):
        values[i] = np.exp((values[i] - most) / temperature)
    if 0 < top_k < size:
        _keep(values, top_k)
    _normalize(values)
    if top_p < 1:
        kept, mass = 0, 0.0
        for probability in _sorted(values)[::-1]:
            if mass >= top_p:
                break
            mass += probability
            kept += 1
        _keep(values, kept)
        _normalize(values)
    return values


@compiled
def _sorted(values: Numbers) -> Numbers:
    found: Numbers = np.sort(values)
    return found


@compiled
def _keep(values: Numbers, count: int) -> None:
    """Set all but the `count` largest values to 0; among equal values the first ones are kept."""
    least = _sorted(values)[len(values) - count]
    spare = count
    for value in values:
        spare -= value > least
    for i in range(len(values)):
        if values[i] == least and spare > 0:
            spare -= 1
        elif values[i] <= least:
            values[i] = 0.0


@compiled
def _normalize(values: Numbers) -> None:
    total = 0.0
    for value in values:
        total += value
    for i in range(len(values)):
        values[i] /= total


@compiled
def draw(
    logits: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    number: float,
    temperature: float,
    top_k: int,
    top_p: float,
) -> int:
    """Return the id at which the cumulative distribution of the allowed symbols exceeds a number in [0, 1)."""
    values = np.empty(len(logits))
    for i in range(len(logits)):
        values[i] = logits[i]
    values = _distribution(values, allowed, temperature, top_k, top_p)
    total = 0.0
    for value in values:
        total += value
    cumulative = 0.0
    for i in range(len(values)):
        cumulative += values[i]
        if cumulative > number * total:
            return i
    return len(values) - 1
