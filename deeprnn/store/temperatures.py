"""Finds among records of several temperatures that of one.

Knows: nothing but their temperatures. Does not know: what was written or counted.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class _Drawn(Protocol):
    @property
    def temperature(self) -> float: ...


Drawn = TypeVar("Drawn", bound=_Drawn)


def at_temperature(samples: Sequence[Drawn], temperature: float, what: str) -> Drawn:
    """Return the record of a temperature; what: of what they are, for the error.

    Raises:
        LookupError: there is none of that temperature.
    """
    for one in samples:
        if one.temperature == temperature:
            return one
    raise LookupError(f"no {what} at temperature {temperature}, only at {[one.temperature for one in samples]}.")
