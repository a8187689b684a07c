"""Deep links: what the query parameters of an address ask the page to show. They are untrusted.

Knows: query parameters, limits. Does not know: components. Invalid parameters are ignored.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from deeprnn.experiments.question import Budget
from deeprnn.page.service import MAX_SEED, MAX_WRITTEN_CHARS
from deeprnn.page.shared.poems import SHAPES
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.words import language
from deeprnn.store.registry import Registry, is_private
from deeprnn.words import Lang

View = Literal["compare", "watch", "training", "score", "experiments", "inside", "learn", "checkpoints"]
VIEWS: tuple[View, ...] = ("compare", "watch", "training", "score", "experiments", "inside", "learn", "checkpoints")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What an address asks for; None: no such parameter. `numbers`: temperature, top_k, top_p, length and seed.

    shape, acrostic, regulated: of a poem.
    gone: whether it names an own model of a visitor that has been removed.
    The models and the text may exceed the limits; the view that shows them reports it.
    """

    view: View
    lang: Lang
    models: tuple[str, ...]
    preset: str | None
    budget: Budget | None
    prompt: str | None
    text: str | None
    numbers: dict[str, float]
    shape: str | None = None
    acrostic: str | None = None
    regulated: bool = False
    gone: bool = False


def parse(registry: Registry, query: Mapping[str, str], accept_language: str) -> Ask:
    """Read an address such as `?view=compare&models=note-lstm-2,note-lstm-10&prompt=the&seed=7&lang=zh`."""
    listed = query.get("models", "").split(",")  # a comma inside a name is written as %2C, see `listed` in dom.js
    names = dict.fromkeys(name for one in listed for name in (unquote(one), one) if registry.find(name))
    gone = any(is_private(name) and name not in names for name in listed)
    known = comparisons(registry)
    preset = query.get("preset", "") if query.get("preset", "") in known else None
    budget: Any = query.get("budget")
    if preset and budget not in known[preset].groups:
        budget = known[preset].budget
    view: Any = query.get("view")
    limits = {
        "temperature": (0, 2),
        "top_k": (0, 100),
        "top_p": (0.05, 1),
        "length": (1, MAX_WRITTEN_CHARS),
        "seed": (0, MAX_SEED),
    }
    numbers = {key: _number(query.get(key), *limits[key], whole=key not in ("temperature", "top_p")) for key in limits}
    return Ask(
        view=view if view in VIEWS else "compare",
        lang=language(query, accept_language),
        models=tuple(names),
        preset=preset,
        budget=budget if preset else None,
        prompt=query.get("prompt"),
        text=_text(query.get("text")),
        numbers={key: value for key, value in numbers.items() if value is not None},
        shape=query["form"] if query.get("form") in SHAPES else None,
        acrostic=_text(query.get("acrostic")),
        regulated=query.get("regulated") == "1",
        gone=gone,
    )


def _text(value: str | None) -> str | None:
    """Return the whole text, of any length, or None if it is empty.

    Query strings arrive decoded: invalid UTF-8 has become U+FFFD, so the text contains no lone surrogate.
    """
    return value or None


def _number(value: str | None, least: float, most: float, *, whole: bool) -> float | None:
    try:
        number = float(value or "nan")
    except ValueError:
        return None
    if not math.isfinite(number) or not least <= number <= most or (whole and number != int(number)):
        return None
    return int(number) if whole else number
