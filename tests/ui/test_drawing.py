"""A drawing on its way to the browser and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.ui.widgets import drawing

VALUES = st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.lists(st.integers(), max_size=3), max_size=3)


@pytest.fixture(scope="module")
def drawn():
    return drawing({"text": "<b>"}, "<div></div>", "learn.js", elem_id="drawn")


@given(value=VALUES)
def test_a_value_comes_back_as_it_went(drawn, value):
    carried = drawn.postprocess(value)
    assert drawn.preprocess(carried) == json.loads(json.dumps(value))
    assert "<" not in carried


def test_it_is_one_text_from_the_start(drawn):
    assert drawn.get_config()["value"] == '{"text": "\\u003cb>"}'
    assert drawn.get_block_name() == "html"


@pytest.mark.parametrize("sent", [None, "", "{", "[1]", "7", "[" * 100_000, "9" * 5_000, {"text": 1}, 7])
def test_whatever_a_browser_sends_is_read_as_nothing(drawn, sent):
    assert drawn.preprocess(sent) == {}


def test_a_number_that_browsers_cannot_read_is_not_sent(drawn):
    with pytest.raises(ValueError, match="JSON"):
        drawn.postprocess({"ppl": float("inf")})
