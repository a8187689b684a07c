"""A visitor's own models, told to the page: an invisible board, whose models the pickers put at the top of their lists.

Knows: added models, their titles. Does not know: how they were trained, any one view.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from deeprnn.page import links
from deeprnn.page.shared.components import Drawing
from deeprnn.page.shared.picker import entries
from deeprnn.page.shared.widgets import QUIET, own_titles, title_of
from deeprnn.page.visitor import visitor_of
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang

MOST_NAMES = 1_000  # of models that a page may list


class Own:
    """The board, which is filled when the page is opened, and when `own.js` asks for it."""

    def __init__(self, registry: Registry, page: gr.Blocks, look: Callable[[], object]) -> None:
        """Create the board. look: called when the page is opened; it adds the models that have come meanwhile."""
        self._registry = registry
        self.board = Drawing(
            "",
            html_template="",
            js_on_load="deeprnn.own.mount({ props, trigger });",
            elem_classes="unseen",
            elem_id="own",
        )

        def on_visit(request: gr.Request) -> Any:
            look()
            return self.value(visitor_of(request), links.parse(registry, request.query_params, "").models)

        def on_change(shown: Any, request: gr.Request) -> Any:
            look()
            return self.value(visitor_of(request), named_of(shown))

        page.load(on_visit, None, self.board, **QUIET)
        self.board.select(on_change, self.board, self.board, trigger_mode="always_last", **QUIET)

    def value(self, visitor: str | None, named: Sequence[str] = ()) -> dict[str, Any]:
        """Return the models that a visitor sees beside the public ones, as `picker.js` reads them, the newest first.

        named: by the address with which the page was opened, or listed since then; of another visitor's models among
            them the visitor knows the name.
        """
        own = [one.info for one in self._registry.own(visitor)]
        others = [one.info for name in named if (one := self._registry.added(name)) and one.info not in own]
        return {"models": entries([*own, *others], functools.partial(self._titles, visitor, named))}

    def _titles(self, visitor: str | None, named: Sequence[str], lang: Lang) -> dict[str, str]:
        others = {name: title_of(self._registry, name, lang) for name in named if self._registry.added(name)}
        own = own_titles(self._registry, visitor, lang)
        return others | {name: tr("model.yours", lang, title=shown) for name, shown in own.items()}


def named_of(shown: Any) -> list[str]:
    """Return the names of the models that a browser lists, which it sends as `Own.value`; none of anything else."""
    sent = shown.get("models") if isinstance(shown, dict) else None
    entries = sent if isinstance(sent, list) and len(sent) <= MOST_NAMES else []
    return [one[0] for one in entries if isinstance(one, list) and one and isinstance(one[0], str)]
