"""The functions behind the page and the API: they check a request and answer it with plain data, without gradio.

All limits of values are checked here, for the page and the API alike.
"""

from deeprnn.page.service.asked import (
    MAX_MODELS,
    MAX_NEW_CHARS,
    MAX_PROMPT_CHARS,
    MAX_SCORE_CHARS,
    MAX_SEED,
    MAX_WRITTEN_CHARS,
    RequestError,
    checked_form,
)
from deeprnn.page.service.kept import forget
from deeprnn.page.service.looking import MAX_LOOK_CHARS, MIN_LOOK_CHARS, SHOWN_UNITS, look
from deeprnn.page.service.models import list_models
from deeprnn.page.service.reading import alphabets, analyse, averages, baselines, next_char, score, score_as_done
from deeprnn.page.service.writing import Continuation, generate, poem, stream, stream_poems

__all__ = [
    "MAX_LOOK_CHARS",
    "MAX_MODELS",
    "MAX_NEW_CHARS",
    "MAX_PROMPT_CHARS",
    "MAX_SCORE_CHARS",
    "MAX_SEED",
    "MAX_WRITTEN_CHARS",
    "MIN_LOOK_CHARS",
    "SHOWN_UNITS",
    "Continuation",
    "RequestError",
    "alphabets",
    "analyse",
    "averages",
    "baselines",
    "checked_form",
    "forget",
    "generate",
    "list_models",
    "look",
    "next_char",
    "poem",
    "score",
    "score_as_done",
    "stream",
    "stream_poems",
]
