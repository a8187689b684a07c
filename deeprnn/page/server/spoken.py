"""In which language the page is sent: that of whoever asks for it.

Knows: gradio's way from a page to what a browser gets of it. Does not know: views.
"""

import contextvars
from typing import Any

import gradio as gr
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import is_page
from deeprnn.page.shared.widgets import Translations
from deeprnn.page.words import LANGUAGES, language, table, tr
from deeprnn.words import Lang

ASKED: contextvars.ContextVar[Lang] = contextvars.ContextVar("asked", default="en")  # of the request that is answered
CODES: dict[Lang, str] = {"en": "en", "zh": "zh-CN"}  # as HTML names a language


class Listening:
    """ASGI middleware that hears which language a visitor asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if is_page(scope):
            query, headers = QueryParams(scope["query_string"]), Headers(scope=scope)
            ASKED.set(language(query, headers.get("accept-language", "")))
        await self.app(scope, receive, send)


class Spoken(gr.Blocks):
    """A page that is kept in each language, and sent in the one that is asked for.

    words: what its components say; complete when the page is.
    """

    def __init__(self, words: Translations, **options: Any) -> None:
        self._words = words
        self._configs: dict[Lang, Any] = {}
        super().__init__(**options)

    @property
    def config(self) -> Any:
        """What a browser builds the page from."""
        return self._configs[ASKED.get()]

    @config.setter
    def config(self, _made: Any) -> None:
        """Gradio has made it anew, since something has changed: so do we."""
        self.speak_anew()

    def speak_anew(self) -> None:
        """Make the page again in each language, last in that of programs."""
        for lang in sorted(LANGUAGES.values(), reverse=True):
            self._words.speak(lang)
            self.title = tr("head.title", lang)
            self.i18n_instance = gr.I18n(**{code: table("gradio", lang) for code in CODES.values()})
            self._configs[lang] = self.get_config_file()
