"""Poems on the page: which forms can be asked for, which models write poems, what was given for one.

Knows: forms, models' metadata. Does not know: components.
"""

from collections.abc import Sequence

from deeprnn.store.registry import Registry
from deeprnn.text.catalogue import catalogue
from deeprnn.text.poem_form import LINE_CHARS, LINES, PoemForm, is_han

FREE = "free"  # no form
SHAPES = {f"{chars}x{lines}": (chars, lines) for lines in LINES for chars in LINE_CHARS}


def shape_of(form: PoemForm | None) -> str:
    """Return the key in `SHAPES` of a form, or `FREE`."""
    return FREE if form is None else f"{form.line_chars}x{form.lines}"


def write_poems(registry: Registry, names: Sequence[str]) -> bool:
    """Return whether all these models, at least one, were trained on poems."""
    known = catalogue()
    read = [registry.info(name).metrics.text for name in names]
    return bool(read) and all(one.name in known and known[one.name].format == "poems" and not one.own for one in read)


def given_places(form: PoemForm) -> list[int]:
    """Return the places in a poem of the characters that the reader gave."""
    return [at for at, place in enumerate(form.places()) if place and is_han(place)]
