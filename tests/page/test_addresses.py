"""The address says what is shown: views, questions, texts; Back and Forward return to them without a new page."""

from urllib.parse import parse_qs, urlsplit

import pytest

from deeprnn.experiments import questions
from deeprnn.page.address import MAX_QUERY_CHARS, query_of
from deeprnn.page.links import VIEWS
from deeprnn.page.words import tr
from tests.conftest import WAIT

# What each view has when it is open.
OPEN = {
    "compare": ".model-card",
    "watch": ".watch .hint",
    "training": ".training .hint",
    "score": "#score",
    "experiments": ".experiment",
    "inside": ".inside .figure",
    "learn": ".learn .text",
    "checkpoints": "#checkpoints .name",
}
KEPT = "window.kept === true"  # of a page that was not loaded again


@pytest.fixture
def opened(visit):
    """Open a page that knows whether it is loaded again."""

    def start(query="", **options):
        one = visit(query, **options)
        one.page.evaluate("window.kept = true")
        return one

    return start


def test_back_and_forward_move_between_views_and_questions_without_a_new_page(opened):
    one = opened()
    first = one.page.locator(".model-card").evaluate_all("(cards) => cards.map((card) => card.dataset.model)")
    one.choose("learn")
    one.page.wait_for_selector(".learn")
    assert one.query() == {"view": "learn", "lang": "en"}
    one.choose("compare")
    one.page.locator("#questions label").nth(2).click()
    one.page.wait_for_url("**/?view=compare&lang=en&preset=**")
    chosen = one.page.url
    second = one.page.locator(".model-card").evaluate_all("(cards) => cards.map((card) => card.dataset.model)")
    assert second != first
    one.page.go_back()
    one.shows(*first)
    assert one.query() == {}
    one.page.go_back()
    one.page.wait_for_selector(".learn")
    assert one.query()["view"] == "learn"
    one.page.go_forward()
    one.page.go_forward()
    one.shows(*second)
    assert one.page.url == chosen
    assert one.page.evaluate(KEPT)


@pytest.mark.parametrize("pause", [0, pytest.param(100, marks=pytest.mark.slow)])
def test_back_pressed_again_before_the_answer_came_shows_what_the_address_says(opened, pause):
    one = opened()
    for index in (2, 3, 4, 5):
        before = one.page.url
        one.page.locator("#questions label").nth(index).click()
        one.page.wait_for_function("(before) => location.href !== before", arg=before)
        one.settle()
        if index == 2:
            first = one.page.url
    for _ in range(3):
        one.page.evaluate("history.back()")
        one.page.wait_for_timeout(pause)
    one.page.wait_for_url(first)
    one.settle()
    preset = one.query()["preset"]
    one.shows(*next(each.groups[each.budget] for each in questions.comparisons() if each.key == preset))
    assert one.page.evaluate("() => new URLSearchParams(deeprnn.address.shown()).get('preset')") == preset


def test_a_link_in_the_page_leads_to_a_question_and_back_to_where_it_was(opened):
    one = opened("?view=experiments")
    link = one.page.locator("a[href^='?preset=']").first
    wanted = parse_qs(link.get_attribute("href")[1:])["preset"]
    link.click()
    one.page.wait_for_selector(".model-card")
    assert one.query() == {"view": "compare", "lang": "en", "preset": wanted[0]}
    one.page.go_back()
    link.wait_for()
    assert one.query()["view"] == "experiments"
    assert one.page.evaluate(KEPT)


GO_BACK_WHILE_WRITING = """(seconds) => new Promise((resolve, reject) => {
    // Seen as soon as it is so: on a busy machine a text may be written before the test could look.
    const observer = new MutationObserver(() => {
        if (document.querySelector('.model-card.writing')) {
            observer.disconnect();
            history.back();
            resolve();
        }
    });
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    setTimeout(() => reject(new Error('no model writes')), 1000 * seconds);
    document.querySelector('#generate').click();
})"""


