"""Components of gradio that read the browser's input in another way.

gradio writes a stub for editors beside each file that defines components, `components.pyi`, one class after another.
mypy would read it in place of this file, and several processes that begin at once write it badly, so it is removed.

Knows: gradio. Does not know: views, models.
"""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr


class Drawing(gr.HTML):
    """A value that scripts draw.

    Handlers take and return the value itself. Between server and browser it is one text, which the scripts read with
    `given()`, because gradio visits every entry of other values several times.

    If a text only grows, gradio sends only what was added. So a handler may return such a text instead: its first line
    is a value, and each line below is what was added to the value's cards (see `cards.Growing`).
    """

    def preprocess(self, payload: str | None) -> Any:
        """Return the value in what a browser sent; {} if the text is not valid."""
        with contextlib.suppress(ValueError, TypeError, RecursionError, LookupError, AttributeError):
            return _read_lines((payload or "").split("\n"))
        return {}

    def postprocess(self, value: Any) -> str:
        """Return the text of a value; a value that is a text already is returned unchanged."""
        return value if isinstance(value, str) else carried(value)


class Number(gr.Number):
    """A number that `service` checks: its error messages are in the reader's language, gradio's are not."""

    is_template = True  # the browser draws it as the parent class

    def preprocess(self, payload: Any) -> Any:
        """Return the input unchecked."""
        return payload


class Slider(gr.Slider):
    """A slider whose value `service` checks."""

    is_template = True  # the browser draws it as the parent class

    def preprocess(self, payload: Any) -> Any:
        """Return the input unchecked."""
        return payload


class ModelPicker(gr.Dropdown):
    """A list of models to choose from, with its filters; `service` checks the choice."""

    is_template = True  # the browser draws it as the parent class
    filters: Sequence[gr.Dropdown] = ()

    def preprocess(self, payload: Any) -> Any:
        """Return the names chosen, without comparing them with the list: the server may not have it any more."""
        return [name for name in payload if isinstance(name, str)] if isinstance(payload, list) else []

    def postprocess(self, value: Any) -> Any:
        """Return the value unchanged; gradio would warn, and log the name, if it is not in the server's list."""
        return value


class ModelChoice(gr.Dropdown):
    """A list of models of which one is chosen; `service` checks the choice."""

    is_template = True  # the browser draws it as the parent class

    def preprocess(self, payload: Any) -> str | None:
        """Return the name chosen, without comparing it with the list: the reader's own models are not in it."""
        return payload if isinstance(payload, str) else None

    def postprocess(self, value: Any) -> Any:
        """Return the value unchanged; gradio would warn, and log the name, if it is not in the server's list."""
        return value


with contextlib.suppress(OSError):  # where nothing may be written there is none
    Path(__file__).with_suffix(".pyi").unlink()


def carried(value: Any) -> str:
    """Return a value as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")  # gradio warns about text that contains tags


def _read_lines(lines: Sequence[str]) -> dict[str, Any]:
    """Return the last value in the lines, with the additions of the lines below it to its cards."""
    start = max((at for at, line in enumerate(lines) if line.startswith("{")), default=0)
    value = json.loads(lines[start])
    if not isinstance(value, dict):
        return {}
    added: dict[int, list[str]] = {}
    for line in lines[start + 1 :]:
        for at, one in enumerate(json.loads(line)):
            if not isinstance(one, str):
                value["cards"][at] = one
                added.pop(at, None)
            elif one:
                added.setdefault(at, []).append(one)
    for at, pieces in added.items():
        value["cards"][at]["text"] += "".join(pieces)
    return value
