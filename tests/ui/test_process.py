"""How the page's process starts and ends: real processes, asked over real HTTP."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from deeprnn.ui.downloads import PREFIX
from tests.conftest import ROOT


@contextlib.contextmanager
def started(*arguments, before=(), **environment):
    """The process, its address and what it has printed, once it answers."""
    printed = []
    process = subprocess.Popen(
        [*before, sys.executable, "app.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in process.stdout:
            printed.append(line)
            if "Running on local URL" in line:
                break
        else:
            raise AssertionError("".join(printed))
        rest = threading.Thread(target=lambda: printed.extend(process.stdout))
        rest.start()
        yield process, line.split()[-1].rstrip("/"), printed
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    rest.join()


def free_port(family=socket.AF_INET, host="127.0.0.1"):
    with socket.socket(family) as free:
        free.bind((host, 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_server_told_to_stop_finishes_what_it_writes_and_exits_with_0(name):
    with started("--port", str(free_port())) as (process, url, printed):
        data = ["the time", ["note-rnn-2"], 2_000, 0.8, 0, 1, 0]
        event = httpx.post(f"{url}/gradio_api/call/generate", json={"data": data}).json()["event_id"]
        with httpx.stream("GET", f"{url}/gradio_api/call/generate/{event}", timeout=60) as stream:
            process.send_signal(name)
            answer = "".join(stream.iter_text())
        assert "event: complete" in answer
        assert process.wait(20) == 0
    assert "Traceback" not in "".join(printed)


def test_a_port_that_is_taken_is_an_error_with_a_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([sys.executable, "app.py", "--port", port], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "choose another by --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_starts_no_server():
    done = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "--port" in done.stdout


def test_it_starts_on_ipv6_below_a_prefix_whatever_proxy_is_set():
    port = free_port(socket.AF_INET6, "::1")
    proxies = {"ALL_PROXY": "socks5://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    with started("--port", str(port), GRADIO_SERVER_NAME="::1", GRADIO_ROOT_PATH="/sub", **proxies) as (_, url, _):
        assert httpx.get(f"{url}{PREFIX}note-rnn-2.safetensors").status_code == 200
        assert httpx.get(f"{url}/sub{PREFIX}note-rnn-2.safetensors").status_code == 200


def test_malformed_requests_get_a_sentence_and_leave_no_trace_in_the_log():
    marker = "a private word"
    with started("--port", str(free_port())) as (_, url, printed):
        for path in ("call/generate", "call/score", "call/next_char", "call/nobody", "queue/join"):
            for data in ([], [marker], [marker] * 50, marker, None, {"data": marker}):
                for number in (0, 10**6, [marker]):
                    body = {"data": data, "fn_index": number, "session_hash": marker}
                    answer = httpx.post(f"{url}/gradio_api/{path}", json=body)
                    assert answer.status_code in (200, 422), answer.text
        ask = {"data": [marker, ["note-rnn-2"], 10**400, 0.8, 0, 1, 0]}
        event = httpx.post(f"{url}/gradio_api/call/generate", json=ask).json()["event_id"]
        assert "event: error" in httpx.get(f"{url}/gradio_api/call/generate/{event}").text
        models = {"data": ["a b", ["note-rnn-2"]]}
        event = httpx.post(f"{url}/gradio_api/call/score", json=models).json()["event_id"]
        (answer,) = json.loads(httpx.get(f"{url}/gradio_api/call/score/{event}").text.split("data: ")[1])[0]
        assert answer["model"] == "note-rnn-2"
    assert marker not in "".join(printed)
    assert "Traceback" not in "".join(printed)