def test_back_returns_to_what_was_written_and_ends_what_is_being_written(opened):
    one = opened("?models=note-rnn-2&prompt=the&length=20&seed=3")
    one.page.wait_for_function("() => /finished/.test(document.querySelector('.status').textContent)")
    written = one.page.locator(".model-card .text").text_content()
    one.page.locator("#questions label").nth(2).click()
    one.page.wait_for_url("**preset=**")
    one.set("Length", 2000)
    one.page.evaluate(GO_BACK_WHILE_WRITING, WAIT)
    one.shows("note-rnn-2")
    one.page.wait_for_function(
        "(text) => document.querySelector('.model-card .text').textContent === text", arg=written
    )
    assert one.query()["prompt"] == "the"
    assert one.page.evaluate(KEPT)


def test_a_question_without_one_of_its_models_keeps_its_recordings_and_its_address_shows_them(opened, registry):
    one = opened("?preset=authors")
    texts = one.page.locator(".model-card .text")
    kept = texts.all_text_contents()[1:]
    one.page.locator(".picker .token-remove").first.click()
    one.page.wait_for_url("**models=**")
    one.shows(*one.query()["models"].split(","))
    assert texts.all_text_contents() == kept
    again = opened(f"?{urlsplit(one.page.url).query}")
    again.shows(*again.query()["models"].split(","))
    assert again.page.locator(".model-card .text").all_text_contents() == kept
    assert "finished" not in again.page.locator("#board").text_content()
    assert kept[0] != registry.infos[again.query()["models"].split(",")[0]].metrics.sample.text


def test_the_language_is_part_of_the_address_from_the_moment_it_is_chosen(opened):
    one = opened("?view=learn")
    one.page.get_by_text("中文").click()
    one.page.wait_for_url("**/?view=learn&lang=zh")
    one.choose("checkpoints")
    assert one.query() == {"view": "checkpoints", "lang": "zh"}
    one.page.go_back()
    assert one.page.evaluate("document.documentElement.lang") == "zh-CN"
    assert one.page.evaluate(KEPT)


def test_a_view_is_asked_for_its_address_when_it_is_opened_first(opened):
    one = opened()
    one.choose("inside")
    one.page.wait_for_selector(".inside .figure")
    assert one.query() == {"view": "inside", "lang": "en"}


def test_what_a_browser_sends_as_an_address_is_read_like_any_other_or_passed_over():
    assert dict(query_of("view=score&text=%E5%A5%BD")) == {"view": "score", "text": "好"}
    for nonsense in (None, 7, ["view=score"], "text=\ud800", "text=好", "a" * (MAX_QUERY_CHARS + 1)):
        assert dict(query_of(nonsense)) == {}


@pytest.mark.parametrize("view", VIEWS)
def test_copy_link_of_a_view_leads_to_what_it_shows(opened, view):
    one = opened()
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    one.choose(view)
    one.page.wait_for_selector(OPEN[view])
    if view == "compare":
        one.page.locator("#questions label").nth(3).click()
        one.page.wait_for_url("**preset=**")
    if view == "score":
        one.page.wait_for_selector(".score-result .verdict b")
        one.page.locator("#score-text textarea").fill("a new text & a sign")
        one.page.click("#score")
        one.page.wait_for_url("**text=a+new+text**")
    if view == "inside":
        one.page.locator("#inside-text textarea").fill("Another text, not long.")
        one.page.click("#look")
        one.page.wait_for_url("**text=Another**")
    one.page.locator("#link button").focus()
    one.page.keyboard.press("Enter")
    one.page.locator("#link").get_by_role("button", name="Copied").wait_for()
    link = one.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{one.url}?view={view}&lang=en")
    other = opened(link.removeprefix(one.url))
    assert other.page.locator(".views [aria-current]").all_text_contents() == [tr(f"tab.{view}", "en")]
    other.page.wait_for_selector(OPEN[view])
    assert other.page.locator("[role=tabpanel]:visible").count() == 1
    cards = [".model-card h3"] if view == "compare" else []  # the first view has cards though another is opened
    for shown in (*cards, ".score-result .heat", ".strip", ".inside .figure h4"):
        expected = one.page.locator(shown).all_text_contents()
        other.page.wait_for_function(
            "([shown, expected]) => JSON.stringify(expected) === JSON.stringify("
            "[...document.querySelectorAll(shown)].map((found) => found.textContent))",
            arg=[shown, expected],
        )


