"""The parts of the questions that the page can show: comparisons with their checkpoints, answers from the results.

Knows: the questions, checkpoints, words. Does not know: components.
"""

import functools
import logging
from collections import defaultdict
from dataclasses import replace
from typing import Any

from deeprnn.experiments import questions
from deeprnn.experiments.format import NOTHING, fill, in_words
from deeprnn.experiments.question import Budget, Comparison, Figures
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.widgets import perplexity
from deeprnn.page.words import WORDS
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from deeprnn.words import Lang

LOG = logging.getLogger(__name__)


@functools.lru_cache(maxsize=8)  # every drawing of a text that is being written calls it
def comparisons(registry: Registry) -> dict[str, Comparison]:
    """Return the comparisons by key, with only those groups whose checkpoints are in the registry."""
    found = {}
    for one in questions.comparisons():
        groups = {}
        for budget, names in one.groups.items():
            there = tuple(name for name in names if name in registry.infos)
            if there == names or (one.open_ended and len(there) > 1):
                groups[budget] = there
        if groups:
            found[one.key] = replace(one, groups=groups)
    return found


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def answers(registry: Registry) -> dict[str, Figures]:
    """Return the figures of each answer by its key; answers without results are logged once."""
    found = questions.answers(registry.results)
    every = [answer.key for question in questions.QUESTIONS for answer in question.answers]
    if registry.results.runs and (missing := [key for key in every if key not in found]):
        LOG.warning("%s lacks runs that these answers need: %s", FILE, ", ".join(missing))
    return found


def words_of(comparison: str) -> str:
    """Return the key of the table that holds the words of a comparison."""
    key = next(one.key for one in questions.QUESTIONS if comparison in {shown.key for shown in one.comparisons})
    return f"{key}.comparison.{comparison}"


def verdict(registry: Registry, comparison: Comparison, budget: Budget, lang: Lang) -> str:
    """Return the text that says what a comparison shows, with the figures of its models; `{a}` is the first model.

    `{a[train]}`, `{a[heldout]}`: perplexities, `{a[elsewhere][TEXT]}` on another text; `{a[guess]}`: the size of its
    alphabet. `{each}`, `{timed}`: all models, each in the template of that name. If the results have an answer with the
    key of the comparison, its sentence follows.
    """
    said = words_of(comparison.key)
    models = [_figures(registry.infos[name]) for name in comparison.groups[budget]]
    figures: dict[str, Any] = dict(zip("abcdef", models, strict=False))
    listed = in_words(said, {place: models for place in ("each", "timed") if f"{said}.{place}" in WORDS}, lang)
    seen = fill(WORDS[f"{said}.{budget}"][lang], figures | {**listed})
    found = answers(registry).get(comparison.key)
    if not found or f"{said}.found" not in WORDS:
        return seen
    answer = f"{said.partition('.')[0]}.answer.{comparison.key}"
    return seen + fill(WORDS[f"{said}.found"][lang], in_words(answer, found, lang))


def _figures(info: CheckpointInfo) -> dict[str, Any]:
    return {
        "cell": CELLS[info.config.cell].label,
        "train": perplexity(info.train_ppl),
        "heldout": perplexity(info.heldout_ppl),
        "guess": len(info.vocab),
        "elsewhere": defaultdict(lambda: NOTHING, {t: perplexity(of.ppl) for t, of in info.metrics.elsewhere.items()}),
        "seconds": f"{info.metrics.train_seconds:.0f}",
    }
