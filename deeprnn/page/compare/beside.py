"""The functions that scripts of the view call on the server: the likeliest next characters, and exported files.

Knows: boards, the service. Does not know: components.
"""

from collections.abc import Callable
from typing import Any

from deeprnn.page import service
from deeprnn.page.compare import export
from deeprnn.page.compare.cards import Board
from deeprnn.page.service import MAX_PROMPT_CHARS, RequestError
from deeprnn.page.shared.widgets import title_of
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.text.poem_form import POEM_BEFORE, opening_in
from deeprnn.words import Lang, in_both


def branched(context: str) -> str:
    """Return the prompt of a branch: the text before it, cut at the start to the length that a prompt may have."""
    return context[-MAX_PROMPT_CHARS:]


def next_chars(registry: Registry, ask: dict[str, Any]) -> Any:
    """Return each model's `k` likeliest next characters after a text (ten without it), in both languages.

    If `poem` is true, the text is how a poem of a given form begins: models read a poem before it, as when they write.

    Raises:
        RequestError: see `service.next_char`.
    """
    context = ask.get("context")
    if ask.get("poem") is True and isinstance(context, str):
        context = POEM_BEFORE + opening_in(context)
    answers = service.next_char(registry, prompt=context, models=ask.get("models"), k=ask.get("k", 10))

    def row(answer: dict[str, Any], lang: Lang) -> dict[str, Any]:
        name = answer["model"]
        told = {"error": tr("error_broken", lang, name=name)} if "error" in answer else {}
        return answer | told | {"title": title_of(registry, name, lang), "cell": registry.info(name).config.cell}

    return {"rows": in_both(lambda lang: [row(answer, lang) for answer in answers])}


def exported(registry: Registry, ask: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison as a file for `cards.js` to save, in the language that `ask` names.

    Raises:
        RequestError: the value is not a comparison, or there is no such kind of file.
    """
    kind = str(ask.get("kind"))
    lang: Lang = "zh" if ask.get("lang") == "zh" else "en"
    mime, text = export.export(registry, Board.read(registry, ask.get("value")), kind, lang)
    return {"name": f"deeprnn-comparison.{kind}", "mime": mime, "text": text}


def served(registry: Registry, function: Callable[[Registry, dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """Return `function` for gradio's `server`, which calls it by its name; if it refuses, the answer is its error."""

    def answer(ask: Any) -> Any:
        try:
            return function(registry, ask if isinstance(ask, dict) else {})
        except RequestError as error:
            return {"error": in_both(error.message)}

    answer.__name__ = function.__name__
    return answer
