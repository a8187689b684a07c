"""Characters and their ids: text forms, normalisation, the unknown-character policy.

Knows: how a text becomes ids and back. Does not know: where texts come from, models.

Two forms of text exist. `d2l` is what d2l-zh's `load_data_time_machine` makes: letters a-z and space, each
line stripped, the lines joined without a space ("...him" + "was..." reads "himwas"). `full` keeps case,
punctuation and line breaks, with typographic quotes and dashes in ASCII and LF line ends.

Unknown characters: id 0 stands for every character the training text did not hold (or held less than
`min_count` times). It is fed to the model and scored like any other symbol, never dropped, and never generated.
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
    """Bring a whole corpus into its form; the length may change.

    Source of `d2l`: `read_time_machine` and `load_corpus_time_machine` of d2l-zh 2.0, section 8.2-8.3.
    """
    text = plain(text)
    if form == "d2l":
        return "".join(_NOT_LETTERS.sub(" ", line).strip().lower() for line in text.split("\n"))
    return text.translate(_FOLD_FULL)


def plain(text: str) -> str:
    """What is done to a text in every form: line ends become LF, an em dash the two hyphens of older ASCII editions."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{EM DASH}", "--")


def fold(text: str, form: Form) -> str:
    """Bring typed text near its form: made `plain`, then character by character; `owners` says what is where.

    `d2l`: letters to lower case; line breaks, tabs and the no-break space to a space; all else stays, unknown there.
    `full`: typographic quotes, en dashes and the no-break space to ASCII.
    """
    return plain(text).translate(_FOLD_D2L if form == "d2l" else _FOLD_FULL)


def owners(text: str) -> list[int]:
    """For each character that `plain` and `fold` make of a text, the position in it that it stands for.

    CR LF is one, and stands for the CR; an em dash is two, both of which stand for it.
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
        ValueError: there is no character, or one occurs twice.
    """

    form: Form
    characters: str

    def __post_init__(self) -> None:
        if not self.characters:
            raise ValueError("a vocabulary needs at least one character.")
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("the vocabulary's characters repeat.")
        object.__setattr__(self, "_ids", {c: i for i, c in enumerate(self.characters, start=1)})

    @classmethod
    def from_text(cls, text: str, form: Form, min_count: int = 1) -> "Vocab":
        """The alphabet of a training text in its form, most frequent first, ties in code point order."""
        counts = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
        return cls(form=form, characters="".join(c for c, n in counts if n >= min_count))

    def __len__(self) -> int:
        """The number of symbols V, the unknown character included."""
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """One id for each character of `text` as it is when folded into this alphabet's form."""
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        return [ids.get(c, UNKNOWN_ID) for c in fold(text, self.form)]

    def count_unknown(self, text: str) -> int:
        """How many characters of `text` are outside this alphabet."""
        return self.encode(text).count(UNKNOWN_ID)

    def decode(self, ids: Iterable[int]) -> str:
        """The characters of `ids`; the unknown id reads as U+FFFD."""
        symbols = UNKNOWN_MARK + self.characters
        return "".join(symbols[i] for i in ids)

    @property
    def start_id(self) -> int:
        """What a model reads before an empty prompt: a line break, else a space, else the unknown character."""
        return next((i for i in self.encode("\n ") if i != UNKNOWN_ID), UNKNOWN_ID)
