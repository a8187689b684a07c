"""What a reader has typed stays when the page is loaded again, as gradio does after a lost connection."""

from tests.page.training.test_view import TEXT

TYPED = "A sentence that nobody has sent yet."
BOXES = {"compare": "#prompt textarea", "score": "#score-text textarea", "inside": "#inside-text textarea"}


def test_what_is_typed_in_every_view_is_there_after_a_reload(visit):
    one = visit()
    for view, box in BOXES.items():
        one.choose(view)
        one.page.locator(box).fill(f"{TYPED} {view}")
    one.choose("training")
    one.page.locator(".bring textarea").fill(TEXT)
    one.page.locator(".choices-part select").first.select_option("rnn")
    one.page.locator(".go:enabled").wait_for()
    one.settle()
    one.page.reload()
    one.page.locator(".ready code", has_text="--cell rnn").wait_for()
    assert one.page.locator(".bring textarea").input_value() == TEXT
    for view, box in BOXES.items():
        one.choose(view)
        one.page.wait_for_function(
            "([box, typed]) => document.querySelector(box)?.value === typed", arg=[box, f"{TYPED} {view}"]
        )


def test_what_is_typed_is_there_for_who_comes_back_from_another_page(visit):
    one = visit()
    one.choose("score")
    one.page.locator(BOXES["score"]).fill(TYPED)
    one.settle()
    one.page.goto("about:blank")
    one.page.go_back()
    one.page.wait_for_function(
        "([box, typed]) => document.querySelector(box)?.value === typed", arg=[BOXES["score"], TYPED]
    )


def test_a_draft_is_not_what_a_link_writes_and_not_there_for_who_comes_anew(visit):
    one = visit("?models=few-lstm-2&prompt=the%20&length=20&seed=3")
    one.page.locator(".model-card .status", has_text="finished").wait_for()
    written = one.card("few-lstm-2").locator(".text").text_content()
    one.page.locator("#prompt textarea").fill(TYPED)
    one.page.reload()
    one.page.wait_for_function("(typed) => document.querySelector('#prompt textarea')?.value === typed", arg=TYPED)
    one.page.locator(".model-card .status", has_text="finished").wait_for()
    assert one.card("few-lstm-2").locator(".text").text_content() == written
    assert one.card("few-lstm-2").locator(".prompt").text_content() == "the "
    one.page.goto(one.url)
    one.page.wait_for_selector(".model-card")
    one.settle()
    assert one.page.locator("#prompt textarea").input_value() != TYPED
