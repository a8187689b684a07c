"""Limits and checks of the values in a request; errors give the reason in the reader's language.

Knows: limits, the type of each value. Does not know: what a value is used for.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from deeprnn.checks import KeyedError
from deeprnn.documents import has_surrogates
from deeprnn.page.environment import env_limit
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry, is_private
from deeprnn.text.poem_form import PoemForm, PoemFormError
from deeprnn.words import Lang

MAX_MODELS = env_limit("MAX_MODELS", 6)
MAX_PROMPT_CHARS = env_limit("MAX_PROMPT_CHARS", 2_000)
MAX_NEW_CHARS = env_limit("MAX_NEW_CHARS", 2_000)
MAX_WRITTEN_CHARS = env_limit("MAX_WRITTEN_CHARS", 8_000)  # of one text after all its continuations
MAX_SCORE_CHARS = env_limit("MAX_SCORE_CHARS", 20_000)
MAX_SEED = 2**53 - 1  # the largest integer that JSON numbers hold exactly
LARGEST = 1e300  # the largest number that a message shows


class RequestError(KeyedError):
    """A request cannot be answered; `message` gives the reason in the reader's language."""

    def __str__(self) -> str:
        """Return the message in English."""
        return self.message("en")

    def message(self, lang: Lang) -> str:
        """Return the reason and the remedy."""
        return tr(self.key, lang, **self.values)


def checked_names(registry: Registry, models: Any) -> list[str]:
    """Return the names of the models in a request.

    Raises:
        RequestError: there are none or too many, or one does not exist.
    """
    if not isinstance(models, (list, tuple)) or not models:
        raise RequestError("error_models_none")
    if len(models) > MAX_MODELS:
        raise RequestError("error_models_many", n=len(models), most=MAX_MODELS)
    for name in models:
        if not isinstance(name, str) or registry.find(name) is None:
            if isinstance(name, str) and is_private(name):
                raise RequestError("error_model_gone", name=name)
            shown = name if isinstance(name, str) and re.fullmatch(r"[\w.-]{1,80}", name) else "?"
            raise RequestError("error_model_unknown", name=shown, known=", ".join(registry.infos))
    return list(models)


def checked_text(field: str, value: Any) -> str:
    """Return a string that has no half of a surrogate pair.

    Raises:
        RequestError: `value` is anything else.
    """
    if not isinstance(value, str) or has_surrogates(value):
        raise RequestError("error_text_type", field=field)
    return value


def checked_number(field: str, value: Any, least: float, most: float, *, whole: bool = False) -> float | int:
    """Return a number from `least` to `most`, which must be an integer if `whole`.

    Raises:
        RequestError: `value` is anything else.
    """
    if value is None or value == "":
        raise RequestError("error_number_none", field=field, least=least, most=most)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_number = is_number and -LARGEST <= value <= LARGEST  # False for nan; exact for integers
    if is_number and whole and value != int(value):
        raise RequestError("error_number_whole", field=field, least=least, most=most, value=f"{value:g}")
    if not is_number or not least <= value <= most:
        shown = f"{value:g}" if is_number else type(value).__name__
        raise RequestError("error_number", field=field, least=least, most=most, value=shown)
    return int(value) if whole else float(value)


def checked_form(line_chars: Any, lines: Any, opening: Any, acrostic: Any, regulated: Any = False) -> PoemForm:
    """Return the form of the poem that is asked for.

    Raises:
        RequestError: a value has the wrong type, or no poem has this form.
    """
    if not isinstance(regulated, bool):
        raise RequestError("error_bool", field="regulated")
    shape = [int(checked_number(*one, 1, 100, whole=True)) for one in (("line_chars", line_chars), ("lines", lines))]
    given = [checked_text(*one) for one in (("opening", opening), ("acrostic", acrostic))]
    if (longest := max(map(len, given))) > MAX_PROMPT_CHARS:
        raise RequestError("error_prompt_long", n=longest, most=MAX_PROMPT_CHARS)
    with form_as_asked():
        return PoemForm(line_chars=shape[0], lines=shape[1], opening=given[0], acrostic=given[1], regulated=regulated)


@contextlib.contextmanager
def form_as_asked() -> Iterator[None]:
    """Raise the reason why a poem cannot have its form as a RequestError."""
    try:
        yield
    except PoemFormError as error:
        raise RequestError(f"error_poem.{error.key}", **error.values) from error
