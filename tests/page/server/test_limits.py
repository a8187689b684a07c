"""What the server refuses before any handler runs, as an ASGI application and over real HTTP."""

import asyncio
import gc
import http.client
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest

from deeprnn.page.app import build
from deeprnn.page.server import limits
from deeprnn.page.server.limits import ASKING, UNQUEUED, UNQUEUED_AT_ONCE, Limits, RateLimit, price, share, whose
from deeprnn.page.server.requests import Requests
from deeprnn.page.shared.widgets import READS
from tests.conftest import ROOT, WAIT, run


async def echo(_, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(
    app, body=b"", *, path="/x", method="POST", client="1.2.3.4", pieces=1, root_path="", query_string=b"", **headers
):
    """(status, body) of one request whose body comes in pieces."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": named,
        "client": (client, 1),
        "root_path": root_path,
        "query_string": query_string,
    }
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

    run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_body_within_the_limit_arrives_whole(pieces):
    assert ask(Limits(echo, max_bytes=10, per_minute=9), b"0123456789", pieces=pieces) == (200, b"0123456789")


def test_a_body_that_does_not_come_to_its_end_is_refused():
    pieces = [{"type": "http.request", "body": b"a", "more_body": True}]
    sent = []

    async def receive():
        return pieces.pop() if pieces else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [], "client": ("1.2.3.4", 1)}
    run(Limits(echo, max_bytes=10, per_minute=9, body_seconds=0.01)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert "did not arrive" in json.loads(sent[1]["body"])["detail"]


@pytest.mark.parametrize("claimed", [None, "11", "3"])
def test_a_body_beyond_it_is_refused_whatever_length_it_claims(claimed):
    headers = {"content_length": claimed} if claimed else {}
    status, body = ask(Limits(echo, max_bytes=10, per_minute=9), b"0123456789a", pieces=4, **headers)
    assert status == 413
    assert json.loads(body)["detail"].startswith("The request is larger than 10 bytes. Send less text")


@pytest.mark.parametrize(
    "headers",
    [
        {"accept_language": "zh-CN,zh;q=0.9"},
        {"accept_language": "en-US", "referer": "http://127.0.0.1:7860/?view=score&lang=zh"},
        {"accept_language": "zh-CN", "referer": "http://[broken/"},
    ],
)
def test_a_refusal_is_in_the_language_of_the_page_that_asked_else_of_the_browser(headers):
    status, body = ask(Limits(echo, max_bytes=1, per_minute=9), b"12", **headers)
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


class Asked:
    """What `Limits` wants to know of a page's requests."""

    def __init__(self, *, visit=False, waiting=0, running=0):
        self.visit, self.now_waiting, self.now_running = visit, waiting, Counter({"1.2.3.4": running})

    def is_visit(self, *_):
        return self.visit

    def of_a_visit(self):
        return 3

    def is_whole(self, *_):
        return True

    def function(self, *_):
        return 0

    def waiting(self):
        return self.now_waiting

    def places_of(self, _):
        return None

    def group_of(self, _):
        return "all"

    def running_of(self, _):
        return self.now_running


def test_who_comes_when_enough_wait_is_told_so_and_when_to_come_back():
    requests = Asked()
    app = Limits(echo, max_bytes=10, per_minute=9, requests=requests, places=9, max_waiting=2)
    assert ask(app, path=ASKING[0])[0] == 200
    requests.now_waiting = 2
    assert ask(app, path="/assets/x")[0] == 200
    status, body = ask(app, path=ASKING[0], accept_language="zh")
    assert (status, "已有 2 个请求在排队" in json.loads(body)["detail"]) == (503, True)
    assert headers_of(app, ASKING[0])[b"retry-after"] == b"5"


def headers_of(app, path):
    """The headers of what is answered."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "client": ("1.2.3.4", 1)}
    run(app(scope, receive, send))
    return dict(sent[0]["headers"])


def test_who_asks_too_often_is_told_when_to_come_back():
    now = [0.0]
    app = Limits(echo, max_bytes=10, per_minute=1, clock=lambda: now[0])
    ask(app, path=ASKING[0])
    now[0] = 20.5
    assert headers_of(app, ASKING[0])[b"retry-after"] == b"40"


def test_opening_the_page_is_not_asking():
    requests = Asked(visit=True, waiting=9)
    app = Limits(echo, max_bytes=10, per_minute=2, requests=requests, places=9, max_waiting=9)
    assert [ask(app, path=ASKING[0])[0] for _ in range(41)] == [200] * 40 + [429]


def test_a_page_that_could_not_be_filled_is_not_opened_and_says_why_once():
    """Three requests fill it: so many as are refused nobody would see one by one."""
    app = Limits(echo, max_bytes=10, per_minute=1, requests=Asked(visit=True), places=9, max_waiting=9)
    assert [ask(app, method="GET", path="/")[0] for _ in range(3)] == [200] * 3
    assert ask(app, method="GET", path="/", client="5.6.7.8")[0] == 200
    for query, says in ((b"", "more than 3 times in a minute"), (b"lang=zh", "一分钟内打开本页超过 3 次")):
        status, body = ask(app, method="GET", path="/", query_string=query)
        assert (status, body.decode().count(says)) == (429, 1)
    assert [ask(app, path=ASKING[0])[0] for _ in range(9)] == [200] * 9, "what fills those that were opened"


def test_a_page_that_is_asked_for_while_all_wait_or_the_server_ends_says_so():
    full = Limits(echo, max_bytes=10, per_minute=9, requests=Asked(waiting=20), places=9, max_waiting=2)
    assert ask(full, method="GET", path="/")[0] == 503
    ending = Limits(echo, max_bytes=10, per_minute=9, ending=lambda: True)
    status, body = ask(ending, method="GET", path="/", accept_language="zh")
    assert (status, "服务器正在停止" in body.decode()) == (503, True)


def test_each_address_finds_half_of_what_the_others_leave():
    shares = []
    for _ in range(9):
        shares.append(share(200, sum(shares)))
    assert shares == [100, 50, 25, 12, 6, 4, 4, 4, 4]


def test_who_is_beyond_the_share_of_an_address_waits_and_others_do_not():
    requests = Asked(running=50)

    async def crowd():
        sent = {client: [] for client in ("1.2.3.4", "5.6.7.8")}

        async def visit(client):
            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message):
                sent[client].append(message.get("status"))

            scope = {"type": "http", "method": "POST", "path": ASKING[0], "headers": [], "client": (client, 1)}
            await app(scope, receive, send)

        greedy = asyncio.create_task(visit("1.2.3.4"))
        await visit("5.6.7.8")
        seen = [list(sent["5.6.7.8"]), list(sent["1.2.3.4"])]
        requests.now_running = Counter({"1.2.3.4": 49})
        await greedy
        return [*seen, sent["1.2.3.4"]]

    app = Limits(echo, max_bytes=10, per_minute=9, requests=requests, places=100, max_waiting=100)
    assert run(crowd()) == [[200, None], [], [200, None]]


def test_of_what_is_computed_beside_the_queue_an_address_has_some_at_once():
    now, most = Counter(), Counter()
    free = asyncio.Event()

    async def compute(scope, receive, send):
        client = scope["client"][0]
        now[client] += 1
        most[client] = max(most[client], now[client])
        if most.total() == UNQUEUED_AT_ONCE + 1:  # as many as can be of one, and one of another
            free.set()
        await free.wait()
        now[client] -= 1
        await echo(scope, receive, send)

    app = Limits(compute, max_bytes=10, per_minute=99, max_waiting=99)

    async def visit(client):
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_):
            pass

        scope = {"type": "http", "method": "POST", "path": UNQUEUED, "headers": [], "client": (client, 1)}
        await app(scope, receive, send)

    async def crowd():
        await asyncio.wait_for(asyncio.gather(*(visit("1.2.3.4") for _ in range(30)), visit("5.6.7.8")), WAIT)

    run(crowd())
    assert most == {"1.2.3.4": UNQUEUED_AT_ONCE, "5.6.7.8": 1}


def test_what_the_application_raises_is_noted_and_answered_with_a_sentence():
    async def broken(*_):
        raise KeyError("a private word")

    noted = []
    status, body = ask(Limits(broken, max_bytes=10, per_minute=9, log_error=noted.append), path=UNQUEUED)
    assert (status, json.loads(body)["detail"][-1]) == (422, ".")
    assert list(map(type, noted)) == [KeyError]


@pytest.mark.parametrize("path", ["component_server", "api/generate", "run/generate", "call/v2/generate", "queue/join"])
def test_every_way_to_ask_is_counted_below_a_prefix_too(path):
    app = Limits(echo, max_bytes=10, per_minute=1)
    assert [ask(app, path=f"/gradio_api/{path}")[0] for _ in range(2)] == [200, 429]
    app = Limits(echo, max_bytes=10, per_minute=1)
    assert [ask(app, path=f"/sub/gradio_api/{path}", root_path="/sub")[0] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/gradio_api/upload", {}),
        ("/gradio_api/process_recording", {"content_type": "multipart/form-data; boundary=x"}),
        ("/gradio_api/queue/join", {"content_type": "Multipart/form-data; boundary=x"}),
    ],
)
def test_an_upload_is_refused_wherever_it_is_sent(path, headers):
    assert ask(Limits(echo, max_bytes=10, per_minute=9), path=path, **headers)[0] == 403


def test_who_is_told_when_to_come_back_can_spend_it_then():
    now = [0.0]
    spent = RateLimit(lambda: now[0])
    for second in range(30):
        now[0] = float(second)
        assert spent.spend("one", 1, 30) == 0
    after = spent.spend("one", 20, 30)
    now[0] += after - 1
    assert spent.spend("one", 20, 30) > 0
    now[0] += 1
    assert spent.spend("one", 20, 30) == 0


def test_of_more_clients_than_are_remembered_the_one_who_asked_the_longest_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CLIENTS", 2)
    spent = RateLimit(lambda: 0.0)
    assert [spent.spend(client, 1, 1) > 0 for client in ("one", "two", "one", "three")] == [False, False, True, False]
    assert [spent.spend(client, 1, 1) > 0 for client in ("three", "one", "two")] == [True, True, False]


def test_what_is_read_beside_the_queue_is_priced_by_characters_and_models():
    asked = {"data": {"context": "a" * 9_880, "models": ["note-rnn-2"] * 6}}
    assert price("/gradio_api/component_server", asked) == 60
    saved = {"data": {"value": {"cards": [{"prompt": "a" * 1_000, "text": "b" * 4_000}, {"text": 3}, None]}}}
    assert price("/gradio_api/component_server", saved) == 6
    assert price("/gradio_api/component_server", {"data": {"context": 5, "models": None}}) == 1
    assert price("/gradio_api/queue/join", asked) == 1


def test_a_long_text_to_train_on_costs_more_and_so_does_counting_in_it():
    assert price("/training/text", None, 2_000_000) == 21
    assert price("/training/ask", {"do": "stop"}, 40) == 1
    assert price("/training/ask", {"do": "estimate"}, 400) == price("/training/ask", {"do": "start"}, 400) == 3


def test_the_client_is_who_stands_before_the_trusted_proxies():
    app = Limits(echo, max_bytes=10, per_minute=1, proxies=2)
    assert ask(app, path=ASKING[0], x_forwarded_for="6.6.6.6, 9.9.9.9, 10.0.0.1")[0] == 200
    assert ask(app, path=ASKING[0], x_forwarded_for="7.7.7.7, 9.9.9.9, 10.0.0.2")[0] == 429, "the first is made up"


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("9.9.9.9", "9.9.9.9:52100", True),  # as some proxies write it
        ("9.9.9.9", "::ffff:9.9.9.9", True),
        ("9.9.9.9", "9.9.9.8", False),
        ("2001:db8:1:2::5", "[2001:db8:1:2:ffff::9]:443", True),  # one subscriber has all of them
        ("2001:db8:1:2::5", "2001:db8:1:3::5", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "_hidden", False),
        ("unknown", "unknown:52100", True),
    ],
)
def test_what_one_subscriber_has_counts_as_one_address(address, other, same):
    assert (whose(address) == whose(other)) == same
    app = Limits(echo, max_bytes=10, per_minute=1, proxies=1)
    answers = [ask(app, path=ASKING[0], x_forwarded_for=one)[0] for one in (address, other)]
    assert answers == [200, 429 if same else 200]


@pytest.mark.parametrize("session", ["a" * 65, "a b", "", "ä", 7, ["a"]])
def test_a_session_that_is_not_called_as_pages_call_theirs_is_refused(session):
    app = Limits(echo, max_bytes=1_000, per_minute=9)
    assert ask(app, json.dumps({"session_hash": session}).encode(), path=ASKING[0])[0] == 422
    for named in ({"session_hash": "9x0abc-_"}, {"session_hash": None}, {}):
        assert ask(app, json.dumps(named).encode(), path=ASKING[0])[0] == 200


def test_opening_a_link_with_a_long_text_is_asking_and_costs_by_its_length():
    app = Limits(echo, max_bytes=10, per_minute=20, requests=Asked(visit=True), places=9, max_waiting=9)
    long = b"text=" + b"a" * 4 * limits.LONG_QUERY
    assert ask(app, path="/", method="GET", query_string=long)[0] == 200, "there is room for its three requests"
    assert ask(app, path=ASKING[0], query_string=long)[0] == 200
    assert ask(app, path=ASKING[0], query_string=long)[0] == 200
    assert ask(app, path="/", method="GET", query_string=long)[0] == 429, "a page whose requests would be refused"
    assert ask(app, path="/", method="GET", query_string=b"text=the")[0] == 200
    assert {ask(app, path=ASKING[0], query_string=b"text=the")[0] for _ in range(30)} == {200}
    asking = Limits(echo, max_bytes=10, per_minute=5, requests=Asked(), places=9, max_waiting=9)
    assert [ask(asking, path=ASKING[0], query_string=long)[0] for _ in range(6)] == [200] * 5 + [429], "a click costs 1"


def test_a_server_that_is_being_stopped_says_so():
    app = Limits(echo, max_bytes=10, per_minute=9, ending=lambda: True)
    status, body = ask(app, path=ASKING[0])
    assert (status, json.loads(body)["detail"]) == (503, "The server is being stopped. Try again in a minute.")


def test_a_forwarded_address_counts_behind_a_proxy_and_nowhere_else():
    for behind, expected in ((True, 200), (False, 429)):
        app = Limits(echo, max_bytes=10, per_minute=1, proxies=int(behind))
        ask(app, path=ASKING[0], x_forwarded_for="9.9.9.9, 10.0.0.1")
        assert ask(app, path=ASKING[0], x_forwarded_for="9.9.9.9, 10.0.0.2")[0] == expected


@pytest.mark.process
def test_the_environment_sets_what_the_page_and_the_api_hold():
    code = "from deeprnn.page import service; print(service.MAX_MODELS, service.MAX_SCORE_CHARS)"
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
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=WAIT)
    connection.putrequest("POST", "/gradio_api/call/score")
    connection.putheader("Content-Length", str(20_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "larger than 2,000,000 bytes" in json.loads(answer.read())["detail"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # gradio's
def test_what_an_address_asks_to_be_written_is_asking_though_opening_the_page_is_not(registry):
    page = build(registry)
    requests = Requests(page)
    opened = {number for number, function in page.fns.items() if any(event == "load" for _, event in function.targets)}
    after = [number for number, function in page.fns.items() if function.name == "on_asked"]
    assert opened
    assert after
    asking = [one for one in page.fns.values() if one.fn and one.trigger_after in opened]
    assert not asking, "a visit that asks for nothing asks"
    assert all(requests.is_visit("/gradio_api/queue/join", {"fn_index": number}) for number in opened)
    assert not any(requests.is_visit("/gradio_api/queue/join", {"fn_index": number}) for number in after)
    visit = {"fn_index": min(opened)}
    assert not requests.is_visit(UNQUEUED, visit), "only where the page asks for what fills it"
    assert not requests.is_visit("/gradio_api/call/generate", visit)
    (unqueued, *_) = (number for number, function in page.fns.items() if not function.queue)
    (score,) = (number for number, function in page.fns.items() if function.api_name == "score")
    asked = {"data": ["the", ["note-rnn-2"]], "fn_index": unqueued}
    assert requests.function("/gradio_api/call/score", asked) == score, "gradio ignores the number there, too"
    del page, requests
    gc.collect()  # gradio leaves event loops open: they are to be missed here, not in the tests that follow


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # gradio's
def test_all_that_writes_shares_places_and_all_that_reads_shares_fewer(registry):
    page = build(registry)
    requests = Requests(page)
    group_of = {number: function.concurrency_id for number, function in page.fns.items()}
    assert {group_of[number] for number, one in page.fns.items() if one.types_generator} == {"writing", "reading"}

    groups = defaultdict(list)
    for number, function in page.fns.items():
        groups[function.name].append(group_of[number])
    for name in ("on_generate", "on_continue", "on_asked", "generate", "poem"):
        assert set(groups[name]) == {"writing"}, name
    for name in ("on_score", "score", "next_char", "on_look"):
        assert set(groups[name]) == {"reading"}, name
    assert groups["on_move"].count("reading") == 2, "Score and Inside; Compare asks again for what is to be written"
    client = SimpleNamespace(client=SimpleNamespace(host="1.2.3.4"))
    (writes,) = (one for one in page.fns.values() if one.name == "generate")
    page._queue.active_jobs = [[SimpleNamespace(fn=writes, request=client)], None]
    assert {group_of[number] for number in page.fns if requests.running_of(number)} == {"writing"}
    of_group = {group_of[number]: requests.places_of(number) for number in page.fns}
    assert (of_group["writing"], of_group["reading"]) == (None, READS["concurrency_limit"])
    del page, requests, writes
    gc.collect()
