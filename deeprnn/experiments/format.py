"""How figures are written: a number, an estimate, the sentence of an answer.

Knows: the words of the questions. Does not know: results, Markdown, the page.
"""

import string
from collections.abc import Mapping
from typing import Any

from deeprnn.experiments.question import Figure, Figures
from deeprnn.experiments.words import WORDS
from deeprnn.store.estimates import Estimate
from deeprnn.words import Lang

NOTHING = "–"  # a missing figure
BETWEEN: dict[Lang, str] = {"en": ", ", "zh": "、"}  # between the figures of a list


def figure(value: object, format_spec: str = "") -> str:
    """Return a value in the given format; for an estimate the mean and its interval, with three decimals by default."""
    if value is None:
        return NOTHING
    if not isinstance(value, Estimate):
        return format(value, format_spec)
    spec = format_spec or ".3f"
    half = "" if value.half_width is None else f" ± {format(value.half_width, spec.removeprefix('+'))}"
    return format(value.mean, spec) + half


class _Formatter(string.Formatter):
    """`str.format` that also formats estimates."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return figure(value, format_spec)


def fill(template: str, figures: Mapping[str, Figure]) -> str:
    """Return a sentence with its {places} filled in."""
    return _Formatter().vformat(template, (), figures)


def rounded(perplexity: float) -> str:
    """Return a perplexity as text for a sentence without intervals: one decimal below 10, else none."""
    return f"{perplexity:.1f}" if perplexity < 10 else f"{perplexity:,.0f}"


def sentence(said: str, figures: Figures, lang: Lang) -> str:
    """Return the sentence of an answer; said: the key of its table. A figure without an interval is of one seed."""
    return fill(WORDS[f"{said}.sentence"][lang], in_words(said, figures, lang))


def claim(said: str, figures: Figures, lang: Lang) -> str:
    """Return the claim of an answer; said: the key of its table."""
    return fill(WORDS[f"{said}.claim"][lang], in_words(said, figures, lang))


def template(said: str, place: str) -> str:
    """Return the key of the words of a list's place: the answer's own, or else those of all answers."""
    own = f"{said}.{place}"
    return own if own in WORDS else f"charts.clause.{place}"


def in_words(said: str, figures: Figures, lang: Lang) -> Figures:
    """Return the figures of an answer with each list as text, by the template of its place."""
    return {
        place: value
        if value is None or isinstance(value, str | float | int | Estimate)
        else BETWEEN[lang].join(fill(WORDS[template(said, place)][lang], one) for one in value)
        for place, value in figures.items()
    }
