"""The Train view: a text and choices, curves and samples that grow, and what can be done with the finished model.

Knows: what may be chosen, words. Does not know: requests, how a model is trained.

`train.js` draws it, and asks the server itself (see `requests`).
"""

import functools
from typing import Any

from deeprnn.experiments.own import MOST_EPOCHS, MOST_LAYERS, WIDTHS, Options
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.widgets import Translations, drawing
from deeprnn.page.training.jobs import IDLE_SECONDS
from deeprnn.page.training.process import command
from deeprnn.page.training.texts import LEAST_BYTES, MOST_BYTES
from deeprnn.page.words import table, tr
from deeprnn.words import Lang, in_both

MINUTES = 3.0  # of a training, until the visitor chooses; less where less is allowed
AT_HOME = ("pip install -r requirements.txt", "python app.py")


def form(minutes: int, lang: Lang) -> dict[str, Any]:
    """Return what `train.js` draws for everyone; minutes: the most of a training, 0 if there is none on this server."""
    plain = Options(minutes=min(MINUTES, minutes) if minutes else MINUTES)
    return {
        "minutes": minutes,
        "intro": tr("training.intro", lang),
        "kept": tr("training.kept", lang, minutes=f"{IDLE_SECONDS / 60:.0f}"),
        "off": "" if minutes else tr("training.off", lang),
        "at_home": list(AT_HOME),
        "line": command(plain, "book.txt"),
        "cells": [[name, cell.label] for name, cell in CELLS.items()],
        "cell": plain.cell,
        "layers": MOST_LAYERS,
        "widths": list(WIDTHS),
        "most_epochs": MOST_EPOCHS,
        "start_minutes": plain.minutes,
        "least_bytes": LEAST_BYTES,
        "most_bytes": MOST_BYTES,
        "size": tr("training.size", lang, least=LEAST_BYTES // 1_000, most=MOST_BYTES // 1_000_000),
    }


def build(words: Translations, minutes: int) -> None:
    """Create the component of the view; minutes: see `form`."""
    drawing(
        words,
        lambda: in_both(functools.partial(form, minutes)),
        '<div class="training"></div>',
        "training",
        lambda lang: table("training.label", lang),
        fixed=True,
        elem_id="training",
    )
