"""A visitor's own models in a real browser: in every list of this visitor, and in no list of another one."""

import re
import signal

import pytest
from playwright.sync_api import expect

from deeprnn.page.visitor import COOKIE
from deeprnn.store.registry import private_name
from tests.conftest import SHIPPED, WAIT, wait_until
from tests.page.conftest import STARTED, Visit, choose, serving

expect.set_options(timeout=1_000 * WAIT)
ANN, BOB, CAT = "a" * 32, "b" * 32, "c" * 32
HERS, HIS, REMOVED = (private_name(letter * 16) for letter in "abc")
PLACES = {"compare": "#compare .picker", "score": "#score-models .picker", "inside": "#inside-controls"}
# Ann, Bob and Cat have a model each: shipped weights under names that only they know. A signal removes Cat's, and makes
# the file that its argument names.
SERVER = f"""
import signal
import sys
from pathlib import Path
from deeprnn.page.server.serving import address, set_gradio_environment
from deeprnn.store.registry import Registry
registry = Registry({str(SHIPPED)!r})
registry.add(Path({str(SHIPPED / "note-gru-2")!r}), {HERS!r}, visitor={ANN!r}, called="Ann's <b>text</b>")
registry.add(Path({str(SHIPPED / "few-lstm-2")!r}), {HIS!r}, visitor={BOB!r}, called="Bob's text")
registry.add(Path({str(SHIPPED / "note-rnn-2")!r}), {REMOVED!r}, visitor={CAT!r}, called="Cat's text")
signal.signal(signal.SIGUSR1, lambda *_: (registry.remove({REMOVED!r}), Path(sys.argv[1]).touch()))
where = address("127.0.0.1")
set_gradio_environment()
from deeprnn.page.app import launch
launch(registry, **where)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The process of a server that has models of three visitors, its address, and the file that says Cat's was removed.

    No name that is a key is logged.
    """
    folder = tmp_path_factory.mktemp("served")
    removed = folder / "removed"
    with serving(["-c", SERVER, str(removed)], folder / "log", "mine-") as (process, url):
        yield process, url, removed


@pytest.fixture
def visits(chromium, served):
    """Open the page as a visitor: `visits(ANN, "?view=score")`; nothing may be said in the console."""
    contexts, opened = [], []

    def start(visitor, query=""):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        context.set_default_timeout(1_000 * WAIT)
        if visitor:
            context.add_cookies([{"name": COOKIE, "value": visitor, "url": served[1]}])
        contexts.append(context)
        one = Visit(context.new_page(), served[1])
        one.page.goto(served[1] + query)
        one.page.wait_for_function(STARTED)
        one.settle()
        opened.append(one)
        return one.page

    yield start
    for context in contexts:
        context.close()
    assert [one.problems for one in opened] == [[] for _ in opened]


def offered(page, place):
    """What the list of models at a place of the page offers."""
    page.locator(f"{place} input").first.click()
    page.locator(f"{place} ul li").first.wait_for()
    found = [one.strip("✓ \n") for one in page.locator(f"{place} ul li").all_inner_texts()]
    page.locator(f"{place} input").first.press("Escape")
    return found


def own(titles):
    return [title for title in titles if title.startswith(("Yours: ", "我的："))]


def test_own_models_are_first_in_every_list_of_their_visitor_and_in_no_list_of_others(visits):
    for visitor, expected in ((ANN, ["Yours: GRU × 2 · Ann's <b>text</b>"]), (None, []), (ANN[::-1] + "x", [])):
        page = visits(visitor)
        for view, place in PLACES.items():
            choose(page, view)
            titles = offered(page, place)
            assert (own(titles), titles[: len(expected)]) == (expected, expected)
        content = page.content()
        assert not any(secret in content for secret in (HIS, REMOVED, "Bob", "Cat"))


def test_an_own_model_writes_is_scored_looked_into_and_linked_to_like_any_other(visits):
    page = visits(ANN, f"?models={HERS},note-lstm-2&prompt=the%20time&seed=3&length=40")
    status = page.locator(f".model-card[data-model='{HERS}'] .status")
    expect(status).to_contain_text("finished")
    assert page.locator(f".model-card[data-model='{HERS}'] h3").inner_text() == "GRU × 2 · Ann's <b>text</b>"
    tokens = page.locator("#compare .picker .token")
    expect(tokens.first).to_have_text(re.compile("^\\s*Yours: GRU × 2 · Ann's <b>text</b>\\s*$"))
    page.get_by_label("中文").click()
    expect(tokens.first).to_have_text(re.compile("^\\s*我的："))
    page.goto(f"{page.url.partition('?')[0]}?view=score&lang=en&text=the%20time%20traveller&models={HERS}")
    expect(page.locator("#scores")).to_contain_text("GRU × 2 · Ann's <b>text</b>")
    page.goto(f"{page.url.partition('?')[0]}?view=inside&lang=en&models={HERS}")
    expect(page.locator("#inside .headline")).to_contain_text("Ann's <b>text</b>")
    page.locator("#look").click()
    expect(page.locator("#inside-controls input").first).to_have_value("Yours: GRU × 2 · Ann's <b>text</b>")


def test_one_that_is_removed_leaves_the_choice_and_a_link_to_it_says_that_it_is_gone(visits, served):
    page = visits(CAT, f"?models={REMOVED},note-lstm-2")
    expect(page.locator(".model-card")).to_have_count(2)
    expect(page.locator("#compare .picker .token")).to_have_count(2)
    process, _, removed = served
    process.send_signal(signal.SIGUSR1)
    wait_until(removed.exists)
    page.evaluate("() => globalThis.deeprnn.own.refresh()")
    expect(page.locator("#compare .picker .token")).to_have_count(1)
    expect(page.locator(".model-card")).to_have_count(1)
    assert own(offered(page, PLACES["compare"])) == []
    page = visits(CAT, f"?lang=zh&models={REMOVED},note-lstm-2")
    expect(page.locator(".toast-body")).to_contain_text("这个模型由访客在本页训练，现已删除。")
    expect(page.locator(".model-card")).to_have_count(1)


def test_who_was_sent_the_name_can_use_it(visits):
    page = visits(None, f"?models={HERS},note-lstm-2")
    expect(page.locator(".model-card")).to_have_count(2)
    expect(page.locator("#compare .picker .token")).to_have_count(2)
    titles = offered(page, PLACES["compare"])
    assert (titles[0], own(titles)) == ("GRU × 2 · Ann's <b>text</b>", [])
    assert not any("Bob" in title for title in titles)
