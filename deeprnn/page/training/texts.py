"""The texts that visitors have brought: kept in memory while they choose, so that each is sent once.

They are kept in UTF-8: a string with one emoji takes four bytes for each of its characters.

Knows: texts by visitor. Does not know: trainings, requests.
"""

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path

from deeprnn.documents import has_surrogates, plain_name
from deeprnn.page.service.asked import RequestError

LEAST_BYTES, MOST_BYTES = 2_000, 2_000_000  # of a visitor's text in UTF-8
MOST_TEXTS = 32  # of all visitors; the one that was asked for the longest ago is dropped
TITLE_CHARS = 40  # of what a visitor calls a text, in names


def key_of(text: str) -> str:
    """Return the key of a text: a part of its hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Texts:
    """Texts by visitor and key; nobody sees those of another visitor."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def add(self, visitor: str, text: str) -> str:
        """Keep a text and return its key."""
        key = key_of(text)
        with self._guard:
            self._kept[visitor, key] = text.encode()
            self._kept.move_to_end((visitor, key))
            while len(self._kept) > MOST_TEXTS:
                self._kept.popitem(last=False)
        return key

    def get(self, visitor: str, key: str) -> str | None:
        """Return a visitor's text, or None if it is not kept."""
        with self._guard:
            kept = self._kept.get((visitor, key))
            if kept is None:
                return None
            self._kept.move_to_end((visitor, key))
        return kept.decode()

    def leave(self, visitor: str) -> None:
        """Drop the texts of a visitor."""
        with self._guard:
            for one in [one for one in self._kept if one[0] == visitor]:
                del self._kept[one]


def checked(text: str) -> str:
    """Return a visitor's text if it can be read.

    Raises:
        RequestError: it is too short, too long, or no text.
    """
    if not isinstance(text, str) or has_surrogates(text) or "\0" in text:
        raise RequestError("training.refused.text")
    size = len(text.encode())
    if not LEAST_BYTES <= size <= MOST_BYTES:
        raise RequestError("training.refused.size", size=size, least=LEAST_BYTES, most=MOST_BYTES)
    return text


def written(folder: Path, title: str, text: str) -> Path:
    """Write a text into a folder, under a plain name; return its path."""
    path = folder / f"{plain_name(title, TITLE_CHARS)}.txt"
    path.write_text(text, "utf-8")
    return path
