"""What visitors write stays theirs: no other visitor, no log, no file and no other machine gets it."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import deeprnn
from deeprnn.page.visitor import COOKIE
from tests.conftest import ROOT, SHIPPED, WAIT, wait_until
from tests.page.conftest import free_port
from tests.page.server.test_process import started

pytestmark = pytest.mark.process
MODEL = "note-rnn-2"
SLOW = "note-lstm-10-residual"  # still writes when another visitor has asked for all that might end it
MARKER = "quixotic zebra marzipan"  # in whatever is written; no text of the project holds it
TEXT = "".join(f"{n} {MARKER} bottles hanging on the wall.\n" for n in range(200))
OPTIONS = {"cell": "gru", "layers": 1, "hidden": 8, "epochs": 2}
LONG = OPTIONS | {"epochs": 5_000}
ANN, BOB = "a" * 32, "b" * 32


class Visitor:
    """A visitor's requests to a server; session: of the page that is open."""

    def __init__(self, url, identity, session):
        self.client = httpx.Client(base_url=url, cookies={COOKIE: identity}, timeout=WAIT)
        self.session = session
        self.page = self.client.get("/config").json()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def post(self, path, **body):
        return self.client.post(path, json=body)

    def ask(self, do, **values):
        """A request of the Train view."""
        return self.post("/training/ask", do=do, **values).json()

    def bring(self, text):
        return self.client.post("/training/text", content=text.encode()).json()["source"]

    def start(self, options, title=MARKER):
        return self.ask("start", source=self.bring(TEXT), title=title, options=options)["key"]

    def training(self, key):
        return self.client.get("/training/state").json().get("trainings", {}).get(key)

    def call(self, name, *data):
        """The answer of an endpoint of the API."""
        event = self.post(f"/gradio_api/call/{name}", data=data).json()["event_id"]
        return self.client.get(f"/gradio_api/call/{name}/{event}").text

    def function(self, element, event):
        """The first function of the page that an event of an element calls on the server."""
        (target,) = {one["id"] for one in self.page["components"] if one["props"].get("elem_id") == element}
        return next(one for one in self.page["dependencies"] if [target, event] in one["targets"] and one["backend_fn"])

    def join(self, function, data, **more):
        """Queue a function; return the id of its event."""
        asked = {"fn_index": function["id"], "data": data, "session_hash": self.session, **more}
        return self.post("/gradio_api/queue/join", **asked).json()["event_id"]

    def messages(self, session=None):
        """What the queue tells a session, until it closes the stream; it cuts that of an unknown session."""
        return list(self.hear(session))

    def hear(self, session=None):
        """What the queue tells a session, each message as it comes."""
        lines = self.lines("/gradio_api/queue/data", session_hash=session or self.session)
        return (json.loads(line[5:]) for line in lines if line.startswith("data:"))

    def stream(self, path):
        """The lines of a stream when it has ended."""
        return list(self.lines(path))

    def lines(self, path, **query):
        """The lines of a stream as they come, also of one that is cut."""
        with (
            contextlib.suppress(httpx.RemoteProtocolError),
            self.client.stream("GET", path, params=query) as stream,
        ):
            yield from stream.iter_lines()

    def run(self, element, event, data, **more):
        """Call a function of the page, and wait for its end."""
        self.join(self.function(element, event), data, **more)
        return self.messages()

    def serve(self, element, name, data):
        """Call a function that a script of a board calls."""
        (board,) = {one["id"] for one in self.page["components"] if one["props"].get("elem_id") == element}
        asked = {"component_id": board, "fn_name": name, "session_hash": self.session, "data": data}
        return self.post("/gradio_api/component_server", **asked)


@contextlib.contextmanager
def visitors(**environment):
    """A server, two visitors of it, and what it has printed."""
    with (
        started("--port", str(free_port()), **environment) as (process, url, printed),
        Visitor(url, ANN, "session-of-ann") as ann,
        Visitor(url, BOB, "session-of-bob") as bob,
    ):
        yield process, ann, bob, printed


def pressed(prompt, length, model=MODEL):
    """The values with which Generate is pressed: the language, then those of the controls in their order."""
    return ["English", None, None, prompt, [model], 0, 0, 1, length, 0, "free", "", True]


