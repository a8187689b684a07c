"""The cost of a long text in the Score view for a browser: `python benchmarks/scoring.py`.

Starts `python app.py`, opens the page in a real Chromium, and scores 20,000 characters with six models. Prints when the
first and the last row came, the number of bytes, how long the browser's main thread worked meanwhile, and how long it
works when the map is switched to another model, and to the difference of two. The text has the letters of English in
their frequencies, drawn from a seed, so that no book is needed.
"""

import json
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from browser import WAIT, Meter, chromium
from load import Server
from playwright.sync_api import Page
from streaming import MODELS

CHARS = 20_000
LETTERS = "etaoin shrdlu the and of to in"
SWITCHES = 5
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
ROWS = "(count) => document.querySelectorAll('.scores tr:has(.recipe) .fill').length >= count"


def text() -> str:
    """Return the text that is scored."""
    return "".join(random.Random(0).choices(LETTERS, k=CHARS))


def worked(meter: Meter) -> float:
    """Return the milliseconds of CPU time that the main thread has taken so far."""
    (seconds,) = meter.seconds("ThreadTime")
    return 1000 * seconds


def cost(page: Page, meter: Meter, act: Callable[[], Any]) -> float:
    """Return the milliseconds that the main thread works from an act until its result is drawn."""
    before = worked(meter)
    act()
    page.evaluate(DRAWN)
    return worked(meter) - before


def measured(page: Page) -> dict[str, Any]:
    """Score the text and switch the map."""
    meter = Meter(page)
    page.locator("#score-text textarea").fill(text())
    before, started = worked(meter), time.perf_counter()
    page.click("#score")
    page.wait_for_selector(".score-result .stop")
    page.wait_for_function(ROWS, arg=1, timeout=WAIT)
    first = time.perf_counter() - started
    page.wait_for_selector(".score-result .verdict b", timeout=WAIT)
    found = {
        "seconds to the first row": round(first, 1),
        "seconds to the last row": round(time.perf_counter() - started, 1),
        "bytes": sum(meter.parts),
        "milliseconds of the main thread": round(worked(meter) - before),
    }
    models = page.locator(".heat-controls select").first
    one = [cost(page, meter, partial(models.select_option, str(place))) for place in range(1, SWITCHES + 1)]
    two = cost(page, meter, page.get_by_role("button", name="A minus B").click)
    others = page.locator(".heat-controls select").last
    more = [cost(page, meter, partial(others.select_option, str(place))) for place in range(2, SWITCHES + 1)]
    return found | {
        "milliseconds of a switch of model": [round(value) for value in one],
        "milliseconds of A minus B": [round(value) for value in (two, *more)],
        "characters drawn as elements": page.locator(".heat span").count(),
    }


def main() -> None:
    """Measure, and print one line of JSON."""
    with Server() as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.goto(f"{server.url}/?view=score&text=the&models={','.join(MODELS)}")
        page.wait_for_selector(".score-result .verdict b", timeout=WAIT)
        print(json.dumps(measured(page)))


if __name__ == "__main__":
    main()
