"""A real Chromium, and what one of its pages costs: bytes received, and how long its main thread works.

Knows: Chromium, its protocol for developers. Does not know: the page that is measured.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

# The one built without windows, where there is one, takes two thirds of the time.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", *QUIET)
WAIT = 300_000  # milliseconds that a page may take for what is measured


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window; end it at the end.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if executable is None:
        raise FileNotFoundError("There is no Chromium on this machine: install Debian's chromium-headless-shell.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


class Meter:
    """Counts from now on what a page receives; says how long its main thread has worked."""

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self.parts: list[int] = []
        self._cdp.on("Network.dataReceived", lambda event: self.parts.append(event["dataLength"]))
        self._cdp.send("Network.enable")
        self._cdp.send("Performance.enable")

    def seconds(self, *names: str) -> list[float]:
        """Return the seconds so far under Chromium's names of them, such as `ThreadTime`, the CPU time."""
        found = {one["name"]: float(one["value"]) for one in self._cdp.send("Performance.getMetrics")["metrics"]}
        return [found[name] for name in names]

    def end(self) -> None:
        """Stop counting."""
        self._cdp.detach()
