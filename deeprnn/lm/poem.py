"""Writing a poem of a given form: a template of Chinese characters, with the marks where they belong.

Knows: the form of a poem, alphabets, templates. Does not know: texts that models were trained on, the page.

A model reads a real poem and the break after it first, always the same one: in its training text a poem follows
another, and a model that begins with a break alone, in the zero state, loses count of the characters of a line. What it
writes then is drawn as `template` describes: only Chinese characters that it knows, between the marks of the form.
"""

import numpy as np

from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.template import Template
from deeprnn.text.poem_form import BREAK, MARKS, POEM_BEFORE, PoemForm, PoemFormError, is_han, listed
from deeprnn.text.vocab import UNKNOWN_ID, Vocab


def poem_template(form: PoemForm, vocab: Vocab) -> Template:
    """Return the template of a poem for a model with this alphabet.

    Raises:
        PoemFormError: the alphabet lacks a given character, or a mark, the line break or all Chinese characters.
    """
    han = np.array([False, *map(is_han, vocab.characters)])
    if not han.any() or vocab.count_unknown("".join((*MARKS, BREAK))):
        raise PoemFormError("alphabet")
    places = form.places()
    ids = [SAMPLE if place is None else vocab.encode(place)[0] for place in places]
    if unknown := [place for place, i in zip(places, ids, strict=True) if place and i == UNKNOWN_ID]:
        raise PoemFormError("unknown", given=listed(unknown))
    return Template(places=np.array(ids), choices=han[None])


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
    template = poem_template(form, lm.vocab)
    return lm.fill(template, POEM_BEFORE, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
