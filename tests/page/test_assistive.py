"""What a reader with a keyboard, a screen reader or weak eyes needs, and axe-core cannot see."""

import re

import pytest

from tests.page.conftest import FRAMES, RUNS

FOCUSED = "(selector) => document.activeElement.matches(selector)"
HEARD = "[role=status].heard"
NAMED = "() => [...document.querySelectorAll('fieldset')].map((group) => [group.ariaLabel, group.innerText])"
# Elements as the page makes them, at their strongest, each with the colour of what is written on it.
PAINTED = """
<div class="heat"><span class="h12" data-ink="--ink">a</span><span class="h12 less" data-ink="--ink">a</span></div>
<div data-lens="surprise"><p class="text"><span style="--heat: 1" data-ink="--ink">a</span></p></div>
<button class="choice" style="--p: 1" data-ink="--soft">a</button>
<button class="letter" style="--p: 1" data-ink="--soft">a</button>
<svg class="chart"><rect class="cell" style="--heat: 1" data-ink="--ink"></rect></svg>
"""
COLOURS = """(painted) => {
    const root = document.querySelector('.gradio-container');
    const made = document.createElement('div');
    made.innerHTML = painted;
    root.append(made);
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
    const named = (name) => {
        made.style.color = `var(${name})`;
        return numbers(getComputedStyle(made).color).slice(0, 3);
    };
    const card = named('--card');
    const over = ([r, g, b, alpha = 1]) => [r, g, b].map((one, at) => alpha * one + (1 - alpha) * card[at]);
    const behind = (one) => {
        const { backgroundColor, backgroundImage, fill, fillOpacity } = getComputedStyle(one);
        if (one.matches('.cell')) return over([...numbers(fill), Number(fillOpacity)]);
        const [first] = backgroundImage.match(/rgba?\\([^)]*\\)/) ?? [backgroundColor];
        return over(numbers(first));
    };
    const text = [...made.querySelectorAll('[data-ink]')].map((one) => [named(one.dataset.ink), behind(one)]);
    const edges = ['--card', '--paper'].map((ground) => [named('--edge'), named(ground)]);
    made.remove();
    return { text, edges };
}"""


