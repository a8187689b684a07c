"""Poems as a text: those of regular shape, simplified, with a break after each, in an order that parts are cut from.

Knows: the JSON files of chinese-poetry, 律诗 and 绝句 by their shape. Does not know: where the files are, parts.

A regulated poem (律诗, eight lines; 绝句, four) has lines of five or of seven characters, and ends each with a mark. In
a text each poem is two lines of verse on a line, as it was printed, and an empty line after it:

    秦川雄帝宅，函谷壮皇居。
    绮殿千寻起，离宫百雉馀。
    连甍遥接汉，飞观迥凌虚。
    云日隐层阙，风烟出绮疏。

Titles and authors are left out. Poems that lack a character (□) are left out, too.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from deeprnn.text.poem_form import BREAK

_SHAPE = re.compile(r"(?:[^\W\d_a-zA-Z]{5}[，。？！；]|[^\W\d_a-zA-Z]{7}[，。？！；])+")
_VERSE = re.compile(r"([^，。？！；]+)[，。？！；]")
_MISSING = re.compile("[□●\ue000-\uf8ff]")


def verses(poem: str) -> list[str] | None:
    """Return the four or eight lines of a poem of regular shape, without their marks, else None."""
    if not _SHAPE.fullmatch(poem) or _MISSING.search(poem):
        return None
    lines = _VERSE.findall(poem)
    return lines if len(lines) in (4, 8) and len({len(line) for line in lines}) == 1 else None


def as_text(files: Iterable[Any]) -> str:
    """Return the poems of regular shape as one text, each of them once.

    files: what the JSON files hold, lists of `{"paragraphs": [...]}`.

    The order does not depend on theirs: poems are sorted by the hash of their first line, so that each part of the text
    is a fair sample. Poems that share a first line are all at the start, to be read in training: none is held out.

    Raises:
        ValueError: a file holds something else.
    """
    try:
        poems = dict.fromkeys("".join(poem["paragraphs"]) for file in files for poem in file)
    except (TypeError, KeyError) as error:
        raise ValueError("no list of poems with paragraphs") from error
    first = {poem: found[0] for poem in _simplified(filter(verses, poems)) if (found := verses(poem))}
    times = Counter(first.values())

    def place(poem: str) -> tuple[bool, str, str]:
        return times[first[poem]] == 1, hashlib.sha256(first[poem].encode()).hexdigest(), poem

    return "".join(_printed(poem, 2 * (len(first[poem]) + 1)) for poem in sorted(first, key=place))


def titles(files: Iterable[Any]) -> dict[str, str]:
    """Return the author and the title of each poem of `as_text`, such as 王维《鹿柴》, by the poem as it is there.

    files: what the JSON files hold, lists of `{"paragraphs": [...], "author": "...", "title": "..."}`.

    Raises:
        ValueError: a file holds something else.
    """
    found: dict[str, str] = {}
    try:
        for poem in (poem for file in files for poem in file):
            title = " ".join(f"{poem['author']}《{poem['title']}》".split())
            found.setdefault("".join(poem["paragraphs"]), title)
    except (TypeError, KeyError) as error:
        raise ValueError("no list of poems with paragraphs, authors and titles") from error
    kept = {poem: title for poem, title in found.items() if verses(poem)}
    simple: dict[str, str] = {}
    for poem, title in zip(_simplified(kept), _simplified(kept.values()), strict=True):
        if lines := verses(poem):
            simple.setdefault(_printed(poem, 2 * (len(lines[0]) + 1)), title)
    return simple


def _simplified(texts: Iterable[str]) -> list[str]:
    """Return texts of one line each, in at least one, in simplified characters."""
    from opencc import OpenCC  # used for these texts alone

    return str(OpenCC("t2s").convert("\n".join(texts))).split("\n")  # in one go: a call takes 3 ms


def _printed(poem: str, couplet: int) -> str:
    """Return a poem with two lines of verse, of so many characters with their marks, on a line; and the break."""
    return "\n".join(poem[start : start + couplet] for start in range(0, len(poem), couplet)) + BREAK
