"""Visitors whose session is on another server, or ended with an earlier one: the page says so.

Knows: gradio's stream of answers. Does not know: what is in an answer.

The request that joins the queue and the stream that brings its answers have to reach the same process. Where they do
not, nothing would come, or gradio's page would show "Connection Lost" for two seconds and load itself anew, without
what was on it. So a cookie says which process a browser's last request joined.
"""

import json
import logging
import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix
from deeprnn.page.server.requests import Requests
from deeprnn.page.words import language_of, tr

LOG = logging.getLogger(__name__)
JOIN, STREAM = "/gradio_api/queue/join", "/gradio_api/queue/data"
COOKIE = "deeprnn-process"


class LostSessions:
    """ASGI middleware that answers a stream of a session that is not here with a sentence, which the page shows."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self.app, self._requests = app, requests
        self._process = secrets.token_hex(8)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = (scope.get("method"), below_prefix(scope)) if scope["type"] == "http" else ()

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{COOKIE}={self._process}; Path={scope.get('root_path') or '/'}; HttpOnly; SameSite=Lax"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        if asked == ("POST", JOIN) and self._joined(scope) != self._process:
            await self.app(scope, receive, mark)
        elif asked == ("GET", STREAM) and self._is_elsewhere(scope):
            LOG.warning("A session was not found: several servers need cookie affinity, see docs/deploy.md.")
            await _lost(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_elsewhere(self, scope: Scope) -> bool:
        """Return whether no answer can come through a stream: another process has what the browser asked for last."""
        session = QueryParams(scope["query_string"]).get("session_hash", "")
        return self._joined(scope) not in (None, self._process) or not self._requests.has_session(session)

    def _joined(self, scope: Scope) -> str | None:
        return HTTPConnection(scope).cookies.get(COOKIE)


def _lost(scope: Scope) -> Response:
    """Return an error for all that the page waits for: a message without the id of an event is for each of them."""
    lang = language_of(Headers(scope=scope))
    said = {"error": tr("error_session", lang), "title": tr("error_title", lang), "visible": True, "duration": 10}
    body = _event({"msg": "process_completed", "success": False, "output": said}) + _event({"msg": "close_stream"})
    return Response(body, media_type="text/event-stream", headers={"cache-control": "no-store"})


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
