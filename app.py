"""Serve the page over the checkpoints beside this file: `python app.py`."""

from pathlib import Path

import torch

from deeprnn.registry import Registry
from deeprnn.ui.page import launch

CHECKPOINTS = Path(__file__).parent / "checkpoints"


def main() -> None:
    """Start the server."""
    torch.set_num_threads(1)  # one step is too small to share: a second thread makes it slower
    registry = Registry(CHECKPOINTS)
    if not registry.infos:
        raise SystemExit(f"no checkpoint in {CHECKPOINTS}: restore the shipped ones, or run python train.py smoke")
    launch(registry)


if __name__ == "__main__":
    main()
