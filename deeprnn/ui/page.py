"""The page: header, language switch, tabs, endpoints; and how it is served.

Knows: the views. Does not know: models, files.
"""

from typing import Any

import gradio as gr

from deeprnn.registry import Registry
from deeprnn.ui import api, compare, score
from deeprnn.ui.text import LANGUAGES, Lang, tr
from deeprnn.ui.theme import PAGE_JS, asset, theme
from deeprnn.ui.widgets import Translations

LAUNCH: dict[str, Any] = {
    "show_error": False,
    "enable_monitoring": False,
    "run_history": False,
    "ssr_mode": False,
    "footer_links": ["api"],
}


def language_of(request: gr.Request) -> str:
    """The language switch's value for a visitor: `?lang=zh` or `?lang=en`, else the browser's first choice."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return "中文" if asked.strip().lower().startswith("zh") else "English"


def build(registry: Registry) -> gr.Blocks:
    """The whole page over one folder of checkpoints."""
    words = Translations()
    with gr.Blocks(title=tr("title", "en"), analytics_enabled=False) as page:
        with gr.Row(elem_id="head"):
            with gr.Column(scale=5, min_width=300):
                heading = gr.Markdown()
            with gr.Column(scale=1, min_width=190):
                language = gr.Radio(
                    list(LANGUAGES), value="English", label="Language · 语言", show_label=False, container=False
                )
        words.add_made(heading, "value", lambda lang: f"# {tr('title', lang)}\n\n{tr('subtitle', lang)}")
        with gr.Tabs():
            for key, view in (("tab_compare", compare), ("tab_score", score)):
                with gr.Tab(tr(key, "en"), id=key) as tab:
                    view.build(registry, language, words)
                words.add(tab, "label", key)
        api.build(registry)
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
        language.change(lambda chosen: words.updates(LANGUAGES[chosen]), language, words.components(), **private)
        page.load(language_of, None, language, **private)
    _speak(words, "en")
    return page


def _speak(words: Translations, lang: Lang) -> None:
    """Give every component its words before the page is first sent."""
    for component, prop, make in words.rows:
        setattr(component, prop, make(lang))


def launch(registry: Registry, **options: Any) -> tuple[Any, str, str]:
    """Serve the page; `options` are gradio's `launch` options."""
    page = build(registry).queue(default_concurrency_limit=8)
    served: tuple[Any, str, str] = page.launch(css=asset("style.css"), theme=theme(), js=PAGE_JS, **(LAUNCH | options))
    return served
