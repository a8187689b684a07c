"""Visitors whose session is on another server, or ended with an earlier one: the page says so.

Knows: gradio's stream of answers. Does not know: what is in an answer.

The request that joins the queue and the stream that brings its answers have to reach the same process. Where they do
not, gradio's page would show "Connection Lost" for two seconds and load itself anew, without what was on it.
"""

import json
import logging
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix
from deeprnn.page.server.requests import Requests
from deeprnn.page.words import language_of, tr

LOG = logging.getLogger(__name__)
STREAM = "/gradio_api/queue/data"


class LostSessions:
    """ASGI middleware that answers a stream of an unknown session with a sentence, which the page shows as an error."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self.app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or below_prefix(scope) != STREAM:
            await self.app(scope, receive, send)
            return
        if self._requests.has_session(QueryParams(scope["query_string"]).get("session_hash", "")):
            await self.app(scope, receive, send)
            return
        LOG.warning("A session was not found: several servers need cookie affinity, see docs/deploy.md.")
        error = {"msg": "unexpected_error", "message": tr("error_session", language_of(Headers(scope=scope)))}
        body = _event(error | {"success": False}) + _event({"msg": "close_stream"})
        await Response(body, media_type="text/event-stream", headers={"cache-control": "no-store"})(
            scope, receive, send
        )


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
