"""How much may be asked: numbers that the environment can set, and ASGI middleware for what holds before any handler.

Knows: HTTP, words. Does not know: models, what is asked for.
"""

import json
import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.ui.text import language, tr

ASKING = ("/gradio_api/queue/join", "/gradio_api/call/", "/gradio_api/run/")  # what makes the server work
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


class Limits:
    """ASGI middleware: refuses bodies that are too large, and clients that ask too often, in the reader's language.

    waiting: how many requests wait already, of which there may be max_waiting. behind_proxy: the client is the last
    address that the proxy wrote into X-Forwarded-For, else whoever connects.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        per_minute: int,
        waiting: Callable[[], int] = lambda: 0,
        max_waiting: int = 1,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.max_bytes, self.per_minute, self.clock = app, max_bytes, per_minute, clock
        self.waiting, self.max_waiting, self.behind_proxy = waiting, max_waiting, behind_proxy
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        lang = language({}, headers.get("accept-language", ""))
        if scope["path"].startswith(ASKING):
            if not self._may_ask(self._client(scope, headers)):
                await _refuse(send, 429, tr("error_too_often", lang, most=self.per_minute))
                return
            if self.waiting() >= self.max_waiting:
                await _refuse(send, 503, tr("error_queue", lang, most=self.max_waiting))
                return
        body = await self._body(headers, receive)
        if body is None:
            await _refuse(send, 413, tr("error_body", lang, most=f"{self.max_bytes:,}"))
            return
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self.app(scope, replay, send)

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
        forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if self.behind_proxy else ""
        return forwarded or (scope.get("client") or ("?",))[0]

    def _may_ask(self, client: str) -> bool:
        now = self.clock()
        asked = self._asked.setdefault(client, deque())
        self._asked.move_to_end(client)
        if len(self._asked) > MAX_CLIENTS:
            self._asked.popitem(last=False)
        while asked and now - asked[0] >= MINUTE:
            asked.popleft()
        if len(asked) >= self.per_minute:
            return False
        asked.append(now)
        return True


async def _refuse(send: Send, status: int, reason: str) -> None:
    """An answer that the page shows as an error and a program can read."""
    body = json.dumps({"detail": reason}, ensure_ascii=False).encode()
    headers: list[Any] = [(b"content-type", b"application/json; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
