"""The comparisons that each answer a question: which models, at equal what, with which prompt.

Knows: names of checkpoints, words. Does not know: components. A preset whose checkpoints are not there is left out.
"""

import functools
import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

from deeprnn.experiments import findings
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.widgets import perplexity
from deeprnn.page.words import WORDS, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from deeprnn.words import Lang

LOG = logging.getLogger(__name__)
Budget = Literal["recipe", "width", "parameters", "time"]  # what is equal; the note's own recipe has no such thing
Highlight = Literal["plain", "surprise", "copied"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One question. `compare.preset.KEY` asks it, `compare.verdict.KEY.BUDGET` says what is seen.

    groups: the models that answer it, by what they have equal; the first one is shown first. open_ended: some of a
    group's models will do.
    """

    key: str
    groups: dict[Budget, tuple[str, ...]]
    prompt: str = "the time traveller"
    lens: Highlight = "plain"
    open_ended: bool = False

    @property
    def budget(self) -> Budget:
        """What its first models have equal."""
        return next(iter(self.groups))


def _cells(start: str, end: str) -> tuple[str, ...]:
    return tuple(f"{start}-{cell}-{end}" for cell in CELLS)


_WIRINGS = ("plain", "residual")
_PRESETS = (
    Preset(key="rote", lens="copied", groups={"recipe": ("note-rnn-2", "note-gru-2", "note-lstm-2", "note-lstm-10")}),
    Preset(key="general", lens="copied", groups={"recipe": ("note-lstm-2", "few-lstm-2")}),
    Preset(
        key="ten",
        lens="surprise",
        groups={
            "recipe": ("note-lstm-10", "note-lstm-10-residual"),
            "parameters": tuple(f"depth-{cell}-10-{wiring}" for cell in ("lstm", "rnn") for wiring in _WIRINGS),
        },
    ),
    Preset(
        key="ladder",
        prompt="The Time Traveller",
        groups={"parameters": tuple(f"depth-gru-{n}-residual" for n in (1, 2, 4, 10))},
    ),
    Preset(
        key="cells",
        prompt="The Time Traveller",
        open_ended=True,
        groups={
            "parameters": _cells("depth", "2-residual"),
            "width": _cells("width", "2-residual"),
            "time": _cells("time", "2-residual"),
        },
    ),
    Preset(
        key="data",
        prompt="The Time Traveller",
        lens="copied",
        groups={"recipe": ("data-10k", "data-book", "data-wells-8", "wells-lstm-2")},
    ),
    Preset(
        key="authors",
        prompt="It was a truth ",
        groups={"recipe": ("author-wells", "author-austen", "author-five")},
    ),
    Preset(key="mistake", groups={"recipe": ("note-rnn-2", "note-rnn-2-shared")}),
    Preset(key="best", prompt="The Time Traveller", groups={"recipe": ("wells-lstm-2", "shakespeare-lstm-2")}),
    Preset(key="chinese", prompt="却说孙行者", lens="copied", groups={"recipe": ("journey-gru-2",)}),
)


@functools.lru_cache(maxsize=8)  # every drawing of a text that is being written asks for them
def presets(registry: Registry) -> dict[str, Preset]:
    """The presets by key, with the groups whose checkpoints are there."""
    found = {}
    for preset in _PRESETS:
        groups = {}
        for budget, names in preset.groups.items():
            there = tuple(name for name in names if name in registry.infos)
            if there == names or (preset.open_ended and len(there) > 1):
                groups[budget] = there
        if groups:
            found[preset.key] = replace(preset, groups=groups)
    return found


@functools.lru_cache(maxsize=8)  # results do not change while they are served
def answers(registry: Registry) -> dict[str, findings.Figures]:
    """What the results answer, by question; the log tells once what they do not."""
    found = findings.answers(registry.results)
    if registry.results.runs and (missing := [key for key in findings.TITLES if key not in found]):
        LOG.warning("%s lacks runs that these answers need: %s", FILE, ", ".join(missing))
    return found


def verdict(registry: Registry, preset: Preset, budget: Budget, lang: Lang) -> str:
    """What is to be seen, with the figures of the models shown: `{a}` is the first one's, and so on.

    `{a[train]}`, `{a[heldout]}`: perplexities, `{a[elsewhere][TEXT]}` on another text; `{a[guess]}`: symbols of its
    alphabet. `{each}`: the models' cells with their held-out perplexities; `{timed}`: and with the seconds of training.
    Where the results answer the same question, what they say of it follows.
    """
    infos = [registry.infos[name] for name in preset.groups[budget]]
    each = [f"{CELLS[info.config.cell].label} {perplexity(info.heldout_ppl)}" for info in infos]
    timed = [f"{cell} ({info.metrics.train_seconds:.0f})" for cell, info in zip(each, infos, strict=True)]
    figures: dict[str, object] = {letter: _figures(info) for letter, info in zip("abcdef", infos, strict=False)}
    figures |= {"each": findings.listed(each, lang), "timed": findings.listed(timed, lang)}
    said = f"compare.verdict.{preset.key}"
    seen = tr(f"{said}.{budget}", lang, **figures)
    found = answers(registry).get(preset.key)
    if not found or f"{said}.found" not in WORDS:
        return seen
    shown = {name: findings.listed(of, lang) if isinstance(of, tuple) else of for name, of in found.items()}
    return seen + tr(f"{said}.found", lang, **shown)


def _figures(info: CheckpointInfo) -> dict[str, object]:
    return {
        "train": perplexity(info.train_ppl),
        "heldout": perplexity(info.heldout_ppl),
        "guess": len(info.vocab),
        "elsewhere": defaultdict(lambda: "–", {t: perplexity(of.ppl) for t, of in info.metrics.elsewhere.items()}),
    }
