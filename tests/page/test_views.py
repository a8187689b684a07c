"""What every view keeps to, at every width: words that can be read, a page in the middle of the screen."""

import pytest

# The views that draw charts, each with what is drawn last.
DRAWN = {
    "?view=experiments": "#experiment-rote .chart",
    "?view=score&models=few-lstm-2,note-lstm-2&text=the%20time%20machine": ".running",
    "?view=inside": ".inside-model:last-child svg.chart",
    "?view=learn": "#learn-ppl .chart",
    "": ".dumbbell",
}
# The smallest words of all drawings, in pixels of the screen.
SMALLEST = """() => Math.min(...[...document.querySelectorAll('svg text, .layers .rows')]
    .filter((one) => one.getClientRects().length)
    .map((one) => {
        const size = parseFloat(getComputedStyle(one).fontSize);
        const box = one.ownerSVGElement && one.ownerSVGElement.viewBox.baseVal;
        return box && box.width ? (size * one.ownerSVGElement.getBoundingClientRect().width) / box.width : size;
    }))"""


@pytest.mark.parametrize("query", DRAWN)
def test_the_words_of_charts_are_12_pixels_or_more_in_a_window_of_any_width(visit, query):
    one = visit(query, width=1280)
    one.page.wait_for_selector(DRAWN[query])
    for width in (1280, 760, 390, 360, 1920):
        one.page.set_viewport_size({"width": width, "height": 900})
        one.page.wait_for_function(f"() => innerWidth === {width} && ({SMALLEST})() >= 11.95")
        assert one.page.locator("main").evaluate("(main) => main.getBoundingClientRect().right") <= width


@pytest.mark.parametrize("width", [1440, 1536, 1920])
def test_the_page_stands_in_the_middle(visit, width):
    one = visit(width=width)
    left, right = one.page.locator("#head").evaluate(
        "(head) => { const box = head.getBoundingClientRect();"
        " return [box.left, document.documentElement.clientWidth - box.right]; }"
    )
    assert abs(left - right) < 1


def test_a_finger_reads_every_kind_of_chart(visit):
    one = visit("?view=experiments", width=390, touch=True)
    for kind, part in (("lines", ".curve"), ("dots", ".interval"), ("matrix", ".cell")):
        figure = one.page.locator(f".figure:has(svg.chart {part})").last
        said = figure.locator(".explain")
        before = said.text_content()
        figure.locator("svg.chart").tap()
        assert said.text_content() != before, kind
        assert said.locator("b").text_content(), kind


def test_a_finger_reads_a_heat_map_as_it_moves(visit):
    one = visit("?view=score&models=few-lstm-2&text=the%20time%20machine", width=390, touch=True)
    one.page.wait_for_selector(".heat span")
    for at, letter in ((1, "h"), (5, "i")):
        one.page.locator(".heat span").nth(at).dispatch_event(
            "pointermove" if at == 5 else "pointerdown", {"pointerType": "touch"}
        )
        assert one.page.locator(".score-result .explain b").text_content() == letter
