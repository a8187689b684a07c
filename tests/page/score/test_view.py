"""The Score view: which models an example brings, what is sent while models read, and what the page shows."""

import base64
import math
import time
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from deeprnn.page import service
from deeprnn.page.score import examples, view
from deeprnn.page.score.examples import DEFAULT, EXAMPLES
from deeprnn.page.score.rows import parts
from deeprnn.page.service import RequestError
from deeprnn.page.shared.components import Drawing
from deeprnn.page.words import tr
from deeprnn.text.vocab import UNKNOWN_ID
from tests.page.conftest import spoken

MODELS = ["note-lstm-2", "few-lstm-2", "wells-lstm-2"]
LONG = "the time traveller smiled round at us and went slowly out of the room " * 280


def last(registry, text, names):
    """What is drawn at the end."""
    return Drawing.preprocess(None, view.written(1, [list(parts(registry, text, names))]))


def unpacked(row):
    return np.frombuffer(base64.b64decode(row["nats"]), "<u2") * row["step"]


def test_an_example_brings_models_that_fit_it(registry):
    for key, example in EXAMPLES.items():
        names = examples.models(registry, key)
        assert names == list(example.models)
        unknown = max(registry.infos[name].vocab.encode(example.text).count(UNKNOWN_ID) for name in names)
        assert unknown <= examples.MAX_UNKNOWN * len(example.text), key
    assert {registry.infos[name].vocab.form for name in examples.models(registry, "prose")} == {"full"}


def test_a_readers_own_models_stay_where_they_fit_an_example(registry):
    english = examples.models(registry, "new")
    assert examples.chosen(registry, "new", ["note-rnn-2"]) == ["note-rnn-2"]
    assert examples.chosen(registry, "chinese", ["note-rnn-2"]) == ["journey-gru-2"]
    assert examples.chosen(registry, "prose", ["note-rnn-2", "wells-lstm-2"]) == ["wells-lstm-2"]
    assert examples.chosen(registry, "new", ["journey-gru-2"]) == english
    assert examples.chosen(registry, "prose", english) == examples.models(registry, "prose")


PLACES = "".join(map(chr, range(1_000_000)))  # a text whose characters tell where in it they are


@pytest.mark.parametrize(
    ("key", "name", "part"),
    [
        ("real_train", "few-lstm-2", "train"),
        ("real_heldout", "few-lstm-2", "val"),
        ("real_other", "journey-gru-2", "val"),
    ],
)
def test_an_excerpt_is_of_the_text_and_the_part_that_it_is_said_to_be_of(key, name, part, registry):
    told = registry.info(name).metrics.text

    def text_of(info):
        at_hand = {"time_machine": "own", "journey_to_the_west": "other"} | {told.name: PLACES}
        return at_hand.get(info.metrics.text.name)

    start, end = told.ranges[part]
    shown = examples.excerpt(registry, text_of, ["few-lstm-2"], key)
    assert len(shown) == examples.EXCERPT_CHARS
    assert start <= ord(shown[0]) < ord(shown[-1]) < end


@pytest.mark.parametrize(
    ("text", "names", "notes"),
    [
        ("the time", ["note-lstm-2", "few-lstm-2"], []),
        ("The time!", ["wells-lstm-2"], []),
        ("the time", ["note-lstm-2", "data-book"], ["forms_mixed"]),
        ("the 7", ["note-lstm-2"], ["unknown_counted", "note_forms"]),
        ("the \N{SNOWMAN}", ["data-book"], ["unknown_counted"]),
        ("the time", ["note-lstm-2", "journey-gru-2"], ["forms_mixed", "unknown_counted"]),
    ],
)
def test_what_is_noted_of_a_text_and_its_models_holds(text, names, notes, registry):
    drawn = next(parts(registry, text, names))
    for lang in ("en", "zh"):
        assert spoken(drawn["notes"], lang) == [tr(f"score.{key}", lang) for key in notes]


def test_the_example_that_opens_the_view_shows_where_reciting_ends(registry):
    names = examples.models(registry, DEFAULT)
    (by_rote, *_) = service.score(registry, text=EXAMPLES[DEFAULT].text, models=names)
    start = len(examples._RECITED)
    assert np.mean(by_rote["nats"][: start - 1]) < 0.2
    assert np.mean(by_rote["nats"][start - 1 :]) > 3
    assert str(start) in examples.about(registry, EXAMPLES[DEFAULT].text, names, "en")


