"""The parts of the questions that the page can show: comparisons with their checkpoints, answers from the results.

Knows: the questions, checkpoints, words. Does not know: components.
"""

import functools
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from deeprnn.experiments import questions
from deeprnn.experiments.format import BETWEEN, NOTHING, figure, fill, in_words, rounded
from deeprnn.experiments.gaps import heldout, percent_above, sign
from deeprnn.experiments.question import Budget, Comparison, Figures
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.widgets import perplexity, title_of
from deeprnn.page.words import SPACE, WORDS, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from deeprnn.words import Lang

LOG = logging.getLogger(__name__)


class Verdict(TypedDict):
    """What a comparison shows. takeaway: one sentence with at most three rounded figures. rest: the other figures."""

    takeaway: str
    rest: str


@functools.lru_cache(maxsize=8)  # every drawing of a text that is being written calls it
def comparisons(registry: Registry) -> dict[str, Comparison]:
    """Return the comparisons by key, with only those groups whose checkpoints are in the registry."""
    found = {}
    for one in questions.comparisons():
        groups = {}
        for budget, names in one.groups.items():
            there = tuple(name for name in names if registry.find(name))
            if there == names or (one.open_ended and len(there) > 1):
                groups[budget] = there
        if groups:
            found[one.key] = replace(one, groups=groups)
    return found


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def answers(registry: Registry) -> dict[str, Figures]:
    """Return the figures of each answer by its key; answers without results are logged once."""
    found = questions.answers(registry.results)
    every = [answer.key for question in questions.QUESTIONS for answer in question.answers if not answer.optional]
    if registry.results.runs and (missing := [key for key in every if key not in found]):
        LOG.warning("%s lacks runs that these answers need: %s", FILE, ", ".join(missing))
    return found


def words_of(comparison: str) -> str:
    """Return the key of the table that holds the words of a comparison."""
    key = next(one.key for one in questions.QUESTIONS if comparison in {shown.key for shown in one.comparisons})
    return f"{key}.comparison.{comparison}"


def verdict(registry: Registry, comparison: Comparison, budget: Budget, lang: Lang) -> Verdict:
    """Return what a comparison shows, with the figures of its models; `{a}` is the first model.

    `{a[train]}`, `{a[heldout]}`: perplexities, `{a[elsewhere][TEXT]}` on another text, `{a[ngram]}` of an n-gram
    with the same training text; `{a[best]}`: the lowest of its curve; `{a[guess]}`: the size of its alphabet;
    `{a[epochs]}`: of its training; `{a[units]}`: of each of its layers. `{best}`, `{second}`, `{worst}`: the models
    with the lowest and the highest perplexities on held-out text; if seeds do not tell the first two apart, the
    takeaway is the word `close`, where there is one. In the rest also `{each}`, `{timed}`: all models, each in the
    template of that name; and if the results have an answer with the key of the comparison, its sentence.
    """
    said = words_of(comparison.key)
    infos = [registry.info(name) for name in comparison.groups[budget]]
    models = [_figures(registry, info, perplexity) for info in infos]
    listed = in_words(said, {place: models for place in ("each", "timed") if f"{said}.{place}" in WORDS}, lang)
    rest = [fill(WORDS[f"{said}.{budget}.rest"][lang], {**_places(models), **listed})]
    found = answers(registry).get(comparison.key)
    if found and f"{said}.found" in WORDS:
        answer = f"{said.partition('.')[0]}.answer.{comparison.key}"
        rest.append(fill(WORDS[f"{said}.found"][lang], in_words(answer, found, lang)))
    rest.append(_over_seeds(registry, infos, lang))
    few = _places([_figures(registry, info, rounded) for info in infos])
    ranked = sorted(infos, key=lambda info: _over_its_seeds(registry, info))
    ends = {"best": ranked[0], "second": ranked[min(1, len(ranked) - 1)], "worst": ranked[-1]}
    few |= {end: _figures(registry, info, rounded) for end, info in ends.items()}
    close = f"{said}.{budget}.close"
    is_close = close in WORDS and not _is_told_above(registry, ends["second"], ends["best"])
    one = close if is_close else f"{said}.{budget}.takeaway"
    takeaway = fill(WORDS[one][lang], few)
    return {"takeaway": takeaway, "rest": SPACE[lang].join(rest)}


def _over_its_seeds(registry: Registry, info: CheckpointInfo) -> float:
    """Return the mean held-out perplexity of a model's recipe over its seeds; its own if no run is recorded."""
    runs = registry.results.where(recipe=info.name).finished
    return runs.figure().mean if runs else info.heldout_ppl


def _is_told_above(registry: Registry, info: CheckpointInfo, other: CheckpointInfo) -> bool:
    """Return whether seeds tell that the held-out perplexity of a model is above that of another."""
    ours, theirs = (registry.results.where(recipe=one.name).finished for one in (info, other))
    return bool(ours and theirs) and sign(percent_above([(heldout(ours), heldout(theirs))])) > 0


def _places(models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return dict(zip("abcdef", models, strict=False))


def _figures(registry: Registry, info: CheckpointInfo, write: Callable[[float], str]) -> dict[str, Any]:
    """Return the figures of a model by their places; write: returns a perplexity as text."""
    elsewhere = {text: write(of.ppl) for text, of in info.metrics.elsewhere.items()}
    run = registry.results.runs.get(info.name)
    text = registry.results.texts.get(run.text_key) if run else None
    return {
        "cell": CELLS[info.config.cell].label,
        "train": write(info.train_ppl),
        "heldout": write(info.heldout_ppl),
        "best": write(info.metrics.best_ppl),
        "ngram": write(text.ngram_ppl) if text else NOTHING,
        "guess": f"{len(info.vocab):,}",
        "epochs": info.metrics.train_config.epochs,
        "units": info.config.hidden_size,
        "elsewhere": defaultdict(lambda: NOTHING, elsewhere),
        "seconds": f"{info.metrics.train_seconds:.0f}",
    }


def _over_seeds(registry: Registry, infos: Sequence[CheckpointInfo], lang: Lang) -> str:
    """Return the held-out perplexities, with intervals, of those models of which the results have several seeds."""
    runs = {info.name: registry.results.where(recipe=info.name).finished for info in infos}
    several = [
        tr("over_seeds.each", lang, model=title_of(registry, name, lang), ppl=figure(one.figure()))
        for name, one in runs.items()
        if len(one) > 1
    ]
    return tr("over_seeds.sentence", lang, each=BETWEEN[lang].join(several)) if several else tr("over_seeds.none", lang)
