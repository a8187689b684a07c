"""Deep links: what an address asks the page to show. Everything in it is untrusted.

Knows: query parameters, limits. Does not know: components. What is not understood is passed over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from deeprnn.experiments.question import Budget
from deeprnn.page.service import MAX_SEED, MAX_WRITTEN_CHARS
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.words import language
from deeprnn.store.registry import Registry
from deeprnn.words import Lang

View = Literal["compare", "score", "experiments", "inside", "learn", "checkpoints"]
VIEWS: tuple[View, ...] = ("compare", "score", "experiments", "inside", "learn", "checkpoints")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What an address asks for; None: nothing. `numbers`: temperature, top_k, top_p, length and seed.

    Who shows the models or the text says so where they are more than can be shown.
    """

    view: View
    lang: Lang
    models: tuple[str, ...]
    preset: str | None
    budget: Budget | None
    prompt: str | None
    text: str | None
    numbers: dict[str, float]


def parse(registry: Registry, query: Mapping[str, str], accept_language: str) -> Ask:
    """Read an address such as `?view=compare&models=note-lstm-2,note-lstm-10&prompt=the&seed=7&lang=zh`."""
    listed = query.get("models", "").split(",")  # a comma inside a name is written as %2C, see `listed` in dom.js
    names = dict.fromkeys(name for one in listed for name in (unquote(one), one) if name in registry.infos)
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
        prompt=_text(query.get("prompt")),
        text=_text(query.get("text")),
        numbers={key: value for key, value in numbers.items() if value is not None},
    )


def _text(value: str | None) -> str | None:
    """The whole of it, or nothing: whoever uses it says so when it is too long.

    Query strings arrive decoded; what was no UTF-8 holds U+FFFD by now, and no half of a surrogate pair.
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
