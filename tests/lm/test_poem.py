"""Poems by a tiny model with the alphabet of poems."""

import re

import pytest

import deeprnn
from deeprnn.lm.poem import poem_template, write_poem
from deeprnn.text.poem_form import PoemForm, PoemFormError
from deeprnn.text.vocab import Vocab
from tests.conftest import save_tiny_checkpoint

HAN = "春夏秋冬山水风花雪月不人无一日来天何中时"
ALPHABET = f"，。\n？！a {HAN}"
FORMS = [(5, 4), (7, 4), (5, 8), (7, 8)]


def save_tiny_poets(folder, names):
    """Save tiny models that claim to have read poems; a name such as poems-gru-2 gives the cell and the layers."""
    for name in names:
        _, cell, layers = name.split("-")
        config = {"cell": cell, "num_layers": int(layers)}
        save_tiny_checkpoint(folder / name, characters=ALPHABET, text="tang_poems", **config)


@pytest.fixture(scope="module")
def lm(tmp_path_factory):
    """A tiny model with the alphabet of poems."""
    return deeprnn.load(save_tiny_checkpoint(tmp_path_factory.mktemp("poems") / "tiny", characters=ALPHABET))


@pytest.mark.parametrize(("line_chars", "lines"), FORMS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("values", [{}, {"temperature": 2.0}, {"temperature": 0.0}, {"top_k": 2}, {"top_p": 0.3}])
def test_a_poem_keeps_its_form_whatever_the_settings(lm, line_chars, lines, seed, values):
    poem = write_poem(lm, PoemForm(line_chars=line_chars, lines=lines), seed=seed, **values)
    couplet = f"[{HAN}]{{{line_chars}}}，[{HAN}]{{{line_chars}}}。"
    assert re.fullmatch("\n".join([couplet] * (lines // 2)), poem)


@pytest.mark.parametrize(("line_chars", "lines"), FORMS)
@pytest.mark.parametrize("seed", range(5))
def test_every_given_character_is_in_its_place(lm, line_chars, lines, seed):
    acrostic = "春夏秋冬山水风花"[:lines]
    form = PoemForm(line_chars=line_chars, lines=lines, opening="春日", acrostic=acrostic)
    poem = write_poem(lm, form, seed=seed)
    verses = re.findall(f"[{HAN}]+", poem)
    assert [verse[0] for verse in verses] == list(acrostic)
    assert [len(verse) for verse in verses] == [line_chars] * lines
    assert poem.startswith("春日")


def test_the_same_seed_writes_the_same_poem_and_another_seed_another(lm):
    poems = [write_poem(lm, PoemForm(acrostic="春夏秋冬"), temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert poems[0] == poems[1] != poems[2]


def test_giving_a_character_that_it_would_write_changes_nothing(lm):
    free = write_poem(lm, PoemForm(), seed=3)
    starts = "".join(verse[0] for verse in re.findall(f"[{HAN}]+", free))
    assert write_poem(lm, PoemForm(opening=free[:2]), seed=3) == free
    assert write_poem(lm, PoemForm(acrostic=starts), seed=3) == free


@pytest.mark.parametrize("form", [PoemForm(opening="風春龍"), PoemForm(acrostic="春風夏龍")])
def test_a_given_character_that_the_model_does_not_know_is_named(lm, form):
    with pytest.raises(PoemFormError, match="does not know 風龍"):
        write_poem(lm, form)


@pytest.mark.parametrize("lacking", ["，", "。", "\n", HAN])
def test_a_model_whose_alphabet_has_no_poems_is_refused(lacking):
    vocab = Vocab(form="full", characters="".join(c for c in ALPHABET if c not in lacking))
    with pytest.raises(PoemFormError, match="trained on poems"):
        poem_template(PoemForm(), vocab)
