"""Drawing the next character: temperature, top-k, top-p, seeds; one stream of characters.

Knows: decoders and ids. Does not know: the page, files.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deeprnn.decoding import Decoder
from deeprnn.vocab import UNKNOWN_ID


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next character is drawn.

    temperature: logits are divided by it; 0 takes the most probable character. top_k: keep the k most probable
    (0: all). top_p: keep the smallest set of most probable characters that holds this much probability (1: all;
    Holtzman et al. 2020, section 3.1). seed: the same seed gives the same text.

    Raises:
        ValueError: a value is outside its range.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be 0 (greedy) or a positive number, not {self.temperature}.")
        if self.top_k < 0:
            raise ValueError(f"top_k must be 0 (all characters) or more, not {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1 (all characters), not {self.top_p}.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be a whole number in [0, 2**63), not {self.seed}.")


def distribution(logits: NDArray[np.floating[Any]], sampling: Sampling) -> NDArray[np.float64]:
    """The probabilities (V) the next character is drawn from; the unknown symbol gets none."""
    logits = logits.astype(np.float64)
    logits[UNKNOWN_ID] = -np.inf
    if sampling.temperature == 0:
        best: NDArray[np.float64] = (np.arange(len(logits)) == logits.argmax()).astype(np.float64)
        return best
    # The largest logit becomes 0 before the division: no temperature, however small, overflows to nan.
    logits -= logits.max()
    with np.errstate(over="ignore"):
        logits /= sampling.temperature
    if sampling.top_k and sampling.top_k < len(logits):
        order = (-logits).argsort(kind="stable")  # ties by id: exactly k survive
        logits[order[sampling.top_k :]] = -np.inf
    probabilities: NDArray[np.float64] = np.exp(logits)
    probabilities /= probabilities.sum()
    if sampling.top_p < 1:
        order = (-probabilities).argsort(kind="stable")
        ranked = probabilities[order]
        beyond = ranked.cumsum() - ranked >= sampling.top_p  # mass before it is enough already
        probabilities[order[beyond]] = 0.0
        probabilities /= probabilities.sum()
    return probabilities


def stream(
    decoder: Decoder, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int = 0
) -> Iterator[int]:
    """Continue a prompt of at least one id, one id at a time.

    One uniform number is drawn a character and looked up in the cumulative distribution, so that models given
    the same seed use the same luck. The last `drawn` ids of the prompt were written with this seed before: their luck
    is passed over, and the text goes on as if it had never stopped.

    Raises:
        ValueError: max_chars or drawn is negative.
    """
    if max_chars < 0:
        raise ValueError(f"max_chars must be 0 or more, not {max_chars}.")
    if drawn < 0:
        raise ValueError(f"drawn must be 0 or more, not {drawn}.")
    return _stream(decoder, prompt_ids, max_chars, sampling, drawn)


def _stream(
    decoder: Decoder, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int
) -> Iterator[int]:
    generator = torch.Generator().manual_seed(sampling.seed)
    for _ in range(drawn):  # one at a time, as they were drawn: a batch of them would be other numbers
        torch.rand(1, generator=generator, dtype=torch.float64)
    logits, state = decoder.read(prompt_ids)
    for _ in range(max_chars):
        cumulative = distribution(logits, sampling).cumsum()
        luck = torch.rand(1, generator=generator, dtype=torch.float64).item() * cumulative[-1]
        drawn = min(int(cumulative.searchsorted(luck, side="right")), len(cumulative) - 1)
        yield drawn
        step_logits, state = decoder.step(np.array([drawn]), state)
        logits = step_logits[0]
