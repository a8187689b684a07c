"""Unexpected errors in a request: the reader gets a sentence, and the log gets no user input.

Knows: how gradio processes a request. Does not know: views, what models do.
"""

import logging
import traceback
from pathlib import Path
from typing import Any

import gradio as gr

from deeprnn.page.server.spoken import LocalizedBlocks
from deeprnn.page.words import language_of, tr
from deeprnn.store.registry import UnknownModelError

LOG = logging.getLogger(__name__)
FRAMES = 4  # stack frames of an error that are logged


def log_error(error: BaseException) -> None:
    """Log the type of an error and where it was raised, but not its message, which may contain user input."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    LOG.error("A request could not be answered: %s at %s", type(error).__name__, where)


class Page(LocalizedBlocks):
    """A page whose functions answer any input with a result or an error message.

    gradio would print every exception together with the input. `gr.Error` with `print_exception=False` is raised on
    purpose and is passed on to the reader.
    """

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Answer one request as gradio does, but replace unexpected errors by a `gr.Error`."""
        try:
            return await super().process_api(*args, **options)
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:
                raise
            log_error(error)
            key = "error_model_gone" if isinstance(error, UnknownModelError) else "error_request"
            lang = language_of(getattr(options.get("request"), "headers", None) or {})
        raise gr.Error(tr(key, lang), title=tr("error_title", lang), print_exception=False)
