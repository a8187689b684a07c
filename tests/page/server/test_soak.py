"""Twenty impatient visitors for twenty minutes: what they leave behind, which is nothing.

`python -m pytest -m slow -s tests/page/server/test_soak.py` shows the figures. With `DEEPRNN_SOAK_MINUTES=2` it only
shows that it runs: memory is steady after some five minutes, when gradio has kept what it keeps of visitors.
"""

import asyncio
import json
import os
import random
import statistics
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.conftest import WAIT, wait_until
from tests.page.conftest import serving
from tests.page.server.test_serving import click

pytestmark = [pytest.mark.slow, pytest.mark.process]

MINUTES = float(os.environ.get("DEEPRNN_SOAK_MINUTES", "20"))
VISITORS = 20
MODELS = ["note-rnn-2", "note-gru-2", "note-lstm-2", "few-lstm-2", "depth-gru-2-residual", "note-lstm-10"]
GROWTH = 1.03  # of memory, from the end of the first quarter on


class Visitor:
    """Who opens the page, asks, and often does not wait for the answer."""

    def __init__(self, url, functions, number, counts):
        self.url, self.functions, self.counts = url, functions, counts
        self.random = random.Random(number)
        self.session = ""

    async def stay(self, until):
        """Do one thing after the other, each over new connections, as after a reload."""
        acts = (self.waits, self.leaves, self.stops, self.reads_slowly, self.scores, self.looks, self.downloads)
        while time.monotonic() < until:
            act = self.random.choice(acts)
            self.session = f"soak-{self.random.getrandbits(64):x}"
            async with httpx.AsyncClient(base_url=self.url, timeout=WAIT) as client:
                await act(client)
            self.counts[act.__name__] += 1
            await asyncio.sleep(self.random.random())

    async def press(self, client, button, data):
        ask = {"data": data, "fn_index": self.functions[button], "session_hash": self.session}
        (await client.post("gradio_api/queue/join", json=ask)).raise_for_status()

    async def ask(self, client, models, length, seed):
        """Click Generate, without waiting for what comes of it."""
        await self.press(
            client, "generate", ["English", None, None, "the time", models, 0.8, 0, 1, length, seed, "free", "", True]
        )

    async def generate(self, client, length):
        models, seed = self.random.sample(MODELS, self.random.randint(1, 4)), self.random.randint(0, 99)
        await self.ask(client, models, length, seed)

    async def messages(self, client, pause=0.0):
        """What the server sends; an event that failed is an error."""
        async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message["msg"] == "process_completed":
                    assert message["success"], message["output"]
                yield message
                await asyncio.sleep(pause)

    async def waits(self, client):
        await self.generate(client, 200)
        assert [message["msg"] async for message in self.messages(client)][-1] == "close_stream"

    async def leaves(self, client):
        await self.generate(client, 2_000)
        async for _ in self.messages(client):
            if self.random.random() < 0.2:
                return

    async def stops(self, client):
        await self.generate(client, 2_000)
        stopped = False
        async for message in self.messages(client):
            if message["msg"] == "process_generating" and not stopped:
                stopped = True
                await self.press(client, "stop", [message["output"]["data"][0]])

    async def reads_slowly(self, client):
        await self.generate(client, 400)
        async for _ in self.messages(client, pause=0.2):
            pass

    async def scores(self, client):
        await self.press(client, "score", ["it was the best of times. " * 20, MODELS[:3], "English"])
        async for _ in self.messages(client):
            if self.random.random() < 0.2:
                return

    async def looks(self, client):
        for path in ("", "healthz", f"?lang={self.random.choice(('en', 'zh'))}"):
            (await client.get(path)).raise_for_status()

    async def downloads(self, client):
        async with client.stream("GET", f"download/{self.random.choice(MODELS)}.zip") as stream:
            stream.raise_for_status()
            async for _ in stream.aiter_bytes():
                if self.random.random() < 0.1:
                    return


class Watched:
    """The process of the server: what it holds."""

    def __init__(self, pid):
        self.place = Path(f"/proc/{pid}")

    def held(self):
        """Its megabytes, threads and open files."""
        status = (self.place / "status").read_text()
        memory, threads = (int(status.split(name)[1].split()[0]) for name in ("VmRSS:", "Threads:"))
        return memory / 1_000, threads, len(list((self.place / "fd").iterdir()))

    def cpu(self):
        """The seconds of processors that it has used."""
        ticks = (self.place / "stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def rests(self):
        before = self.cpu()
        time.sleep(2)
        return self.cpu() - before < 0.1


async def probed(url, functions, until, watched):
    """Every five seconds: what the server holds, and how long a visitor waits for 50 characters."""
    found, visitor = [], Visitor(url, functions, -1, Counter())
    while time.monotonic() < until:
        visitor.session, started = f"probe-{len(found)}", time.monotonic()
        async with httpx.AsyncClient(base_url=url, timeout=WAIT) as client:
            await visitor.ask(client, MODELS[:1], 50, len(found))
            async for _ in visitor.messages(client):
                pass
        found.append((*watched.held(), time.monotonic() - started))
        await asyncio.sleep(5)
    return found


async def soaked(url, functions, watched, counts):
    until = time.monotonic() + 60 * MINUTES
    visitors = [Visitor(url, functions, number, counts) for number in range(VISITORS)]
    return (await asyncio.gather(probed(url, functions, until, watched), *(one.stay(until) for one in visitors)))[0]


def test_impatient_visitors_leave_no_error_no_thread_no_file_and_no_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRNN_MAX_REQUESTS_A_MINUTE", "100000")  # all come from one address
    with serving(["app.py"], tmp_path / "log", "Traceback|ERROR|soak-|best of times") as (server, url):
        watched, counts = Watched(server.pid), Counter()
        functions = {button: click(url, button) for button in ("generate", "stop", "score")}
        wait_until(lambda: httpx.get(f"{url}healthz").status_code == 200)
        before = watched.held()
        found = asyncio.run(soaked(url, functions, watched, counts))
        wait_until(watched.rests)
        left = watched.held()
    quarters = [found[len(found) * index // 4 : len(found) * (index + 1) // 4] for index in range(4)]
    medians = [list(map(statistics.median, zip(*quarter, strict=True))) for quarter in quarters]
    for memory, threads, files, seconds in [*medians, [*left, 0.0]]:
        print(f"{memory:.0f} MB, {threads:.0f} threads, {files:.0f} files, 50 characters after {seconds:.2f} s")
    print(f"{counts.total()} acts: {dict(counts)}")
    _, steady, *later = medians
    assert max(memory for memory, *_ in later) < GROWTH * steady[0]
    assert left[1] <= steady[1]
    assert left[2] <= before[2]
