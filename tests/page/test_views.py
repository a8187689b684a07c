"""What every view keeps to, at every width: words that can be read, a page in the middle of the screen."""

import html
import re

import httpx
import pytest

from deeprnn import __version__
from deeprnn.page.links import VIEWS
from deeprnn.page.server.spoken import CODES
from deeprnn.page.shared.theme import ICON, PICTURE
from deeprnn.page.words import tr
from tests.conftest import wait_until

LICENCE = "https://www.apache.org/licenses/LICENSE-2.0"
# The views that draw charts, each with what is drawn last.
DRAWN = {
    "?view=experiments": "#experiment-rote .chart",
    "?view=score&models=few-lstm-2,note-lstm-2&text=the%20time%20machine": ".running",
    "?view=inside": ".inside svg.chart",
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
    if not query:
        one.page.locator(".facts summary").first.click()
    one.page.wait_for_selector(DRAWN[query])
    for width in (1280, 760, 390, 360, 1920):
        one.page.set_viewport_size({"width": width, "height": 900})
        one.page.wait_for_function(f"() => innerWidth === {width} && ({SMALLEST})() >= 11.95")
        assert one.page.locator("main").evaluate("(main) => main.getBoundingClientRect().right") <= width


def test_the_page_stands_in_the_middle(visit):
    one = visit(width=1440)
    for width in (1440, 1536, 1920):
        one.resize(width)
        left, right = one.page.locator("#head").evaluate(
            "(head) => { const box = head.getBoundingClientRect();"
            " return [box.left, document.documentElement.clientWidth - box.right]; }"
        )
        assert abs(left - right) < 1, width


# Where the open view begins, where the links to views end, and whether each link is inside the window.
FRAME = """() => {
    const links = [...document.querySelectorAll('.views a')].map((link) => link.getBoundingClientRect());
    const view = [...document.querySelectorAll('[role=tabpanel]')].find((panel) => panel.offsetParent);
    return {
        begins: view.getBoundingClientRect().top,
        rows: new Set(links.map((box) => box.top)).size,
        inside: links.every((box) => box.left >= 0 && box.right <= innerWidth),
        links: links.length,
    };
}"""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_head_is_low_and_all_views_can_be_seen_in_it(visit, lang):
    one = visit(f"?lang={lang}")
    for width, height, begins, rows in (
        (1440, 900, 130, 1),
        (1280, 720, 130, 1),
        (390, 844, 215, 2),
        (360, 780, 240, 2),
    ):
        one.resize(width, height)
        frame = one.page.evaluate(FRAME)
        assert frame["begins"] <= begins, width
        assert frame["rows"] <= rows, width
        assert frame["inside"], width
        assert frame["links"] == len(VIEWS), width
        answer = one.page.locator("#answer p").evaluate(
            "(said) => said.getBoundingClientRect().height / parseFloat(getComputedStyle(said).lineHeight)"
        )
        assert round(answer) <= (1 if width > 1000 else 3), width


@pytest.mark.parametrize(
    ("lang", "chapter"),
    [("zh", "https://zh.d2l.ai/"), pytest.param("en", "https://d2l.ai/", marks=pytest.mark.slow)],
)
def test_the_foot_says_what_this_is_and_leads_to_the_chapter_and_the_licence(visit, lang, chapter):
    one = visit(f"?view=learn&lang={lang}")
    foot = one.page.locator(".foot")
    addresses = foot.locator("a").evaluate_all("(links) => links.map((link) => link.href)")
    assert addresses == [f"{chapter}chapter_recurrent-modern/deep-rnn.html", LICENCE]
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    foot.locator("summary").click()
    foot.get_by_role("button").click()
    foot.get_by_role("button", name=tr("link_copied", lang)).wait_for()
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@software{deeprnn,")
    assert tr("head.title", lang) in copied
    assert __version__ in copied
    assert one.page.locator("footer").get_by_role("button").count() == 1, "the API"
    assert one.page.locator("footer .divider:visible").count() == 0
    assert one.serious() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_head_of_the_document_describes_the_page_in_its_language(url, lang):
    sent = httpx.get(f"{url}?lang={lang}").text
    title, answer = html.escape(tr("head.title", lang)), html.escape(tr("head.answer", lang))
    assert re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', sent) == [
        ("title", title),
        ("description", answer),
        ("type", "website"),
        ("image", f"{url}preview.png"),
    ]
    assert f'<meta name="description" content="{answer}"' in sent
    assert f'<html\n\tlang="{CODES[lang]}"' in sent
    assert re.findall("<title>(.*?)</title>", sent) == [title]
    assert "twitter:" not in sent


def test_all_of_a_long_text_is_printed(visit):
    one = visit("?models=note-rnn-2,note-gru-2,few-lstm-2&prompt=the&length=2000&seed=3", width=1440)
    one.page.wait_for_function(
        "() => [...document.querySelectorAll('.status')].every((one) => /finished/.test(one.textContent))"
    )
    out = one.page.locator(".model-card .out").first
    cut = "(out) => out.scrollHeight - out.clientHeight"
    assert out.evaluate(cut) > 100
    one.page.emulate_media(media="print")
    assert out.evaluate(cut) <= 1


def test_the_page_has_its_own_icon(url):
    icon = httpx.get(f"{url}favicon.ico")
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert icon.text == ICON.read_text("utf-8")


def test_a_preview_has_a_small_picture_and_no_address_becomes_html(url):
    picture = httpx.get(f"{url}preview.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content == PICTURE.read_bytes()
    assert len(picture.content) < 40_000
    for odd in ({"host": '"><b>'}, {"x-forwarded-host": '"><b>'}):
        assert "<b>" not in httpx.get(url, headers=odd).text
    assert "<b>" not in httpx.get(f'{url}?"><b>').text


def test_a_finger_reads_every_kind_of_chart(visit):
    one = visit("?view=experiments", width=390, touch=True)
    for kind, part in (("lines", ".curve"), ("dots", ".interval"), ("matrix", ".cell")):
        figure = one.page.locator(f".figure:has(svg.chart {part})").last
        said = figure.locator(".explain")
        before = said.text_content()
        figure.locator("svg.chart").tap()
        said.locator("b", has_text=re.compile(r"\S")).wait_for()
        wait_until(lambda said=said, before=before: said.text_content() != before, lambda kind=kind: kind)


def test_a_finger_reads_a_heat_map_as_it_moves(visit):
    one = visit("?view=score&models=few-lstm-2&text=the%20time%20machine", width=390, touch=True)
    one.page.wait_for_selector(".heat span")
    for at, letter in ((1, "h"), (5, "i")):
        one.page.locator(".heat span").nth(at).dispatch_event(
            "pointermove" if at == 5 else "pointerdown", {"pointerType": "touch"}
        )
        assert one.page.locator(".score-result .explain b").text_content() == letter
