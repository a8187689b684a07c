"""The page's scripts over HTTP, at `scripts/VERSION/PATH.js`: browsers keep them, and another version is elsewhere.

Knows: which scripts there are. Does not know: components, what a script does.
"""

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix
from deeprnn.page.shared import scripts

PREFIX = f"/{scripts.FOLDER}/"
_KEPT = {"cache-control": "public, max-age=31536000, immutable"}


class Scripts:
    """ASGI middleware that answers what begins with `PREFIX` and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.answers = {
            scripts.address(name): Response(content, media_type="text/javascript", headers=_KEPT)
            for name, content in scripts.scripts().items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        missing = PlainTextResponse("There is no such script. Load the page again.", status_code=404)
        await self.answers.get(path.removeprefix("/"), missing)(scope, receive, send)
