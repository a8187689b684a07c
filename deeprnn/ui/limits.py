"""How much may be asked: numbers that the environment can set, and ASGI middleware for what holds before any handler.

Knows: HTTP, words. Does not know: models, what is asked for.
"""

import json
import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.ui.text import language, tr

GRADIO = "/gradio_api/"
UPLOAD = "/gradio_api/upload"  # the page needs none: files are read in the browser
BESIDE = "/gradio_api/component_server"  # answered beside the queue
NAMED = ("/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
ASKING = ("/gradio_api/queue/join", *NAMED)  # what makes the server work
VISITS = 10  # times as many requests that fill a page as others
MAX_CLIENTS = 10_000  # remembered at once
MINUTE = 60.0


def number(name: str, default: int) -> int:
    """The limit DEEPRNN_NAME, or what it is without that variable.

    Raises:
        ValueError: it is no whole number of 1 or more.
    """
    value = os.environ.get(f"DEEPRNN_{name}", "").strip() or str(default)
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"DEEPRNN_{name} must be a whole number of 1 or more, not {value!r}: correct or unset it.")
    return int(value)


class Requests:
    """What the requests to a page are for, and how many of them run or wait."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def is_visit(self, path: str, body: Any) -> bool:
        """Whether a request only fills a page that was opened."""
        function = self._function(path, body)
        first = function
        while first is not None and first.trigger_after is not None:
            first = self._page.fns.get(first.trigger_after)
        return first is not None and any(event == "load" for _, event in first.targets)

    def is_whole(self, path: str, body: Any) -> bool:
        """Whether a request holds as many values as its function takes; gradio would log those of any other."""
        if not path.startswith(ASKING):
            return True
        function = self._function(path, body)
        if function is None:
            return False
        given = body.get("data")
        asked = sum(not component.skip_api for component in function.inputs)
        return isinstance(given, list) and len(given) in (asked, len(function.inputs))

    def waiting(self) -> int:
        """How many wait."""
        return len(self._page._queue)

    def running(self) -> int:
        """How many run or wait."""
        return len(self._events())

    def running_of(self, client: str) -> int:
        """How many of one address run or wait."""
        return sum(event.request.client is not None and event.request.client.host == client for event in self._events())

    def _events(self) -> list[Any]:
        queue = self._page._queue
        waiting = [event for one in list(queue.event_queue_per_concurrency_id.values()) for event in list(one.queue)]
        return waiting + [event for job in list(queue.active_jobs) for event in job or ()]

    def _function(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return None
        name = path.rstrip("/").rpartition("/")[2]
        for function in self._page.fns.values():
            if path.startswith(NAMED) and name and function.api_name == name:
                return function
        number = body.get("fn_index")
        return self._page.fns.get(number) if isinstance(number, int) else None


class Limits:
    """ASGI middleware: refuses bodies that are too large, and clients that ask too often, in the reader's language.

    Every POST to gradio is counted by its price (see `price`), except what fills a page that was opened: that has a
    limit of its own, ten times as high. max_waiting: how many requests may wait; max_of_one: how many of one address
    may run or wait, so that others are answered beside them. proxies: how many are trusted; the client is who stands
    so far from the end of X-Forwarded-For, else whoever connects. ending: whether no more is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        per_minute: int,
        requests: Requests | None = None,
        max_waiting: int = 1,
        max_of_one: int = 1,
        proxies: int = 0,
        ending: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.max_bytes, self.per_minute, self.clock = app, max_bytes, per_minute, clock
        self.requests, self.max_waiting, self.max_of_one = requests, max_waiting, max_of_one
        self.proxies, self.ending = proxies, ending
        self._asked, self._visited = Spent(clock), Spent(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        lang = language({}, headers.get("accept-language", ""))
        path, client = get_route_path(scope), self._client(scope, headers)
        if self.ending():
            await _refuse(send, 503, tr("error_ending", lang))
            return
        if path.startswith(UPLOAD):
            await _refuse(send, 403, tr("error_upload", lang))
            return
        body = await self._body(headers, receive)
        if body is None:
            await _refuse(send, 413, tr("error_body", lang, most=f"{self.max_bytes:,}"))
            return
        if path.startswith(GRADIO) and (refusal := self._refusal(path, body, client)):
            status, key, most = refusal
            await _refuse(send, status, tr(key, lang, most=most))
            return
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self.app({**scope, "client": (client, 0)}, replay, send)

    def _refusal(self, path: str, body: bytes, client: str) -> tuple[int, str, int] | None:
        """Status, reason and limit, if a request to gradio is not to be answered."""
        asked = _read(body)
        visit = self.requests is not None and self.requests.is_visit(path, asked)
        if visit:
            most = VISITS * self.per_minute
            return None if self._visited.spend(client, 1, most) else (429, "error_too_often", most)
        if not self._asked.spend(client, price(path, asked), self.per_minute):
            return 429, "error_too_often", self.per_minute
        if self.requests is None or not path.startswith(ASKING):
            return None
        if not self.requests.is_whole(path, asked):
            return 422, "error_request", 0
        if self.requests.running_of(client) >= self.max_of_one:
            return 429, "error_of_one", self.max_of_one
        if self.requests.waiting() >= self.max_waiting:
            return 503, "error_queue", self.max_waiting
        return None

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, whatever length it claims; None as soon as it is too long."""
        claimed = headers.get("content-length", "0")
        if claimed.isdecimal() and int(claimed) > self.max_bytes:
            return None
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.max_bytes:
                return None
            if message["type"] != "http.request" or not message.get("more_body"):
                return bytes(body)

    def _client(self, scope: Scope, headers: Headers) -> str:
        forwarded = [one.strip() for one in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        named = forwarded[-self.proxies] if 1 <= self.proxies <= len(forwarded) else ""
        return named or (scope.get("client") or ("?",))[0]


class Spent:
    """What each client has spent in the last minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    def spend(self, client: str, price: int, most: int) -> bool:
        """Whether a client may spend that; it then has."""
        now = self._clock()
        spent = self._of.setdefault(client, deque())
        self._of.move_to_end(client)
        if len(self._of) > MAX_CLIENTS:
            self._of.popitem(last=False)
        while spent and now - spent[0][0] >= MINUTE:
            spent.popleft()
        if sum(one for _, one in spent) + min(price, most) > most:
            return False
        spent.append((now, min(price, most)))
        return True


def price(path: str, asked: Any) -> int:
    """What a request to gradio costs: 1, and what is computed beside the queue 1 more for 1,000 characters a model."""
    ask = asked.get("data") if isinstance(asked, dict) and path.startswith(BESIDE) else None
    if not isinstance(ask, dict):
        return 1
    text, models = ask.get("context"), ask.get("models")
    return 1 + len(text if isinstance(text, str) else "") * len(models if isinstance(models, list) else []) // 1_000


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def _refuse(send: Send, status: int, reason: str) -> None:
    """An answer that the page shows as an error and a program can read."""
    body = json.dumps({"detail": reason}, ensure_ascii=False).encode()
    headers: list[Any] = [(b"content-type", b"application/json; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
