"""Noise: text of low quality, made from clean text.

Knows: characters and words. Does not know: where a text comes from, alphabets, parts.

The same text always gives the same noise, in every process and with every version of Python: it needs nothing of
`random` but `Random.random`, which is guaranteed not to change. Noise does not depend on the seed of a run, so all
seeds of a recipe read the same characters.
"""

import random
import re
import string

from deeprnn.config import Noise

MISTYPED: dict[Noise, float] = {"mistyped-5": 0.05, "mistyped-20": 0.2}  # the share of letters that are replaced
_SEED = 0
_WORD = re.compile(r"\S+")


def noisy(text: str, noise: Noise) -> str:
    """Return a text of the same length with noise; `none` returns it as it is."""
    if noise == "none":
        return text
    return shuffled(text) if noise == "shuffled" else mistyped(text, MISTYPED[noise])


def told(noise: Noise) -> str:
    """Return what is said of noise behind the name of a text."""
    return "" if noise == "none" else f" ({noise})"


def mistyped(text: str, rate: float) -> str:
    """Replace each of the letters a-z and A-Z, with the probability `rate`, by any other letter of the same case."""
    draw = random.Random(_SEED).random

    def typed(letter: re.Match[str]) -> str:
        if draw() >= rate:
            return letter[0]
        alphabet = string.ascii_lowercase if letter[0].islower() else string.ascii_uppercase
        others = alphabet.replace(letter[0], "")
        return others[int(draw() * len(others))]

    return re.sub("[a-zA-Z]", typed, text)


def shuffled(text: str) -> str:
    """Put the words in a random order; spaces and line breaks stay between them in the order that they have."""
    words, draw = _WORD.findall(text), random.Random(_SEED).random
    keys = [draw() for _ in words]
    order = iter(sorted(range(len(words)), key=keys.__getitem__))
    return _WORD.sub(lambda _: words[next(order)], text)
