"""The form of regulated poems, counted: lines and marks, rhyme, tones, what is copied and repeated.

Knows: printed poems, the rhymes of characters. Does not know: models, where poems come from.

A line is a line of verse with the mark after it; two of them are a couplet, printed on one line. A poem is regulated
(近体诗) if it keeps these rules, of 王力《诗词格律》(中华书局 2000), chapter 2:

    shape   4 lines (绝句) or 8 (律诗), all of 5 characters or all of 7; "，" after each odd line, "。" after each even
    rhyme   the even lines end in different characters of one rhyme of the 平水韵, in the level tone
    ends    the third line, the fifth and the seventh end in the oblique tone; the first may rhyme
    tones   characters 2 and 4, and 6, of a line alternate between level (平) and oblique (仄); 1, 3 and 5 are free
            (一三五不论). In a couplet they are opposed (对). Character 2 of the next couplet's first line has the tone
            of the one above it (粘). So the tones of character 2, from line to line, are A B B A, A B B A.

A line may have 平平仄平仄 where 平平平仄仄 is due (特拗). Not asked for: 孤平, 三平调, 对仗.

A character keeps a rule if one of its readings in `text.rhymes` does; one that is not in that table keeps none.
"""

import itertools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Self

from deeprnn.documents import Node
from deeprnn.text.poem_form import LINE_CHARS, LINES, MARKS
from deeprnn.text.rhymes import LEVEL, OBLIQUE, OPPOSITE, is_level, rhymes, tones

SHAPES = tuple(itertools.product(LINE_CHARS, LINES))  # of regulated poems: characters in a line, lines
WINDOW = 1_000  # characters in which distinct ones are counted
_LINE = re.compile(r"([^，。？！；\n]*)([，。？！；]|\n|$)")


def split_lines(poem: str) -> list[tuple[str, str]]:
    """Return each line of verse and its mark, which is "" if a line break or the end is in its place."""
    found = ((text, mark.strip()) for text, mark in _LINE.findall(poem))
    return [(text, mark) for text, mark in found if text or mark]


def common_rhymes(lines: Sequence[str]) -> frozenset[str]:
    """Return the rhymes that the ends of the even lines share; none if two of them end in the same character."""
    ends = [line[-1:] for line in lines[1::2]]
    if not ends or len(set(ends)) < len(ends):
        return frozenset()
    return frozenset.intersection(*(rhymes().get(end, frozenset()) for end in ends))


def patterns(line: str) -> frozenset[str]:
    """Return the tones that character 2 of a line of 5 or 7 may have so that its characters 2, 4 (and 6) alternate."""
    found = {tone for tone in (LEVEL, OBLIQUE) if _fits(line[1::2], [tone, OPPOSITE[tone]] * 2)}
    if _fits(line[-5:], "平平仄平仄") and (len(line) == 5 or OBLIQUE in tones(line[1])):
        found.add(LEVEL if len(line) == 5 else OBLIQUE)
    return frozenset(found)


def keeps_tones(lines: Sequence[str]) -> bool:
    """Return whether the lines of a poem follow one another as the rule of tones says."""
    found = [patterns(line) for line in lines]
    wanted = ([first, OPPOSITE[first], OPPOSITE[first], first] * 2 for first in (LEVEL, OBLIQUE))
    return any(all(tone in line for tone, line in zip(order, found, strict=False)) for order in wanted)


def _fits(line: str, wanted: Iterable[str]) -> bool:
    return all(tone in tones(character) for character, tone in zip(line, wanted, strict=False))


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many of some things are as is asked."""

    kept: int
    of: int

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a count."""
        of = node["of"].whole()
        return cls(kept=node["kept"].whole(0, of), of=of)


