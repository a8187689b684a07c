"""`/healthz`: whether the server is ready, for those who start it and share out requests among several.

Knows: the registry. Does not know: what models do.
"""

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn import __version__
from deeprnn.page.server.limits import RETRY_SECONDS, below_prefix
from deeprnn.store.registry import Registry

PATH = "/healthz"


class Health:
    """ASGI middleware that answers `/healthz`: 200 if models can write, else 503.

    They cannot while their loops are compiled, at a first start, and when the server is shutting down.
    """

    def __init__(self, app: ASGIApp, registry: Registry, ending: Callable[[], bool]) -> None:
        self.app, self._registry, self._ending = app, registry, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or below_prefix(scope) != PATH or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        status = "ending" if self._ending() else "ready" if self._registry.ready.is_set() else "preparing"
        told = {"status": status, "version": __version__, "models": len(self._registry.infos)}
        headers = {"cache-control": "no-store"} | ({} if status == "ready" else {"retry-after": f"{RETRY_SECONDS}"})
        await JSONResponse(told, 200 if status == "ready" else 503, headers)(scope, receive, send)
