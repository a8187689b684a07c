"""The form of a regulated poem to be written: its lines, and the characters that the reader gives.

Knows: 绝句 and 律诗, their marks. Does not know: models, alphabets, the poems that there are.

A 绝句 has four lines, a 律诗 eight, of five (五言) or seven (七言) characters each. Two lines are a couplet, printed on
one line: "床前看月光，疑是地上霜。". In an acrostic (藏头诗) the first characters of the lines are given.

A poem that is to keep tones and rhyme has these tones, by 王力《诗词格律》(中华书局 2000), chapter 2. Characters 2, 4
and 6 of a line alternate between level (平) and oblique (仄). In a couplet they are opposed (对); the next couplet
begins with the tones of the line above it (粘). The even lines end in the level tone, with one rhyme; so does the first
line if lines have seven characters. The others end in the oblique tone. No line ends in three characters of one tone
(三平调), and none that ends 仄平 has a single level one besides (孤平). The other characters are free.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deeprnn.checks import KeyedError, text, whole
from deeprnn.text.rhymes import LEVEL, OBLIQUE, OPPOSITE

BREAK = "\n\n"  # after each poem, and so before the next
POEM_BEFORE = "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。" + BREAK  # 王之涣《登鹳雀楼》; see `lm.poem`
MARKS = ("，", "。")  # at the end of the first and of the second line of a couplet
LINE_CHARS, LINES = (5, 7), (4, 8)
RHYME = "韵"  # what is due at a place that rhymes, in the level tone
VERSE = re.compile(r"[^\s，。？！；]+")  # a line of a printed poem, without its mark
_HAN = re.compile("[〇\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_PUT_BY_THE_FORM = re.compile(r"[\s，。？！；、：,.?!;:]")
REASONS = {  # why a poem cannot be written to a form
    "shape": "a poem has 4 or 8 lines of 5 or 7 characters, not {lines} lines of {line_chars}.",
    "not_han": "only Chinese characters can be given, not {given}.",
    "opening_long": "the first words have {n} characters; a poem of this form has {most}. Shorten them.",
    "acrostic_count": "an acrostic needs as many characters as the poem has lines, {lines}; {n} were given.",
    "contradiction": "line {line} cannot begin with both {opening} and {acrostic}: give first words or an acrostic.",
    "unknown": "the model does not know {given}: give other characters. The poems are in simplified ones.",
    "alphabet": "the model's alphabet lacks what a poem is written with: choose a model trained on poems.",
}


class PoemFormError(KeyedError):
    """A poem cannot have this form. key: one of `REASONS`; values: what its sentence names."""

    def __str__(self) -> str:
        """Return the sentence."""
        return REASONS[self.key].format(**self.values)


def is_han(character: str) -> bool:
    """Return whether a character is a Chinese one, and no mark."""
    return _HAN.fullmatch(character) is not None


@dataclass(frozen=True, kw_only=True)
class PoemForm:
    """The form of a poem.

    line_chars: characters of a line, 5 or 7. lines: 4 or 8.
    opening: the first characters of the poem; they may go on in the next lines. Marks and spaces are left out.
    acrostic: the first character of each line, or "".
    regulated: whether what is written keeps tones and rhyme; what is given may break them.

    Raises:
        PoemFormError: there is no such form, a given character is not a Chinese one, there are too many, too few for an
            acrostic, or the opening and the acrostic contradict each other.
        TypeError: the opening or the acrostic is not a string, a number is not a whole one, or `regulated` is no bool.
    """

    line_chars: int = 5
    lines: int = 4
    opening: str = ""
    acrostic: str = ""
    regulated: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.regulated, bool):
            raise TypeError(f"regulated must be True or False, not {self.regulated!r}.")
        for name in ("line_chars", "lines"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        if self.line_chars not in LINE_CHARS or self.lines not in LINES:
            raise PoemFormError("shape", lines=self.lines, line_chars=self.line_chars)
        for field in ("opening", "acrostic"):
            given = _PUT_BY_THE_FORM.sub("", text(field, getattr(self, field)))
            object.__setattr__(self, field, given)
            if other := [c for c in given if not is_han(c)]:
                raise PoemFormError("not_han", given=listed(other))
        most = self.line_chars * self.lines
        if len(self.opening) > most:
            raise PoemFormError("opening_long", n=len(self.opening), most=most)
        if self.acrostic and len(self.acrostic) != self.lines:
            raise PoemFormError("acrostic_count", n=len(self.acrostic), lines=self.lines)
        starts = self.opening[:: self.line_chars]
        for line, (opening, acrostic) in enumerate(zip(starts, self.acrostic, strict=False), start=1):
            if opening != acrostic:
                raise PoemFormError("contradiction", line=line, opening=opening, acrostic=acrostic)

    def places(self) -> list[str | None]:
        """Return what stands at each place of the poem: a given character or mark, or None, where one is written."""
        verse: list[str | None] = [None] * (self.line_chars * self.lines)
        verse[: len(self.opening)] = self.opening
        if self.acrostic:
            verse[:: self.line_chars] = self.acrostic
        return self._printed(verse, lambda mark: mark)

    def due(self, second: str) -> list[str | None]:
        """Return the tone that is due at each place of the poem: LEVEL, OBLIQUE, RHYME, or None where it is free.

        second: the tone of the first line's second character.
        """
        verse: list[str | None] = []
        for line in range(self.lines):
            rhymes = line % 2 == 1 or (line == 0 and self.line_chars == 7)
            tone = second if line % 4 in (0, 3) else OPPOSITE[second]
            tones = _tones_of_line(self.line_chars, tone, LEVEL if rhymes else OBLIQUE)
            verse += [*tones[:-1], RHYME] if rhymes else tones
        return self._printed(verse, lambda _: None)

    def _printed(self, verse: Sequence[str | None], marked: Callable[[str], str | None]) -> list[str | None]:
        """Return what is at each place of a printed poem: that of its characters, and `marked` of what is between."""
        found: list[str | None] = []
        for line in range(self.lines):
            start = line * self.line_chars
            found += [marked("\n")] if line and line % 2 == 0 else []
            found += [*verse[start : start + self.line_chars], marked(MARKS[line % 2])]
        return found


def _tones_of_line(line_chars: int, second: str, end: str) -> list[str | None]:
    """Return the tone that is due at each character of a line, None where it is free; second, end: two of them."""
    tones: list[str | None] = [None] * line_chars
    alternating = itertools.cycle((second, OPPOSITE[second]))
    tones[1:-1:2] = [tone for tone, _ in zip(alternating, tones[1:-1:2], strict=False)]
    tones[-1] = end
    if tones[-2] == end:
        tones[-3] = OPPOSITE[end]
    elif end == LEVEL:
        tones[-5] = LEVEL
    return tones


def opening_in(prompt: str) -> str:
    """Return how the poem begins that a prompt asks for: what stands after the last whole poem in it."""
    return prompt.rpartition(BREAK)[2]


def listed(characters: Sequence[str]) -> str:
    """Return different characters in a row, for a message: the first ten."""
    different = list(dict.fromkeys(characters))
    return "".join(different[:10]) + ("…" if len(different) > 10 else "")
