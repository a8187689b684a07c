"""Serve the page over the checkpoints beside this file: `python app.py`."""

# ruff: noqa: E402
import gc

gc.disable()  # all that a start makes is there to stay; to look for garbage in it takes long. `launch` enables it again

import functools
from pathlib import Path

import torch

from deeprnn.checkpoint import CheckpointInfo
from deeprnn.config import Form
from deeprnn.corpora import load_if_at_hand
from deeprnn.registry import Registry
from deeprnn.ui.limits import number
from deeprnn.ui.page import launch

CHECKPOINTS = Path(__file__).parent / "checkpoints"


def main() -> None:
    """Start the server."""
    torch.set_num_threads(1)  # one step is too small to share: a second thread makes it slower
    registry = Registry(CHECKPOINTS, max_loaded=number("MAX_LOADED", 64))
    if not registry.infos:
        raise SystemExit(f"no checkpoint in {CHECKPOINTS}: restore the shipped ones, or run python train.py smoke")
    launch(registry, text_of)


def text_of(info: CheckpointInfo) -> str | None:
    """The main text a model was trained on, where its file is on this machine."""
    return _text(info.metrics["text"]["name"], info.vocab.form)


@functools.cache  # every visit asks which texts are there
def _text(name: str, form: Form) -> str | None:
    corpus = load_if_at_hand(name, form)
    return corpus.text if corpus else None


if __name__ == "__main__":
    main()
