"""What a reader learns from a character of a text, and the ways on from it and back; in Chromium."""

import math

import pytest

from deeprnn import load
from deeprnn.page.service import MAX_PROMPT_CHARS
from tests.conftest import SHIPPED
from tests.page.conftest import NOTES_WRITING

TWO = "?models=note-lstm-2,few-lstm-2"
SETTINGS = ("Temperature", "Length", "Seed")


def texts(one):
    return one.page.locator(".model-card .text").all_text_contents()


def shown(one):
    """All that a step back restores: the prompt, other controls, and what is on the cards."""
    cards = [one.page.locator(f".model-card {part}").all_text_contents() for part in (".prompt", ".text", ".foot")]
    controls = [one.page.get_by_label(name, exact=True).first.input_value() for name in SETTINGS]
    return [one.page.locator("#prompt textarea").input_value(), controls, cards]


def branch(one, at, rank):
    """Go on from a place in the first text with a character of the sheet; return it."""
    one.page.locator(".model-card").first.locator(".text span").nth(at).click()
    choice = one.page.locator(".choice").nth(rank)
    choice.wait_for()  # those of an earlier place are hidden
    char = choice.locator("b").text_content().replace("␣", " ")
    context = one.page.locator(".model-card").first.evaluate(
        "(card, at) => card.querySelector('.prompt').textContent"
        " + Array.from(card.querySelector('.text').textContent).slice(0, at).join('')",
        at,
    )
    choice.click()
    one.page.wait_for_function(
        "(prompt) => [...document.querySelectorAll('.model-card')].every((card) =>"
        " card.querySelector('.prompt').textContent === prompt && /finished/.test(card.textContent)"
        " && card.querySelector('.rote'))",
        arg=(context + char)[-MAX_PROMPT_CHARS:],
    )
    return char


def back(one):
    before = one.page.locator(".model-card .prompt").first.text_content()
    one.page.locator(".undo").click()
    one.page.wait_for_function(
        "(prompt) => document.querySelector('.prompt').textContent !== prompt"
        " && document.querySelector('.prompt').textContent === document.querySelector('#prompt textarea').value",
        arg=before,
    )


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        ("zh", "概率 {p}（惊讶度 {n} 纳特）"),
        pytest.param("en", "chance {p} (surprise {n} nats)", marks=pytest.mark.slow),
    ],
)
def test_a_mouse_and_the_keys_learn_how_probable_a_character_was(visit, lang, says):
    one = visit(f"{TWO}&lang={lang}")
    one.page.get_by_role("button", name="惊讶度" if lang == "zh" else "surprise").click()
    lm = load(SHIPPED / "few-lstm-2")
    card, tip = one.card("few-lstm-2"), one.page.locator(".tip")
    prompt, text = (card.locator(part).text_content() for part in (".prompt", ".text"))
    nats = lm.surprise(prompt, text)
    at = next(at for at, one in enumerate(nats) if 0.11 < math.exp(-one) < 0.9 and text[at] != " ")
    expected = f"{text[at]} " + says.format(p=f"{math.exp(-round(nats[at], 2)):.0%}", n=f"{nats[at]:.2f}")
    card.locator(".text span").nth(at).hover()
    assert tip.text_content() == expected
    card.locator("h3").hover()
    one.page.wait_for_function("() => !document.querySelector('.tip').textContent")
    card.locator(".out").focus()
    one.page.keyboard.press("Home")
    assert not tip.is_visible(), "the prompt is not predicted"
    for _ in range(len(prompt) + at):
        one.page.keyboard.press("ArrowRight")
    assert tip.text_content() == expected
    assert one.serious() == []
    one.page.keyboard.press("Enter")
    one.page.locator(".next-row").first.wait_for()
    assert tip.text_content() == expected
    assert one.serious() == []


def test_a_character_has_no_tip_where_nothing_is_marked(visit):
    one = visit(TWO)
    one.page.get_by_role("button", name="plain", exact=True).click()
    one.card("note-lstm-2").locator(".text span").nth(3).hover()
    assert not one.page.locator(".tip").is_visible()
    assert one.page.locator(".out [title]").count() == 0


