"""Requests that no page sends, against a real server: it lives, answers each, and logs nothing of what was sent."""

import contextlib
import http.client
import json
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest

import deeprnn
from tests.conftest import SHIPPED, WAIT
from tests.page.conftest import free_port
from tests.page.server.hostile import MARKER, MODEL, request
from tests.page.server.test_process import started

pytestmark = pytest.mark.process
ENVIRONMENT = {"DEEPRNN_MAX_REQUESTS_A_MINUTE": "1000000", "DEEPRNN_MAX_QUEUE": "1000"}
QUICK, ALL = 150, 5_000  # requests
AT_ONCE = 8  # of them
HONEST = 50  # hostile requests, after which an honest one is asked
PROMPT = "the time"
FINE = {200, 206, 304, 307, 400, 403, 404, 405, 408, 413, 416, 422, 429, 431, 501, 503}  # statuses of an answer
RUNS = ("POST gradio_api/run", "POST gradio_api/api")
FINE_OF_RUNS = FINE | {500}  # gradio's status of a refusal


@pytest.fixture(scope="module")
def server():
    """A server for these tests: its process, its address, what it has printed, and what a request may name."""
    with started("--port", str(free_port()), **ENVIRONMENT) as (process, url, printed):
        page = httpx.get(f"{url}/config", timeout=WAIT).json()
        functions = {one["id"]: len(one["inputs"]) for one in page["dependencies"]}
        served = [(one["id"], name) for one in page["components"] for name in one["props"].get("server_fns") or ()]
        found = set(re.findall(r'(?:src|href)="\.?/?((?:assets|static)/[^"]+)"', httpx.get(url, timeout=WAIT).text))
        found |= set(re.findall(r"(?:scripts|boards)/[\w./-]+", json.dumps(page)))
        known = {"functions": functions, "served": served, "assets": sorted(found)[:20]}
        yield SimpleNamespace(process=process, url=url, printed=printed, known=known)


def answered(url, one):
    """What became of a request: the status of its answer, or "closed"; of a stream the first line is read."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=WAIT) as link:
        with contextlib.suppress(OSError):  # it may be answered before it is sent to its end
            link.sendall(one.sent)
            if not one.whole:
                link.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(link, method=one.method)
        try:
            answer.begin()
            if "event-stream" in answer.getheader("content-type", ""):
                answer.readline()
            else:
                answer.read()
        except (ConnectionError, http.client.HTTPException):
            return "closed"
        except TimeoutError:
            return "no answer"
        return answer.status


def honest(url):
    """What the server answers to a request as it should be."""
    ask = {"data": [PROMPT, [MODEL], 20, 0, 0, 1, 0]}
    event = httpx.post(f"{url}/gradio_api/call/generate", json=ask, timeout=WAIT).json()["event_id"]
    answer = httpx.get(f"{url}/gradio_api/call/generate/{event}", timeout=WAIT).text
    return json.loads(answer.split("data: ")[1])[0][0]["text"]


def assault(server, count):
    """Send so many hostile requests, some at once; return how often each kind became what."""
    right = deeprnn.load(SHIPPED / MODEL).generate(PROMPT, 20, 0)
    seen, wrong = Counter(), []

    def sent(number):
        one = request(number, **server.known)
        return one, answered(server.url, one)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for numbers in _batches(count):
            for number, (one, became) in zip(numbers, pool.map(sent, numbers), strict=True):
                seen[one.kind, became] += 1
                if became not in (FINE_OF_RUNS if one.kind in RUNS else FINE) and (one.whole or became != "closed"):
                    wrong.append((number, one.kind, became))
            assert server.process.poll() is None, "".join(server.printed)
            assert honest(server.url) == right
    assert wrong == [], wrong
    return seen


def _batches(count):
    return [range(first, min(first + HONEST, count)) for first in range(0, count, HONEST)]


def check_log(server):
    log = "".join(server.printed)
    assert "Traceback" not in log, log
    assert MARKER not in log.lower(), log
    assert len(log) < 1_000_000


def test_hostile_requests_are_answered_and_leave_nothing_in_the_log(server):
    assault(server, QUICK)
    check_log(server)


@pytest.mark.slow
def test_many_hostile_requests_are_answered_and_leave_nothing_in_the_log(server):
    seen = assault(server, ALL)
    check_log(server)
    assert len({kind for kind, _ in seen}) > 100
