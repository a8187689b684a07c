"""Components of gradio with another way to take what a browser sends.

gradio writes a stub for editors beside each file that defines components: `components.pyi`, which git does not keep.

Knows: gradio. Does not know: views, models.
"""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import gradio as gr


class Drawing(gr.HTML):
    """What scripts draw from a value.

    Functions of the page take and return the value itself. To the browser and back it goes as one text, which the
    scripts read by `given()`: gradio looks into every entry of anything else, several times.

    Of a text that only grows gradio sends no more than what was added. So a function may return such a text too:
    its lines are a value and, below it, what was added to the value's cards since (see `cards.Growing`).
    """

    def preprocess(self, payload: str | None) -> Any:
        """The value in what a browser sent, whatever that is; an empty one if there is none."""
        with contextlib.suppress(ValueError, TypeError, RecursionError, LookupError, AttributeError):
            return _read_lines((payload or "").split("\n"))
        return {}

    def postprocess(self, value: Any) -> str:
        """The text that carries a value; a text carries one already."""
        return value if isinstance(value, str) else carried(value)


class Number(gr.Number):
    """A number that `service` checks, whose refusal is in the reader's language; gradio's is not."""

    is_template = True  # drawn in the browser as its parent is

    def preprocess(self, payload: Any) -> Any:
        """Whatever was typed."""
        return payload


class Slider(gr.Slider):
    """A slider that `service` checks."""

    is_template = True  # drawn in the browser as its parent is

    def preprocess(self, payload: Any) -> Any:
        """Whatever was typed beside it."""
        return payload


class ModelPicker(gr.Dropdown):
    """A choice of models that `service` checks, with the filters that shorten its list."""

    is_template = True  # drawn in the browser as its parent is
    filters: Sequence[gr.Dropdown] = ()

    def preprocess(self, payload: Any) -> Any:
        """The names chosen, from whichever list: the server may have forgotten which one it sent."""
        return [name for name in payload if isinstance(name, str)] if isinstance(payload, list) else []


def carried(value: Any) -> str:
    """A value as one line of text."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")  # a tag would have gradio warn


def _read_lines(lines: Sequence[str]) -> dict[str, Any]:
    """The last value among the lines, with what the lines below it add to its cards."""
    start = max((at for at, line in enumerate(lines) if line.startswith("{")), default=0)
    value = json.loads(lines[start])
    if not isinstance(value, dict):
        return {}
    added: dict[int, list[str]] = {}
    for line in lines[start + 1 :]:
        for at, one in enumerate(json.loads(line)):
            if isinstance(one, str):
                added.setdefault(at, []).append(one)
            else:
                value["cards"][at], added[at] = one, []
    for at, pieces in added.items():
        value["cards"][at]["text"] += "".join(pieces)
    return value
