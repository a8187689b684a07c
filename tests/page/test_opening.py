"""How a page opens, whichever view its address names: nothing moves, and no other view is seen."""

import pytest

from deeprnn.page.links import VIEWS
from deeprnn.page.words import tr
from tests.page.conftest import FRAMES

GOOD = 0.1  # the most that web.dev's Core Web Vitals call a good sum of layout shifts
# Adds up the layout shifts, and keeps the classes of each panel that is seen in any frame.
WATCH = """
    window.shift = 0;
    window.panels = new Set();
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
        .observe({ type: 'layout-shift', buffered: true });
    const look = () => {
        for (const panel of document.querySelectorAll('[role=tabpanel]')) {
            const isSeen = panel.getClientRects().length && panel.textContent.trim();
            if (isSeen) window.panels.add(panel.className.match(/view-(\\w+)/)[1]);
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""


def opened(visit, view, **options):
    """Open a view, and wait until all of it is drawn."""
    one = visit(f"?view={view}&lang={options.pop('lang', 'en')}", script=WATCH, **options)
    one.page.wait_for_function("(view) => window.panels.has(view)", arg=view)
    one.settle()
    one.page.evaluate(FRAMES)
    return one


DESK, PHONE = {"width": 1440, "height": 900, "lang": "en"}, {"width": 390, "height": 844, "lang": "zh"}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("where", [PHONE, pytest.param(DESK, marks=pytest.mark.slow)], ids=["phone", "desk"])
def test_nothing_moves_while_a_view_opens_and_no_other_view_is_seen(visit, view, where):
    one = opened(visit, view, **where)
    assert one.page.evaluate("window.shift") < GOOD
    assert one.page.evaluate("[...window.panels]") == [view]


def test_an_address_that_names_no_view_that_there_is_opens_the_first(visit):
    one = visit("?view=none", script=WATCH)
    one.page.wait_for_selector(".model-card")
    assert one.page.locator(".views [aria-current]").text_content() == tr(f"tab.{VIEWS[0]}", "en")


def test_the_title_of_the_document_begins_with_the_view_in_the_readers_language(visit):
    one = opened(visit, "learn")
    title = {lang: tr("head.title", lang) for lang in ("en", "zh")}
    assert one.page.title() == f"{tr('tab.learn', 'en')} · {title['en']}"
    one.choose("score")
    one.page.wait_for_function("(title) => document.title === title", arg=f"{tr('tab.score', 'en')} · {title['en']}")
    one.page.get_by_text("中文", exact=True).click()
    one.page.wait_for_function("(title) => document.title === title", arg=f"{tr('tab.score', 'zh')} · {title['zh']}")
    one.page.go_back()
    one.page.wait_for_function("(title) => document.title === title", arg=f"{tr('tab.learn', 'zh')} · {title['zh']}")


def test_a_fold_says_whether_it_is_open(visit):
    one = visit()
    fold = one.page.locator("#settings > .label-wrap")
    for is_open in ("false", "true", "false"):
        one.page.wait_for_function(
            "(is) => document.querySelector('#settings > .label-wrap').ariaExpanded === is", arg=is_open
        )
        fold.click()
