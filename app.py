"""Serve the page over the checkpoints beside this file: `python app.py`."""

# ruff: noqa: E402
import gc

gc.disable()  # all that a start makes is there to stay; to look for garbage in it takes long. `launch` enables it again

import os

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # the server asks nobody but itself, and that through no proxy

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

import torch

from deeprnn.checkpoint import CheckpointInfo
from deeprnn.config import Form
from deeprnn.corpora import load_if_at_hand
from deeprnn.registry import Registry
from deeprnn.ui.limits import number
from deeprnn.ui.page import launch
from deeprnn.ui.serving import address

CHECKPOINTS = Path(__file__).parent / "checkpoints"


def main(arguments: Sequence[str] | None = None) -> None:
    """Start the server."""
    parser = argparse.ArgumentParser(description="Serve the page; README.md lists the environment variables.")
    parser.add_argument("--host", help="address to listen at (GRADIO_SERVER_NAME, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen at (GRADIO_SERVER_PORT, else 7860)")
    asked = parser.parse_args(arguments)
    try:
        where = address(asked.host, asked.port)
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from None
    torch.set_num_threads(1)  # one step is too small to share: a second thread makes it slower
    registry = Registry(CHECKPOINTS, max_loaded=number("MAX_LOADED", 64))
    if not registry.infos:
        raise SystemExit(f"no checkpoint in {CHECKPOINTS}: restore the shipped ones, or run python train.py smoke")
    launch(registry, text_of, **where)


def text_of(info: CheckpointInfo) -> str | None:
    """The main text a model was trained on, where its file is on this machine."""
    return _text(info.metrics.text.name, info.vocab.form)


@functools.cache  # every visit asks which texts are there
def _text(name: str, form: Form) -> str | None:
    corpus = load_if_at_hand(name, form)
    return corpus.text if corpus else None


if __name__ == "__main__":
    main()