def test_no_candidate_is_said_to_be_impossible(visit):
    one = visit("?models=note-lstm-2")
    one.card("note-lstm-2").locator(".text span").nth(12).click()
    one.page.locator(".choice").first.wait_for()
    shares = one.page.locator(".choice i").all_text_contents()
    assert "< 0.01%" in shares
    assert "0.00%" not in shares


def test_back_restores_text_prompt_and_settings_several_branches_deep(visit):
    one = visit(TWO)
    assert not one.page.locator(".undo").is_visible()
    one.generate(prompt="the time", length=40)
    levels = [shown(one)]
    chosen = [branch(one, 10, 1)]
    levels.append(shown(one))
    one.set("Seed", 3)
    chosen.append(branch(one, 20, 2))
    one.set("Seed", 11)
    levels[1][1][SETTINGS.index("Seed")] = "3"  # as it was when the second character was chosen
    for level, char in zip(reversed(levels), reversed(chosen), strict=True):
        assert f"“{char.replace(' ', '␣')}”" in one.page.locator(".undo").text_content()
        back(one)
        one.settle()
        assert shown(one) == level
    assert not one.page.locator(".undo").is_visible()
    assert one.page.evaluate("document.activeElement.className") == "out"
    one.page.click("#continue")
    one.page.wait_for_function("() => document.querySelector('.model-card .text').textContent.length === 80")
    assert texts(one)[0] == load(SHIPPED / "note-lstm-2").generate(**one.asked(), max_chars=80)


def test_back_by_the_keyboard_while_models_write_ends_them_for_good(visit):
    one = visit("?models=note-lstm-10,note-lstm-10-residual", script=NOTES_WRITING)
    one.page.wait_for_function("() => document.querySelectorAll('.model-card .rote').length === 2")
    one.set("Length", 2000)
    before = shown(one)
    one.page.locator(".model-card").first.locator(".text span").nth(10).click()
    one.page.evaluate("window.wrote = false")
    one.page.locator(".choice").nth(1).click()
    one.page.wait_for_function("() => window.wrote")
    one.page.locator(".undo").focus()
    one.page.keyboard.press("Enter")
    one.page.wait_for_function("() => !document.querySelector('.model-card.writing')")
    one.settle()
    assert shown(one) == before


def test_there_is_no_way_back_to_other_models(visit):
    one = visit(TWO)
    one.generate(prompt="the time", length=40)
    branch(one, 10, 1)
    assert one.page.locator(".undo").is_visible()
    one.page.locator(".picker").first.locator(".token-remove").last.click()
    one.card("few-lstm-2").wait_for(state="detached")
    assert not one.page.locator(".undo").is_visible()


def test_a_branch_in_a_long_text_keeps_its_end(visit):
    one = visit("?models=note-lstm-2")
    prompt = ("the time traveller " * 120)[: MAX_PROMPT_CHARS - 10]
    one.generate(prompt=prompt, length=30)
    text = texts(one)[0]
    char = branch(one, 20, 1)
    kept = one.page.locator("#prompt textarea").input_value()
    assert kept == (prompt + text[:20] + char)[-MAX_PROMPT_CHARS:]
    back(one)
    assert (one.page.locator("#prompt textarea").input_value(), texts(one)) == (prompt, [text])


@pytest.mark.parametrize("place", ["first", "last"])
def test_on_a_phone_the_sheet_does_not_cover_the_character_and_escape_returns_to_it(visit, place):
    one = visit(TWO, width=390, height=844, touch=True)
    out = getattr(one.page.locator(".out"), place)
    one.page.get_by_role("button", name="surprise").tap()
    out.locator("span[data-at]").last.tap()
    one.page.locator(".next-row").first.wait_for()
    assert "chance" in one.page.locator(".tip").text_content()
    at, sheet = one.boxes(".out .at, .next")
    assert at["bottom"] < sheet["y"]
    assert (
        one.page.evaluate(
            "Math.min(...[...document.querySelectorAll('.next *')].filter((one) => one.textContent)"
            ".map((one) => parseFloat(getComputedStyle(one).fontSize)))"
        )
        >= 12
    )
    one.page.evaluate("document.activeElement.blur()")
    one.page.keyboard.press("Escape")
    assert not one.page.locator(".next").is_visible()
    assert one.page.evaluate("document.activeElement.querySelector('.at') !== null")
