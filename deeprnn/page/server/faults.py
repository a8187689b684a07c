"""What becomes of a request that cannot be answered: a sentence for whoever asked, and no word of theirs in the log.

Knows: gradio's way through a request. Does not know: views, models.
"""

import logging
import traceback
from pathlib import Path
from typing import Any

import gradio as gr

from deeprnn.page.server.spoken import Spoken
from deeprnn.page.words import language_of, tr

LOG = logging.getLogger(__name__)
FRAMES = 4  # of a fault that are told


def note(error: BaseException) -> None:
    """Tell the log what kind of fault there was and where: its message may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    LOG.error("A request could not be answered: %s at %s", type(error).__name__, where)


class Page(Spoken):
    """A page of which every function answers any values with a result or a sentence.

    gradio would print, with the values, whatever its components and the functions raise. What they raise on purpose,
    `gr.Error` with `print_exception=False`, goes on to the reader.
    """

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Answer one request as gradio does."""
        try:
            return await super().process_api(*args, **options)
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:
                raise
            note(error)
            lang = language_of(getattr(options.get("request"), "headers", None) or {})
        raise gr.Error(tr("error_request", lang), title=tr("error_title", lang), print_exception=False)
