"""How the page's process starts and ends: real processes, asked over real HTTP."""

import contextlib
import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import deeprnn
from deeprnn.page.server.downloads import PREFIX
from deeprnn.page.visitor import COOKIE
from deeprnn.page.words import tr
from tests.conftest import ROOT, SHIPPED, WAIT, wait_until
from tests.page.conftest import UNREAD, Visit, free_port

pytestmark = pytest.mark.process

MARKER = "a private word"  # what is sent; it may be in no log
get, post = (functools.partial(ask, timeout=WAIT) for ask in (httpx.get, httpx.post))


@contextlib.contextmanager
def started(*arguments, before=(), program=("app.py",), **environment):
    """The process, its address and what it has printed, once it answers."""
    printed = []
    process = subprocess.Popen(
        [*before, sys.executable, *program, *arguments],
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


def asked(url, length, model="note-rnn-2"):
    """The address of a text of that length that is asked for."""
    data = ["the time", [model], length, 0.8, 0, 1, 0]
    event = post(f"{url}/gradio_api/call/generate", json={"data": data}).json()["event_id"]
    return f"{url}/gradio_api/call/generate/{event}"


SLOW, CHARS = "note-lstm-10-residual", 3_000  # a text that takes longer than the end of a server that waits for none
PATIENT = f"""
import runpy
from deeprnn.page.server import serving

serving.SHUTDOWN_SECONDS = {WAIT}  # on a busy machine a text takes longer than a server waits for it
runpy.run_path("app.py", run_name="__main__")
"""


@pytest.mark.parametrize("name", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_server_told_to_stop_finishes_what_it_writes_and_exits_with_0(name):
    patient = {"program": ("-c", PATIENT), "DEEPRNN_MAX_NEW_CHARS": str(CHARS)}
    with started("--port", str(free_port()), **patient) as (process, url, printed), ThreadPoolExecutor(1) as thread:
        get(asked(url, 1, SLOW), timeout=WAIT)  # is answered when the loops that write are compiled
        with httpx.stream("GET", asked(url, CHARS, SLOW), timeout=WAIT) as stream:
            process.send_signal(name)
            answer = thread.submit("".join, stream.iter_text())
            wait_until(lambda: get(f"{url}/healthz").json()["status"] == "ending")
            assert not answer.done()
            assert "event: complete" in answer.result()
        assert process.wait(WAIT) == 0
    assert "Traceback" not in "".join(printed)


ASKED_ANYWHERE = """
import faulthandler, os, signal, sys, threading
from deeprnn.page.server.serving import ShutdownSignal

for line in range(15):
    faulthandler.dump_traceback_later(20, exit=True)  # it was not heard
    ending, left = ShutdownSignal(), [line]

    def ask_at_the_line(frame, event, _):
        if event == "line":
            if left[0] == 0:
                signal.raise_signal(signal.SIGTERM)
            left[0] -= 1
        return ask_at_the_line

    def ask_in_the_wait():
        if left[0] >= 0:  # the wait has not come to that line; a second signal would hide that the first was missed
            os.kill(os.getpid(), signal.SIGTERM)

    timer = threading.Timer(0.2, ask_in_the_wait)
    timer.start()
    sys.settrace(ask_at_the_line)
    ending.wait(lambda: False)
    sys.settrace(None)
    timer.cancel()
    assert ending.requested()
print("heard")
"""


def test_an_end_is_heard_at_whatever_line_of_the_wait_it_is_asked_for():
    command = [sys.executable, "-c", ASKED_ANYWHERE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT)
    assert done.stdout == "heard\n", done.stderr


TOLD_TO_ANOTHER = """
import signal, threading, time
from deeprnn.page.server.serving import ShutdownSignal

ending = ShutdownSignal()

def hear_it():
    time.sleep(0.5)  # meanwhile the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

threading.Thread(target=hear_it, daemon=True).start()
ending.wait(lambda: False)
print("heard")
"""


def test_an_end_is_heard_though_the_system_tells_it_to_another_thread_than_the_one_that_waits():
    # Linux does that now and then while a process is started: the thread that starts it blocks signals for a moment.
    command = [sys.executable, "-c", TOLD_TO_ANOTHER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.stdout == "heard\n", done.stderr


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


@pytest.mark.slow
def test_a_first_start_shows_the_page_at_once_and_writes_when_its_loops_are_compiled(tmp_path):
    with started("--port", str(free_port()), NUMBA_CACHE_DIR=str(tmp_path)) as (_, url, printed):
        assert "the time traveller" in get(url).text
        assert "Compiled" not in "".join(printed)
        assert UNREAD in get(url).text
        assert "event: complete" in get(asked(url, 10), timeout=WAIT).text
        wait_until(lambda: "Compiled" in "".join(printed))
        assert UNREAD not in get(url).text, "whoever comes now sees how surprised the models are"


def test_help_starts_no_server():
    done = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 0
    assert "--port" in done.stdout


def test_it_starts_on_ipv6_below_a_prefix_whatever_proxy_is_set():
    port = free_port(socket.AF_INET6, "::1")
    proxies = {"ALL_PROXY": "socks5://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    with started("--port", str(port), GRADIO_SERVER_NAME="::1", GRADIO_ROOT_PATH="/sub", **proxies) as (_, url, _):
        assert get(f"{url}{PREFIX}note-rnn-2.safetensors").status_code == 200
        assert get(f"{url}/sub{PREFIX}note-rnn-2.safetensors").status_code == 200


@pytest.fixture(scope="module")
def unlimited():
    """The address of a server that takes as many requests as come, and that logs nothing of them."""
    environment = {"DEEPRNN_MAX_REQUESTS_A_MINUTE": "100000", "DEEPRNN_MAX_NEW_CHARS": "20"}
    with started("--port", str(free_port()), **environment) as (_, url, printed):
        yield url
    log = "".join(printed)
    assert "Traceback" not in log, log
    assert MARKER not in log, log


def test_malformed_requests_get_a_sentence_and_leave_no_trace_in_the_log(unlimited):
    for path in ("call/generate", "call/score", "call/next_char", "call/nobody", "queue/join"):
        for data in ([], [MARKER], [MARKER] * 50, MARKER, None, {"data": MARKER}):
            for number in (0, 10**6, [MARKER]):
                body = {"data": data, "fn_index": number, "session_hash": "of-a-page"}
                answer = post(f"{unlimited}/gradio_api/{path}", json=body)
                assert answer.status_code in (200, 422), answer.text
    ask = {"data": [MARKER, ["note-rnn-2"], 10**400, 0.8, 0, 1, 0]}
    event = post(f"{unlimited}/gradio_api/call/generate", json=ask).json()["event_id"]
    assert "event: error" in get(f"{unlimited}/gradio_api/call/generate/{event}").text
    models = {"data": ["a b", ["note-rnn-2"]]}
    event = post(f"{unlimited}/gradio_api/call/score", json=models).json()["event_id"]
    (answer,) = json.loads(get(f"{unlimited}/gradio_api/call/score/{event}").text.split("data: ")[1])[0]
    assert answer["model"] == "note-rnn-2"


def nested(depth):
    """Lists in lists."""
    value = MARKER
    for _ in range(depth):
        value = [value]
    return value


ANYTHING = (MARKER, 10**400, -1, 0.5, True, None, [], [MARKER], {}, {"budget": [], "prompt": MARKER}, nested(90))


def answers(url, client, asks, session):
    """What became of each request that joins the queue for one visitor: a refusal, or its last message."""
    found, running = [], {}
    for ask in asks:
        answer = client.post(f"{url}/gradio_api/queue/join", json=ask | {"session_hash": session})
        if answer.status_code == 200:
            running[answer.json()["event_id"]] = ask
        else:
            found.append((ask, answer.status_code, answer.json()["detail"]))
    if running:
        with client.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    found.append((running.pop(message["event_id"]), message["success"], output.get("error")))
    assert not running, "not answered"
    return found


def test_whatever_json_a_function_of_the_page_gets_it_answers_with_a_result_or_a_sentence(unlimited):
    url = unlimited
    with httpx.Client(timeout=WAIT) as client:
        page = client.get(f"{url}/config").json()

        def every_value(one):
            count = len(one["inputs"])
            rows = [[value] * count for value in ANYTHING]
            rows += [[], [MARKER] * (count + 1)]
            rows += [[ANYTHING[(i + j) % len(ANYTHING)] for i in range(count)] for j in (1, 4)]
            asks = [{"data": row, "fn_index": one["id"]} for row in rows]
            asks += [asks[0] | {"event_data": value, "trigger_id": trigger} for value in ANYTHING for trigger in (0, 7)]
            return answers(url, client, asks, f"page-{one['id']}")

        with ThreadPoolExecutor(8) as pool:
            seen = [one for found in pool.map(every_value, page["dependencies"]) for one in found]
        for _, state, said in seen:
            assert state is True or (isinstance(said, str) and said.endswith((".", "。"))), (state, said)
        served = [(one["id"], name) for one in page["components"] for name in one["props"].get("server_fns") or ()]
        assert served
        for component, name in [*served, (10**6, MARKER), (served[0][0], MARKER), (MARKER, "next_chars")]:
            for value in (
                *ANYTHING,
                {"kind": [], "value": {"cards": [{"model": []}]}},
                {"models": [[]], "context": ""},
            ):
                body = {"data": value, "component_id": component, "fn_name": name, "session_hash": "of-a-page"}
                answer = client.post(f"{url}/gradio_api/component_server", json=body)
                assert answer.status_code in (200, 400, 404, 422), answer.text
                assert answer.json() is not None
        for path in ("component_server", "queue/join", "call/v2/generate", "call/score", "cancel", "reset"):
            for content in ("[" * 100_000, MARKER, "null", json.dumps(nested(900)), json.dumps({"data": MARKER})):
                headers = {"content-type": "application/json"}
                answer = client.post(f"{url}/gradio_api/{path}", content=content, headers=headers)
                assert answer.status_code in (400, 422), (path, content[:40], answer.text)
        named = {"prompt": "the time", "models": ["note-rnn-2"], "max_chars": 20, "temperature": 0}
        event = client.post(f"{url}/gradio_api/call/v2/generate", json=named).json()["event_id"]
        (by_name,) = json.loads(client.get(f"{url}/gradio_api/call/v2/generate/{event}").text.split("data: ")[1])[0]
        ask = {"data": ["the time", ["note-rnn-2"], 20, 0, 0, 1, 0]}
        event = client.post(f"{url}/gradio_api/call/generate", json=ask).json()["event_id"]
        (by_place,) = json.loads(client.get(f"{url}/gradio_api/call/generate/{event}").text.split("data: ")[1])[0]
        assert by_name["text"] == by_place["text"] == deeprnn.load(SHIPPED / "note-rnn-2").generate("the time", 20, 0)
        for wrong in ({}, named | {MARKER: MARKER}, {"models": MARKER}):
            answer = client.post(f"{url}/gradio_api/call/v2/generate", json=wrong)
            assert (answer.status_code, answer.json()["detail"][-1]) == (422, "."), answer.text


@pytest.mark.slow
def test_a_header_from_this_machine_does_not_walk_around_the_limits():
    with started("--port", str(free_port()), DEEPRNN_MAX_REQUESTS_A_MINUTE="3") as (_, url, _):
        answers = [
            post(
                f"{url}/gradio_api/call/next_char",
                json={"data": ["a", ["note-rnn-2"], 1]},
                headers={"x-forwarded-for": f"10.0.0.{i}"},
            )
            for i in range(5)
        ]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_it_says_in_one_line_what_it_serves_and_logs_each_refusal_in_one_line_without_what_was_sent(
    save_tiny, tmp_path
):
    def is_summary(line):
        return line.startswith("deeprnn ")

    for name in ("first/one", "second/two"):
        save_tiny(tmp_path / name)
    folders = ("--checkpoints", str(tmp_path / "first"), str(tmp_path / "second"))
    with started("--port", str(free_port()), *folders, DEEPRNN_MAX_REQUESTS_A_MINUTE="1") as (_, url, printed):
        asks = [post(f"{url}/gradio_api/call/{MARKER}", json={"data": [MARKER]}) for _ in range(3)]
        wait_until(lambda: "".join(printed).count("refused") == 3 and any(map(is_summary, printed)))
    assert [answer.status_code for answer in asks] == [422, 429, 429]
    (line,) = filter(is_summary, printed)
    assert line.startswith(f"deeprnn {deeprnn.__version__} serves 2 models; limits: 200 written for at once, ")
    assert "; trusted proxies: 0; trainings: of up to 10 minutes." in line
    assert MARKER not in "".join(printed)


@pytest.mark.slow
def test_every_refusal_that_time_alone_ends_says_when_to_come_back():
    limits = {"DEEPRNN_MAX_AT_ONCE": "1", "DEEPRNN_MAX_QUEUE": "8", "DEEPRNN_MAX_REQUESTS_A_MINUTE": "30"}
    ask = {"data": ["the time", ["depth-lstm-10-residual"] * 6, 2_000, 0.8, 0, 1, 0]}

    def crowd(address, count, refused):
        """Send so many requests at once from an address, and wait until some of them are refused."""
        transport = httpx.HTTPTransport(local_address=address)
        client = clients.enter_context(httpx.Client(timeout=WAIT, transport=transport))
        pool = clients.enter_context(ThreadPoolExecutor(count))
        asked = [pool.submit(client.post, f"{url}/gradio_api/call/generate", json=ask) for _ in range(count)]
        wait_until(lambda: sum(one.done() and one.result().status_code != 200 for one in asked) >= refused)
        return [one.result() for one in asked if one.done() and one.result().status_code != 200]

    with contextlib.ExitStack() as clients, started("--port", str(free_port()), **limits) as (process, url, _):
        wait_until(lambda: get(f"{url}/healthz").status_code == 200)
        seen = crowd("127.0.0.1", 9, 1)  # an address has four places to write and four to wait
        crowd("127.0.0.2", 9, 1)
        seen += crowd("127.0.0.3", 9, 1)
        for _ in range(30):
            seen.append(post(f"{url}/gradio_api/call/generate", json={"data": []}))
        while get(url).status_code == 200:
            pass
        seen.append(get(url))
        process.send_signal(signal.SIGTERM)
        seen += [post(f"{url}/gradio_api/call/generate", json=ask), get(url)]
    late = [answer for answer in seen if answer.status_code != 422]
    assert {answer.status_code for answer in late} == {429, 503}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in late)
    said = [answer.text for answer in late]
    for part in (
        "from your address are waiting",
        "are waiting already",
        "in a minute came",
        "opened more than",
        "stopp",
    ):
        assert any(part in text for text in said), part


def test_a_link_to_the_page_is_shown_with_its_own_title_and_a_space_asks_no_other_host():
    with started("--port", str(free_port()), SPACE_ID="somebody/deeprnn") as (_, url, _):
        page = get(url).text
        config = get(f"{url}/config").json()
    titles = re.findall(r'<meta\s+property="og:title"\s+content="([^"]*)"', page)
    assert titles == [tr("head.title", "en")]
    assert "{url}" not in page
    assert "raw.githubusercontent.com" not in page
    assert config["space_id"] is None
    assert page.count("window.gradio_config = ") == 1


@pytest.mark.slow
def test_a_page_that_is_opened_too_often_says_so_once_in_the_readers_language(chromium):
    with started("--port", str(free_port()), DEEPRNN_MAX_REQUESTS_A_MINUTE="1") as (_, url, _):
        page = chromium.new_page()
        page.set_default_timeout(1_000 * WAIT)
        while (answer := page.goto(f"{url}/?preset=general&lang=zh")).status == 200:
            page.wait_for_function("() => document.querySelectorAll('.model-card').length === 2")
            page.get_by_role("link", name="续写对比", exact=True).wait_for()
            assert page.locator(".toast-body").count() == 0
        page.get_by_text("请等一分钟").first.wait_for(timeout=1_000 * WAIT)
        assert (answer.status, page.get_by_text("请等一分钟").count()) == (429, 1)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        page.close()


@pytest.mark.slow
def test_below_a_prefix_that_a_proxy_keeps_the_page_opens_writes_and_downloads(chromium):
    with started("--port", str(free_port()), GRADIO_ROOT_PATH="/sub") as (_, url, _):
        page = chromium.new_page()
        page.set_default_timeout(1_000 * WAIT)
        one = Visit(page, f"{url}/sub/").open("?models=note-rnn-2&lang=en")
        one.generate(prompt="the time", length=20)
        written = one.card("note-rnn-2").locator(".text").text_content()
        assert written == deeprnn.load(SHIPPED / "note-rnn-2").generate(**one.asked(), max_chars=20)
        one.card("note-rnn-2").locator(".text span").nth(3).click()
        page.locator(".next-row").first.wait_for()
        page.keyboard.press("Escape")
        one.choose("checkpoints")
        page.locator("#checkpoints [data-model='note-rnn-2'] .name").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Folder").click()
        assert download.value.suggested_filename == "note-rnn-2.zip"
        assert one.problems == []
        outside = [asked for asked in one.requests if not asked.startswith((f"{url}/sub/", "data:", "blob:"))]
        assert outside == [], "a proxy would not pass it on"
        page.close()


def children(number):
    """The numbers of the processes that a process has started and that live."""
    tasks = Path(f"/proc/{number}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_that_ends_takes_the_training_of_a_visitor_along(name, tmp_path):
    text = "".join(f"{n} green bottles hanging on the wall.\n" for n in range(100))
    options = {"cell": "gru", "layers": 1, "hidden": 8, "epochs": 5_000}
    with started("--port", str(free_port()), TMPDIR=str(tmp_path)) as (process, url, printed):
        with httpx.Client(cookies={COOKIE: "a" * 32}, timeout=WAIT) as visitor:
            source = visitor.post(f"{url}/training/text", content=text).json()["source"]
            begun = {"do": "start", "source": source, "title": "t", "options": options}
            key = visitor.post(f"{url}/training/ask", json=begun).json()["key"]
            wait_until(lambda: visitor.get(f"{url}/training/state").json()["trainings"][key].get("curve"))
        (training,) = {one for one in children(process.pid) if "my-book" in Path(f"/proc/{one}/cmdline").read_text()}
        process.send_signal(name)
        assert process.wait(WAIT) == (0 if name != signal.SIGKILL else -signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{training}").exists() or not Path(f"/proc/{training}/cmdline").read_text())
    if name != signal.SIGKILL:  # else the next server removes them
        assert not list(tmp_path.rglob("*.txt"))
    assert "Traceback" not in "".join(printed)
    assert "bottles" not in "".join(printed), "a visitor's text is never logged"
