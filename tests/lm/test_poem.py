"""Poems by a tiny model with the alphabet of poems."""

import re

import numpy as np
import pytest

import deeprnn
from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.poem import poem_template, write_poem
from deeprnn.measure.verse import common_rhymes, keeps_tones
from deeprnn.store import checkpoint
from deeprnn.text.poem_form import VERSE, PoemForm, PoemFormError
from deeprnn.text.rhymes import is_level, rhymes
from deeprnn.text.vocab import Vocab
from tests.conftest import SHIPPED, save_tiny_checkpoint

RHYME = "东同铜桐筒童瞳中衷忠虫终崇弓宫融雄穷风枫丰充隆空公功工红通翁"  # of the rhyme 上平声一东
HAN = "春夏秋冬山水花雪月不人无一日来天何时" + RHYME
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


@pytest.mark.parametrize(("line_chars", "lines"), FORMS)
@pytest.mark.parametrize("values", [{}, {"temperature": 2.0}, {"temperature": 0.0}, {"top_k": 2}])
def test_a_regulated_poem_keeps_tones_and_rhyme_whatever_the_settings(lm, line_chars, lines, values):
    form = PoemForm(line_chars=line_chars, lines=lines, regulated=True)
    for seed in range(10):
        verses = VERSE.findall(write_poem(lm, form, seed=seed, **values))
        assert [len(verse) for verse in verses] == [line_chars] * lines
        assert keeps_tones(verses)
        assert any(map(is_level, common_rhymes(verses))), "one rhyme, in the level tone, and no character twice"
        if line_chars == 7:
            assert common_rhymes(verses) <= rhymes()[verses[0][-1]], "the first line rhymes, too"


def test_the_seed_settles_tones_and_rhyme_and_the_same_seed_the_same_poem(lm):
    form = PoemForm(lines=8, acrostic="春夏秋冬山水花雪", regulated=True)
    first, again, other = (write_poem(lm, form, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    templates = [poem_template(PoemForm(regulated=True), lm.vocab, seed).places.tolist() for seed in range(20)]
    assert len({tuple(places) for places in templates}) == 2, "two patterns of tones"


@pytest.mark.parametrize("seed", range(10))
def test_giving_a_regulated_poem_a_character_that_it_would_have_changes_nothing(lm, seed):
    whole = write_poem(lm, PoemForm(regulated=True), seed=seed)
    verses = VERSE.findall(whole)
    for most in (2, 10, 17):
        assert write_poem(lm, PoemForm(opening="".join(verses)[:most], regulated=True), seed=seed) == whole
    assert write_poem(lm, PoemForm(acrostic="".join(verse[0] for verse in verses), regulated=True), seed=seed) == whole


@pytest.fixture(scope="module")
def hanzi():
    """The alphabet of the shipped models that write poems."""
    return checkpoint.read_info(SHIPPED / "poems-lstm-2-residual").vocab


@pytest.mark.parametrize("seed", range(10))
def test_tones_and_rhyme_follow_what_is_given(hanzi, seed):
    template = poem_template(PoemForm(opening="白日依山尽，黄河入海流", regulated=True), hanzi, seed)
    ending = hanzi.characters[np.flatnonzero(template.choices[SAMPLE - template.places[22]])[0] - 1]
    assert "下平声十一尤" in rhymes()[ending]
    assert "流" not in {hanzi.characters[i - 1] for one in template.choices[3:] for i in np.flatnonzero(one)}
    _, level, oblique, *_ = template.choices
    second = template.choices[SAMPLE - template.places[14]]
    assert (second == level).all(), "as 欲穷 has it: 河 is level, and so is what stands under it"
    assert not (level == oblique).all()


def test_the_places_that_rhyme_share_no_character(hanzi):
    for seed in range(20):
        shares = poem_template(PoemForm(line_chars=7, lines=8, regulated=True), hanzi, seed).choices[3:]
        assert len(shares) == 5
        assert (shares.sum(0) <= 1).all()
        assert (shares.sum(1) >= 6).all()


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.5, "one"])
def test_a_seed_that_is_none_is_refused_alike_with_and_without_tones_and_rhyme(lm, seed):
    told = []
    for regulated in (False, True):
        with pytest.raises((ValueError, TypeError)) as refused:
            write_poem(lm, PoemForm(regulated=regulated), seed=seed)
        told.append(str(refused.value))
    assert told[0] == told[1]


@pytest.mark.parametrize("lacking", [RHYME[1:], "春秋山花人无来天何时冬" + RHYME])
def test_a_model_whose_alphabet_has_no_rhyme_is_refused_a_regulated_poem(lacking):
    vocab = Vocab(form="full", characters="".join(c for c in ALPHABET if c not in lacking))
    poem_template(PoemForm(), vocab)
    with pytest.raises(PoemFormError, match="trained on poems"):
        poem_template(PoemForm(regulated=True), vocab)
