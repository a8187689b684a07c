"""What may stand at each place of a text that a model writes to a given form.

Knows: ids of symbols. Does not know: models, characters, what the form is.

A model writes to a template from left to right. A symbol that the template gives is read, not drawn; at every other
place a symbol is drawn from the model's distribution given all that stands before it, restricted to the allowed set
and renormalized. So each symbol follows the model exactly given the ones before. The whole text is *not* a sample of
the model's distribution over all texts that fit the template: a draw does not look ahead to what will be given later.

The n-th random number of a seed belongs to the n-th place. A given symbol leaves its number unused, so giving a symbol
that would have been drawn anyway changes nothing after it.

Dimensions: N places, K sets, V symbols.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeprnn.lm.kernels import SAMPLE
from deeprnn.text.vocab import UNKNOWN_ID

Choices = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """What may stand at each of N places.

    places (N): the id of the symbol that must stand there; or SAMPLE - k, for any symbol of the set k.
    choices (K, V): the sets of symbols, each with at least one symbol besides the unknown one, which is never drawn.

    Raises:
        ValueError: a place names no symbol or no set, or a set is empty.
    """

    places: NDArray[np.int64]
    choices: Choices

    def __post_init__(self) -> None:
        sets, symbols = self.choices.shape
        if UNKNOWN_ID in self.places or not ((self.places > SAMPLE - sets) & (self.places < symbols)).all():
            raise ValueError(
                f"each place of a template is one of {symbols} symbols, or {SAMPLE} - k for set k of {sets}."
            )
        if not np.delete(self.choices, UNKNOWN_ID, axis=1).any(axis=1).all():
            raise ValueError("each set of a template needs a symbol that can be drawn.")

    def __len__(self) -> int:
        """Return N."""
        return len(self.places)

    def check(self, symbols: int) -> None:
        """Check that the template is of an alphabet of so many symbols.

        Raises:
            ValueError: it is not.
        """
        if self.choices.shape[1] != symbols:
            raise ValueError(
                f"the template is of an alphabet of {self.choices.shape[1]} symbols, the model's has {symbols}: "
                "make it from the model's own vocab."
            )
