"""Many visitors at once, over real HTTP on loopback: `python benchmarks/load.py`.

Starts `python app.py`, opens the page for 1, 20 and 100 visitors, and lets them click Generate at the same moment. As
in the page, a click is a request that joins the queue, and a stream of updates, all of which are read. The visitors are
coroutines of this process, which runs on the same cores. First it prints what a visit costs that only opens the page
(see `visits`), and how 60 people within ten seconds and 100 at once fare who open it and generate. Of those who
generate on pages that are open it prints how many failed, when they saw the first characters, when the last
visitor had all of them, and the ratio to the time that d2l's predict needs for the same texts one after another on one
core, measured before and after. Then it prints the server's memory after many more requests, and the time of scoring.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import visits
from against_d2l import D2LModel, d2l_predict

from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import list_checkpoints

MODELS = ["note-rnn-2", "note-lstm-2", "note-gru-2", "depth-gru-2-residual"]
SCORED = [
    "note-rnn-2",
    "note-lstm-2",
    "note-gru-2",
    "depth-rnn-2-residual",
    "depth-lstm-2-residual",
    "depth-gru-2-residual",
]


@dataclass(kw_only=True)
class Seen:
    """One visitor's seconds to the first characters and to the last ones, and the number of updates."""

    first: float
    last: float
    updates: int


class Page:
    """The page as a visitor's browser sees it."""

    def __init__(self, url: str, client: httpx.AsyncClient, config: dict[str, Any]) -> None:
        self.url, self.client = url, client
        elements: dict[int, str | None] = {c["id"]: c["props"].get("elem_id") for c in config["components"]}
        self.clicks = {
            elements[element]: one["id"]
            for one in config["dependencies"]
            for element, event in one["targets"]
            if event == "click" and elements.get(element) in ("generate", "stop", "score")
        }

    async def click(self, button: str, data: list[Any], visitor: str) -> Seen:
        """Click a button, and read all updates to the end."""
        started = time.perf_counter()
        ask = {"data": data, "fn_index": self.clicks[button], "session_hash": visitor}
        (await self.client.post(f"{self.url}/gradio_api/queue/join", json=ask)).raise_for_status()
        first, updates = 0.0, 0
        async with self.client.stream(
            "GET", f"{self.url}/gradio_api/queue/data", params={"session_hash": visitor}
        ) as stream:
            async for line in stream.aiter_lines():
                message: dict[str, Any] = json.loads(line[5:]) if line.startswith("data:") else {"msg": ""}
                if message["msg"] == "process_generating":
                    updates += 1
                    first = first or time.perf_counter() - started
                if message["msg"] == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(message["output"].get("error"))
                    break
        last = time.perf_counter() - started
        return Seen(first=first or last, last=last, updates=updates)

    async def generate(self, visitor: str, models: list[str], chars: int) -> Seen:
        """Generate once, as the button does."""
        asked = ["English", None, None, "the time", models, 0.8, 0, 1, chars, 7, "free", "", True]
        return await self.click("generate", asked, visitor)

    async def score(self, visitor: str, models: list[str], text: str) -> Seen:
        """Score one text."""
        return await self.click("score", [text, models, "English"], visitor)


class Server:
    """`python app.py` on a free port."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Server":
        limits = {"DEEPRNN_MAX_REQUESTS_A_MINUTE": "100000"}  # all visitors come from one address
        environment = os.environ | limits | {"GRADIO_SERVER_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        while "Running on local URL" not in self.process.stdout.readline():
            assert self.process.poll() is None
        ask = {"data": ["the time", MODELS[:1], 10, 0.8, 0, 1, 0]}
        event = httpx.post(f"{self.url}/gradio_api/call/generate", json=ask, timeout=120).json()["event_id"]
        httpx.get(f"{self.url}/gradio_api/call/generate/{event}", timeout=120)
        print(f"start to the first answer: {time.perf_counter() - started:.1f} s")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def resident_mb(self, figure: str = "VmRSS") -> float:
        """Return the server's memory in megabytes; VmHWM gives its maximum so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{figure}:")[1].split()[0]) / 1000


def one_after_another(infos: dict[str, CheckpointInfo], models: list[str], chars: int) -> float:
    """Return the seconds of d2l's predict for one visitor's characters, with untrained models of the same sizes."""
    seconds = 0.0
    for name in models:
        config = infos[name].config
        model = D2LModel(config.cell, config.hidden_size, config.num_layers, len(infos[name].vocab))
        started = time.perf_counter()
        d2l_predict(model, [1, 2, 3], chars)
        seconds += time.perf_counter() - started
    return seconds


async def crowd(page: Page, visitors: int, models: list[str], chars: int) -> tuple[list[Seen | BaseException], float]:
    """Run all visitors at once, on open pages; return what each saw, and the seconds until the last one finished."""
    names = [f"crowd-{visitors}-{i}-{time.time_ns()}" for i in range(visitors)]
    for name in names:
        await page.click("stop", [None], name)
    started = time.perf_counter()
    asked = (page.generate(name, models, chars) for name in names)
    return await asyncio.gather(*asked, return_exceptions=True), time.perf_counter() - started


