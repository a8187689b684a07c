"""The cost of streaming for a browser: `python benchmarks/streaming.py`.

Starts `python app.py`, opens the page in a real Chromium, lets six models generate 2,000 characters each, and prints
the number of updates, the number of bytes, and how long the browser's main thread worked. Then it stops a second run,
and prints how long the shown texts still changed after the click.
"""

import json
import time
from typing import Any

from browser import WAIT, Meter, chromium
from load import Server
from playwright.sync_api import Page

MODELS = ["note-lstm-10", "note-lstm-10-residual", "wells-lstm-2", "journey-gru-2", "note-gru-2", "note-lstm-2"]
CHARS = 2_000
TIMES = ("TaskDuration", "ScriptDuration", "LayoutDuration")  # of the main thread

# The times of the last change of the shown texts and of the click on Stop, from one clock.
OBSERVE = """() => {
  window.seen = { changed: 0, clicked: 0 };
  const text = () => [...document.querySelectorAll('.model-card .text')].map((one) => one.textContent).join('|');
  let shown = text();
  new MutationObserver(() => {
    if (text() === shown) return;
    shown = text();
    window.seen.changed = performance.now();
  }).observe(document.querySelector('#board'), { subtree: true, childList: true, characterData: true });
  document.addEventListener('click', (event) => {
    if (event.target.closest('#stop')) window.seen.clicked = performance.now();
  }, true);
}"""
# The number of closed update connections; a connection closes when none of its requests runs any more.
ENDED = "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/queue/data')).length"
DONE = """(length) => [...document.querySelectorAll('.model-card .text')].every((t) => t.textContent.length === length)
  && document.querySelectorAll('.model-card .rote').length === document.querySelectorAll('.model-card').length"""


def measured(page: Page) -> dict[str, Any]:
    """Measure one comparison from the click to its end."""
    meter = Meter(page)
    page.locator("#settings button.label-wrap").click()
    page.get_by_label("Length").fill(str(CHARS))
    before, started = meter.seconds(*TIMES), time.perf_counter()
    page.click("#generate")
    page.wait_for_function(DONE, arg=CHARS, timeout=WAIT)
    lasted = time.perf_counter() - started
    after = meter.seconds(*TIMES)
    meter.end()
    return {
        "seconds": round(lasted, 1),
        "parts": len(meter.parts),
        "bytes": sum(meter.parts),
        **{name: round(end - begin, 2) for name, begin, end in zip(TIMES, before, after, strict=True)},
    }


def stopped(page: Page) -> float:
    """Return the milliseconds from the click on Stop to the last change of the shown texts; 0 if there was none."""
    runs = page.evaluate(ENDED)
    page.click("#generate")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.model-card.writing .text')].some((t) => t.textContent.length > 50)",
        timeout=WAIT,
    )
    page.evaluate(OBSERVE)
    page.click("#stop")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.model-card')].every((card) => card.querySelector('.rote'))",
        timeout=WAIT,
    )
    page.wait_for_function(f"(runs) => ({ENDED})() > runs", arg=runs, timeout=WAIT)  # no request runs any more
    seen: dict[str, float] = page.evaluate("window.seen")
    return max(0.0, seen["changed"] - seen["clicked"])


def main() -> None:
    """Measure, and print one line of JSON."""
    with Server() as server, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/?models={','.join(MODELS)}")
        page.wait_for_function(f"() => document.querySelectorAll('.model-card').length === {len(MODELS)}")
        found = measured(page)
        found["milliseconds from Stop to the last change"] = round(stopped(page))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
