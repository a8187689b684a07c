"""A run: the job to do, and everything that changes during training.

Knows: recipes, models, optimizers. Does not know: how a step is made, files.
"""

import copy
import functools
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deeprnn.config import Recipe, TrainConfig, run_name
from deeprnn.nn.model import CharRNN
from deeprnn.text.batches import num_windows
from deeprnn.text.splits import Data

SNAPSHOT_MINUTES = 5.0  # from one snapshot to the next within an epoch


class Stopped(Exception):  # noqa: N818  (not an error: the user asked for it)
    """The run was asked to stop; its snapshot is saved. kept: the checkpoint of the weights so far, if one is saved."""

    kept: Path | None = None


class DivergedError(ValueError):
    """The loss became too large, infinite or not a number."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A recipe, the folder for its checkpoint, and the command that started it.

    license: the identifier that its card has, one of `LICENSES`; "" claims none for a user's own text.
    keep_stopped: whether a run that is stopped saves a checkpoint of its weights so far beside its snapshot.
    snapshot_minutes: the most minutes of training from one snapshot to the next.
    """

    recipe: Recipe
    out: Path
    command: str
    license: str = ""
    keep_stopped: bool = False
    snapshot_minutes: float = SNAPSHOT_MINUTES

    @property
    def name(self) -> str:
        """The name of the checkpoint: that of the recipe, and the seed if it is not 0."""
        return run_name(self.recipe.name, self.recipe.train.seed)

    @property
    def directory(self) -> Path:
        """The directory of the finished checkpoint."""
        return self.out / self.name

    @property
    def snapshot(self) -> Path:
        """The snapshot file of an interrupted run."""
        return self.out / f".{self.name}.snapshot.safetensors"

    @property
    def curve(self) -> Path:
        """The file of the measurements so far of an interrupted run: JSON objects, one a line."""
        return self.out / f".{self.name}.curve.jsonl"


@dataclass(kw_only=True)
class TrainState:
    """Everything that changes during training; a snapshot contains all of it but the clock and unread losses.

    averaged: the model that is measured and saved; it is `model` itself if weights are not averaged.
    best: the best weights on the validation part so far; empty if the last weights are saved.
    carried: the recurrent state (L, S, B, H) after the last window.
    windows: how many each epoch has, or one less if its offset costs one; they never change.
    trained_by: the device and the threads of the last step, as `metrics.json` records them.
    unread: the losses of the last windows that only the device knows so far; none are left when a snapshot is saved.
    saved_at: the time of the last snapshot, by the clock of this process.
    """

    model: CharRNN
    averaged: CharRNN
    best: dict[str, Tensor] = field(default_factory=dict)
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    carried: Tensor
    windows: tuple[int, ...]
    trained_by: dict[str, Any] = field(default_factory=dict)
    unread: list[Tensor] = field(default_factory=list)
    epoch: int = 0  # finished epochs
    window: int = 0  # finished windows of the current epoch
    offset: int = 0  # the character at which the current epoch begins
    epoch_nats: float = 0.0
    epoch_chars: int = 0
    total_chars: int = 0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)

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

    @functools.cached_property
    def total_windows(self) -> int:
        """How many windows all epochs have."""
        return sum(self.windows)

    @property
    def chars_per_second(self) -> int:
        """Characters read per second of training, without the time of measurements."""
        return round(self.total_chars / max(self.train_seconds, 1e-9))


def new_run(job: Job, data: Data, device: torch.device) -> TrainState:
    """Make the initial state of a run: weights, optimizer and generator, all from the recipe's seed.

    Raises:
        ValueError: `weight_drop` is set, but the cell has no hidden weights.
    """
    config = job.recipe.train
    model = CharRNN(job.recipe.model, len(data.vocab))
    model.reset_parameters(config.init, _generator("cpu", config.seed))
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
        generator=_generator(device, config.seed),
        carried=model.initial_state(config.batch_size),
        windows=windows_of(config, data),
        trained_by=processor(device),
    )


def windows_of(config: TrainConfig, data: Data) -> tuple[int, ...]:
    """Return how many windows each epoch has; its offset may cost it one."""
    read = (len(data.read_in(epoch, config)) for epoch in range(config.epochs))
    return tuple(num_windows(chars, config.batch_size, config.window) for chars in read)


def processor(device: torch.device) -> dict[str, Any]:
    """Return a device and the threads of this process as `metrics.json` records them."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {"device": f"{device.type} ({name})", "threads": torch.get_num_threads()}


def _generator(device: torch.device | str, seed: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies in bfloat16; a CPU without AVX-512 only emulates it, twenty times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))  # one before Ampere emulates it, too
    if device.type != "cpu":
        return False
    has_mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def with_supported_precision(job: Job, device: torch.device) -> Job:
    """Return a job that does not multiply in bfloat16 on a device that only emulates it."""
    config = job.recipe.train
    if config.precision == "float32" or has_bfloat16(device):
        return job
    return replace(job, recipe=replace(job.recipe, train=replace(config, precision="float32")))


@contextmanager
def interruptible(
    model: CharRNN, job: Job, measuring: Callable[[int], None], should_stop: Callable[[], bool]
) -> Iterator[Callable[[int], None]]:
    """While a model is measured, report how many characters are read, and stop before a forward pass if asked to.

    What reads a text without the model calls the function that is yielded with the number of characters, before.

    Raises:
        Stopped: `should_stop` returned True.
    """
    chars, shown = 0, time.monotonic()

    def before_reading(more: int) -> None:
        nonlocal chars, shown
        chars += more
        if time.monotonic() > shown + 1:
            shown = time.monotonic()
            measuring(chars)
        if should_stop():
            raise Stopped(f"{job.name} stopped while it was measured; continue it with --resume.")

    hook = model.register_forward_pre_hook(lambda _, arguments: before_reading(arguments[0].numel()))
    try:
        yield before_reading
    finally:
        hook.remove()


def hidden_weights(model: CharRNN) -> dict[str, Tensor]:
    """Return a model's hidden-to-hidden weights, each (G*H, H), by name."""
    return {name: weight for name, weight in model.named_parameters() if name.endswith("weight_hh")}
