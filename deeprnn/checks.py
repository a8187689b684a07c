"""Type checks of arguments; each message names the argument.

Knows: numbers and strings. Does not know: what they are for.
"""

import math
import numbers
from typing import Any


def whole(name: str, value: Any) -> int:
    """Return an integer of Python or NumPy as an int.

    Raises:
        TypeError: `value` is anything else; True and 1.0 are refused too.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, not {value!r:.80}.")
    return int(value)


def real(name: str, value: Any) -> float:
    """Return a number of Python or NumPy as a float; an integer too large for a float gives infinity.

    Raises:
        TypeError: `value` is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r:.80}.")
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
