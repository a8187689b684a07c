"""The next letters under the prompt: what is asked and drawn while the reader types; in Chromium."""

import json

import pytest

from deeprnn.page import service
from deeprnn.page.compare import beside

TWO = "?models=note-lstm-2,few-lstm-2"
PROMPT = "#prompt textarea"
LETTERS = 6
READ = 160
PAUSE = 170  # milliseconds after the last key
# Notes requests for next letters and ends of pauses; while `holding`, answers wait until the test releases them; while
# there are `pauses`, none ends by itself.
HELD = """
window.held = []; window.asked = []; window.begun = window.ended = 0; window.pauses = null;
const later = window.setTimeout, never = window.clearTimeout;
window.setTimeout = (call, milliseconds, ...values) => {
  if (milliseconds !== PAUSE) return later(call, milliseconds, ...values);
  window.begun++;
  const end = () => { call(); window.ended++; };
  const pause = later(window.pauses ? () => {} : end, milliseconds);
  window.pauses?.set(pause, end);
  return pause;
};
window.clearTimeout = (timer) => { window.pauses?.delete(timer); never(timer); };
const send = window.fetch;
window.fetch = async (...sent) => {
  const body = typeof sent[1]?.body === 'string' ? sent[1].body : '';
  const isLive = body.includes('next_chars') && 'k' in (JSON.parse(body).data ?? {});
  if (isLive) window.asked.push(JSON.parse(body).data.context);
  const answer = await send(...sent);
  if (isLive && window.holding) await new Promise((release) => window.held.push(release));
  return answer;
};
""".replace("PAUSE", str(PAUSE))


@pytest.fixture
def typing(visit):
    """Open a page whose prompt is empty and has the focus."""

    def start(query=TWO, **options):
        one = visit(query, script=HELD, **options)
        one.settle()
        one.page.locator(PROMPT).fill("")
        return one

    return start


def expected(registry, context, models=("note-lstm-2", "few-lstm-2")):
    answers = service.next_char(registry, prompt=context, models=list(models), k=LETTERS)
    return [[one["char"].replace(" ", "␣").replace("\n", "↵") for one in answer["candidates"]] for answer in answers]


def shown(one):
    """The letters of each model in the strip."""
    return one.page.evaluate(
        "() => [...document.querySelectorAll('.live-row')].map((row) =>"
        " [...row.querySelectorAll('b')].map((letter) => letter.textContent))"
    )


def wait_for_letters(one, letters):
    one.page.wait_for_function(
        "(letters) => JSON.stringify([...document.querySelectorAll('.live:not([hidden], .old) .live-row')].map((row) =>"
        " [...row.querySelectorAll('b')].map((letter) => letter.textContent))) === letters",
        arg=json.dumps(letters, ensure_ascii=False, separators=(",", ":")),
    )


def asked(one):
    return one.page.evaluate("window.asked")


def test_an_opened_page_asks_for_no_letters_until_the_prompt_has_the_focus(visit, registry):
    one = visit(TWO, script=HELD)
    one.settle()
    assert asked(one) == []
    assert not one.page.locator(".live").is_visible()
    one.page.locator(PROMPT).focus()
    wait_for_letters(one, expected(registry, one.page.locator(PROMPT).input_value()))
    assert len(asked(one)) == 1


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_typing_shows_every_models_next_letters_and_moves_nothing(typing, registry, lang):
    one = typing(f"{TWO}&lang={lang}")
    one.page.evaluate(
        "() => { window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) =>"
        " (window.moved += entry.value))).observe({ type: 'layout-shift', buffered: false }); }"
    )
    one.page.keyboard.type("the ti")
    wait_for_letters(one, expected(registry, "the ti"))
    titles = one.page.locator(".live-row .who").all_text_contents()
    assert titles == one.page.locator(".model-card h3 span:last-child").all_text_contents()
    shares = one.page.locator(".live-row i").all_text_contents()
    assert all(share.endswith("%") for share in shares)
    assert one.page.locator(".letter").first.get_attribute("aria-label") == f"m {shares[0]}"
    assert one.page.evaluate("window.moved") == 0
    assert one.serious() == []


def test_fast_typing_asks_once_about_the_last_text(typing, registry):
    one = typing()
    wait_for_letters(one, expected(registry, ""))
    before = len(asked(one))
    text = "the time traveller for so it w"
    one.page.evaluate("window.pauses = new Map()")
    one.page.keyboard.type(text)
    assert one.page.evaluate("window.pauses.size") == 1, "each key ends the pause that the one before has begun"
    assert len(asked(one)) == before
    one.page.evaluate("window.pauses.forEach((end) => end())")
    wait_for_letters(one, expected(registry, text))
    assert asked(one)[before:] == [text]


