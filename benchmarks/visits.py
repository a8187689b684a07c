"""What a visit of the page costs: bytes on the wire and CPU seconds of the server. `load.py` prints it.

A visit is made by a real Chromium, with an empty cache (cold) and again by the same browser (warm), until nothing is
asked of the server any more; or, for many visitors at once, by HTTP: the same files, and the requests that a page sends
when it is opened. What the server uses in the same time while nobody is there is taken off: gradio looks into its queue
all the time.
"""

import asyncio
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from browser import chromium
from playwright.sync_api import Browser, BrowserContext

QUIET_SECONDS = 1.0  # a visit has ended when nothing was asked of the server for so long
STREAM_SECONDS = 10.0  # gradio 6.31 now and then leaves a stream of updates open, which is not waited for any longer
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Cost:
    """The CPU seconds of a server from now on, beyond those that it uses in the same time while nobody is there."""

    def __init__(self, pid: int) -> None:
        self._pid, self._begun, self._used = pid, time.monotonic(), cpu_seconds(pid)

    def ended(self) -> float:
        """Return them; this takes as long again."""
        lasted, used = time.monotonic() - self._begun, cpu_seconds(self._pid)
        time.sleep(lasted)
        return (used - self._used) - (cpu_seconds(self._pid) - used)


class Visit:
    """The requests of one open page: how many bytes came for each, and which still run."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.urls: dict[str, str] = {}
        self.bytes: Counter[str] = Counter()
        self.running: set[str] = set()
        cdp = context.new_cdp_session(self.page)
        for name, heard in {
            "requestWillBeSent": self._sent,
            "dataReceived": lambda event: self.bytes.update({event["requestId"]: event["encodedDataLength"]}),
            "loadingFinished": self._finished,
            "loadingFailed": lambda event: self.running.discard(event["requestId"]),
        }.items():
            cdp.on(f"Network.{name}", heard)
        cdp.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if url.startswith("http"):
            self.urls[event["requestId"]] = url
            self.running.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes[event["requestId"]] = event["encodedDataLength"]  # with the headers
        self.running.discard(event["requestId"])

    def open(self, url: str) -> None:
        """Open the page, and wait until it is drawn and asks for nothing more; its heartbeat never ends."""
        self.page.goto(url)
        self.page.wait_for_selector(".model-card")
        drawn = quiet = time.monotonic()
        while time.monotonic() - quiet < QUIET_SECONDS and time.monotonic() - drawn < STREAM_SECONDS:
            self.page.wait_for_timeout(50)
            if any("/heartbeat/" not in self.urls[one] for one in self.running):
                quiet = time.monotonic()

    def items(self) -> Counter[str]:
        """Return the bytes of each kind of file."""
        found: Counter[str] = Counter()
        for request, url in self.urls.items():
            found[kind(url)] += self.bytes[request]
        return found


def kind(url: str) -> str:
    """Return how a request is listed: by its path, or by its folder if the folder has many files."""
    path = urlsplit(url).path
    for folder in ("/assets/", "/static/", "/scripts/", "/boards/", "/gradio_api/heartbeat/"):
        if path.startswith(folder):
            return f"{folder}*{Path(path).suffix}"
    return path


def in_browser(url: str, pid: int, visits: int) -> list[str]:
    """Print the kilobytes and CPU seconds of cold and warm visits, and the bytes of each kind of file.

    Returns the addresses of the files that a visit needs, the page first.
    """
    with chromium() as browser:
        _cold_and_warm(browser, url, pid)  # not counted: the server makes the page and its files
        found = [_cold_and_warm(browser, url, pid) for _ in range(visits)]
    for name, seen in zip(("cold", "warm"), zip(*found, strict=True), strict=True):
        sizes = [sum(visit.items().values()) for visit, _ in seen]
        cpu = statistics.fmean(cpu for _, cpu in seen)
        print(f"{name} visit: {statistics.median(sizes) / 1000:.0f} kB, {cpu:.3f} CPU s, mean of {visits} by Chromium")
        count = Counter(map(kind, seen[-1][0].urls.values()))
        for item, size in seen[-1][0].items().most_common():
            print(f"  {size:9,} bytes  {count[item]:3} x  {item}")
    return [one for one in found[0][0][0].urls.values() if "/gradio_api/" not in one]


def _cold_and_warm(browser: Browser, url: str, pid: int) -> list[tuple[Visit, float]]:
    """Visit twice with one cache, empty at first; return each visit with the CPU seconds of the server."""
    context, found = browser.new_context(locale="en-US"), list[tuple[Visit, float]]()
    for _ in range(2):
        cost, visit = Cost(pid), Visit(context)
        visit.open(url)
        visit.page.close()
        found.append((visit, cost.ended()))
    context.close()
    return found


async def by_http(url: str, pid: int, visitors: int, files: list[str]) -> None:
    """Print what cold visits at the same moment cost; files: see `in_browser`."""
    loads = loads_of(httpx.get(f"{url}/config").json())
    cost, begun = Cost(pid), time.perf_counter()

    async def one(name: str) -> int:
        async with browser() as client:
            return await visit(client, url, files, loads, name)

    sizes = await asyncio.gather(*(one(f"visit-{visitors}-{i}-{time.time_ns()}") for i in range(visitors)))
    seconds, cpu = time.perf_counter() - begun, cost.ended()
    print(
        f"{visitors:4} cold visits at once by HTTP: {statistics.fmean(sizes) / 1000:.0f} kB and "
        f"{cpu / visitors:.3f} CPU s each, all served in {seconds:.2f} s"
    )


def loads_of(config: dict[str, Any]) -> list[int]:
    """Return the numbers of the functions that a page calls when it is opened, from gradio's configuration."""
    functions = (one for one in config["dependencies"] if one["backend_fn"])
    return [one["id"] for one in functions if any(event == "load" for _, event in one["targets"])]


def browser() -> httpx.AsyncClient:
    """Return a client with as many connections as browsers open."""
    limits = httpx.Limits(max_connections=6, max_keepalive_connections=0)  # the server closes idle connections
    headers = {"accept-encoding": "gzip, br", "accept-language": "en"}
    return httpx.AsyncClient(timeout=300, limits=limits, headers=headers, verify=False)


async def visit(client: httpx.AsyncClient, url: str, files: list[str], loads: list[int], visitor: str) -> int:
    """Open the page as a browser does; return the bytes of all bodies, as they came. loads: see `loads_of`."""
    page = await client.get(files[0])
    answers = [page, *await asyncio.gather(*(client.get(one) for one in files[1:]))]
    for function in loads:
        ask = {"data": [], "fn_index": function, "session_hash": visitor}
        answers.append(await client.post(f"{url}/gradio_api/queue/join", json=ask))
    if loads:
        answers.append(await client.get(f"{url}/gradio_api/queue/data", params={"session_hash": visitor}))
    for answer in answers:
        answer.raise_for_status()
    return sum(answer.num_bytes_downloaded for answer in answers)
