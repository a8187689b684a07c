"""Writing a poem of a given form: a template of Chinese characters, with the marks where they belong.

Knows: the form of a poem, tones and rhymes, alphabets, templates. Does not know: texts that models were trained on, the
page.

A model reads a real poem and the break after it first, always the same one: in its training text a poem follows
another, and a model that begins with a break alone, in the zero state, loses count of the characters of a line. What it
writes then is drawn as `template` describes: only Chinese characters that it knows, between the marks of the form.

If the poem is to keep tones and rhyme, they are settled before it is written, by the seed: which of the two patterns of
tones, and which rhyme. Where something is due, only characters that have it are drawn. The characters of the rhyme are
dealt out among the places that rhyme, so that none of them comes twice. What is given stays; pattern and rhyme are
those that fit most of it.

Dimensions: N places, V symbols.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.sampling import Sampling
from deeprnn.lm.template import Template
from deeprnn.text.poem_form import BREAK, MARKS, POEM_BEFORE, RHYME, PoemForm, PoemFormError, is_han, listed
from deeprnn.text.rhymes import LEVEL, OBLIQUE, OPPOSITE, is_level, rhymes, tones
from deeprnn.text.vocab import UNKNOWN_ID, Vocab

ROOM = 6  # of a rhyme, the least characters for each place that rhymes: more than there are such places in a poem


def poem_template(form: PoemForm, vocab: Vocab, seed: int = 0) -> Template:
    """Return the template of a poem for a model with this alphabet; seed: settles the tones and the rhyme.

    Raises:
        PoemFormError: the alphabet lacks a given character, or a mark, the line break, all Chinese characters, or those
            of a tone or a rhyme that are asked for.
        ValueError: the seed is outside its range; see `Sampling`.
    """
    generator = np.random.default_rng(Sampling(seed=seed).seed)
    han = _where(vocab, is_han)
    if not han.any() or vocab.count_unknown("".join((*MARKS, BREAK))):
        raise PoemFormError("alphabet")
    given = form.places()
    ids = np.array([SAMPLE if place is None else vocab.encode(place)[0] for place in given])
    if unknown := [place for place, i in zip(given, ids, strict=True) if place and i == UNKNOWN_ID]:
        raise PoemFormError("unknown", given=listed(unknown))
    if form.regulated:
        return _with_tones_and_rhyme(form, vocab, ids, han, generator)
    return Template(places=ids, choices=han[None])


def write_poem(
    lm: LanguageModel,
    form: PoemForm,
    *,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
) -> str:
    """Return a poem of this form, one couplet a line; the same seed gives the same poem. See `Sampling`.

    Raises:
        PoemFormError: see `poem_template`.
        ValueError: a sampling value is outside its range, or the model's weights overflow.
    """
    template = poem_template(form, lm.vocab, seed)
    return lm.fill(template, POEM_BEFORE, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)


def _where(vocab: Vocab, holds: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Return for each symbol (V) whether it is a character of which something holds."""
    return np.array([False, *map(holds, vocab.characters)])


def _with_tones_and_rhyme(
    form: PoemForm, vocab: Vocab, ids: NDArray[np.int64], han: NDArray[np.bool_], generator: Generator
) -> Template:
    """Return the template that restricts the places (N) of `ids` that are not given to what is due there.

    han: the Chinese characters among the symbols (V).
    """
    due = _due(form, generator)
    rhyming = [at for at, one in enumerate(due) if one == RHYME]
    shares = _shares_of_rhyme(vocab, [form.places()[at] for at in rhyming], generator)
    level = han & _where(vocab, lambda one: LEVEL in tones(one))
    oblique = han & _where(vocab, lambda one: OBLIQUE in tones(one))
    if not (level.any() and oblique.any()):
        raise PoemFormError("alphabet")
    tones_due = (None, LEVEL, OBLIQUE)  # in the order of the sets
    numbers = [
        len(tones_due) + rhyming.index(at) if one == RHYME else tones_due.index(one) for at, one in enumerate(due)
    ]
    choices = [han, level, oblique, *shares]
    return Template(places=np.where(ids == SAMPLE, SAMPLE - np.array(numbers), ids), choices=np.array(choices))


def _due(form: PoemForm, generator: Generator) -> list[str | None]:
    """Return what is due at each place by the pattern that most given characters keep; of equal ones, a random one."""
    patterns = [form.due(str(tone)) for tone in generator.permutation(list(OPPOSITE))]
    given = form.places()

    def kept(pattern: Sequence[str | None]) -> int:
        wanted = [LEVEL if one == RHYME else one for one in pattern]
        return sum(tone in tones(one) for one, tone in zip(given, wanted, strict=True) if one and tone)

    return max(patterns, key=kept)


def _shares_of_rhyme(vocab: Vocab, ends: Sequence[str | None], generator: Generator) -> list[NDArray[np.bool_]]:
    """Return the symbols (V) for each place that rhymes; no two places share one.

    The rhyme is one in the level tone that most given ends have; of equal ones, a random one, the more probable the
    more of its characters are in the alphabet. ends: the character given at each of the places, or None.
    """
    members: dict[str, list[int]] = {}
    for symbol, character in enumerate(vocab.characters, start=1):
        for rhyme in filter(is_level, rhymes().get(character, ())):
            members.setdefault(rhyme, []).append(symbol)
    names = sorted(rhyme for rhyme, symbols in members.items() if len(symbols) >= ROOM * len(ends))
    if not names:
        raise PoemFormError("alphabet")
    sizes = np.array([len(members[rhyme]) for rhyme in names])
    shuffled = generator.choice(names, len(names), replace=False, p=sizes / sizes.sum())
    chosen = max(map(str, shuffled), key=lambda rhyme: sum(rhyme in rhymes().get(end, ()) for end in ends if end))
    dealt = np.array_split(generator.permutation(members[chosen]), len(ends))
    given = vocab.encode("".join(end for end in ends if end))
    return [np.isin(np.arange(len(vocab)), np.setdiff1d(share, given)) for share in dealt]