def test_what_an_example_shows_is_said_only_with_its_models_and_a_link_has_a_text_that_can_be_read(registry):
    text, names = EXAMPLES["memorised"].text, list(EXAMPLES["memorised"].models)
    assert "trained on this very text" in examples.about(registry, text, names, "en")
    for others in (names[:1], ["shakespeare-lstm-2"], [*names, "note-gru-2"]):
        assert examples.about(registry, text, others, "en") == ""
    assert examples.first_for(registry, ["journey-gru-2"]) == EXAMPLES["chinese"].text
    assert examples.first_for(registry, names) == EXAMPLES[DEFAULT].text


def test_an_n_gram_names_the_models_whose_text_it_has_counted(registry):
    names = ["note-lstm-2", "note-gru-2", "few-lstm-2", "data-wells-8"]
    rows = service.baselines(registry, text="the time", models=names)
    assert [row["of"] for row in rows if row["kind"] == "ngram"] == [names[:3]]


def test_rows_come_one_by_one_and_hold_what_the_models_say(registry):
    text = "The time 机 traveller—so it was\r\nthen."
    first, *added = parts(registry, text, MODELS)
    assert [row["state"] for row in first["cards"]][:3] == ["waiting"] * 3
    assert {row["state"] for row in first["cards"] if row["kind"] in ("ngram", "uniform")} == {"done"}
    assert [sum(one != "" for one in part) for part in added] == [1] * len(added)
    assert len(added) == len(MODELS) + 1  # and the average of the two of one alphabet
    drawn = last(registry, text, MODELS)
    for row, answer in zip(drawn["cards"], service.score(registry, text=text, models=MODELS), strict=False):
        assert (row["name"], row["ppl"], row["unknown"]) == (answer["model"], answer["ppl"], len(answer["unknown"]))
        assert unpacked(row) == pytest.approx(answer["nats"], abs=row["step"])
        bits = np.unpackbits(np.frombuffer(base64.b64decode(row["where"]), np.uint8), bitorder="little")
        assert np.flatnonzero(bits).tolist() == answer["unknown"]
    merged = dict(map(tuple, drawn["merged"]))
    assert [merged[text.index(one)] for one in "—\n"] == [2, 0]


def test_the_average_of_models_is_that_of_their_probabilities(registry):
    drawn = last(registry, "the time traveller", MODELS)
    one, two, mean = (
        next(row for row in drawn["cards"] if test(row))
        for test in (
            lambda row: row["name"] == MODELS[0],
            lambda row: row["name"] == MODELS[1],
            lambda row: row["kind"] == "mean",
        )
    )
    average = -np.log((np.exp(-unpacked(one)) + np.exp(-unpacked(two))) / 2)
    assert mean["ppl"] == pytest.approx(math.exp(average.mean()), rel=1e-3)


def test_a_text_that_cannot_be_scored_is_refused_before_anything_is_drawn(registry):
    with pytest.raises(RequestError):
        parts(registry, "a", MODELS)
    with pytest.raises(RequestError):
        parts(registry, "a tale", ["no-such"])


def test_an_example_is_computed_once_for_all_visitors(registry):
    text, names = EXAMPLES[DEFAULT].text, examples.models(registry, DEFAULT)
    one, other = (next(view.found(registry, text, names)) for _ in range(2))
    assert [id(part) for part in one] == [id(part) for part in other]


def test_a_server_that_has_started_again_counts_on_so_that_open_pages_draw_its_answers():
    before = view.Turns().begin("a")
    time.sleep(0.002)
    assert view.Turns().begin("a") > before


def test_a_new_drawing_ends_the_one_before_of_the_same_session():
    turns = view.Turns()
    first = turns.begin("a")
    other = turns.begin("b")
    second = turns.begin("a")
    assert [turns.is_latest("a", first), turns.is_latest("a", second), turns.is_latest("b", other)] == [0, 1, 1]
    turns.end("a", first)
    assert turns.is_latest("a", second)
    turns.end("a")
    assert not turns.is_latest("a", second)
    assert turns.is_latest(None, turns.begin(None))


