"""Dropping what earlier answers have left, when a model was removed.

Knows: which modules keep answers. Does not know: what they keep.
"""

from deeprnn.page.service import looking, reading


def forget() -> None:
    """Drop all that was computed with models."""
    looking.forget()
    reading.forget()