def test_a_late_answer_is_not_drawn_and_one_request_is_under_way_at_a_time(typing, registry):
    one = typing()
    wait_for_letters(one, expected(registry, ""))
    one.page.evaluate(
        "() => { window.holding = true; window.drawn = [];"
        " new MutationObserver(() => window.drawn.push(document.querySelector('.live b')?.textContent))"
        "   .observe(document.querySelector('.live'), { childList: true }); }"
    )
    for text in ("q", "z", "th"):
        ended = one.page.evaluate("window.ended")
        one.page.locator(PROMPT).fill(text)
        one.page.wait_for_function("(count) => window.ended > count", arg=ended)
    assert asked(one)[-1] == "q"
    one.page.evaluate("() => { window.holding = false; window.held.forEach((release) => release()); }")
    wait_for_letters(one, expected(registry, "th"))
    assert asked(one)[-2:] == ["q", "th"]
    assert one.page.evaluate("window.drawn") == [expected(registry, "th")[0][0]]


@pytest.mark.parametrize("how", ["generate", "leave", "escape"])
def test_an_answer_after_generate_another_view_or_escape_is_not_drawn(typing, how):
    one = typing()
    one.page.locator(".live-row").first.wait_for()
    one.page.evaluate("window.holding = true")
    one.page.keyboard.type("th")
    one.page.wait_for_function("() => window.held.length > 0")
    if how == "generate":
        one.page.click("#generate")
    elif how == "leave":
        one.choose("score")
    else:
        one.page.keyboard.press("Escape")
    one.page.locator(".live").wait_for(state="hidden")
    one.page.evaluate("() => { window.holding = false; window.held.forEach((release) => release()); }")
    one.settle()
    assert not one.page.locator(".live").is_visible()


def test_a_letter_is_added_by_a_click_or_by_keys_as_if_it_were_typed(typing, registry):
    one = typing()
    one.page.keyboard.type("the tim")
    wait_for_letters(one, expected(registry, "the tim"))
    one.page.locator(".letter").first.click()
    assert one.page.locator(PROMPT).input_value() == "the time"
    wait_for_letters(one, expected(registry, "the time"))
    assert one.page.evaluate("document.activeElement.matches('#prompt textarea')")
    one.page.locator(".letter").first.focus()
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("ArrowRight")
    added = expected(registry, "the time")[1][1].replace("␣", " ")
    one.page.keyboard.press("Enter")
    wait_for_letters(one, expected(registry, "the time" + added))
    assert one.page.locator(PROMPT).input_value() == "the time" + added
    assert one.page.evaluate("document.activeElement.className") == "letter"
    assert one.page.locator(".letter[tabindex='0']").count() == 1


def test_only_the_end_of_a_long_prompt_is_read_and_the_strip_says_so(typing, registry):
    one = typing()
    long = "机𝄞" + "the time traveller " * 20
    one.page.locator(PROMPT).fill(long)
    wait_for_letters(one, expected(registry, long[-READ:]))
    assert asked(one)[-1] == long[-READ:]
    assert f"last {READ} characters" in one.page.locator(".live-hint").text_content()


def test_a_text_that_is_being_composed_is_not_asked_about(typing):
    one = typing()
    one.page.locator(".live-row").first.wait_for()
    begun, before = one.page.evaluate("window.begun"), len(asked(one))
    one.page.evaluate(
        "(place) => { const prompt = document.querySelector(place);"
        " prompt.dispatchEvent(new CompositionEvent('compositionstart'));"
        " prompt.value = 'ni'; prompt.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing: true })); }",
        PROMPT,
    )
    assert one.page.evaluate("window.begun") == begun
    one.page.evaluate(
        "(place) => { const prompt = document.querySelector(place); prompt.value = '你';"
        " prompt.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true })); }",
        PROMPT,
    )
    one.page.wait_for_function("(count) => window.asked.length > count", arg=before)
    assert asked(one)[-1] == "你"


def test_as_many_letters_are_answered_as_are_asked_for(registry):
    for k, count in ((LETTERS, LETTERS), (None, 10)):
        ask = {"context": "the", "models": ["note-rnn-2"]} | ({"k": k} if k else {})
        (row,) = beside.next_chars(registry, ask)["rows"]
        assert len(row["candidates"]) == count
    refused = beside.served(registry, beside.next_chars)({"context": "the", "models": ["note-rnn-2"], "k": 10**9})
    assert "error" in refused
