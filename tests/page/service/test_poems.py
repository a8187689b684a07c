"""Requests for poems, of tiny models with the alphabet of poems."""

import re

import pytest

from deeprnn import PoemForm, write_poem
from deeprnn.page import service
from deeprnn.page.service import RequestError
from deeprnn.store.registry import Registry
from tests.conftest import save_tiny_checkpoint
from tests.lm.test_poem import ALPHABET, HAN, save_tiny_poets

MODELS = ["poems-gru-2", "poems-lstm-4", "poems-rnn-1"]


@pytest.fixture(scope="module")
def poets(tmp_path_factory):
    """A registry of models that claim to have read poems, and one of letters."""
    folder = tmp_path_factory.mktemp("poets")
    save_tiny_poets(folder, MODELS)
    save_tiny_checkpoint(folder / "letters")
    return Registry(folder)


def asked(**change):
    return {"models": MODELS, "temperature": 1.0, "seed": 5} | change


@pytest.mark.parametrize(("line_chars", "lines"), [(5, 4), (7, 8)])
def test_several_models_write_what_each_writes_alone(poets, line_chars, lines):
    acrostic = HAN[:lines]
    request = asked(line_chars=line_chars, lines=lines, acrostic=acrostic)
    answers = service.poem(poets, **request)
    assert [answer["model"] for answer in answers] == MODELS
    assert len({answer["text"] for answer in answers}) == len(MODELS)
    form = PoemForm(line_chars=line_chars, lines=lines, acrostic=acrostic)
    for answer in answers:
        assert answer["text"] == write_poem(poets.get(answer["model"]), form, temperature=1.0, seed=5)
        assert [line[0] for line in re.findall(f"[{HAN}]+", answer["text"])] == list(acrostic)
    assert [one["text"] for one in service.poem(poets, **request)] == [one["text"] for one in answers]


@pytest.mark.parametrize("cut", [[1, 1, 1], [3, 30, 100], [24, 0, 12]])
def test_poems_that_were_stopped_become_what_they_would_have_become(poets, cut):
    whole = [one["text"] for one in service.poem(poets, **asked(opening="春风"))]
    written = [text[:most] for text, most in zip(whole, cut, strict=True)]
    *_, last = service.stream_poems(poets, **asked(opening="春风", written=written))
    assert [one.text for one in last] == whole
    assert [one.new_chars for one in last] == [len(text) - len(one) for text, one in zip(whole, written, strict=True)]


def test_beside_a_broken_model_the_others_write_poems(tmp_path):
    for name in ("good", "bad"):
        save_tiny_checkpoint(tmp_path / name, characters=ALPHABET)
    weights = tmp_path / "bad/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    bad, good = service.poem(Registry(tmp_path), models=["bad", "good"])
    assert "cannot be used" in bad["error"]
    assert good["text"].count("。") == 2


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"models": []}, "error_models_none"),
        ({"models": ["nobody"]}, "error_model_unknown"),
        ({"models": ["letters"]}, "error_poem.alphabet"),
        ({"models": [*MODELS, "letters"]}, "error_poem.alphabet"),
        ({"lines": 6}, "error_poem.shape"),
        ({"lines": None}, "error_number_none"),
        ({"line_chars": 5.5}, "error_number_whole"),
        ({"line_chars": 6}, "error_poem.shape"),
        ({"line_chars": True}, "error_number"),
        ({"opening": 7}, "error_text_type"),
        ({"acrostic": None}, "error_text_type"),
        ({"regulated": 1}, "error_bool"),
        ({"opening": "half a pair \ud83d"}, "error_text_type"),
        ({"opening": "x" * 3_000}, "error_prompt_long"),
        ({"opening": "<b>"}, "error_poem.not_han"),
        ({"opening": "春" * 21}, "error_poem.opening_long"),
        ({"opening": "龍"}, "error_poem.unknown"),
        ({"acrostic": "春夏秋"}, "error_poem.acrostic_count"),
        ({"acrostic": "春夏秋冬", "lines": 8}, "error_poem.acrostic_count"),
        ({"acrostic": "春夏秋龍"}, "error_poem.unknown"),
        ({"acrostic": "春夏秋冬", "opening": "山"}, "error_poem.contradiction"),
        ({"temperature": -1}, "error_number"),
        ({"seed": -1}, "error_number"),
        ({"written": ["春"]}, "error_text_type"),
        ({"written": ["春" * 99] * 3}, "error_poem_whole"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_written(poets, change, key):
    with pytest.raises(RequestError) as refused:
        service.stream_poems(poets, **asked(**change))
    assert refused.value.key == key
    assert refused.value.message("zh") != refused.value.message("en")
