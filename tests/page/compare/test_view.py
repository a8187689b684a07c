"""What the controls of Compare set in one another: the handlers of the page, called without a browser."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import pytest

from deeprnn import load
from deeprnn.page.app import build
from deeprnn.page.compare import beside, cards, export
from deeprnn.page.compare.cards import Board
from deeprnn.page.service import MAX_NEW_CHARS, MAX_PROMPT_CHARS, RequestError, analyse, look, looking, reading, stream
from deeprnn.page.shared.components import Drawing, ModelPicker, Number, Slider
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.widgets import refusal
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED, run, wait_until
from tests.page.conftest import spoken

MINGRU = ("minGRU", "", "", "")  # the filters of the list of models, cell first
SETTINGS = (gr.Textbox, gr.Slider, gr.Number)
VISITOR = SimpleNamespace(session_hash="someone")


@pytest.fixture(scope="module")
def page(registry):
    async def built():  # gradio asks for the running loop, and would leave one of its own open
        return build(registry)

    return run(built())


@pytest.fixture(scope="module")
def handler(page):
    """A handler of the page by its name, and the components that it sets."""

    def find(name):
        found = next(one for one in page.fns.values() if one.name == name)
        return found.fn, found.outputs

    return find


def set_by(answer, outputs, kind):
    """What an answer sets in the first component of a kind."""
    return next(value for value, output in zip(answer, outputs, strict=True) if isinstance(output, kind))


def assert_lists_what_it_chooses(update, names):
    assert update["value"] == list(names)
    assert set(names) <= {value for _, value in update["choices"]}


def test_a_question_after_a_filter_lists_the_models_that_it_chooses(registry, handler):
    on_preset, outputs = handler("on_preset")
    for key, preset in comparisons(registry).items():
        answer = on_preset(VISITOR, key, {}, "English", *MINGRU)
        assert_lists_what_it_chooses(set_by(answer, outputs, ModelPicker), preset.groups[preset.budget])


def test_the_switch_after_a_filter_lists_the_models_that_it_chooses(registry, handler):
    on_budget, outputs = handler("on_budget")
    answer = on_budget(VISITOR, "cells", "time", {}, "English", *MINGRU)
    assert_lists_what_it_chooses(set_by(answer, outputs, ModelPicker), comparisons(registry)["cells"].groups["time"])


def test_a_saved_comparison_restores_its_models_and_every_setting(registry, handler):
    on_open_file, outputs = handler("on_open_file")
    board = cards.of_preset(registry, "general", "recipe")
    sampling = {"temperature": 0.3, "top_k": 5, "top_p": 0.9, "max_chars": 120}
    saved = cards.Board(prompt="the", seed=11, sampling=sampling, cards=board.cards)
    event = SimpleNamespace(text=export.export(registry, saved, "json")[1])
    answer = on_open_file(event, SimpleNamespace(session_hash=None), "English", *MINGRU)
    assert_lists_what_it_chooses(set_by(answer, outputs, ModelPicker), saved.names)
    settings = [value for value, output in zip(answer, outputs, strict=True) if isinstance(output, SETTINGS)]
    assert settings == ["the", 0.3, 5, 0.9, 120, 11, ""]


def test_models_may_come_from_any_list_that_the_server_has_forgotten(page):
    picker = next(block for block in page.blocks.values() if isinstance(block, ModelPicker))
    picker.choices = []
    assert picker.preprocess(["data-10k"]) == ["data-10k"]
    assert picker.preprocess(None) == picker.preprocess("x") == picker.preprocess([["x"], 3]) == []


def test_a_branch_far_into_a_text_keeps_its_end_and_the_letter_that_was_chosen():
    context = "a" * 3_000 + "bQ"
    assert beside.branched(context) == "a" * (MAX_PROMPT_CHARS - 2) + "bQ"
    assert beside.branched("the") == "the"


ASKED = {"prompt": "the", "models": ["note-rnn-2"], "max_chars": 9, "temperature": 1.0}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("max_chars", 0, "Length must be a number from 1 to 2000, not 0"),
        ("max_chars", 5_000, "Length must be a number from 1 to 2000, not 5000"),
        ("max_chars", None, "Length is empty: give a number from 1 to 2000"),
        ("max_chars", 1.5, "Length must be a whole number"),
        ("seed", -1, "Seed must be a number from 0"),
        ("temperature", "", "is empty"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_the_name_of_its_control(registry, field, value, says):
    with pytest.raises(RequestError) as refused:
        stream(registry, **(ASKED | {field: value}))
    assert says in refusal(refused.value, "en").message
    chinese = refusal(refused.value, "zh")
    assert field not in chinese.message
    assert chinese.title == "无法完成"


def test_gradio_refuses_no_number_in_its_own_words(page):
    for block in page.blocks.values():
        if isinstance(block, (gr.Number, gr.Slider)) and block.interactive is not False:
            assert isinstance(block, (Number, Slider))
            assert block.get_block_name() in ("number", "slider")
            assert block.preprocess(10**9) == 10**9
            assert block.preprocess(None) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "xq"},
        {"seed": 8},
        {"sampling": {"temperature": 2}},
        {"sampling": {"temperature": 0}},
        {"sampling": {"top_k": 1}},
        {"sampling": {"top_p": 0.5}},
        {"sampling": {"max_chars": 299}},
        {"text": "a" * 301},  # it was continued
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_claim_says_how_the_recording_was_made_once_any_other_setting_is_chosen(registry, changed):
    board = cards.of_preset(registry, "rote", "recipe")

    def seen(text="xq", sampling=None, **settings):
        written = tuple(
            cards.Card(model=run.model, prompt=run.prompt, text=text, state="finished") for run in board.cards
        )
        written = cards.replace(board, cards=written, sampling=board.sampling | (sampling or {}), **settings)
        return cards.draw(registry, written)

    said = (
        "“the time traveller”: 300 characters at temperature 0.8, seed 7,",
        "开头“the time traveller”，长度 300，温度 0.8，",
    )
    recorded = cards.draw(registry, board)
    assert (seen()["verdict"], seen()["elsewhere"]) == (recorded["verdict"], "")
    assert seen(**changed)["verdict"] == recorded["verdict"]
    for other, settings in zip(seen(**changed)["elsewhere"].values(), said, strict=True):
        assert settings in other


@pytest.mark.parametrize(("lang", "says"), [("en", "first 6"), ("zh", "只显示前 6 个")])
def test_a_link_of_more_models_than_stand_side_by_side_says_how_many_are_shown(page, registry, lang, says):
    names = list(registry.infos)[:7]
    asked = SimpleNamespace(query_params={"view": "score", "models": ",".join(names), "lang": lang}, headers={})
    visits = [one for one in page.fns.values() if one.name == "on_visit" and ModelPicker in map(type, one.outputs)]
    with pytest.warns(UserWarning, match=says) as said:
        pickers = [set_by(one.fn(asked), one.outputs, ModelPicker) for one in visits]
    assert [picker["value"] for picker in pickers if "value" in picker] == [names[:6]] * 2
    assert len(said) == 1


def test_a_cleared_list_of_models_keeps_the_prompt_and_shows_no_card(registry):
    board = cards.of_preset(registry, "rote", "recipe")
    empty = cards.show(registry, [], board)
    assert (empty.prompt, empty.seed, empty.cards, empty.preset) == (board.prompt, board.seed, (), None)
    assert cards.show(registry, board.names, empty).cards == board.cards


def test_who_asks_before_models_can_answer_is_told_so_and_gets_the_text_then(registry, handler, capsys):
    on_generate, _ = handler("on_generate")
    ask = ["中文", None, None, "the time", ["note-rnn-2"], 0.8, 0, 1, 20, 0]
    registry.ready.clear()
    try:
        with ThreadPoolExecutor(1) as visitor:
            drawn = visitor.submit(list, on_generate(VISITOR, *ask))
            wait_until(lambda: "服务器刚刚启动" in capsys.readouterr().out)
            assert not drawn.done()
            registry.ready.set()
            assert [one for one in drawn.result() if isinstance(one, str)]
    finally:
        registry.ready.set()


def test_recordings_are_shown_with_what_they_copy_before_models_can_answer():
    registry = Registry(SHIPPED)
    registry.ready.clear()
    (card, *_) = cards.draw(registry, cards.of_preset(registry, "rote", "recipe"))["cards"]
    assert card["nats"] is None
    assert card["runs"]
    assert "copied" in card["rote"]["en"]


def test_a_link_to_texts_that_were_continued_writes_all_of_them(page, registry):
    """Two thousand characters are written at a time; Continue goes beyond."""
    visits = [one for one in page.fns.values() if one.name == "on_visit" and one.outputs[0].elem_id == "board"]
    (on_visit,) = (one.fn for one in visits)
    (on_asked,) = (one.fn for one in page.fns.values() if one.name == "on_asked")
    query = {"models": "note-rnn-2,note-gru-2", "prompt": "the", "length": "2100", "seed": "3"}
    *shown, asks = on_visit(SimpleNamespace(query_params=query, headers={}))
    assert shown[-5:-3] == [MAX_NEW_CHARS, 3]
    *drawn, _ = on_asked(VISITOR, asks, None, None, "the", query["models"].split(","), 0.8, 0, 1, *shown[-5:])
    board = Board.read(registry, Drawing.preprocess(None, drawn[-1]))
    expected = [load(SHIPPED / run.model).generate("the", max_chars=2_100, seed=3) for run in board.cards]
    assert [(run.text, run.state) for run in board.cards] == [(text, "finished") for text in expected]


@pytest.mark.usefixtures("page")
def test_what_was_computed_of_readers_texts_is_dropped_when_a_model_is_removed(registry):
    name = "mine-" + "0" * 16
    registry.add(SHIPPED / "note-rnn-2", name, visitor="ann")
    analyse(registry, name, "the time", " traveller")
    look(registry, model=name, text="the time traveller")
    caches = reading._surprise, reading._novelty, looking._look
    assert all(cache.cache_info().currsize for cache in caches)
    registry.remove(name)
    assert not any(cache.cache_info().currsize for cache in caches)


def test_recordings_after_a_prompt_and_samples_each_stay_what_they_are_when_the_choice_changes(registry):
    def after(board):
        return spoken(cards.draw(registry, board), "en")["after"]

    asked = cards.of_preset(registry, "authors", "recipe")
    fewer = cards.show(registry, asked.names[1:], asked)
    assert (after(asked), after(fewer)) == (True, True)
    assert fewer.cards == asked.cards[1:]
    samples = cards.show(registry, asked.names, cards.recorded(registry, asked.names[:1]))
    assert not after(samples)
    assert [card.text for card in samples.cards] == [registry.infos[name].metrics.sample.text for name in asked.names]
    assert not after(cards.show(registry, [], asked))
