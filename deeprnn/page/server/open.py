"""What the server answers at all: the addresses of gradio that are needed, and the headers of each answer.

Knows: gradio's addresses, HTTP's headers for safety. Does not know: what is answered.

gradio opens some forty addresses more, for example to reload code, for uploads and for a proxy; nobody needs them here.
"""

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix

_READ = (
    "/",
    "/config",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/gradio_api/info",
    "/gradio_api/app_id",
    "/gradio_api/theme.css",
    "/gradio_api/startup-events",
    "/gradio_api/queue/data",
)
_READ_BELOW = ("/static/", "/assets/", "/svelte/", "/gradio_api/heartbeat/", "/gradio_api/call/")
_LONGEST = 255  # bytes of a file's name
_SENT = ("/gradio_api/queue/join", "/gradio_api/component_server", "/gradio_api/cancel", "/gradio_api/reset")
_SENT_BELOW = ("/gradio_api/run/", "/gradio_api/api/", "/gradio_api/call/")
# gradio makes functions from strings, and puts scripts and styles into its page; nothing else may be run or fetched.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "frame-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = {"x-content-type-options": "nosniff"}  # of every answer
OF_PAGES = {  # of HTML; a visit has more than a hundred answers, and headers are not compressed
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",  # an address may hold a prompt
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class OnlyOpen:
    """ASGI middleware, just before gradio, that answers 404 for each address that is not open."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request to an open address."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and is_open(scope["method"], below_prefix(scope))):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("There is nothing here.", status_code=404)(scope, receive, send)


def is_open(method: str, path: str) -> bool:
    """Return whether a request reaches gradio; a part of its path that is longer than a file's name does not."""
    if max(map(len, path.encode("utf-8", "replace").split(b"/"))) > _LONGEST:
        return False
    if method in ("GET", "HEAD"):
        return (path.rstrip("/") or "/") in _READ or path.startswith(_READ_BELOW)
    return method == "POST" and (path.rstrip("/") in _SENT or path.startswith(_SENT_BELOW))


class SafeHeaders:
    """ASGI middleware that adds `HEADERS` to every answer, refusals too, and `OF_PAGES` to HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.update(OF_PAGES)
            await send(message)

        await self.app(scope, receive, tell)
