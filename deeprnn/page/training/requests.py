"""Requests of the Train view: a text is sent once, and what is new comes in a stream.

Knows: HTTP, visitors. Does not know: components, how a model is trained.

    POST training/text     the text itself, in UTF-8; so one of 2 MB is no longer than the limit of a request
    POST training/ask      {"do": ...}: see `Answers`
    GET  training/state    everything of the visitor
    GET  training/events   what changes, as server-sent events, until nothing of the visitor runs or waits

A refusal is an answer like others, {"refused": sentence}.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import TRAINING, below_prefix
from deeprnn.page.service.asked import RequestError
from deeprnn.page.training.answers import Answers
from deeprnn.page.training.state import is_active
from deeprnn.page.visitor import visitor_of
from deeprnn.words import in_both

BETWEEN_SECONDS = 0.25  # seconds from one look at what has changed to the next
ALIVE_SECONDS = 15.0  # seconds after which a stream without news says that it is alive


class Requests:
    """ASGI middleware that answers what begins with `TRAINING`, and passes everything else on."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self.app, self._answers = app, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(TRAINING):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._answer(request, f"{request.method} {path.removeprefix(TRAINING)}")
        answer.headers["cache-control"] = "no-store"
        await answer(scope, receive, send)

    async def _answer(self, request: Request, asked: str) -> Response:
        visitor = visitor_of(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("Only the page itself may ask this.", status_code=403)
        if asked == "GET events":
            stream = events(self._answers, visitor) if visitor else nothing()
            return StreamingResponse(stream, media_type="text/event-stream")
        body = await request.body() if request.method == "POST" else b""  # `Limits` has read only those of POST
        known: dict[str, Callable[[], Any]] = {
            "GET state": lambda: self._answers.state(visitor),
            "POST text": lambda: self._answers.bring(visitor, body),
            "POST ask": lambda: self._answers.ask(visitor, body),
        }
        if asked not in known:
            return PlainTextResponse("There is nothing here.", status_code=404)
        try:
            return JSONResponse(await run_in_threadpool(known[asked]))
        except RequestError as error:
            return JSONResponse({"refused": in_both(error.message), "why": error.key})


async def nothing() -> AsyncIterator[str]:
    """Return the stream of somebody without trainings: it ends at once."""
    yield message({"over": True})


async def events(answers: Answers, visitor: str) -> AsyncIterator[str]:
    """Yield what changes of a visitor's trainings, first everything, until none of them waits or runs."""
    trainings, news = answers.trainings, answers.news()
    seen, quiet = -1, 0.0
    while True:
        if trainings.changes > seen:
            seen, found = trainings.changes, await run_in_threadpool(trainings.of, visitor)
            over = not is_active(found)
            if said := news.changed(found) | ({"over": True} if over else {}):
                quiet = 0.0
                yield message(said)
            if over:
                return
        await asyncio.sleep(BETWEEN_SECONDS)
        quiet += BETWEEN_SECONDS
        if quiet >= ALIVE_SECONDS:
            quiet = 0.0
            yield ": \n\n"


def message(value: Any) -> str:
    """Return a value as a server-sent event."""
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"
