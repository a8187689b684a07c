"""Characters and their ids: text forms, normalization, unknown characters.

Knows: how a text becomes ids and back. Does not know: where texts come from, models.

There are two forms of text. `d2l` is the output of d2l-zh's `load_data_time_machine`: the letters a-z and spaces; each
line is stripped, and lines are joined without a space ("...him" + "was..." becomes "himwas"). `full` keeps case,
punctuation and line breaks; typographic quotes and dashes become ASCII, and line ends become LF.

Unknown characters: id 0 represents every character that occurs less than `min_count` times in the training text. The
model reads and scores it like any other symbol, but never generates it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deeprnn.config import Form, StrictConfig

UNKNOWN_ID = 0
UNKNOWN_MARK = "\N{REPLACEMENT CHARACTER}"
_NOT_LETTERS = re.compile("[^A-Za-z]+")
_QUOTES_AND_DASHES = {
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{EN DASH}": "-",
    "\N{NO-BREAK SPACE}": " ",
}
_FOLD_FULL = str.maketrans(_QUOTES_AND_DASHES)
_FOLD_D2L = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {
    ord(c): " " for c in "\n\t\N{NO-BREAK SPACE}"
}


def normalize(text: str, form: Form) -> str:
    """Return a whole corpus in a form; the length may change.

    Source of `d2l`: `read_time_machine` and `load_corpus_time_machine` of d2l-zh 2.0, sections 8.2 and 8.3.
    """
    text = plain(text)
    if form == "d2l":
        return "".join(_NOT_LETTERS.sub(" ", line).strip().lower() for line in text.split("\n"))
    return text.translate(_FOLD_FULL)


def plain(text: str) -> str:
    """Make the changes that both forms need: line ends become LF, and an em dash becomes two hyphens."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{EM DASH}", "--")


def fold(text: str, form: Form) -> str:
    """Convert text that a user typed: apply `plain`, then replace single characters; see also `source_positions`.

    `d2l`: letters become lower case; line breaks, tabs and no-break spaces become spaces; every other character stays
    and will be unknown. `full`: typographic quotes, en dashes and no-break spaces become ASCII.
    """
    return plain(text).translate(_FOLD_D2L if form == "d2l" else _FOLD_FULL)


def source_positions(text: str) -> list[int]:
    """Return, for each character of a text after `plain` or `fold`, its position in the text before.

    CR LF becomes one character, at the position of the CR; an em dash becomes two, both at its position.
    """
    found = []
    for position, character in enumerate(text):
        if character == "\n" and text[position - 1 : position] == "\r":
            continue
        found += [position] * (2 if character == "\N{EM DASH}" else 1)
    return found


@dataclass(frozen=True, kw_only=True)
class Vocab(StrictConfig):
    """A fixed alphabet: `characters[i]` has id `i + 1`; id 0 is the unknown character.

    Raises:
        ValueError: `characters` is empty, or a character occurs twice.
    """

    form: Form
    characters: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.characters:
            raise ValueError("a vocabulary needs at least one character.")
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("the vocabulary's characters repeat.")
        object.__setattr__(self, "_ids", {c: i for i, c in enumerate(self.characters, start=1)})

    @classmethod
    def from_text(cls, text: str, form: Form, min_count: int = 1, kept: str = "") -> "Vocab":
        """Return the alphabet of a training text, the most frequent characters first, ties in code point order.

        min_count: how often a character must occur, unless it is one of `kept`.
        """
        counts = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
        return cls(form=form, characters="".join(c for c, n in counts if n >= min_count or c in kept))

    def __len__(self) -> int:
        """Return V, the number of symbols, with the unknown character."""
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """Return one id for each character of `text` after `fold`."""
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        return [ids.get(c, UNKNOWN_ID) for c in fold(text, self.form)]

    def count_unknown(self, text: str) -> int:
        """Return how many characters of `text` are outside this alphabet."""
        return self.encode(text).count(UNKNOWN_ID)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the characters of `ids`; the unknown id becomes U+FFFD."""
        symbols = UNKNOWN_MARK + self.characters
        return "".join(symbols[i] for i in ids)

    @property
    def start_id(self) -> int:
        """The id that replaces an empty prompt: a line break, else a space, else the unknown character."""
        return next((i for i in self.encode("\n ") if i != UNKNOWN_ID), UNKNOWN_ID)
