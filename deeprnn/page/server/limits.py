"""Request limits: ASGI middleware that refuses or delays requests before gradio handles them.

Knows: HTTP, the words of error messages. Does not know: models, what a request computes.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import math
import re
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.requests import NAMED, Requests
from deeprnn.page.words import language, language_of, tr

LOG = logging.getLogger(__name__)
GRADIO = "/gradio_api/"
TRAINING = "/training/"  # requests of the Train view, which count like those to gradio
UPLOAD = "/gradio_api/upload"  # always refused: the page reads files in the browser
UNQUEUED = "/gradio_api/component_server"  # requests that gradio answers without its queue
ASKING = ("/gradio_api/queue/join", *NAMED)  # requests that gradio puts into its queue
READING = 2  # the price of counting in a visitor's text, which takes up to a second
LONG_QUERY = 4_000  # bytes of an address: one as long asks for work, as a link to a text that is scored
VISIT_FACTOR = 10  # the limit for requests that a page sends when it is opened, relative to that for other requests
MAX_CLIENTS = 10_000  # the most clients whose requests are counted
MINUTE = 60.0
LEAST_SHARE = 4  # places that every address may have, however many other addresses there are
UNQUEUED_AT_ONCE = 8  # requests without a queue that are computed at once for one address
POLL_SECONDS = 0.05  # seconds between two checks for a free place
BODY_SECONDS = 120.0  # seconds within which a request must have arrived whole: 2 MB over a slow phone's connection
RETRY_SECONDS = 5  # seconds after which a client may try again if too many requests wait
_SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)  # of a page; gradio keeps the names of sessions for good
# A name or an address with its port, or several (of proxies): gradio cannot make an address of anything else.
_HOST = re.compile(r"(?:[\w.-]*|\[[\w:.%]+\])(?::\d{0,5})?(?:,\s*[\w.:\[\]-]*)*", re.ASCII)


class RefusalError(Exception):
    """A request is refused.

    status: the HTTP status. key: the key of the reason's words. most: the limit that the reason names.
    after: seconds after which the client may try again; a refusal that time alone ends, 429 or 503, has to say so.
    """

    def __init__(self, status: int, key: str, most: object = 0, *, after: int | None = None) -> None:
        assert (after is not None) == (status in (429, 503)), status
        self.status, self.key, self.most, self.after = status, key, most, after
        super().__init__(key)


def share(places: int, of_others: int) -> int:
    """Return how many places one address may take: half of those that others have not taken, so that some stay free.

    `LEAST_SHARE` it may take in any case.
    """
    return max(LEAST_SHARE, (places - of_others) // 2)


class Gate:
    """Lets through, for each address, as many requests to a function as its share of places allows; the others wait.

    places: how many requests run at once of a function, or of the group with which it shares its places, unless the
        group has a number of its own.
    outside: how many requests may wait in all; each address has a share of these too.
    ending: returns whether the server is shutting down.
    """

    def __init__(self, requests: Requests, places: int, outside: int, ending: Callable[[], bool]) -> None:
        self._requests, self._places, self._outside, self._ending = requests, places, outside, ending
        self._waiting: Counter[str] = Counter()
        self._lines: dict[tuple[str, str], asyncio.Lock] = {}

    def admit(self, client: str, *, visit: bool) -> None:
        """Check that a request may wait.

        visit: whether it is one of the requests that a page sends when it is opened.

        Raises:
            RefusalError: too many requests wait already.
        """
        waiting, outside = self._waiting.total(), self._outside * (VISIT_FACTOR if visit else 1)
        most = share(outside, waiting - self._waiting[client])
        if self._waiting[client] >= most:
            raise RefusalError(429, "error_of_one", most, after=RETRY_SECONDS)
        if waiting + self._requests.waiting() >= outside:
            raise RefusalError(503, "error_queue", outside, after=RETRY_SECONDS)

    @contextlib.asynccontextmanager
    async def passed(self, client: str, function: int, visit: bool) -> AsyncIterator[None]:
        """Wait until a request may run, in the order of arrival; it runs inside the context.

        Raises:
            RefusalError: see `admit`; or the server is shutting down.
        """
        self.admit(client, visit=visit)
        line = self._lines.setdefault((client, self._requests.group_of(function)), asyncio.Lock())
        self._waiting[client] += 1
        try:
            async with line:
                while not self._has_place(client, function):
                    if self._ending():
                        raise RefusalError(503, "error_ending", after=RETRY_SECONDS)
                    await asyncio.sleep(POLL_SECONDS)
                yield
        finally:
            self._waiting -= Counter([client])
            if client not in self._waiting:
                self._lines = {one: line for one, line in self._lines.items() if one[0] != client}

    def _has_place(self, client: str, function: int) -> bool:
        running, places = self._requests.running_of(function), self._requests.places_of(function) or self._places
        return running[client] < share(places, running.total() - running[client])


class Limits:
    """ASGI middleware: refuses bodies that are too large, and clients with too many requests, in the reader's language.

    Each POST to gradio counts as its `price` against the client's limit per minute. The requests that a page sends when
    it is opened have their own limit, ten times as high; with a long address they count as others do, and 1 more for
    each `LONG_QUERY`. A client that has no room for these requests is refused the page itself, since a page without the
    answers to them would show an error in each view.

    places, max_waiting: see `Gate`.
    proxies: the number of trusted proxies; the client is the entry at this place from the end of X-Forwarded-For, else
        the address that connects.
    ending: returns whether the server is shutting down.
    log_error: logs an exception of the application; the client gets an error message.
    body_seconds: how long a request may take to arrive.
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
        log_error: Callable[[BaseException], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.app, self.max_bytes, self.per_minute, self.body_seconds = app, max_bytes, per_minute, body_seconds
        self.requests, self.proxies, self.ending, self.log_error = requests, proxies, ending, log_error
        self._asked, self._opened, self._filled = RateLimit(clock), RateLimit(clock), RateLimit(clock)
        self._unqueued = UnqueuedLimit(max_waiting)
        self._gate = Gate(requests, places, max_waiting, ending) if requests else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def track(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            try:
                await self._pass_on(scope, receive, track)
            except RefusalError as error:
                LOG.warning("A request was refused (%d): %s", error.status, tr(error.key, "en", most=error.most))
                await _refuse(track, error, scope)
        except Exception as error:
            self.log_error(error)
            if not begun:
                await _refuse(track, RefusalError(422 if scope["method"] == "POST" else 500, "error_request"), scope)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not all(_HOST.fullmatch(headers.get(name, "")) for name in ("host", "x-forwarded-host")):
            raise RefusalError(400, "error_request")
        if scope["method"] == "POST":
            await self._answer(scope, receive, send)
            return
        if is_page(scope):
            self._open(self._client(scope, headers), _long(scope))
        await self.app(scope, receive, send)

    def _open(self, client: str, long: int) -> None:
        """Count an opened page with all the requests that it will send.

        Raises:
            RefusalError: the client may not open the page now.
        """
        if self.ending():
            raise RefusalError(503, "error_ending", after=RETRY_SECONDS)
        if self.requests is None or self._gate is None:
            return
        each, most = self.requests.of_a_visit(), VISIT_FACTOR * self.per_minute
        if after := self._opened.spend(client, each, most):
            raise RefusalError(429, "error_visits", most // each, after=after)
        dear = each * (1 + long)
        if long and (after := self._asked.seconds_until(client, dear, self.per_minute)):
            raise RefusalError(429, "error_visits", max(1, self.per_minute // dear), after=after)
        self._gate.admit(client, visit=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        path, client = below_prefix(scope), self._client(scope, headers)
        if self.ending():
            raise RefusalError(503, "error_ending", after=RETRY_SECONDS)
        sent = headers.get("content-type", "").strip().lower()
        if path.startswith(GRADIO) and (path.startswith(UPLOAD) or sent.startswith("multipart/")):
            raise RefusalError(403, "error_upload")
        try:
            async with asyncio.timeout(self.body_seconds):
                body = await self._body(headers, receive)
        except TimeoutError:
            raise RefusalError(408, "error_slow", f"{self.body_seconds:.0f}") from None
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        async with self._let_in(path, body, client, _long(scope)):
            await self.app({**scope, "client": (client, 0)}, replay, send)

    @contextlib.asynccontextmanager
    async def _let_in(self, path: str, body: bytes, client: str, long: int) -> AsyncIterator[None]:
        if not path.startswith((GRADIO, TRAINING)):
            yield
            return
        asked = _read(body)
        if not _has_session_of_a_page(asked):
            raise RefusalError(422, "error_request")
        visit = self.requests is not None and self.requests.is_visit(path, asked)
        fills = visit and not long
        spent, most = (self._filled, 2 * VISIT_FACTOR * self.per_minute) if fills else (self._asked, self.per_minute)
        if after := spent.spend(client, price(path, asked, len(body)) + (long if visit else 0), most):
            raise RefusalError(429, "error_too_often", most, after=after)
        if path.startswith((UNQUEUED, TRAINING)):
            async with self._unqueued.computed(client):
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
        """Return the whole body of a request, whatever its content-length header says.

        Raises:
            RefusalError: the body is longer than `max_bytes`.
        """
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
        return whose(named or (scope.get("client") or ("?",))[0])


class UnqueuedLimit:
    """Limits requests without a queue: a few are computed at once for each address, the others wait."""

    def __init__(self, outside: int) -> None:
        self._outside = outside
        self._places: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def computed(self, client: str) -> AsyncIterator[None]:
        """Wait until a request may be computed; it is computed inside the context.

        Raises:
            RefusalError: too many requests of the address wait already.
        """
        most = share(self._outside, self._here.total() - self._here[client])
        if self._here[client] >= most:
            raise RefusalError(429, "error_of_one", most, after=RETRY_SECONDS)
        places = self._places.setdefault(client, asyncio.Semaphore(UNQUEUED_AT_ONCE))
        self._here[client] += 1
        try:
            async with places:
                yield
        finally:
            self._here -= Counter([client])
            if client not in self._here:
                del self._places[client]


class RateLimit:
    """A rate limit: the prices of each client's requests in the last minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    def spend(self, client: str, price: int, most: int) -> int:
        """Count a request of this price and return 0; or return the seconds until the client may send it."""
        after = self.seconds_until(client, price, most)
        if not after:
            self._of[client].append((self._clock(), min(price, most)))
        return after

    def seconds_until(self, client: str, price: int, most: int) -> int:
        """Return the seconds until the client may send a request of this price; 0: now. It is not counted."""
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
        return 0


def whose(address: str) -> str:
    """Return what counts as one address: without a port; of IPv6 the network of 64 bits that one subscriber has."""
    bare = address.removeprefix("[").partition("]")[0] if address.startswith("[") else address
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:  # a name, as some proxies write for what they hide
        return bare
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found if found.version == 4 else found.ipv4_mapped)


def _long(scope: Scope) -> int:
    """Return how many times as long as a `LONG_QUERY` the query of an address is."""
    return len(scope.get("query_string", b"")) // LONG_QUERY


def _has_session_of_a_page(asked: Any) -> bool:
    """Return whether a request names no session, or one as pages and gradio's clients name theirs."""
    session = asked.get("session_hash") if isinstance(asked, dict) else None
    return session is None or (isinstance(session, str) and _SESSION.fullmatch(session) is not None)


def below_prefix(scope: Scope) -> str:
    """Return the path of a request without the prefix (`root_path`) that a proxy may add."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def is_page(scope: Scope) -> bool:
    """Return whether a request is for the page itself."""
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and below_prefix(scope) in ("", "/")


def price(path: str, asked: Any, size: int = 0) -> int:
    """Return the price of a request: 1, plus 1 per 1,000 characters and model if gradio has no queue for it.

    One of the Train view costs 1 per 100,000 bytes, `size`, more, and one that reads a whole text `READING` more.
    """
    if path.startswith(TRAINING):
        reads = isinstance(asked, dict) and asked.get("do") in ("estimate", "start")
        return 1 + size // 100_000 + (READING if reads else 0)
    ask = asked.get("data") if isinstance(asked, dict) and path.startswith(UNQUEUED) else None
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
    """Send a refusal: JSON, which the page shows as an error; or HTML, if the page itself was requested."""
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
