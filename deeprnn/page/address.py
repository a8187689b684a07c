"""What the page does when its address changes while it is open.

Knows: the views, events of the page. Does not know: what a view shows.

A view takes part in two ways. Its view.py says what to show for an address, by `Addresses.follow`. Its script says what
is shown, by `report` in shared/address.js, and so keeps the address bar true, and Back, Forward and Copy link right.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from deeprnn.page import links
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.widgets import QUIET, warn
from deeprnn.store.registry import Registry

MAX_QUERY_CHARS = 200_000  # of an address to which a link in the page leads


class Addresses:
    """Tells views what an address asks for. It has an invisible component for each, whose event asks the server."""

    def __init__(self, registry: Registry, page: gr.Blocks) -> None:
        self._registry, self._page = registry, page
        self._boards = {
            view: gr.HTML("", js_on_load=f"deeprnn.address.listen({json.dumps(view)}, trigger);", elem_classes="unseen")
            for view in links.VIEWS
        }

    def follow(
        self,
        view: links.View,
        show: Callable[..., Any],
        outputs: Sequence[Any],
        inputs: Sequence[Any] = (),
        *,
        typed: gr.Textbox,
        places: Mapping[str, Any] | None = None,
    ) -> None:
        """Call `show` for an address: of any view when the page is opened; of this view whenever it changes later.

        show: gets what the address asks for (`links.Ask`) and the session, which is None when the page is opened; later
            the values of `inputs` too. It returns the values of `outputs`. A view that is opened for the first time
            gets its address too.
        typed: the box that is as the reader left it when the page is loaded again (drafts.js).
        places: the group of events with which a change shares places, such as `READS`; None: it has its own.
        """

        def asked(query: Mapping[str, str], request: gr.Request) -> links.Ask:
            ask = links.parse(self._registry, query, request.headers.get("accept-language", ""))
            if ask.gone and ask.view == view:
                warn("error_model_gone", ask.lang)
            return ask

        def on_visit(request: gr.Request) -> Any:
            return show(asked(request.query_params, request), None)

        def on_move(request: gr.Request, query: Any, *values: Any) -> Any:
            return show(asked(query_of(query), request), request.session_hash, *values)

        visited = self._page.load(on_visit, None, outputs, **QUIET)
        visited.then(None, typed, typed, js=calling("drafts", "again", view), queue=False, **QUIET)
        board = self._boards[view]
        js = f"(_, ...values) => [deeprnn.address.wanted({json.dumps(view)}), ...values]"
        last: dict[str, Any] = {**QUIET, **(places or {}), "trigger_mode": "always_last"}
        board.select(on_move, [board, *inputs], outputs, js=js, **last)


def query_of(sent: Any) -> QueryParams:
    """Return the query that a browser sent; an empty one if it is none, or too long."""
    if not isinstance(sent, str) or len(sent) > MAX_QUERY_CHARS or not sent.isascii():
        return QueryParams("")
    return QueryParams(sent)
