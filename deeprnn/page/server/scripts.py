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
        self.contents = {f"/{scripts.address(name)}": content for name, content in scripts.scripts().items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        answer = self._answer(path)  # made anew each time, since gradio's compression writes into its headers
        await answer(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if path not in self.contents:
            return PlainTextResponse("There is no such script. Load the page again.", status_code=404)
        return Response(self.contents[path], media_type="text/javascript", headers=_KEPT)
