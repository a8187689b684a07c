"""The command line of serving: `python app.py`.

Knows: the folders of checkpoints and texts, the server's address. Does not know: what the page shows.
"""

import argparse
import functools
import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from deeprnn.config import Form
from deeprnn.experiments.own import NAME
from deeprnn.page.environment import env_limit
from deeprnn.page.server.serving import address, set_gradio_environment
from deeprnn.page.training.allowed import is_local
from deeprnn.store.arrivals import Arrivals
from deeprnn.store.checkpoint import CONFIG, CheckpointInfo
from deeprnn.store.folders import CHECKPOINTS, IN_CLONE, RUNS
from deeprnn.store.hub import pull_all
from deeprnn.store.registry import Registry
from deeprnn.text.corpora import load_if_local

HUB = "hf://"  # how a place at the Hub begins
LOG = logging.getLogger(__name__)
SHIPPED = IN_CLONE if IN_CLONE.is_dir() else CHECKPOINTS


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> None:
    """Start the server. program: its name in usage and messages, if that is not the name of the file that runs."""
    about = "Serve the page; docs/settings.md lists the environment variables."
    parser = argparse.ArgumentParser(prog=program, description=about)
    folders = (
        "folders of checkpoints to serve, or hf://user/repo@revision (DEEPRNN_CHECKPOINTS, else checkpoints); "
        "questions and results are those of the first"
    )
    parser.add_argument("--checkpoints", nargs="+", metavar="FOLDER", help=folders)
    parser.add_argument("--host", help="address to listen at (GRADIO_SERVER_NAME, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen at (GRADIO_SERVER_PORT, else 7860)")
    asked = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    try:
        places = asked.checkpoints or named_places() or [f"{SHIPPED}"]
        registry = Registry(*map(folder_of, places), max_loaded=env_limit("MAX_LOADED", 64))
        _check_served(registry)
        where = address(asked.host, asked.port)
        set_gradio_environment()
        from deeprnn.page.app import launch  # imports gradio, and reads the limits from the environment

        torch.set_num_threads(1)  # one step is so small that a second thread makes it slower
        launch(registry, text_of, _arrivals(registry, f"{where['server_name']}").look, **where)
    except ValueError as error:
        raise SystemExit(f"{parser.prog}: {error}") from None


def named_places() -> list[str]:
    """Return the folders and repositories that DEEPRNN_CHECKPOINTS names, with spaces between.

    Raises:
        ValueError: a quotation mark has no other.
    """
    on_windows = os.name == "nt"  # there a backslash is between folders and quotes nothing
    try:
        found = shlex.split(os.environ.get("DEEPRNN_CHECKPOINTS", ""), posix=not on_windows)
    except ValueError as error:
        raise ValueError(f"DEEPRNN_CHECKPOINTS: {error}; put a name that holds spaces or ' between \".") from None
    return [place.strip('"') for place in found] if on_windows else found


def folder_of(place: str) -> Path:
    """Return a folder of checkpoints; those of a Hub repository, hf://user/repo@revision, are fetched.

    Raises:
        ValueError: the repository cannot be fetched.
    """
    if not place.startswith(HUB):
        return Path(place)
    repository, _, revision = place.removeprefix(HUB).partition("@")
    return pull_all(repository, revision or None)


def _check_served(registry: Registry) -> None:
    """Check that the folders together have something to serve; log those that are a checkpoint themselves.

    Raises:
        ValueError: none has a checkpoint.
    """
    mistaken = [
        f"{folder} is a checkpoint itself; give the folder that holds it, {folder.absolute().parent}"
        for folder in registry.directories
        if (folder / CONFIG).is_file()
    ]
    if not registry.infos:
        folders = ", ".join(map(str, registry.directories))
        remedy = "restore the shipped ones, or train one: python train.py smoke --out checkpoints"
        raise ValueError(f"no checkpoint to serve in {folders}: {'; '.join(mistaken) or remedy}")
    for one in mistaken:
        LOG.warning("left out: %s.", one)


def _arrivals(registry: Registry, host: str) -> Arrivals:
    """Return what comes to the folders of checkpoints, and on a local server what a terminal has trained from texts."""
    runs = {RUNS: f"{NAME}-*"} if is_local(host) else {}
    return Arrivals(registry, runs | dict.fromkeys(registry.directories, "*"))


def text_of(info: CheckpointInfo) -> str | None:
    """Return the main training text of a model if the project knows it and its file is on this machine, else None."""
    return None if info.metrics.text.own else _text(info.metrics.text.name, info.vocab.form)


@functools.cache  # every visit to the page calls it
def _text(name: str, form: Form) -> str | None:
    try:
        corpus = load_if_local(name, form)
    except ValueError as error:
        LOG.warning("%s is not shown: %s", name, error)
        return None
    return corpus.text if corpus else None