def contrast(one, other):
    """The contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""

    def light(colour):
        shares = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


def is_focused(one, selector):
    one.page.wait_for_function(FOCUSED, arg=selector)


def test_the_focus_goes_where_a_link_leads(visit):
    one = visit("?view=experiments")
    one.page.locator(".experiments .contents a").nth(3).press("Enter")
    is_focused(one, "section:nth-of-type(4) > h2")
    one.page.locator(".experiment .see").first.press("Enter")
    one.page.locator(".model-card").first.wait_for()
    is_focused(one, ".view-compare")
    one.page.go_back()
    is_focused(one, ".view-experiments, .view-experiments h2")
    one.choose("learn")
    one.page.evaluate(FRAMES)
    assert one.page.evaluate(FOCUSED, ".views a"), "the links to the views stay where they are, and so does the focus"
    one.choose("experiments")
    one.page.evaluate(FRAMES)
    one.page.evaluate(FRAMES)
    assert one.page.evaluate(FOCUSED, ".views a"), "also of a view that was left at a question"
    one.choose("learn")
    one.page.locator(".learn .contents a").nth(1).press("Enter")
    is_focused(one, "section:nth-of-type(2) > h2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_coloured_can_be_read_and_what_is_filled_in_has_an_edge(visit, scheme):
    found = visit(scheme=scheme).page.evaluate(COLOURS, PAINTED)
    assert len(found["text"]) == 6
    assert min(contrast(*pair) for pair in found["text"]) >= 4.5
    assert min(contrast(*pair) for pair in found["edges"]) >= 3


def test_every_group_of_choices_has_the_name_that_is_beside_it(visit):
    one = visit("?lang=zh")
    groups = one.page.evaluate(NAMED)
    assert len(groups) >= 2
    assert all(name and name in said for name, said in groups)
    assert all(re.search("[一-鿿]", name) for name, _ in groups), "in the page's language"


def test_a_text_has_the_language_in_which_it_is_written(visit):
    one = visit("?models=journey-gru-2,note-lstm-2&lang=en")
    languages = one.page.locator(".model-card .text").evaluate_all("(texts) => texts.map((text) => text.lang)")
    assert languages == ["zh-CN", "en"]
    said = one.page.locator("#language label span").evaluate_all("(all) => all.map((one) => [one.innerText, one.lang])")
    assert ["中文", "zh-CN"] in said
    assert ["English", "en"] in said


def test_screen_readers_hear_that_a_text_was_written_and_a_text_was_scored(visit):
    one = visit("?models=note-lstm-2,note-gru-2")
    heard = one.page.locator(f"#board {HEARD}")
    assert heard.text_content() == "", "recordings are there from the start"
    one.generate(length=20)
    one.page.wait_for_function(
        "(heard) => /finished.*finished/.test(document.querySelector(heard).textContent)", arg=f"#board {HEARD}"
    )
    title = one.page.locator(".model-card h3 span").last.text_content()
    assert title in heard.text_content()

    one = visit("?view=score&models=note-lstm-2,note-gru-2&text=the+time+traveller")
    one.page.wait_for_function(f"() => !document.querySelector('{RUNS}')")
    verdict = one.page.locator(".verdict-place .verdict")
    one.page.wait_for_function("(heard) => document.querySelector(heard).textContent", arg=f"#scores {HEARD}")
    assert one.page.locator(f"#scores {HEARD}").text_content() == verdict.text_content()
    one.page.locator("#score-text textarea").fill("another text")
    stale = one.page.locator(".outdated")
    stale.wait_for()
    assert one.page.locator(f"#scores {HEARD}").text_content() == stale.text_content()
    assert one.page.locator(".score-columns").evaluate("(old) => getComputedStyle(old).opacity") == "1", "still text"


def test_inside_says_what_came_and_then_only_what_changes(visit):
    one = visit("?view=inside")
    one.page.locator(".inside svg.chart").first.wait_for()
    headline = one.page.locator(".inside .headline").text_content()
    assert one.page.locator(f"#inside {HEARD}").text_content().startswith(headline)
    said = one.page.locator(".inside [aria-live] ")
    one.page.locator(".inside .strip").focus()
    before = said.text_content()
    one.page.keyboard.press("ArrowRight")
    assert said.text_content() != before
    assert one.page.locator(".inside .explain").first.text_content().startswith(said.text_content())
    assert len(said.text_content()) < 120, "not the hint anew with each character"


def test_a_chart_of_lines_is_a_slider_that_says_its_values(visit):
    one = visit("?view=experiments")
    chart = one.page.locator("svg.chart[role=slider]").first
    chart.scroll_into_view_if_needed()
    chart.focus()
    most = chart.get_attribute("aria-valuemax")
    assert chart.get_attribute("aria-valuenow") == most
    one.page.keyboard.press("ArrowLeft")
    assert int(chart.get_attribute("aria-valuenow")) == int(most) - 1
    one.page.keyboard.press("Home")
    assert chart.get_attribute("aria-valuenow") == "0"
    figure = one.page.locator(".figure:has(svg.chart[role=slider])").first
    said = chart.get_attribute("aria-valuetext")
    for value in figure.locator(".legend .value").all_text_contents():
        assert value in said
    one.page.keyboard.press("End")
    assert chart.get_attribute("aria-valuenow") == most
    assert chart.get_attribute("aria-label")


def test_watch_obeys_its_keys_when_a_link_has_led_to_it(visit):
    one = visit("?view=experiments")
    one.page.evaluate(
        """() => {
            const link = document.createElement('a');
            link.href = '?view=watch&question=rote';
            link.textContent = 'see';
            document.querySelector('.experiments').prepend(link);
        }"""
    )
    one.page.get_by_role("link", name="see", exact=True).press("Enter")
    one.page.locator(".learner").first.wait_for()
    is_focused(one, ".view-watch")
    one.page.get_by_role("button", name="Pause").wait_for()
    one.page.keyboard.press("Space")
    one.page.get_by_role("button", name="Play").wait_for()
