"""Answers that are the same for all visitors: made once, compressed once, and not sent again to a browser that has one.

Knows: the addresses of such answers, HTTP's rules for caches. Does not know: what is in an answer.

gradio makes its page anew and uncompressed for each visitor, and compresses its scripts for each visitor.
"""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.files import FOLDERS
from deeprnn.page.server.limits import below_prefix, is_page
from deeprnn.page.server.spoken import ASKED

MOST_BYTES = 64_000_000  # of all answers that are kept; the one that was asked for the longest ago is dropped
FOREVER = "public, max-age=31536000, immutable"  # the address changes with the content
A_DAY = "public, max-age=86400"
ASK_AGAIN = "no-cache"  # browsers keep the answer, and ask each time whether it has changed
_CONFIG = "/config"
_LASTING = {**dict.fromkeys((*FOLDERS, "/assets/", "/theme.css"), FOREVER), "/static/": A_DAY}
_ORIGIN = ("host", "x-forwarded-host", "x-forwarded-proto")  # from which gradio makes the address in its page
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),  # 9 takes twelve times as long for 1% less
    "gzip": gzip.compress,
    "identity": bytes,
}
_KEPT_HEADERS = ("content-type", "vary")


@dataclass(frozen=True)
class Stored:
    """An answer as it is sent."""

    status: int
    headers: dict[str, str]
    body: bytes


class Store:
    """ASGI middleware that keeps the answers to GET that are the same for all visitors, and passes on other requests.

    An answer depends on nothing but its key: neither the query nor any other header of the request reaches the
    application. revision: returns a number that changes when the page has changed.
    """

    def __init__(self, app: ASGIApp, revision: Callable[[], int]) -> None:
        self.app, self._revision = app, revision
        self._kept: OrderedDict[tuple[object, ...], Stored] = OrderedDict()
        self._bytes = 0
        self._making = asyncio.Lock()  # many first visitors wait for one answer, instead of making it many times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        caching = _caching(scope)
        if caching is None:
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        stored = await self._answer(scope, receive, caching)
        if stored.status == 200 and _has(asked, stored.headers["etag"]):
            await NotModifiedResponse(Headers(stored.headers))(scope, receive, send)
            return
        await Response(stored.body, stored.status, stored.headers)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, caching: str) -> Stored:
        asked = Headers(scope=scope)
        encoding = _encoding(asked.get("accept-encoding", ""))
        made = caching == ASK_AGAIN
        origin = tuple((name, asked[name]) for name in _ORIGIN if made and name in asked)
        key = (scope["path"], encoding, origin, *((ASKED.get(), self._revision()) if made else ()))
        if key not in self._kept:
            async with self._making:
                if key not in self._kept:
                    alone = {"method": "GET", "query_string": b"", "headers": Headers(dict(origin)).raw}
                    stored = await self._made({**scope, **alone}, receive, encoding, caching)
                    if stored.status != 200:
                        return stored
                    self._keep(key, stored)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def _made(self, scope: Scope, receive: Receive, encoding: str, caching: str) -> Stored:
        """Return the application's answer, compressed."""
        status, headers, body = 500, Headers(), bytearray()

        async def collect(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], Headers(raw=message["headers"])
            body.extend(message.get("body", b""))

        await self.app(scope, receive, collect)
        told = MutableHeaders({name: headers[name] for name in _KEPT_HEADERS if name in headers})
        if status != 200:
            return Stored(status, dict(told), bytes(body))
        packed = await run_in_threadpool(_COMPRESS[encoding], bytes(body))
        told.add_vary_header("accept-encoding")
        if encoding != "identity":
            told["content-encoding"] = encoding
        told["cache-control"], told["etag"] = caching, f'"{hashlib.sha256(packed).hexdigest()[:32]}"'
        return Stored(status, dict(told), packed)

    def _keep(self, key: tuple[object, ...], stored: Stored) -> None:
        self._kept[key] = stored
        self._bytes += len(stored.body)
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def _caching(scope: Scope) -> str | None:
    """Return how long browsers keep the answer to a request, or None if it is not the same for all visitors."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return None
    path = below_prefix(scope)
    if is_page(scope) or path == _CONFIG:
        return ASK_AGAIN
    return next((lasting for start, lasting in _LASTING.items() if path.startswith(start)), None)


def _encoding(accepted: str) -> str:
    """Return the best encoding that an Accept-Encoding header names."""
    named = dict(one.partition(";q=")[::2] for one in accepted.lower().replace(" ", "").split(","))
    return next((one for one in _COMPRESS if (named.get(one, "0") or "1").strip("0.")), "identity")


def _has(asked: Headers, tag: str) -> bool:
    """Return whether the browser has this very answer."""
    return tag in (one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(","))
