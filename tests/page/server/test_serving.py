"""What serving many costs: the page launched in this process, asked over real HTTP."""

import contextlib
import gc
import json

import httpx
import pytest

from deeprnn.page import app
from deeprnn.page.server.sessions import Session
from deeprnn.page.shared.components import Drawing
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED, WAIT, wait_until

# What gradio warns of and leaves unclosed in a process that it does not own.
IGNORED = (
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
pytestmark = [pytest.mark.process, pytest.mark.filterwarnings(*IGNORED)]
READER = Drawing({})
SLOW = ["wells-lstm-2", "note-lstm-10", "note-lstm-10-residual", "journey-gru-2"]


@contextlib.contextmanager
def serving():
    """The registry, the address and the application of a page of its own."""
    registry = Registry(SHIPPED)
    served, url, _ = app.launch(registry, prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    yield registry, url, served
    served.get_blocks().close()
    del served
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


def press(url, visitor, button, data):
    """Click a button, without waiting for what comes of it."""
    ask = {"data": data, "fn_index": click(url, button), "session_hash": visitor}
    return httpx.post(f"{url}gradio_api/queue/join", json=ask)


def join(url, visitor, models, length, question=(None, None), prompt="the time"):
    """Click Generate, without waiting for what comes of it."""
    return press(
        url, visitor, "generate", ["English", *question, prompt, models, 0.8, 0, 1, length, 7, "free", "", True]
    )


def updates(url, visitor, received=None):
    """The messages of a visitor, until the connection is closed; `received` collects their lengths in bytes."""
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": visitor}, timeout=WAIT) as stream:
        for line in stream.iter_lines():
            if received is not None:
                received.append(len(line.encode()) + 1)
            if line.startswith("data:"):
                yield json.loads(line[5:])


class Browser:
    """What a visitor's browser makes of the messages: the newest board, its text put together as gradio does it."""

    def __init__(self):
        self.texts, self.seen, self.board = {}, [], {"turn": 0}

    def see(self, message):
        data = (message.get("output") or {}).get("data")
        if message["msg"] not in ("process_generating", "process_completed") or not data:
            return
        event, change = message["event_id"], data[0]
        if message["msg"] == "process_generating" and event in self.texts:
            for action, path, value in change:
                assert path == []
                self.texts[event] = self.texts[event] + value if action == "append" else value
        else:
            self.texts[event] = change
        if isinstance(self.texts[event], str):
            self.seen.append(self.texts[event])
            board = READER.preprocess(self.texts[event])
            if board["turn"] >= self.board["turn"]:
                self.board = board

    def see_all(self, messages):
        for message in messages:
            self.see(message)
        return self.board


def test_six_texts_of_2000_characters_come_in_less_than_300_kilobytes(served):
    registry, url, _ = served
    received, browser = [], Browser()
    models = ["note-rnn-2", "note-gru-2", "note-lstm-2", "few-lstm-2", "depth-gru-2-residual", "depth-rnn-2-residual"]
    join(url, "counter", models, 2_000)
    board = browser.see_all(updates(url, "counter", received))
    assert [len(card["text"]) for card in board["cards"]] == [2_000] * 6
    assert [card["state"] for card in board["cards"]] == ["finished"] * 6
    assert board["cards"][0]["text"] == registry.get("note-rnn-2").generate("the time", max_chars=2_000, seed=7)
    assert sum(received) < 300_000


def test_a_new_run_of_a_visitor_ends_the_one_before(served):
    _, url, _ = served
    join(url, "two", SLOW, 2_000)
    messages, browser = updates(url, "two"), Browser()
    browser.see(next(message for message in messages if message["msg"] == "process_generating"))
    join(url, "two", ["note-rnn-2"], 5, prompt="another")
    board = browser.see_all(messages)
    assert board["prompt"] == "another"
    assert [(card["model"], card["state"]) for card in board["cards"]] == [("note-rnn-2", "finished")]
    first = [board for board in map(READER.preprocess, browser.seen) if board["prompt"] == "the time"][-1]
    assert all(len(card["text"]) < 2_000 for card in first["cards"])


def test_stop_ends_the_run_also_after_a_continue_that_was_refused(served):
    _, url, _ = served
    join(url, "refused", SLOW, 2_000)
    messages, browser = updates(url, "refused"), Browser()
    browser.see(next(message for message in messages if message["msg"] == "process_generating"))
    shown = next(iter(browser.texts.values()))
    press(url, "refused", "continue", ["English", shown, 2_000])
    refused = next(message for message in messages if message["msg"] == "process_completed")
    assert not refused["success"]
    press(url, "refused", "stop", [shown])
    board = browser.see_all(messages)
    assert [card["state"] for card in board["cards"]] == ["stopped"] * 4


def test_stop_keeps_what_was_shown_and_continue_goes_on_from_there(served):
    registry, url, _ = served
    join(url, "stopper", SLOW, 2_000)
    messages, browser = updates(url, "stopper"), Browser()
    for message in messages:
        browser.see(message)
        if all(len(card["text"]) > 10 for card in browser.board.get("cards", [{"text": ""}])):
            break
    shown = browser.board
    for card in shown["cards"]:
        card["text"] = card["text"][:9]  # the browser is slower than the server
    press(url, "stopper", "stop", [json.dumps(shown)])
    board = browser.see_all(messages)
    assert [card["text"] for card in board["cards"]] == [card["text"] for card in shown["cards"]]
    assert all(card["state"] == "stopped" and len(card["nats"]) == 9 and card["speed"] > 0 for card in board["cards"])
    press(url, "stopper", "continue", ["English", json.dumps(board), 20])
    board = browser.see_all(updates(url, "stopper"))
    for name, card in zip(SLOW, board["cards"], strict=True):
        assert card["text"] == registry.get(name).generate("the time", max_chars=29, seed=7)


def test_who_leaves_stops_costing(served):
    registry, url, _ = served
    join(url, "leaver", SLOW, 2_000)
    messages = updates(url, "leaver")
    next(message for message in messages if message["msg"] == "process_generating")
    writing = [
        one for batch in registry.scheduler._batches.values() for one in (*batch.slots, *(w for w, *_ in batch.joining))
    ]
    messages.close()
    wait_until(lambda: not registry.scheduler._batches)
    assert len(writing) == len(SLOW)
    assert all(len(one.numbers) for one in writing), "none was written to its end"


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
    for key, question in comparisons(registry).items():
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
