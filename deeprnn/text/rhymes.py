"""The rhymes and tones of Chinese characters, by the 平水韵.

Knows: the table `rhymes.txt`, whose head says where it is from. Does not know: poems.

A character has all its readings in the table. The table is of simplified characters; so one has the readings of all
that are simplified to it.
"""

import functools
from importlib import resources

LEVEL, OBLIQUE = "平", "仄"
OPPOSITE = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}


@functools.cache
def rhymes() -> dict[str, frozenset[str]]:
    """Return the rhymes of each character, such as `上平声一东`."""
    table = resources.files("deeprnn.text").joinpath("rhymes.txt").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for name, characters in (line.split() for line in table.splitlines() if not line.startswith("#")):
        for character in characters:
            found.setdefault(character, set()).add(name)
    return {character: frozenset(names) for character, names in found.items()}


def is_level(rhyme: str) -> bool:
    """Return whether a rhyme is one of the thirty in the level tone, such as `上平声一东` or `下平声一先`."""
    return rhyme[1] == LEVEL


@functools.cache
def tones(character: str) -> frozenset[str]:
    """Return the tones of a character: LEVEL, OBLIQUE, both, or none if it is not in the table."""
    return frozenset(LEVEL if is_level(rhyme) else OBLIQUE for rhyme in rhymes().get(character, ()))