def test_of_a_scoring_that_another_has_replaced_nothing_is_sent_again_at_its_end(registry):
    handlers = view._Handlers(registry, view.no_text)
    ann = SimpleNamespace(session_hash="ann")
    first, second = (handlers.on_score(ann, text, MODELS, "English") for text in ("the time", "the machine"))
    next(first)
    next(second)
    assert list(first) == [gr.skip()], "gradio sends the last value whole at the end"


def test_stop_ends_the_drawing_of_its_session_and_of_no_other(registry):
    handlers = view._Handlers(registry, view.no_text)
    ann, bob = (SimpleNamespace(session_hash=name) for name in ("ann", "bob"))
    hers, his = (handlers.on_score(one, "the time", MODELS, "English") for one in (ann, bob))
    assert next(hers)
    assert next(his)
    handlers.on_stop(ann)
    assert list(hers) == [gr.skip()]
    assert len([drawn for drawn in his if isinstance(drawn, str)]) == len(MODELS) + 1  # and the average


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_view_opens_scored_and_its_verdict_is_on_the_first_screen(visit, lang):
    one = visit(f"?lang={lang}", width=390, height=844)
    one.choose("score")
    verdict = one.page.locator(".score-result .verdict b")
    verdict.wait_for()
    for width, height in ((390, 844), (1280, 720), (1440, 900)):
        one.resize(width, height)
        assert one.page.evaluate("window.scrollY") == 0
        box = verdict.bounding_box()
        assert box["y"] + box["height"] < height, width
        row = one.page.locator(".score-result tbody tr").first.bounding_box()
        assert width < 500 or row["y"] + row["height"] < height, width
    assert one.page.locator(".score-result tbody .fill").count() == 6


def test_each_row_has_a_bar_on_one_log_scale_and_the_mark_of_guessing(visit):
    one = visit("?view=score")
    one.page.wait_for_selector(".score-result .verdict b")
    read = """(rows) => rows.map((row) => {
      const [track, fill, guess] = ['.track', '.fill', '.guess'].map((at) => row.querySelector(at))
        .map((one) => one.getBoundingClientRect());
      return [Number(row.children[2].textContent), fill.width / track.width, (guess.left - track.left) / track.width];
    })"""
    rows = one.page.locator(".score-result .scores").first.locator("tbody tr").evaluate_all(read)
    longest = math.log(1.05 * 28)
    for ppl, length, guess in rows:
        assert length == pytest.approx(math.log(ppl) / longest, abs=0.01)
        assert guess == pytest.approx(math.log(28) / longest, abs=0.02)


def test_an_example_is_scored_by_a_click(visit):
    one = visit("?view=score&lang=zh")
    one.page.wait_for_selector(".score-result .verdict b")
    one.page.get_by_role("button", name="新写的中文").click()
    one.page.wait_for_function("() => document.querySelector('.score-result .heat').textContent.includes('行者')")
    assert one.page.locator(".score-result .recipe").all_text_contents() == ["journey-gru-2"]
    one.page.locator(".score-result.stale").wait_for(state="detached")


def test_a_switch_touches_only_the_characters_near_the_visible_ones(visit):
    """Of 20,000 characters, all of which can be found and copied."""
    one = visit("?view=score&models=few-lstm-2,note-rnn-2&text=the", width=1440)
    one.page.wait_for_selector(".score-result .verdict b")
    one.page.locator("#score-text textarea").fill(LONG)
    one.page.click("#score")
    heat = one.page.locator(".score-result .heat")
    one.page.wait_for_function(
        "(length) => document.querySelector('.heat').textContent.length === length"
        " && document.querySelector('.score-result .verdict b')",
        arg=len(LONG),
    )
    assert heat.text_content() == LONG
    count = """() => { window.touched = new Set(); new MutationObserver((all) => all.forEach((one) => {
        window.touched.add(one.target); one.addedNodes.forEach((added) => window.touched.add(added)); }))
      .observe(document.querySelector('.heat'), { subtree: true, childList: true, attributes: true }); }"""
    one.page.wait_for_selector(".heat [class^=h]")
    one.page.evaluate(count)
    one.page.locator(".heat-controls select").select_option("1")
    one.page.get_by_role("button", name="A minus B").click()
    assert 100 < one.page.evaluate("window.touched.size") < 3_000
    assert one.page.locator(".heat span").count() < 3_000
    heat.evaluate("(heat) => { heat.scrollTop = heat.scrollHeight; }")
    end = one.page.locator(f".heat [data-index='{len(LONG) - 5}']")
    end.wait_for()
    end.hover()
    assert "nats" in one.page.locator(".score-result .explain").text_content()
    assert "less" in " ".join(one.page.locator(".heat span").evaluate_all("(all) => all.map((one) => one.className)"))


