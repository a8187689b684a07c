"""The HTML head of the page: its own title and description for link previews, language, styles and scripts.

Knows: the page's title, answer, colours and scripts, the tags in gradio's template. Does not know: components.
"""

import html
import re

from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix, is_page
from deeprnn.page.server.spoken import ASKED, CODES
from deeprnn.page.shared import scripts
from deeprnn.page.shared.theme import GROUND, PICTURE, first_styles
from deeprnn.page.words import tr
from deeprnn.words import Lang

_GRADIOS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_TAGS = (
    "<title>{title}</title>"
    '<meta name="description" content="{answer}" />'
    '<meta property="og:title" content="{title}" />'
    '<meta property="og:description" content="{answer}" />'
    '<meta property="og:type" content="website" />'
    '<meta property="og:image" content="{image}" />'
    '<meta name="theme-color" media="(prefers-color-scheme: light)" content="{light}" />'
    '<meta name="theme-color" media="(prefers-color-scheme: dark)" content="{dark}" />'
    '<link rel="icon" type="image/svg+xml" href="favicon.ico" />'
    "<style>{styles}</style>"
)
_KEPT = {"cache-control": "public, max-age=86400"}
_BEFORE = b"<script"  # the first one ends the part of the page that is rewritten


class Preview:
    """ASGI middleware that replaces gradio's metadata in the HTML of the page; gradio has no option for it.

    It serves the picture of a link preview, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._picture = PICTURE.read_bytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and below_prefix(scope) == f"/{PICTURE.name}" and scope["method"] in ("GET", "HEAD"):
            await Response(self._picture, media_type="image/png", headers=_KEPT)(scope, receive, send)
            return
        if not is_page(scope):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def tell(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                told = described(bytes(body), ASKED.get(), _root(scope))
                headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                headers += [(b"content-length", str(len(told)).encode()), (b"vary", b"accept-language")]
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": told})

        await self.app(scope, receive, tell)


def _root(scope: Scope) -> str:
    """Return the address of the page as gradio finds it, with a slash at the end."""
    return get_root_url(Request(scope), "/", scope.get("root_path") or None) + "/"


def described(page: bytes, lang: Lang, root: str) -> bytes:
    """Return the page with its own tags and language instead of gradio's; return any other body unchanged.

    root: the absolute address of the page. A preview leads to the address that was shared, so it is given none.
    """
    head, script, rest = page.partition(_BEFORE)
    if not script or b"<head>" not in head:
        return page
    title, answer = html.escape(tr("head.title", lang)), html.escape(tr("head.answer", lang))
    image, styles = html.escape(root + PICTURE.name), first_styles()
    tags = _TAGS.format(title=title, answer=answer, image=image, styles=styles, **GROUND)
    head = _GRADIOS.sub(b"", head).replace(b'lang="en"', f'lang="{CODES[lang]}" data-language="{lang}"'.encode(), 1)
    return head.replace(b"<head>", b"<head>" + tags.encode(), 1) + scripts.tags().encode() + script + rest
