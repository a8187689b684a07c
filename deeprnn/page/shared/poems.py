"""Poems on the page: which forms can be asked for, which models write poems, what is marked in a poem.

Knows: forms, models' metadata, rhymes. Does not know: components.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from deeprnn.store.registry import Registry
from deeprnn.text.catalogue import is_poems
from deeprnn.text.poem_form import BREAK, LINE_CHARS, LINES, VERSE, PoemForm, is_han
from deeprnn.text.rhymes import rhymes

FREE = "free"  # no form
SHAPES = {f"{chars}x{lines}": (chars, lines) for lines in LINES for chars in LINE_CHARS}


def settings_of(form: PoemForm | None) -> dict[str, Any]:
    """Return a form as the reader sets it: its key in `SHAPES` or `FREE`, the acrostic, whether it keeps the rules."""
    if form is None:
        return {"shape": FREE, "acrostic": "", "regulated": False}
    shape = f"{form.line_chars}x{form.lines}"
    return {"shape": shape, "acrostic": form.acrostic, "regulated": form.regulated}


def write_poems(registry: Registry, names: Sequence[str]) -> bool:
    """Return whether all these models, at least one, were trained on poems."""
    read = [registry.info(name).metrics.text for name in names]
    return bool(read) and all(is_poems(one.name) and not one.own for one in read)


def given_places(form: PoemForm) -> list[int]:
    """Return the places in a poem of the characters that the reader gave."""
    return [at for at, place in enumerate(form.places()) if place and is_han(place)]


def rhyming_places(text: str) -> list[int]:
    """Return the places in a text of the characters that rhyme, by the 平水韵: line ends of one poem.

    Of each poem these are the even lines' ends that share the most frequent rhyme, if they are two different characters
    or more, and the first line's, if it shares it too. A character does not rhyme with itself.
    """
    return [at for start, poem in _poems(text) for at in _rhyming(start, poem)]


def _poems(text: str) -> Iterator[tuple[int, str]]:
    """Yield where each poem begins, and the poem."""
    start = 0
    for poem in text.split(BREAK):
        yield start, poem
        start += len(poem) + len(BREAK)


def _rhyming(start: int, poem: str) -> list[int]:
    ends = [match.end() - 1 for match in VERSE.finditer(poem)]
    even = ends[1::2]
    shared = Counter(rhyme for end in {poem[at] for at in even} for rhyme in rhymes().get(end, ()))
    rhyme, count = max(shared.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if count < 2:
        return []
    return [start + at for at in sorted({*ends[:1], *even}) if rhyme in rhymes().get(poem[at], ())]
