"""What serving many costs: the page launched in this process, asked over real HTTP."""

import contextlib
import gc
import json
import time

import httpx
import pytest

from deeprnn.registry import Registry
from deeprnn.ui import page
from deeprnn.ui.presets import presets
from deeprnn.ui.sessions import Session
from tests.conftest import SHIPPED

# What gradio warns of and leaves unclosed in a process that it does not own.
IGNORED = (
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
pytestmark = pytest.mark.filterwarnings(*IGNORED)
SLOW = ["wells-lstm-2", "note-lstm-10", "note-lstm-10-residual", "journey-gru-2"]


@contextlib.contextmanager
def serving():
    """The registry, the address and the application of a page of its own."""
    registry = Registry(SHIPPED)
    app, url, _ = page.launch(registry, prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    yield registry, url, app
    app.get_blocks().close()
    del app
    gc.collect()  # here, where its warnings are ignored


@pytest.fixture(scope="module")
def served():
    with serving() as found:
        yield found


def click(url, button):
    """The number of what a button does."""
    config = httpx.get(f"{url}config").json()
    elements = {c["id"]: c["props"].get("elem_id") for c in config["components"]}
    return next(
        one["id"]
        for one in config["dependencies"]
        for element, event in one["targets"]
        if (elements.get(element), event) == (button, "click")
    )


def join(url, visitor, models, length, question=(None, None)):
    """Click Generate, without waiting for what comes of it."""
    asked = ["English", *question, "the time", models, 0.8, 0, 1, length, 7]
    ask = {"data": asked, "fn_index": click(url, "generate"), "session_hash": visitor}
    return httpx.post(f"{url}gradio_api/queue/join", json=ask)


def updates(url, visitor):
    """The messages of a visitor, until the connection is closed."""
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": visitor}, timeout=60) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line[5:])


def test_who_leaves_stops_costing_within_a_second(served):
    registry, url, _ = served
    join(url, "leaver", SLOW, 2_000)
    messages = updates(url, "leaver")
    next(message for message in messages if message["msg"] == "process_generating")
    assert registry.writers._desks
    messages.close()
    left, deadline = time.monotonic(), time.monotonic() + 20
    while registry.writers._desks and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not registry.writers._desks
    assert time.monotonic() - left < 1


def test_a_visitors_session_holds_no_copy_of_the_page(served):
    _, url, app = served
    join(url, "visitor", ["note-rnn-2"], 5)
    done = next(message for message in updates(url, "visitor") if message["msg"] == "process_completed")
    assert done["success"]
    session = app.state_holder["visitor"]
    assert type(session) is Session
    assert session.config_values == {}


def test_a_visitor_whom_the_server_has_forgotten_is_still_answered(served):
    """Whatever the page showed: what it sends is among the choices that a new session knows."""
    registry, url, app = served
    assert app.state_holder.capacity == 500
    for key, question in presets(registry).items():
        for budget, models in question.groups.items():
            join(url, f"forgotten-{key}-{budget}", list(models), 2, (key, budget))
            messages = list(updates(url, f"forgotten-{key}-{budget}"))
            done = next(message for message in messages if message["msg"] == "process_completed")
            assert done["success"], done["output"]


def test_a_full_queue_refuses_in_the_readers_language(monkeypatch):
    monkeypatch.setenv("DEEPRNN_MAX_QUEUE", "1")
    monkeypatch.setenv("DEEPRNN_MAX_AT_ONCE", "1")
    with serving() as (_, url, _):
        answers = [join(url, f"visitor-{i}", SLOW, 2_000) for i in range(6)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert answers[0].status_code == 200
    assert refused
    assert {answer.status_code for answer in refused} == {503}
    assert refused[0].json()["detail"].startswith("1 requests are waiting already")