def test_no_visitor_reads_stops_or_continues_what_another_runs():
    with visitors() as (_, ann, bob, _printed):
        generate = ann.function("generate", "click")
        event = ann.join(generate, pressed(MARKER, 2_000, SLOW))
        heard = []
        listening = threading.Thread(target=lambda: heard.extend(ann.hear()))
        listening.start()
        wait_until(lambda: any(one["msg"] == "process_generating" for one in heard))
        for session in (bob.session, "", ann.session.upper(), None):
            asked = {"session_hash": session, "fn_index": generate["id"], "event_id": "0" * 32}
            bob.post("/gradio_api/cancel", **asked)
            bob.post("/gradio_api/reset", event_id="0" * 32)
        bob.run("stop", "click", [None] * len(bob.function("stop", "click")["inputs"]))
        assert event not in json.dumps(bob.messages("session-of-nobody"))
        assert all(one["msg"] != "process_completed" for one in heard), "Ann's text was still being written"
        listening.join(WAIT)
        last = [one for one in heard if one["msg"] == "process_completed"]
        assert [one["success"] for one in last] == [True]
        shown = json.dumps(heard)
        assert "finished" in shown
        pieces = deeprnn.load(SHIPPED / SLOW).generate(MARKER, 2_000, 0)
        assert pieces[-8:] in shown.replace("\\", "")
        for path in ("/config", "/gradio_api/info", "/healthz", "/training/state"):
            told = bob.client.get(path).text
            assert MARKER not in told
            assert ann.session not in told
            assert ANN not in told


def test_no_visitor_reads_stops_or_continues_what_another_trains():
    with visitors() as (_, ann, bob, _printed):
        key = ann.start(LONG)
        wait_until(lambda: ann.training(key).get("curve"))
        source = ann.training(key)["source"]
        for do in ("stop", "resume", "remove", "keep"):
            assert bob.ask(do, key=key)["why"] == "training.refused.unknown"
        for do in ("estimate", "start"):
            assert bob.ask(do, source=source, title="x", options=OPTIONS)["why"] == "training.refused.gone"
        assert ann.training(key)["state"] == "running"
        assert bob.training(key) is None
        assert key not in bob.client.get("/training/events").text
        ann.ask("stop", key=key)
        wait_until(lambda: ann.training(key)["state"] == "stopped")
        assert bob.ask("resume", key=key)["why"] == "training.refused.unknown"
        names = bob.call("models") + bob.call("score", "a text", ["nobody"]) + bob.client.get("/").text
        assert key not in names
        assert key not in json.dumps(bob.page)
        assert f"mine-{key}" in ann.client.get("/training/state").text
        with bob.client.stream("GET", "/download/all") as every:
            assert not any(key.encode() in piece or MARKER.encode() in piece for piece in every.iter_bytes())


def visit(one):
    """Write the marker wherever a visitor can write something."""
    prompt = f"The {MARKER}"
    for view in ("compare", "score", "inside", "checkpoints", MARKER):
        query = {"view": view, "models": f"{MODEL},{MARKER}", "prompt": prompt, "text": prompt, "preset": MARKER}
        one.client.get("/", params=query, headers={"referer": f"http://x/{MARKER}", "user-agent": MARKER})
    for name in ("generate", "score", "next_char", MARKER.replace(" ", "-")):
        for data in ([prompt, [MODEL]], [prompt, [MARKER]], [MARKER, MARKER, MARKER], [MARKER * 9_000, [MODEL]]):
            answer = one.post(f"/gradio_api/call/{name}", data=data)
            if answer.status_code == 200:
                one.stream(f"/gradio_api/call/{name}/{answer.json()['event_id']}")
    for function in one.page["dependencies"]:
        one.join(function, [MARKER] * len(function["inputs"]), event_data={"query": f"text={MARKER}", "text": MARKER})
    one.messages()
    for element, name in (("board", "next_chars"), ("board", "exported"), ("live", "next_chars")):
        for data in (MARKER, {"context": prompt, "models": [MODEL]}, {"context": prompt, "models": [MARKER]}):
            one.serve(element, name, data)
    one.client.post("/training/text", content=MARKER.encode())
    one.client.post("/training/text", content=b"\xff" + MARKER.encode())
    one.ask(MARKER, key=MARKER, title=MARKER)
    one.ask("estimate", source=one.bring(TEXT), title=MARKER, options=OPTIONS)
    one.client.get(f"/{MARKER}")
    one.client.get(f"/download/{MARKER}.zip")
    one.client.get(f"/gradio_api/file={MARKER}")
    one.stream(f"/gradio_api/call/generate/{MARKER}")


