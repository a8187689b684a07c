"""A run: what is to be trained, and everything that changes while it is.

Knows: recipes, models, optimizers. Does not know: how a step is made, files.
"""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from deeprnn.config import Recipe
from deeprnn.nn.model import CharRNN
from deeprnn.text.batches import num_windows
from deeprnn.text.splits import Data


class Stopped(Exception):  # noqa: N818  (no error: it was asked for)
    """The run was asked to stop; its snapshot is saved."""


class DivergedError(ValueError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A recipe, the folder its checkpoint goes to, and the command that asked for it."""

    recipe: Recipe
    out: Path
    command: str

    @property
    def name(self) -> str:
        """The checkpoint's: its recipe's name, and its seed but for the first."""
        seed = self.recipe.train.seed
        return f"{self.recipe.name}-seed{seed}" if seed else self.recipe.name

    @property
    def directory(self) -> Path:
        """Where the finished checkpoint is saved."""
        return self.out / self.name

    @property
    def snapshot(self) -> Path:
        """Where an interrupted run waits."""
        return self.out / f".{self.name}.snapshot.safetensors"


@dataclass(kw_only=True)
class TrainState:
    """Everything that changes while training; a snapshot holds all of it.

    averaged: the model that is measured and kept; `model` itself where nothing is averaged.
    best: the weights that were best on the validation part, where those are kept.
    """

    model: CharRNN
    averaged: CharRNN
    best: dict[str, Tensor] = field(default_factory=dict)
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    carried: Tensor
    total_windows: int
    epoch: int = 0  # finished epochs
    window: int = 0  # finished windows of the current epoch
    offset: int = 0  # of the current epoch
    epoch_nats: float = 0.0
    epoch_chars: int = 0
    total_chars: int = 0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)

    PROGRESS = (
        "epoch",
        "window",
        "offset",
        "epoch_nats",
        "epoch_chars",
        "total_chars",
        "train_seconds",
        "wall_seconds",
        "curve",
    )


def new_run(job: Job, data: Data, device: torch.device) -> TrainState:
    """A run at its beginning: initial weights, optimizer, generator, all from the recipe's seed.

    Raises:
        ValueError: the recipe drops hidden weights, and its cell has none.
    """
    config = job.recipe.train
    model = CharRNN(job.recipe.model, len(data.vocab))
    model.reset_parameters(config.init, torch.Generator().manual_seed(config.seed))
    model.to(device)
    if config.weight_drop and not hidden_weights(model):
        raise ValueError(f"{job.name}: weight_drop drops hidden weights; {model.config.cell} has none, so set it to 0.")
    optimizer: torch.optim.Optimizer
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    return TrainState(
        model=model,
        averaged=copy.deepcopy(model) if config.ema_decay else model,
        optimizer=optimizer,
        generator=torch.Generator(device).manual_seed(config.seed),
        carried=model.initial_state(config.batch_size),
        total_windows=config.epochs * num_windows(len(data.parts["train"]), config.batch_size, config.window),
    )


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16: a CPU without AVX-512 only emulates it, twenty times slower."""
    if device.type != "cpu":
        return True
    has_mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def watched(model: CharRNN, job: Job, bar: tqdm, should_stop: Callable[[], bool]) -> Iterator[None]:
    """While a model measures: show how far it is, and stop between two pieces if asked to."""
    chars, shown = 0, time.monotonic()

    def look(_module: torch.nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal chars, shown
        chars += arguments[0].numel()
        if time.monotonic() > shown + 1:
            shown = time.monotonic()
            bar.set_postfix_str(f"measuring: {chars:,} characters")
        if should_stop():
            raise Stopped(f"{job.name} stopped while it was measured; continue it with --resume.")

    hook = model.register_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def hidden_weights(model: CharRNN) -> dict[str, Tensor]:
    """A model's hidden-to-hidden weights, each (G*H, H), by their names."""
    return {name: weight for name, weight in model.named_parameters() if name.endswith("weight_hh")}
