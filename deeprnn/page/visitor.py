"""Who a visitor is: a random id in a cookie, which the page sets when a visitor first needs it, to train a model.

Knows: cookies. Does not know: what belongs to a visitor. The id serves for nothing else. `shared/visitor.js` makes it.
"""

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "deeprnn-visitor"  # also in shared/visitor.js


def visitor_of(request: Any) -> str | None:
    """Return the id of the visitor who sent a request of gradio or Starlette; None if there is no valid one."""
    found = dict(request.cookies).get(COOKIE, "")
    return found if re.fullmatch("[0-9a-f]{32}", found) else None


class Visits:
    """ASGI middleware that tells who is there: it calls `seen` with the visitor's id at each request of the page."""

    def __init__(self, app: ASGIApp, seen: Callable[[str], object]) -> None:
        self.app, self._seen = app, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request."""
        if scope["type"] == "http" and (visitor := visitor_of(HTTPConnection(scope))):
            self._seen(visitor)
        await self.app(scope, receive, send)
