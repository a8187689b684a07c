"""The training loop: it trains epoch by epoch, measures, saves snapshots, and saves the finished checkpoint.

Knows: runs, batches, when to measure and save. Does not know: how a step is made, the command line, gradio.

An epoch reads the training part once, in order, from a random offset. The state is zero at the start of an epoch and is
carried from window to window (d2l-zh 2.0, section 8.5 and `train_epoch_ch8`).
"""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deeprnn.config import TrainConfig
from deeprnn.text.batches import windows
from deeprnn.text.splits import Data, prepare
from deeprnn.train.finish import ending, fail, finish, keep, not_readable
from deeprnn.train.measurement import val_nats_of
from deeprnn.train.report import Reporter
from deeprnn.train.run import (
    DivergedError,
    Job,
    Stopped,
    TrainState,
    interruptible,
    new_run,
    processor,
    with_supported_precision,
)
from deeprnn.train.samples import continuations
from deeprnn.train.snapshot import prepare_folder, recorded_configs, restore, save_snapshot, write_curve
from deeprnn.train.step import train_window

LARGEST_NATS = 100.0  # a run with a larger mean loss has diverged; its perplexity, exp(100), is still a finite number
READ_EVERY = {"cpu": 1, "cuda": 50}  # windows; to read a loss waits until the device has made the step
MOST_MEASUREMENTS = 1_000  # of a run, about: each is recorded with what was written, and the file has a limit
SILENT = Reporter()


def train(
    job: Job,
    *,
    device: torch.device,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    reporter: Reporter = SILENT,
    finishing: bool = True,
) -> Path:
    """Run a job to its end and return the finished checkpoint's directory.

    finishing: if it is False, the run ends when it is trained and measured for its curve: its snapshot stays and is
        returned, for `finish_trained`, which takes only a CPU.

    Raises:
        ValueError: the checkpoint exists already, there is a snapshot and `resume` is False, or the snapshot is of
            another configuration or text.
        Stopped: `should_stop` returned True; the snapshot is saved, and if the job asks for it, a checkpoint too.
        DivergedError: the loss is too large or not finite; a directory with only `metrics.json` is saved, or why
            it ended beside what was kept when it was stopped.
    """
    # 1. Check that the run is neither finished nor interrupted, and that its folder can be written to.
    if (ended := ending(job)) == "foreign":
        raise not_readable(job)
    if ended:
        raise ValueError(f"{job.directory} is finished; remove it to train it again, or choose another --out.")
    if job.snapshot.exists() and not resume:
        raise ValueError(f"{job.name} was interrupted: continue it with --resume, or remove {job.snapshot}.")
    prepare_folder(job)
    asked, job = job, with_supported_precision(job, device)
    if job != asked:
        print(f"{job.name}: this processor has no bfloat16, so it is trained in float32.", file=sys.stderr)
    config = job.recipe.train
    # 2. Load the texts, make the initial state of the run, and continue from the snapshot if there is one.
    data = prepare(config, device)
    run = new_run(job, data, device)
    if job.snapshot.exists():
        restore(run, job, data)
    if run.epoch < config.epochs:
        before, run.trained_by = run.trained_by, processor(device)
        if before["device"] == run.trained_by["device"] and before["threads"] != run.trained_by["threads"]:
            counts = f"{before['threads']} so far, from here on {run.trained_by['threads']}"
            print(f"{job.name}: threads: {counts}, which round differently.", file=sys.stderr)
    write_curve(run, job)
    reporter.described(run, job, data)
    # 3. Train one epoch after the other; measure and save when it is due; finish, or record that the run diverged.
    try:
        _go_on(run, job, data, reporter, should_stop)
        return finish(run, job, data, reporter, should_stop) if finishing else job.snapshot
    except DivergedError as error:
        fail(run, job, data, error)
        raise
    finally:
        reporter.ended()


def _go_on(run: TrainState, job: Job, data: Data, reporter: Reporter, should_stop: Callable[[], bool]) -> None:
    """Train the epochs that are left, and measure where it is due.

    Raises:
        Stopped: `should_stop` returned True.
        DivergedError: the loss is too large or not finite, perhaps only when a stopped run is measured to be kept.
    """
    config = job.recipe.train
    try:
        while run.epoch < config.epochs or _is_due(run, config):
            if not _is_due(run, config):
                _finish_epoch(run, job, data, reporter, should_stop)
                continue
            try:
                _evaluate(run, job, data, reporter, should_stop)
            finally:  # also if it was stopped: a resumed run measures first
                save_snapshot(run, job, data)
    except Stopped as stopped:
        if job.keep_stopped:
            stopped.kept = _keep(run, job, data, reporter)
        raise


def finish_trained(job: Job, *, should_stop: Callable[[], bool] = lambda: False, reporter: Reporter = SILENT) -> Path:
    """Finish, on the CPU, a run whose snapshot is that of its last measurement, wherever it was trained.

    Raises:
        ValueError: the snapshot cannot be read, is of another configuration or text, or of a run that is to go on.
        Stopped: `should_stop` returned True; the snapshot stays.
    """
    precision = recorded_configs(job)[1].precision  # that of the device on which it was trained
    job = replace(job, recipe=replace(job.recipe, train=replace(job.recipe.train, precision=precision)))
    device = torch.device("cpu")
    data = prepare(job.recipe.train, device)
    run = new_run(job, data, device)
    restore(run, job, data)
    if run.epoch < job.recipe.train.epochs or _is_due(run, job.recipe.train):
        raise ValueError(f"{job.name} is not trained to its end: continue it with --resume.")
    return finish(run, job, data, reporter, should_stop)


