"""The cost of a long text in the Score view for a browser: `python benchmarks/scoring.py`.

Starts `python app.py`, opens the page in a real Chromium, and scores 20,000 characters with six models. Prints when the
first and the last row came, the number of bytes, how long the browser's main thread worked meanwhile, and how long it
works when the map is switched to another model, and to the difference of two. The text has the letters of English in
their frequencies, drawn from a seed, so that no book is needed.
"""

import json
import random
import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from load import Server
from playwright.sync_api import CDPSession, Page, sync_playwright
from streaming import MODELS, WAIT

CHARS = 20_000
LETTERS = "etaoin shrdlu the and of to in"
SWITCHES = 5
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
ROWS = "(count) => document.querySelectorAll('.scores tr:has(.recipe) .fill').length >= count"


def text() -> str:
    """Return the text that is scored."""
    return "".join(random.Random(0).choices(LETTERS, k=CHARS))


def worked(cdp: CDPSession) -> float:
    """Return the milliseconds of CPU time that the main thread has taken so far."""
    found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(1000 * found["ThreadTime"])


def cost(page: Page, cdp: CDPSession, act: Callable[[], Any]) -> float:
    """Return the milliseconds that the main thread works from an act until its result is drawn."""
    before = worked(cdp)
    act()
    page.evaluate(DRAWN)
    return worked(cdp) - before


def measured(page: Page) -> dict[str, Any]:
    """Score the text and switch the map."""
    cdp = page.context.new_cdp_session(page)
    received: list[int] = []
    cdp.on("Network.dataReceived", lambda event: received.append(event["dataLength"]))
    cdp.send("Network.enable")
    cdp.send("Performance.enable")
    page.locator("#score-text textarea").fill(text())
    before, started = worked(cdp), time.perf_counter()
    page.click("#score")
    page.wait_for_selector(".score-result .stop")
    page.wait_for_function(ROWS, arg=1, timeout=WAIT)
    first = time.perf_counter() - started
    page.wait_for_selector(".score-result .verdict b", timeout=WAIT)
    found = {
        "seconds to the first row": round(first, 1),
        "seconds to the last row": round(time.perf_counter() - started, 1),
        "bytes": sum(received),
        "milliseconds of the main thread": round(worked(cdp) - before),
    }
    models = page.locator(".heat-controls select").first
    one = [cost(page, cdp, partial(models.select_option, str(place))) for place in range(1, SWITCHES + 1)]
    two = cost(page, cdp, page.get_by_role("button", name="A minus B").click)
    others = page.locator(".heat-controls select").last
    more = [cost(page, cdp, partial(others.select_option, str(place))) for place in range(2, SWITCHES + 1)]
    return found | {
        "milliseconds of a switch of model": [round(value) for value in one],
        "milliseconds of A minus B": [round(value) for value in (two, *more)],
        "characters drawn as elements": page.locator(".heat span").count(),
    }


def main() -> None:
    """Measure, and print one line of JSON."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.goto(f"{server.url}/?view=score&text=the&models={','.join(MODELS)}")
        page.wait_for_selector(".score-result .verdict b", timeout=WAIT)
        print(json.dumps(measured(page)))
        browser.close()


if __name__ == "__main__":
    main()
