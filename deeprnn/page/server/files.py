"""Files that the page fetches, from memory: its scripts, and the boards that are the same for everyone.

Knows: addresses and contents. Does not know: components, what is in a file.

The address of a file changes with its content, so browsers keep it for good (see `stored`).
"""

from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix
from deeprnn.page.shared import scripts

FOLDERS = tuple(f"/{folder}/" for folder in (scripts.FOLDER, scripts.BOARDS))
_MEDIA_TYPES = {"js": "text/javascript", "json": "application/json"}


class Files:
    """ASGI middleware that answers what begins with one of `FOLDERS`, and passes everything else on.

    files: contents by address, relative to the page; files may be added.
    """

    def __init__(self, app: ASGIApp, files: Mapping[str, bytes]) -> None:
        self.app, self._files = app, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(FOLDERS) or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        await self._answer(path.removeprefix("/"))(scope, receive, send)

    def _answer(self, file: str) -> Response:
        if file not in self._files:
            return PlainTextResponse("There is no such file. Load the page again.", status_code=404)
        return Response(self._files[file], media_type=_MEDIA_TYPES[file.rpartition(".")[2]])
