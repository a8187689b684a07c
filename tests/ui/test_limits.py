"""What the server refuses before any handler runs, as an ASGI application and over real HTTP."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from deeprnn.ui.limits import ASKING, Limits, number
from tests.conftest import ROOT


async def echo(_, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(app, body=b"", *, path="/x", method="POST", client="1.2.3.4", pieces=1, **headers):
    """(status, body) of one request whose body comes in pieces."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": named, "client": (client, 1)}
    size = max(1, -(-len(body) // pieces))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)
    ]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    with ThreadPoolExecutor(1) as thread:  # the browser tests leave an event loop running in this one
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_body_within_the_limit_arrives_whole(pieces):
    assert ask(Limits(echo, max_bytes=10, per_minute=9), b"0123456789", pieces=pieces) == (200, b"0123456789")


@pytest.mark.parametrize("claimed", [None, "11", "3"])
def test_a_body_beyond_it_is_refused_whatever_length_it_claims(claimed):
    headers = {"content_length": claimed} if claimed else {}
    status, body = ask(Limits(echo, max_bytes=10, per_minute=9), b"0123456789a", pieces=4, **headers)
    assert status == 413
    assert json.loads(body)["detail"].startswith("The request is larger than 10 bytes. Send less text")


def test_a_refusal_is_in_the_readers_language():
    status, body = ask(Limits(echo, max_bytes=1, per_minute=9), b"12", accept_language="zh-CN,zh;q=0.9")
    assert (status, "请求超过了 1 字节" in body.decode()) == (413, True)


def test_who_asks_too_often_waits_a_minute_and_others_do_not():
    now = [0.0]
    app = Limits(echo, max_bytes=10, per_minute=2, clock=lambda: now[0])
    path = ASKING[0]
    assert [ask(app, path=path)[0] for _ in range(3)] == [200, 200, 429]
    assert ask(app, path=path, client="5.6.7.8")[0] == 200
    assert ask(app, path="/assets/x")[0] == 200, "only what makes the server work is counted"
    now[0] = 59.0
    assert ask(app, path=path)[0] == 429
    now[0] = 60.0
    assert ask(app, path=path)[0] == 200


def test_who_comes_when_enough_wait_is_told_so():
    waiting = [0]
    app = Limits(echo, max_bytes=10, per_minute=9, waiting=lambda: waiting[0], max_waiting=2)
    assert ask(app, path=ASKING[0])[0] == 200
    waiting[0] = 2
    assert ask(app, path="/assets/x")[0] == 200
    status, body = ask(app, path=ASKING[0], accept_language="zh")
    assert (status, "已有 2 个请求在排队" in json.loads(body)["detail"]) == (503, True)


def test_a_forwarded_address_counts_behind_a_proxy_and_nowhere_else():
    for behind, expected in ((True, 200), (False, 429)):
        app = Limits(echo, max_bytes=10, per_minute=1, behind_proxy=behind)
        ask(app, path=ASKING[0], x_forwarded_for="9.9.9.9, 10.0.0.1")
        assert ask(app, path=ASKING[0], x_forwarded_for="9.9.9.9, 10.0.0.2")[0] == expected


def test_a_limit_is_read_from_the_environment(monkeypatch):
    assert number("MAX_THINGS", 5) == 5
    monkeypatch.setenv("DEEPRNN_MAX_THINGS", "7")
    assert number("MAX_THINGS", 5) == 7
    monkeypatch.setenv("DEEPRNN_MAX_THINGS", "-1")
    with pytest.raises(ValueError, match="DEEPRNN_MAX_THINGS must be a whole number of 1 or more, not '-1'"):
        number("MAX_THINGS", 5)


def test_the_environment_sets_what_the_page_and_the_api_hold():
    code = "from deeprnn.ui import service; print(service.MAX_MODELS, service.MAX_SCORE_CHARS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"DEEPRNN_MAX_MODELS": "2", "DEEPRNN_MAX_SCORE_CHARS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2", "100"]


def test_the_served_page_refuses_a_request_of_20_megabytes(url):
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=20)
    connection.putrequest("POST", "/gradio_api/call/score")
    connection.putheader("Content-Length", str(20_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "larger than 2,000,000 bytes" in json.loads(answer.read())["detail"]
