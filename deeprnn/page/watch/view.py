"""The Watch view: the models of a question while they learned, with a slider over their training.

Knows: which questions have models that recorded what they wrote. Does not know: the other views, how it is drawn.

The address is read in the browser, because all questions are in one file. Models that an address names, a visitor's
own among them, are asked of the server.
"""

import functools
from collections.abc import Sequence
from typing import Any

from deeprnn.experiments.charts import colours
from deeprnn.experiments.rote import FEW
from deeprnn.page.service import RequestError
from deeprnn.page.service.asked import checked_names
from deeprnn.page.shared.questions import comparisons, words_of
from deeprnn.page.shared.widgets import Translations, drawing
from deeprnn.page.watch.moments import moments
from deeprnn.page.words import WORDS, table, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

# The words that it has in common with the charts of questions.
_CHARTS = {
    "epoch": "charts.axis.epochs",
    "chars": "charts.axis.chars",
    "seconds": "charts.axis.seconds",
    "ppl": "charts.axis.ppl",
    "train": "charts.part.train",
    "heldout": "charts.part.heldout",
    "run_part": "charts.run_part",
    "guessing": "charts.guessing",
}


def questions(registry: Registry) -> dict[str, tuple[str, ...]]:
    """Return the questions by key, each with its models: all of a comparison, if all recorded what they wrote."""
    found = {}
    for one in comparisons(registry).values():
        groups = (names for names in one.groups.values() if all(registry.info(name).metrics.moments for name in names))
        if names := next(groups, None):
            found[one.key] = names
    return found


def watched(registry: Registry) -> dict[str, Any]:
    """Return what `watch.js` draws, in both languages: the questions, and each of their models once.

    marked: whether what is copied is known; it is looked for only when models can answer, so that the page is served
    without waiting for it. command: trains a model that can be watched.
    """
    return _watched(registry, marked=registry.ready.is_set())


@functools.lru_cache(maxsize=8)  # the models of questions do not change while they are served
def _watched(registry: Registry, *, marked: bool) -> dict[str, Any]:
    found = questions(registry)
    names = dict.fromkeys(name for names in found.values() for name in names)
    return {
        "questions": [
            {"key": key, "title": in_both(functools.partial(tr, f"{words_of(key)}.asked"))} | beside(registry, names)
            for key, names in found.items()
        ],
        "models": {name: moments(registry, name, marked=marked) for name in names},
        "marked": marked,
        "command": f"python train.py {FEW}",
    }


def beside(registry: Registry, names: Sequence[str]) -> dict[str, list[str]]:
    """Return models that are shown side by side, with a colour for each."""
    return {"models": list(names), "colours": colours([registry.info(name).config.cell for name in names])}


def asked_for(registry: Registry, ask: Any) -> dict[str, Any]:
    """Return those of the models that a browser asks for that recorded what they wrote, as `watched` does.

    The answer to an invalid request is its error, in both languages.
    """
    try:
        names = checked_names(registry, ask.get("models") if isinstance(ask, dict) else None)
    except RequestError as error:
        return {"error": in_both(error.message)}
    there = [name for name in dict.fromkeys(names) if registry.info(name).metrics.moments]
    return beside(registry, there) | {"found": {name: moments(registry, name) for name in there}}


def labels(lang: Lang) -> dict[str, str]:
    """Return the labels of the view."""
    return table("watch.label", lang) | {name: WORDS[key][lang] for name, key in _CHARTS.items()}


def build(registry: Registry, words: Translations) -> None:
    """Create the component of the view."""

    def learners(ask: Any) -> Any:
        return asked_for(registry, ask)

    drawing(
        words,
        lambda: watched(registry),
        '<div class="watch"></div>',
        "watch",
        labels,
        server_functions=[learners],
        fixed=True,
        elem_id="watch",
    )