@dataclass(frozen=True, kw_only=True)
class VerseCounts:
    """The form of many poems; see the module for the rules.

    Lines of a poem depend on each other: a binomial interval of what is counted by lines is somewhat too narrow.
    """

    one_length: Count
    """Of all poems: every line has 5 characters, or every line 7."""
    four_or_eight: Count
    """Of all poems: they have 4 or 8 lines."""
    marked: Count
    """Of all poems: "，" and "。" are where they belong."""
    shaped: Count
    """Of all poems: all three of these."""
    rhymed: Count
    """Of the shaped poems: the even lines rhyme, in any tone."""
    rhymed_level: Count
    """Of the shaped poems: they rhyme in the level tone."""
    toned: Count
    """Of the shaped poems: the rule of tones is kept."""
    regulated: Count
    """Of the shaped poems: all rules are kept."""
    couplets_rhymed: Count
    """Of the pairs of couplets, one after the other, in all poems: their ends rhyme, in any tone."""
    lines_alternating: Count
    """Of the lines of 5 or 7 characters in all poems: the tones alternate."""
    couplets_opposed: Count
    """Of the couplets with two such lines, both of one length: they alternate and are opposed (对)."""
    couplets_joined: Count
    """Of the pairs of such lines where two couplets meet: they alternate and agree (粘)."""
    poems_copied: Count
    """Of all poems: the training text has the poem, word for word."""
    lines_copied: Count
    """Of the lines of all poems: the training text has the line."""
    repeating_a_line: Count
    """Of all poems: a line is there twice."""
    characters_repeated: Count
    """Of the characters of all poems: the same one is earlier in the poem."""
    distinct_characters: float | None
    """How many different characters there are in `WINDOW`, on average; None if there are fewer."""
    shapes: tuple[int, ...]
    """The number of poems of each of `SHAPES`."""

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the counts of some poems."""
        counts = {one.name: Count.read(node[one.name]) for one in fields(cls) if one.type is Count}
        distinct, shapes = node["distinct_characters"], node["shapes"].wholes()
        if len(shapes) != len(SHAPES):
            raise node["shapes"].refusal(f"{len(SHAPES)} whole numbers")
        return cls(
            **counts, distinct_characters=None if distinct.value is None else distinct.number(0, WINDOW), shapes=shapes
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """The poems of a training text, and their lines, without marks."""

    poems: frozenset[tuple[str, ...]]
    lines: frozenset[str]

    @classmethod
    def of(cls, poems: Iterable[str]) -> Self:
        """Return those of printed poems; where there are no lines, there is no poem."""
        found = frozenset(tuple(text for text, _ in split_lines(poem)) for poem in poems if poem.strip())
        return cls(poems=found, lines=frozenset(line for poem in found for line in poem))


def count(poems: Iterable[str], known: Known) -> VerseCounts:
    """Count the form of printed poems, without the break after each, beside those of a training text."""
    printed = [split_lines(poem) for poem in poems]
    lines = [[text for text, _ in poem] for poem in printed]
    one_length = [{len(line) for line in poem} in [{size} for size in LINE_CHARS] for poem in lines]
    four_or_eight = [len(poem) in LINES for poem in lines]
    marked = [bool(poem) and all(mark == MARKS[at % 2] for at, (_, mark) in enumerate(poem)) for poem in printed]
    shaped = [poem for poem, *fits in zip(lines, one_length, four_or_eight, marked, strict=True) if all(fits)]
    texts = ["".join(poem) for poem in lines]
    whole = "".join(texts)
    windows = [len(set(whole[at : at + WINDOW])) for at in range(0, len(whole) - WINDOW + 1, WINDOW)]
    shapes = [(len(poem[0]), len(poem)) for poem in shaped]
    return VerseCounts(
        one_length=_count(one_length),
        four_or_eight=_count(four_or_eight),
        marked=_count(marked),
        shaped=Count(kept=len(shaped), of=len(lines)),
        **_rules_of_poems(shaped),
        **_rules_of_lines(lines),
        poems_copied=_count(tuple(poem) in known.poems for poem in lines),
        lines_copied=_count(line in known.lines for poem in lines for line in poem),
        repeating_a_line=_count(len(set(poem)) < len(poem) for poem in lines),
        characters_repeated=Count(kept=sum(len(text) - len(set(text)) for text in texts), of=len(whole)),
        distinct_characters=statistics.fmean(windows) if windows else None,
        shapes=tuple(shapes.count(shape) for shape in SHAPES),
    )


def variants(poems: Iterable[str], known: Known) -> Count:
    """Count the printed poems that share at least half of their lines with one poem of a training text."""
    of_line = defaultdict[str, set[tuple[str, ...]]](set)
    for poem in known.poems:
        for line in poem:
            of_line[line].add(poem)

    def is_variant(lines: list[str]) -> bool:
        shared = Counter(poem for line in set(lines) for poem in of_line.get(line, ()))
        return 2 * max(shared.values(), default=0) >= len(lines)

    return _count(is_variant([text for text, _ in split_lines(poem)]) for poem in poems)


def _rules_of_poems(poems: Collection[list[str]]) -> dict[str, Count]:
    """Count the rules that whole poems of regulated shape keep."""
    shared = [common_rhymes(poem) for poem in poems]
    level = [any(map(is_level, names)) for names in shared]
    toned = [keeps_tones(poem) for poem in poems]
    ends = [all(OBLIQUE in tones(line[-1]) for line in poem[2::2]) for poem in poems]
    return {
        "rhymed": _count(map(bool, shared)),
        "rhymed_level": _count(level),
        "toned": _count(toned),
        "regulated": _count(map(all, zip(level, toned, ends, strict=True))),
    }


def _rules_of_lines(poems: Iterable[list[str]]) -> dict[str, Count]:
    """Count the rules that single lines and neighbours keep, in poems of any shape."""
    rhymed, alternating, opposed, joined = list[bool](), list[bool](), list[bool](), list[bool]()
    for poem in poems:
        found = {line: patterns(line) for line in poem if len(line) in LINE_CHARS}
        alternating += [bool(found[line]) for line in poem if line in found]
        for at, (one, other) in enumerate(itertools.pairwise(poem)):
            if one in found and len(one) == len(other):
                if at % 2 == 0:
                    opposed.append(any(OPPOSITE[tone] in found[other] for tone in found[one]))
                else:
                    joined.append(bool(found[one] & found[other]))
        rhymed += [bool(common_rhymes(("", one, "", other))) for one, other in itertools.pairwise(poem[1::2])]
    return {
        "couplets_rhymed": _count(rhymed),
        "lines_alternating": _count(alternating),
        "couplets_opposed": _count(opposed),
        "couplets_joined": _count(joined),
    }


def _count(kept: Iterable[bool]) -> Count:
    found = list(kept)
    return Count(kept=sum(found), of=len(found))