def holding(place, what):
    """The files below a folder that hold a text, in themselves or in their names."""
    found = [path for path in place.rglob("*") if what in path.name]
    for path in place.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and what.encode() in path.read_bytes():
                found.append(path)
    return found


def test_what_visitors_write_is_in_no_log_and_no_file_and_nothing_is_left(tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    places = {name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "HF_HOME", "MPLCONFIGDIR")}
    with visitors(TMPDIR=str(temporary), **places) as (process, ann, _, printed):
        visit(ann)
        assert holding(tmp_path, MARKER) == []
        key = ann.start(OPTIONS)
        wait_until(lambda: ann.training(key)["state"] == "finished")
        private = {path.relative_to(temporary).parts[0] for path in holding(temporary, MARKER)}
        assert all(one.startswith("deeprnn-training-") for one in private)
        assert len(private) == 1
        ann.ask("remove", key=key)
        wait_until(lambda: holding(tmp_path, MARKER) == [])
        ann.start(OPTIONS)
        process.terminate()
        assert process.wait(WAIT) == 0
    assert [path for path in temporary.rglob("*") if path.is_file()] == []  # gradio and torch leave empty folders
    assert holding(tmp_path, MARKER) == []
    log = "".join(printed)
    assert not re.search("zebra|marzipan|Traceback", log), log


@pytest.mark.slow
def test_the_server_connects_to_nothing_and_writes_nowhere_but_to_its_private_folder(tmp_path):
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-f", "true"], capture_output=True).returncode:
        pytest.skip("strace is missing, or may not trace here")
    calls = tmp_path / "calls"
    traced = [strace, "-D", "-f", "-qq", "-e", "trace=connect,sendto,openat,open,creat,rename,mkdir", "-o", str(calls)]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with (
        started("--port", str(free_port()), before=traced, TMPDIR=str(temporary)) as (_, url, printed),
        Visitor(url, ANN, "session-of-ann") as ann,
    ):
        visit(ann)
        key = ann.start(OPTIONS)
        wait_until(lambda: ann.training(key)["state"] == "finished")
    log = calls.read_text(errors="replace")
    assert "connect(" in log, "gradio asks itself at its start"
    addresses = set(re.findall(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"', log))
    assert addresses <= {"127.0.0.1", "::1", "0.0.0.0"}, addresses
    written = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", [^)]*O_(?:WRONLY|RDWR|CREAT)', log)
    gradio = str(Path(importlib.util.find_spec("gradio").origin).parent)  # it describes its components there once
    own = (str(temporary), "/dev/", "/proc/", str(ROOT / "deeprnn"), str(Path.home() / ".cache"), gradio)
    assert [path for path in written if path.startswith("/") and not path.startswith(own)] == []
    assert MARKER not in "".join(printed)


def isolated():
    """The command that runs another one where there is no network but the loopback; None if that is forbidden."""
    alone = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    can = shutil.which("unshare") and shutil.which("ip")
    return alone if can and not subprocess.run([*alone, "true"], capture_output=True).returncode else None


@pytest.mark.slow
@pytest.mark.parametrize(
    "journey",
    [
        "tests/page/test_journeys.py::test_what_is_saved_opens_again",
        "tests/page/test_journeys.py::test_score_compares_two_models_character_by_character",
        "tests/page/training/test_view.py::test_a_model_learns_is_stopped_goes_on_and_is_used_as_others_are",
    ],
)
def test_a_visit_is_the_same_on_a_machine_without_a_network(journey):
    alone = isolated()
    if alone is None:
        pytest.skip("this machine does not let a test run without a network (unshare -rn, ip)")
    command = [*alone, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", journey]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
