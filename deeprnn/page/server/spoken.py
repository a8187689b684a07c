"""The page in each language; a visitor gets the page in the language that the request asks for.

Knows: how gradio makes the configuration that it sends to a browser. Does not know: views.
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

ASKED: contextvars.ContextVar[Lang] = contextvars.ContextVar("asked", default="en")  # of the present request
CODES: dict[Lang, str] = {"en": "en", "zh": "zh-CN"}  # as HTML names a language


class Localize:
    """ASGI middleware that sets the language of a request for the page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if is_page(scope):
            query, headers = QueryParams(scope["query_string"]), Headers(scope=scope)
            ASKED.set(language(query, headers.get("accept-language", "")))
        await self.app(scope, receive, send)


class LocalizedBlocks(gr.Blocks):
    """A page with a configuration for each language, which is sent in the language of the request.

    words: the texts of its components; complete when the page is built.
    """

    def __init__(self, words: Translations, **options: Any) -> None:
        self._words = words
        self._configs: dict[Lang, Any] = {}
        self._revision = 0
        super().__init__(**options)

    def __exit__(self, *raised: Any) -> None:
        """End the building of the page: draw what is on it."""
        if not any(raised):
            self._words.draw()
        super().__exit__(*raised)

    @property
    def config(self) -> Any:
        """The configuration from which a browser builds the page."""
        return self._configs[ASKED.get()]

    @config.setter
    def config(self, _made: Any) -> None:
        """Make those of all languages; gradio sets the configuration at each step of its start, so boards stay."""
        self._configure()

    @property
    def files(self) -> dict[str, bytes]:
        """The boards that browsers fetch, by address; those of earlier revisions too, for pages that are open."""
        return self._words.files

    def revision(self) -> int:
        """Return how often the configurations were made."""
        return self._revision

    def rebuild_languages(self) -> None:
        """Draw all boards, and make the configurations."""
        self._words.draw()
        self._configure()

    def _configure(self) -> None:
        """Make the configuration of each language; English, the language of the API, comes last."""
        for lang in sorted(LANGUAGES.values(), reverse=True):
            self._words.speak(lang)
            self.title = tr("head.title", lang)
            self.i18n_instance = gr.I18n(**{code: table("gradio", lang) for code in CODES.values()})
            self._configs[lang] = self.get_config_file()
        self._revision += 1
