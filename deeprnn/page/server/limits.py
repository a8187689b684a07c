"""How much may be asked: numbers that the environment can set, and ASGI middleware for what holds before any handler.

Knows: HTTP, words. Does not know: models, what is asked for.
"""

import asyncio
import contextlib
import json
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.requests import NAMED, Requests
from deeprnn.page.words import language, language_of, tr

GRADIO = "/gradio_api/"
UPLOAD = "/gradio_api/upload"  # the page needs none: files are read in the browser
BESIDE = "/gradio_api/component_server"  # answered beside the queue
ASKING = ("/gradio_api/queue/join", *NAMED)  # what makes the server work
VISITS = 10  # times as many requests that fill a page as others
MAX_CLIENTS = 10_000  # remembered at once
MINUTE = 60.0
LEAST_SHARE = 4  # places that an address has however many others there are
BESIDE_AT_ONCE = 8  # requests beside the queue that are computed for one address
MOMENT = 0.05  # seconds between looks for a free place
SOON = 5  # seconds after which to come back where enough wait


class RefusalError(Exception):
    """A request that is not answered: with which status, for which reason and limit, and when to come back."""

    def __init__(self, status: int, key: str, most: object = 0, *, after: int | None = None) -> None:
        self.status, self.key, self.most, self.after = status, key, most, after
        super().__init__(key)