def test_a_text_too_long_for_an_address_is_left_out_and_the_button_says_so(opened):
    one = opened("?view=score&models=journey-gru-2")
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    one.page.wait_for_selector(".heat")
    one.page.locator("#score-text textarea").fill("好" * 4_000)
    one.page.click("#score")
    one.page.wait_for_function("() => document.querySelector('.heat')?.textContent.includes('好好')")
    one.page.locator("#link button").click()
    one.page.get_by_role("button", name="the text is too long").wait_for()
    assert one.page.evaluate("navigator.clipboard.readText()") == f"{one.url}?view=score&lang=en&models=journey-gru-2"


def test_back_brings_a_text_back_that_is_too_long_for_an_address(opened):
    one = opened("?view=score&models=journey-gru-2")
    one.page.wait_for_selector(".heat")
    one.page.locator("#score-text textarea").fill("好" * 4_000)
    one.page.click("#score")
    one.page.wait_for_function("() => document.querySelector('.heat')?.textContent.includes('好好')")
    one.settle()
    one.page.evaluate("deeprnn.address.go('?view=score&models=note-gru-2&text=the')")
    one.page.wait_for_function("() => document.querySelector('.heat')?.textContent === 'the'")
    one.page.go_back()
    one.page.wait_for_function("() => document.querySelector('.heat')?.textContent.includes('好好')")
    assert one.page.locator("#score-text textarea").input_value() == "好" * 4_000


@pytest.mark.parametrize(("view", "box"), [("score", "#score-text"), ("inside", "#inside-text")])
def test_a_link_that_names_a_model_alone_leaves_the_readers_text(opened, view, box):
    place = {"score": ".heat", "inside": ".inside .strip"}[view]
    one = opened(f"?view={view}&text=the+time+machine")
    one.page.locator(place, has_text="the time machine").wait_for()
    one.settle()
    one.page.locator(f"{box} textarea").fill("what the reader has typed")
    one.page.evaluate(f"deeprnn.address.go('?view={view}&models=note-gru-2')")
    one.page.wait_for_function(
        "(place) => document.querySelector(place)?.textContent === 'what the reader has typed'", arg=place
    )
    assert one.page.locator(f"{box} textarea").input_value() == "what the reader has typed"


def test_an_address_after_a_stop_is_written_to_its_end(opened):
    one = opened("?models=note-rnn-2&prompt=the&length=20&seed=3")
    one.page.wait_for_function("() => /finished/.test(document.querySelector('.status').textContent)")
    one.page.keyboard.press("Escape")
    one.settle()
    one.page.evaluate("deeprnn.address.go('?models=note-rnn-2&prompt=&length=2000&seed=4')")
    one.page.wait_for_function("() => document.querySelector('.model-card .text').textContent.length === 2000")
    assert one.page.locator("#prompt textarea").input_value() == "", "no prompt is a prompt too"


def test_the_address_stays_right_after_the_reader_has_looked_at_the_api(opened):
    """Gradio writes `view=api` into the address, and takes it away."""
    one = opened("?view=learn")
    one.page.get_by_role("button", name="Use via API").click()
    one.page.wait_for_url("**view=api**")
    one.page.keyboard.press("Escape")
    one.settle()
    one.problems.clear()  # gradio asks for what is switched off here
    one.page.evaluate("deeprnn.address.go('?view=checkpoints')")
    assert one.query()["view"] == "checkpoints"
    one.page.go_back()
    one.page.wait_for_selector(".learn")
    assert one.query()["view"] == "learn"
    assert one.page.evaluate(KEPT)