def _keep(run: TrainState, job: Job, data: Data, reporter: Reporter) -> Path:
    """Save a checkpoint of the weights so far; those of a run that was never measured are measured first."""
    if not run.curve:
        _evaluate(run, job, data, reporter, lambda: False)
    return keep(run, job, data, reporter)


def _is_due(run: TrainState, config: TrainConfig) -> bool:
    """Return whether the run is at the end of an epoch that must be measured and has not been measured yet."""
    if run.window or not run.epoch or (run.curve and run.curve[-1]["epoch"] == run.epoch):
        return False
    every = max(config.eval_every, -(-config.epochs // MOST_MEASUREMENTS))
    early = run.epoch < every and run.epoch.bit_count() == 1  # after 1, 2, 4, 8 ... epochs
    return early or run.epoch % every == 0 or run.epoch == config.epochs


def _finish_epoch(run: TrainState, job: Job, data: Data, reporter: Reporter, should_stop: Callable[[], bool]) -> None:
    """Train the rest of the current epoch; all of it, unless a snapshot was restored."""
    config = job.recipe.train
    # 1. At the start of an epoch: draw the offset and set the state to zero.
    ids = data.read_in(run.epoch, config)
    if run.window == 0:
        run.offset = _draw_offset(run, config, len(ids))
        run.carried = run.model.initial_state(config.batch_size)
        run.epoch_nats, run.epoch_chars = 0.0, 0
    offset = run.offset
    if config.offset == "text":
        ids, offset = ids.roll(-offset), 0
    for index, (inputs, targets) in enumerate(windows(ids, config.batch_size, config.window, offset)):
        # 2. Skip the windows that were trained before the snapshot.
        if index < run.window:
            continue
        # 3. Make one step of the optimizer, and count it.
        with _timed(run):
            run.unread.append(train_window(run, config, inputs, targets))
        run.window += 1
        run.epoch_chars += targets.numel()
        run.total_chars += targets.numel()
        # 4. Read and report the losses when it is time.
        if len(run.unread) >= READ_EVERY[inputs.device.type]:
            _read_losses(run, job, reporter)
        # 5. Save a snapshot if the last one is some minutes old; stop between two windows if asked to.
        stopping = should_stop()
        if stopping or time.monotonic() - run.saved_at >= 60 * job.snapshot_minutes:
            _read_losses(run, job, reporter)
            save_snapshot(run, job, data)
        if stopping:
            raise Stopped(f"{job.name} stopped in epoch {run.epoch + 1}; continue it with --resume.")
    _read_losses(run, job, reporter)
    run.epoch += 1
    run.window = 0


@contextmanager
def _timed(run: TrainState) -> Iterator[None]:
    """Add the seconds that the block takes to those of the run."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    run.train_seconds += seconds
    run.wall_seconds += seconds


def _read_losses(run: TrainState, job: Job, reporter: Reporter) -> None:
    """Read the losses that only the device knows so far, add them in order to the sum of the epoch, report the last.

    Raises:
        DivergedError: one of them is not finite.
    """
    if not run.unread:
        return
    with _timed(run):
        losses = torch.stack(run.unread).tolist()
    run.unread.clear()
    config, chars = job.recipe.train, job.recipe.train.batch_size * job.recipe.train.window
    for window, nats in enumerate(losses, run.window - len(losses) + 1):
        if not math.isfinite(nats):
            raise DivergedError(
                f"{job.name}: the loss became {nats} in epoch {run.epoch + 1}, window {window}; "
                f"lower the learning rate ({config.learning_rate})."
            )
        run.epoch_nats += nats * chars
    reporter.trained(run, losses[-1])


def _draw_offset(run: TrainState, config: TrainConfig, num_ids: int) -> int:
    if config.offset == "none":
        return 0
    highest = config.window + 1 if config.offset == "window" else num_ids
    return int(torch.randint(highest, (1,), generator=run.generator, device=run.carried.device))


def _evaluate(run: TrainState, job: Job, data: Data, reporter: Reporter, should_stop: Callable[[], bool]) -> None:
    """Add to the curve the figures on the validation part and what the model writes; keep the best weights so far."""
    started = time.perf_counter()
    config = job.recipe.train
    with interruptible(run.averaged, job, reporter.measuring, should_stop):
        val_nats = val_nats_of(run.averaged, data, config.eval_lanes)
    train_nats = run.epoch_nats / run.epoch_chars
    if not (train_nats < LARGEST_NATS and val_nats < LARGEST_NATS):  # true as well if one of them is not a number
        raise DivergedError(
            f"{job.name}: after epoch {run.epoch} the loss is {train_nats:g} nats per character in training and "
            f"{val_nats:g} held out; lower the learning rate ({config.learning_rate})."
        )
    record: dict[str, Any] = {
        "epoch": run.epoch,
        "chars": run.total_chars,
        "seconds": round(run.train_seconds, 2),
        "train_ppl": math.exp(train_nats),
        "val_nats": val_nats,
        "val_ppl": math.exp(val_nats),
        "written": continuations(run.averaged, job, data),
    }
    run.wall_seconds += time.perf_counter() - started
    if config.keep == "best" and val_nats < min((r["val_nats"] for r in run.curve), default=math.inf):
        run.best = {name: weight.clone() for name, weight in run.averaged.state_dict().items()}
    run.curve.append(record)
    reporter.measured(run)
