"""Type checks of arguments, and how messages show wrong values: always short, since a value may be of any size.

Knows: numbers and strings. Does not know: what they are for.
"""

import functools
import math
import numbers
from collections.abc import Collection
from typing import Any

MAX_MESSAGE = 300  # characters of a reason inside a message, which also names a file and the remedy
_MAX_SHOWN = 60  # characters of a wrong value
_MAX_LISTED = 4  # names of a list


class KeyedError(ValueError):
    """An error whose sentence is found by its key and filled with its values; pickle can send it to another process."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key, self.values = key, values

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it again."""
        return functools.partial(type(self), **self.values), (self.key,)


def shortened(text: str, most: int = MAX_MESSAGE) -> str:
    """Return a text in one line of at most `most` characters, with dots in place of what was cut off."""
    line = "".join(c if c.isprintable() else " " for c in text[:most])
    return line if len(text) <= most else line[: most - 4] + " ..."


def shown(value: Any) -> str:
    """Return a wrong value as a message shows it: the start of its `repr`, or only the type of a container."""
    if isinstance(value, (dict, list, tuple)):
        return type(value).__name__
    return shortened(repr(value[:_MAX_SHOWN] if isinstance(value, str) else value), _MAX_SHOWN)


def listed(names: Collection[str]) -> str:
    """Return the first names of a collection in the order of the alphabet, and how many more there are."""
    first = ", ".join(map(shown, sorted(names)[:_MAX_LISTED]))
    more = len(names) - _MAX_LISTED
    return f"[{first} and {more:,} more]" if more > 0 else f"[{first}]"


def whole(name: str, value: Any) -> int:
    """Return an integer of Python or NumPy as an int.

    Raises:
        TypeError: `value` is anything else; True and 1.0 are refused too.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, not {shown(value)}.")
    return int(value)


def real(name: str, value: Any) -> float:
    """Return a number of Python or NumPy as a float; an integer too large for a float gives infinity.

    Raises:
        TypeError: `value` is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {shown(value)}.")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def text(name: str, value: Any) -> str:
    """Return a string.

    Raises:
        TypeError: `value` is not a string.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}.")
    return value
