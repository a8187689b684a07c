"""What a model writes after the prompt of its recipe: recorded while it is trained, and at the end.

Knows: runs, prepared texts, language models. Does not know: how a step is made, when a run is measured.
"""

import copy

from deeprnn.lm.language_model import LanguageModel
from deeprnn.nn.model import CharRNN
from deeprnn.text.splits import Data
from deeprnn.train.run import Job

CHARS = 120  # characters of a continuation that is recorded while a model is trained
PROMPT_CHARS = 24  # the most characters of a prompt that is taken from a user's own text
TEMPERATURE, SEED = 0.8, 0


def continuations(model: CharRNN, job: Job, data: Data) -> dict[str, str]:
    """Return what the model writes now: `drawn` at temperature 0.8 with seed 0, and `greedy`.

    A copy of the model writes, with a generator of its own, so the training goes on as it would without.
    """
    lm = LanguageModel(name=job.name, model=copy.deepcopy(model).cpu().requires_grad_(False), vocab=data.vocab)
    prompt = prompt_of(job, data)
    return {
        "drawn": lm.generate(prompt, CHARS, temperature=TEMPERATURE, seed=SEED),
        "greedy": lm.generate(prompt, CHARS, temperature=0.0),
    }


def prompt_of(job: Job, data: Data) -> str:
    """Return the recipe's prompt, or if it has none the first words of the text."""
    if job.recipe.sample_prompt:
        return job.recipe.sample_prompt
    opening = " ".join(data.sources[0].cut("train")[:400].split())
    head = opening[:PROMPT_CHARS]
    return head.rsplit(" ", 1)[0] if len(opening) > len(head) and " " in head else head
