"""A drawing on its way to the browser and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.page.compare import cards
from deeprnn.page.server.spoken import LocalizedBlocks
from deeprnn.page.shared.widgets import Translations, drawing
from tests.conftest import run as run_async

VALUES = st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.lists(st.integers(), max_size=3), max_size=3)


@pytest.fixture(scope="module")
def drawn():
    words = Translations()
    board = drawing(words, lambda: {"text": "<b>"}, "<div></div>", "learn", lambda _: {}, elem_id="drawn")
    words.draw()
    return board


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


def run(model, text, state="writing"):
    return cards.Card(model=model, prompt="the ", text=text, state=state)


@given(
    steps=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), min_size=1, max_size=5),
)
def test_a_board_that_grew_is_the_board_that_is_drawn_at_once(drawn, registry, steps):
    names, texts = ("note-rnn-2", "note-gru-2"), ["", ""]
    growing, grown = cards.Growing(registry, 7), ""
    sampling = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "max_chars": 30}
    for at, pieces in enumerate(steps):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        states = ("writing", "finished" if at == len(steps) - 1 else "writing")
        written = tuple(map(run, names, texts, states))
        board = cards.Board(prompt="the ", seed=1, sampling=sampling, cards=written)
        before, grown = grown, growing.grown(board)
        assert grown.startswith(before)
        assert "<" not in drawn.postprocess(grown)
        assert drawn.preprocess(grown) == json.loads(json.dumps(cards.draw(registry, board, turn=7)))


def test_a_character_more_costs_its_own_length_and_no_board(registry):
    sampling = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "max_chars": 30}
    growing = cards.Growing(registry, 7)
    lengths = [
        len(growing.grown(cards.Board(prompt="", seed=1, sampling=sampling, cards=(run("note-rnn-2", text),))))
        for text in ("", "a", "ab", "ab")
    ]
    assert lengths[1] - lengths[0] == len('\n["a"]') == lengths[2] - lengths[1]
    assert lengths[3] == lengths[2]


@pytest.mark.parametrize(
    "sent", ['{"cards": []}\n["a"]', '{"cards": 1}\n["a"]', "{}\n[7]", '{"cards": [1]}\n["a"]', "{}\n{", "{}\n7"]
)
def test_what_adds_to_no_card_is_read_as_nothing(drawn, sent):
    assert drawn.preprocess(sent) == {}


def test_it_is_not_drawn_again_at_each_step_of_gradios_start_but_when_what_it_shows_has_changed():
    words, made = Translations(), []

    def draw():
        made.append("drawn")
        return {"times": len(made)}

    async def built():  # gradio asks for the running loop, and would leave one of its own open
        with LocalizedBlocks(words, analytics_enabled=False) as page:
            drawing(words, draw, "<div></div>", "learn", lambda _: {}, elem_id="drawn")
        return page

    def sent():
        (props,) = (one["props"] for one in page.config["components"] if one["props"].get("elem_id") == "drawn")
        return json.loads(props["value"])

    page = run_async(built())
    assert sent() == {"times": (times := len(made))}
    page.config = page.get_config_file()  # as gradio does at each step of its start
    assert sent() == {"times": times}
    page.rebuild_languages()
    assert sent() == {"times": times + 1}
