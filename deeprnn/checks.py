"""What a function is given, checked: each message names the argument.

Knows: numbers and texts. Does not know: what they are for.
"""

import math
import numbers
from typing import Any


def whole(name: str, value: Any) -> int:
    """A whole number, of Python or NumPy.

    Raises:
        TypeError: it is anything else, True and 1.0 included.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, not {value!r:.80}.")
    return int(value)


def real(name: str, value: Any) -> float:
    """A number, of Python or NumPy; one too large for a float is infinite.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r:.80}.")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def text(name: str, value: Any) -> str:
    """A string.

    Raises:
        TypeError: it is anything else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}.")
    return value