def share(places: int, of_others: int) -> int:
    """How many places one address may hold: half of what the others leave, so that nobody finds none."""
    return max(LEAST_SHARE, (places - of_others) // 2)


class Gate:
    """Lets each address in up to its share of the places that a function has; who comes beyond it waits outside.

    places: that a function has; outside: that there are to wait in, of which an address has a share as well.
    """

    def __init__(self, requests: Requests, places: int, outside: int, ending: Callable[[], bool]) -> None:
        self._requests, self._places, self._outside, self._ending = requests, places, outside, ending
        self._waiting: Counter[str] = Counter()
        self._lines: dict[tuple[str, int], asyncio.Lock] = {}

    def admit(self, client: str, *, visit: bool) -> None:
        """Refuse whoever would find no place to wait in.

        Raises:
            RefusalError: too many wait already.
        """
        waiting, outside = self._waiting.total(), self._outside * (VISITS if visit else 1)
        most = share(outside, waiting - self._waiting[client])
        if self._waiting[client] >= most:
            raise RefusalError(429, "error_of_one", most, after=SOON)
        if waiting + self._requests.waiting() >= outside:
            raise RefusalError(503, "error_queue", outside, after=SOON)

    @contextlib.asynccontextmanager
    async def passed(self, client: str, function: int, visit: bool) -> AsyncIterator[None]:
        """Inside, a request is let through; first come, first served.

        Raises:
            RefusalError: see `admit`; or the server is being stopped.
        """
        self.admit(client, visit=visit)
        line = self._lines.setdefault((client, function), asyncio.Lock())
        self._waiting[client] += 1
        try:
            async with line:
                while not self._has_place(client, function):
                    if self._ending():
                        raise RefusalError(503, "error_ending", after=SOON)
                    await asyncio.sleep(MOMENT)
                yield
        finally:
            self._waiting -= Counter([client])
            if client not in self._waiting:
                self._lines = {one: line for one, line in self._lines.items() if one[0] != client}

    def _has_place(self, client: str, function: int) -> bool:
        running = self._requests.running_of(function)
        return running[client] < share(self._places, running.total() - running[client])


class Limits:
    """ASGI middleware: refuses bodies that are too large, and clients that ask too often, in the reader's language.

    Every POST to gradio is counted by its price (see `price`), except what fills a page that was opened: that has a
    limit of its own, ten times as high. Whoever has reached it is not given the page: what comes of a page that cannot
    be filled is an error for each of its views. So what fills it is refused only where nobody has asked for the page.

    places, max_waiting: see `Gate`. proxies: how many are trusted; the client is the entry so far from the end of
    X-Forwarded-For, else whoever connects. ending: whether no more is answered.

    What the application raises is noted by `note` and answered with a sentence.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        per_minute: int,
        requests: Requests | None = None,
        places: int = 1,
        max_waiting: int = 1,
        proxies: int = 0,
        ending: Callable[[], bool] = lambda: False,
        note: Callable[[BaseException], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.max_bytes, self.per_minute = app, max_bytes, per_minute
        self.requests, self.proxies, self.ending, self.note = requests, proxies, ending, note
        self._asked, self._opened, self._filled = Spent(clock), Spent(clock), Spent(clock)
        self._beside = Beside(max_waiting)
        self._gate = Gate(requests, places, max_waiting, ending) if requests else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def tell(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if scope["method"] == "POST":
                await self._answer(scope, receive, tell)
            else:
                if is_page(scope):
                    self._open(self._client(scope, Headers(scope=scope)))
                await self.app(scope, receive, tell)
            return
        except RefusalError as error:
            refused = error
        except Exception as error:
            self.note(error)
            if begun:
                return
            refused = RefusalError(422 if scope["method"] == "POST" else 500, "error_request")
        await _refuse(send, refused, scope)

    def _open(self, client: str) -> None:
        """Count a page with all that fills it.

        Raises:
            RefusalError: it is not to be opened now.
        """
        if self.ending():
            raise RefusalError(503, "error_ending", after=SOON)
        if self.requests is None or self._gate is None:
            return
        each, most = self.requests.of_a_visit(), VISITS * self.per_minute
        if after := self._opened.spend(client, each, most):
            raise RefusalError(429, "error_visits", most // each, after=after)
        self._gate.admit(client, visit=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        path, client = below_prefix(scope), self._client(scope, headers)
        if self.ending():
            raise RefusalError(503, "error_ending", after=SOON)
        sent = headers.get("content-type", "").strip().lower()
        if path.startswith(GRADIO) and (path.startswith(UPLOAD) or sent.startswith("multipart/")):
            raise RefusalError(403, "error_upload")
        body = await self._body(headers, receive)
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        async with self._let_in(path, body, client):
            await self.app({**scope, "client": (client, 0)}, replay, send)

    @contextlib.asynccontextmanager
    async def _let_in(self, path: str, body: bytes, client: str) -> AsyncIterator[None]:
        if not path.startswith(GRADIO):
            yield
            return
        asked = _read(body)
        visit = self.requests is not None and self.requests.is_visit(path, asked)
        spent, most = (self._filled, 2 * VISITS * self.per_minute) if visit else (self._asked, self.per_minute)
        if after := spent.spend(client, price(path, asked), most):
            raise RefusalError(429, "error_too_often", most, after=after)
        if path.startswith(BESIDE):
            async with self._beside.computed(client):
                yield
            return
        if self.requests is None or self._gate is None or not path.startswith(ASKING):
            yield
            return
        if not self.requests.is_whole(path, asked):
            raise RefusalError(422, "error_request")
        function = self.requests.function(path, asked)
        if function is None:
            yield
            return
        async with self._gate.passed(client, function, visit):
            yield

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body, whatever length it claims, unless it is too long."""
        claimed = headers.get("content-length", "0")
        body = bytearray()
        while True:
            if len(body) > self.max_bytes or (claimed.isdecimal() and int(claimed[:20]) > self.max_bytes):
                raise RefusalError(413, "error_body", f"{self.max_bytes:,}")
            message = await receive()
            body += message.get("body", b"")
            if len(body) <= self.max_bytes and (message["type"] != "http.request" or not message.get("more_body")):
                return bytes(body)

    def _client(self, scope: Scope, headers: Headers) -> str:
        forwarded = [one.strip() for one in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        named = forwarded[-self.proxies] if 1 <= self.proxies <= len(forwarded) else ""
        return named or (scope.get("client") or ("?",))[0]


class Beside:
    """What is computed beside the queue: some at once for one address; the others of that address wait."""

    def __init__(self, outside: int) -> None:
        self._outside = outside
        self._places: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def computed(self, client: str) -> AsyncIterator[None]:
        """Inside, a request has a place.

        Raises:
            RefusalError: too many of the address wait already.
        """
        most = share(self._outside, self._here.total() - self._here[client])
        if self._here[client] >= most:
            raise RefusalError(429, "error_of_one", most, after=SOON)
        places = self._places.setdefault(client, asyncio.Semaphore(BESIDE_AT_ONCE))
        self._here[client] += 1
        try:
            async with places:
                yield
        finally:
            self._here -= Counter([client])
            if client not in self._here:
                del self._places[client]


class Spent:
    """What each client has spent in the last minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    def spend(self, client: str, price: int, most: int) -> int:
        """0 if a client may spend that, and then it has; else seconds after which it may spend again."""
        now = self._clock()
        spent = self._of.setdefault(client, deque())
        self._of.move_to_end(client)
        if len(self._of) > MAX_CLIENTS:
            self._of.popitem(last=False)
        while spent and now - spent[0][0] >= MINUTE:
            spent.popleft()
        price = min(price, most)
        over = sum(one for _, one in spent) + price - most
        for when, one in spent if over > 0 else ():
            over -= one
            if over <= 0:
                return math.ceil(MINUTE - (now - when))
        spent.append((now, price))
        return 0


def below_prefix(scope: Scope) -> str:
    """The path of a request below the prefix that a proxy keeps, if there is one."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def is_page(scope: Scope) -> bool:
    """Whether a request is for the page itself."""
    return scope["type"] == "http" and scope["method"] == "GET" and below_prefix(scope) in ("", "/")


def price(path: str, asked: Any) -> int:
    """What a request to gradio costs: 1, and what is computed beside the queue 1 more for 1,000 characters a model."""
    ask = asked.get("data") if isinstance(asked, dict) and path.startswith(BESIDE) else None
    if not isinstance(ask, dict):
        return 1
    models, value = ask.get("models"), ask.get("value")
    read = _chars(ask, "context") * len(models if isinstance(models, list) else [])
    cards = value.get("cards") if isinstance(value, dict) else None
    for card in cards if isinstance(cards, list) else []:
        read += _chars(card, "prompt") + _chars(card, "text")
    return 1 + read // 1_000


def _chars(values: Any, key: str) -> int:
    text = values.get(key) if isinstance(values, dict) else None
    return len(text) if isinstance(text, str) else 0


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def _refuse(send: Send, refused: RefusalError, scope: Scope) -> None:
    """An answer that the page shows as an error and a program can read; in the place of the page, one to be read."""
    asked, page = Headers(scope=scope), is_page(scope)
    query = QueryParams(scope.get("query_string", b""))
    lang = language(query, asked.get("accept-language", "")) if page else language_of(asked)
    reason = tr(refused.key, lang, most=refused.most)
    kind, body = b"application/json", json.dumps({"detail": reason}, ensure_ascii=False)
    if page:
        kind, body = b"text/html", f'<!doctype html><meta charset="utf-8"><title>deeprnn</title><p>{reason}</p>'
    headers: list[Any] = [(b"content-type", kind + b"; charset=utf-8"), (b"connection", b"close")]
    if refused.after is not None:
        headers.append((b"retry-after", str(refused.after).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
