"""Drawing the next character: temperature, top-k, top-p, seeds; one stream of characters.

Knows: models and ids. Does not know: the page, files.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deeprnn.model import CharRNN
from deeprnn.vocab import UNKNOWN_ID

PROMPT_CHUNK = 1024  # characters of a prompt read in one forward pass


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


def distribution(logits: Float[Tensor, " V"], sampling: Sampling) -> Float[Tensor, " V"]:
    """The probabilities the next character is drawn from; the unknown symbol gets none."""
    logits = logits.double().index_fill(0, torch.tensor([UNKNOWN_ID], device=logits.device), -math.inf)
    if sampling.temperature == 0:
        return torch.zeros_like(logits).index_fill_(0, logits.argmax(), 1.0)
    # The largest logit becomes 0 before the division: no temperature, however small, overflows.
    logits = (logits - logits.max()) / sampling.temperature
    if sampling.top_k and sampling.top_k < len(logits):
        order = logits.argsort(descending=True, stable=True)  # ties by id: exactly k survive
        logits = logits.index_fill(0, order[sampling.top_k :], -math.inf)
    probabilities = logits.softmax(0)
    if sampling.top_p < 1:
        ranked, order = probabilities.sort(descending=True, stable=True)
        beyond = ranked.cumsum(0) - ranked >= sampling.top_p  # mass before it is enough already
        probabilities = probabilities.index_fill(0, order[beyond], 0.0)
    return probabilities / probabilities.sum()


@torch.inference_mode()
def read_prompt(model: CharRNN, prompt_ids: Sequence[int]) -> tuple[Float[Tensor, " V"], Float[Tensor, "L S 1 H"]]:
    """The logits and the state after a prompt of at least one character."""
    tokens = torch.as_tensor(prompt_ids, dtype=torch.long, device=model.head.weight.device).unsqueeze(0)
    state = model.initial_state(1)
    for chunk in torch.split(tokens, PROMPT_CHUNK, dim=1):
        logits, state = model(chunk, state)
    return logits[0, -1], state


def stream(
    model: CharRNN, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int = 0
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
    return _stream(model, prompt_ids, max_chars, sampling, drawn)


def _stream(model: CharRNN, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, drawn: int) -> Iterator[int]:
    generator = torch.Generator().manual_seed(sampling.seed)
    for _ in range(drawn):  # one at a time, as they were drawn: a batch of them would be other numbers
        torch.rand(1, generator=generator, dtype=torch.float64)
    logits, state = read_prompt(model, prompt_ids)
    for _ in range(max_chars):
        # Entered anew for each character: a mode held across a yield would leak into the caller.
        with torch.inference_mode():
            cumulative = distribution(logits, sampling).cumsum(0).cpu()
            luck = torch.rand(1, generator=generator, dtype=torch.float64) * cumulative[-1]
            token = torch.searchsorted(cumulative, luck, right=True).clamp_(max=len(cumulative) - 1)
            drawn = int(token)
            step_logits, state = model.step(token.to(logits.device), state)
            logits = step_logits[0]
        yield drawn