async def whole_visits(server: Server, people: int, within: float, chars: int, files: list[str]) -> None:
    """Print how people fare who come one after the other, open the page and generate. within: seconds until all came.

    files: see `visits.in_browser`.
    """
    config = httpx.get(f"{server.url}/config").json()
    loads, cost = visits.loads_of(config), visits.Cost(server.process.pid)

    async def person(number: int) -> tuple[float, Seen]:
        await asyncio.sleep(within * number / people)
        name, started = f"person-{people}-{number}-{time.time_ns()}", time.perf_counter()
        async with visits.browser() as client:
            await visits.visit(client, server.url, files, loads, name)
            opened = time.perf_counter() - started
            return opened, await Page(server.url, client, config).generate(name, MODELS, chars)

    seen = await asyncio.gather(*map(person, range(people)), return_exceptions=True)
    fine, cpu = [one for one in seen if not isinstance(one, BaseException)], cost.ended()
    opened, first, last = zip(*((page, text.first, text.last) for page, text in fine), strict=True)
    print(
        f"{people} people within {within:g} s, each opens the page and generates: {people - len(fine)} failed, "
        f"{cpu / people:.3f} CPU s each; median and last: page after {statistics.median(opened):.2f} and "
        f"{max(opened):.2f} s, then first characters after {statistics.median(first):.2f} and {max(first):.2f} s, all "
        f"after {statistics.median(last):.2f} and {max(last):.2f} s",
        flush=True,
    )


async def measure(server: Server, args: argparse.Namespace) -> None:
    infos = {info.name: info for info in list_checkpoints(ROOT / "checkpoints")}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # the server closes idle connections
    async with httpx.AsyncClient(timeout=300, limits=limits) as client:
        page = Page(server.url, client, (await client.get(f"{server.url}/config")).json())
        await page.generate("warm", MODELS, 10)
        if args.scoring_first:
            await scoring(page, "first")
        print(f"{args.chars} characters each by {', '.join(MODELS)}")
        print(
            f"{'visitors':>8} {'failed':>6} {'first characters: median, last':>31} {'all':>8} {'characters/s':>12}"
            f" {'d2l, one by one':>15} {'ours / d2l':>10} {'CPU s each':>10}"
        )
        for visitors in args.visitors:
            alone = one_after_another(infos, MODELS, args.chars)
            cost = visits.Cost(server.process.pid)
            seen, seconds = await crowd(page, visitors, MODELS, args.chars)
            cpu = cost.ended() / visitors
            alone = (alone + one_after_another(infos, MODELS, args.chars)) / 2 * visitors
            fine = [one for one in seen if isinstance(one, Seen)]
            firsts = [one.first for one in fine]
            print(
                f"{visitors:8} {visitors - len(fine):6} {statistics.median(firsts):22.2f} s, {max(firsts):5.2f} s "
                f"{seconds:6.2f} s {visitors * len(MODELS) * args.chars / seconds:12,.0f} {alone:13.1f} s"
                f" {seconds / alone:10.3f} {cpu:10.3f}",
                flush=True,
            )
        await memory(server, page, infos, args.requests)
        await scoring(page)
        print(f"held at the end: {server.resident_mb():.0f} MB, at most: {server.resident_mb('VmHWM'):.0f} MB")


async def memory(server: Server, page: Page, infos: dict[str, CheckpointInfo], requests: int) -> None:
    """Print the memory after each checkpoint was used once, after a tenth of the requests, and after all of them."""
    names = list(infos)
    for start in range(0, len(names), 6):
        await page.generate(f"every-{start}", names[start : start + 6], 50)
    held = [server.resident_mb()]
    for round_name, count in (("warm", requests // 10), ("more", requests)):
        for start in range(0, count, 10):
            models = [names[(start + i) % len(names)] for i in range(4)]
            await asyncio.gather(*(page.generate(f"{round_name}-{start}-{i}", models, 20) for i in range(10)))
        held.append(server.resident_mb())
    print(
        f"resident, every checkpoint asked for: {held[0]:.0f} MB; after {requests // 10} requests of ten at once: "
        f"{held[1]:.0f} MB; after {requests} more: {held[2]:.0f} MB ({held[2] / held[1] - 1:+.1%})"
    )


async def scoring(page: Page, name: str = "score") -> None:
    """Time scoring 20,000 characters with six models, alone and while another visitor asks for next characters."""
    text = ("the quick brown fox jumps over the lazy dog " * 500)[:20_000]
    alone = (await page.score(f"{name}-0", SCORED, text)).last
    task = asyncio.create_task(page.score(f"{name}-1", SCORED, text))
    waits: list[float] = []
    while not task.done():
        waits.append((await page.generate(f"{name}-beside-{len(waits)}", MODELS[:1], 20)).last)
    print(
        f"scoring 20,000 characters with six models: {alone:.2f} s, {(await task).last:.2f} s beside others; "
        f"20 characters beside it: {statistics.median(waits):.2f} s, at most {max(waits):.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--chars", type=int, default=300, help="that each model writes for each visitor")
    parser.add_argument(
        "--requests", type=int, default=1_000, help="after which the server's memory is looked at again"
    )
    parser.add_argument("--visits", type=int, default=20, help="that a browser makes with an empty cache, and again")
    parser.add_argument("--only-visits", action="store_true", help="end after these")
    parser.add_argument("--scoring-first", action="store_true", help="another order, which costs more memory")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    with Server() as server:
        files = visits.in_browser(server.url, server.process.pid, args.visits)
        for visitors in args.visitors:
            asyncio.run(visits.by_http(server.url, server.process.pid, visitors, files))
        for people, within in ((60, 10.0), (100, 0.0)):
            asyncio.run(whole_visits(server, people, within, args.chars, files))
        if not args.only_visits:
            asyncio.run(measure(server, args))


if __name__ == "__main__":
    main()