# Presses Stop at the moment when what the models are compared with is told, and they still read.
STOP = """() => new MutationObserver((_, seen) => {
    const shown = document.querySelector('.score-result');
    if (shown?.querySelectorAll('tr.base.done .fill').length < 3 || !shown.querySelector('tr.waiting')) return;
    seen.disconnect();
    shown.querySelector('.stop').click();
}).observe(document.body, { subtree: true, childList: true, attributes: true })"""


def test_rows_come_while_models_read_and_the_reader_can_stop(visit):
    one = visit("?view=score&models=few-lstm-2,note-rnn-2,depth-lstm-10-residual&text=the", width=1440)
    one.page.wait_for_selector(".score-result .verdict b")
    one.page.evaluate(STOP)
    one.page.locator("#score-text textarea").fill(LONG)
    one.page.click("#score")
    one.page.locator(".score-result tr.stopped").first.wait_for()
    stopped = one.page.locator(".score-result tr.stopped").count()
    assert one.page.locator(".score-result tr.base.done .fill").count() >= 3
    assert one.page.locator(".score-result .stop").count() == 0
    one.settle()
    assert one.page.locator(".score-result tr.stopped").count() == stopped
    for lang in ("zh", "en"):
        one.page.get_by_text({"zh": "中文", "en": "English"}[lang], exact=True).click()
        one.page.get_by_role("heading", name=tr("score.label.heat", lang)).wait_for()
        assert one.page.locator(".score-result tr.stopped").count() == stopped
    one.page.get_by_role("button", name="Training text").click()
    one.page.wait_for_function(
        "() => document.querySelector('.score-result .verdict b')"
        " && !document.querySelector('.score-result :is(tr.stopped, tr.waiting)')"
    )
    assert one.page.locator(".score-result tr.done .recipe").count() == 3


def test_a_character_is_explained_by_the_keyboard(visit):
    one = visit("?view=score&models=few-lstm-2&text=the%20time%20machine")
    one.page.locator(".heat span").first.wait_for()
    one.page.locator(".heat").focus()
    for key, letter in (("ArrowRight", "t"), ("ArrowRight", "h"), ("End", "e"), ("ArrowLeft", "n")):
        one.page.keyboard.press(key)
        assert one.page.locator(".score-result .explain b").text_content() == letter
        assert one.page.locator(".heat .at").text_content() == letter


def test_the_running_plot_counts_characters_as_the_table_does(visit):
    """Guessing costs the same everywhere, so that its line is level, also behind a dash that is read as two."""
    one = visit("?view=score&models=note-rnn-2&text=one%E2%80%94two%E2%80%94three%E2%80%94four%E2%80%94five%20six")
    line = one.page.locator(".running .curve.base").last
    line.wait_for(state="attached")  # a level line has no height
    heights = {point.split(",")[1] for point in line.get_attribute("points").split()}
    assert len(heights) == 1


def test_the_running_plot_of_a_short_text_has_lines_too(visit):
    one = visit("?view=score&models=note-rnn-2&text=the%20time")
    line = one.page.locator(".running .curve").first
    line.wait_for()
    assert len(line.get_attribute("points").split()) > 3


def test_titles_are_in_the_readers_language(registry):
    for lang, title in (("en", "LSTM × 2 · 10,000 characters"), ("zh", "2 层 LSTM · 10,000 个字符")):
        assert spoken(last(registry, "the time", MODELS), lang)["cards"][0]["title"] == title
