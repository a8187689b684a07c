"""Snapshots: an interrupted run goes on as if it had never stopped.

Knows: a run's state, the folder it goes to. Does not know: how a step is made.
"""

import glob
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from deeprnn.store import checkpoint
from deeprnn.text.splits import Data, without_paths
from deeprnn.train.run import Job, TrainState

LEFT_BEHIND = 3600.0  # seconds after which a half-written file is no one's: writing one takes moments


def make_ready(job: Job) -> None:
    """Make the folder, clear what killed runs of this name left half written, and see that it can be written to."""
    long_ago = time.time() - LEFT_BEHIND
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        for aside in job.out.glob(f".{glob.escape(job.name)}*.saving-*"):
            ours = aside.name.startswith((f".{job.name}.saving-", f"{job.snapshot.stem}.saving-"))
            if ours and aside.stat().st_mtime < long_ago:
                shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
        probe = _aside(job)
        checkpoint.write_flushed(probe, b"written to see that it can be")
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"{job.out} cannot be written to ({error.strerror}); name another folder with --out, or make room."
        ) from error


def _aside(job: Job) -> Path:
    """Where this process writes a snapshot before it takes its place: two that train the same do not meet."""
    return job.snapshot.with_suffix(f".saving-{os.getpid()}")


def _identity(job: Job, data: Data) -> dict[str, Any]:
    """What a snapshot must share with the run that continues it."""
    return {
        "model": job.recipe.model.to_dict(),
        "train": without_paths(job.recipe.train, data),
        "sha256": [source.corpus.sha256 for source in data.sources],
    }


def save_snapshot(run: TrainState, job: Job, data: Data) -> None:
    """Write everything that changes while training, whole or not at all.

    Raises:
        OSError: it cannot be written; the snapshot before it stays.
    """
    tensors = {f"model.{name}": tensor for name, tensor in run.model.state_dict().items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in run.best.items()}
    if run.averaged is not run.model:
        tensors |= {f"averaged.{name}": tensor for name, tensor in run.averaged.state_dict().items()}
    tensors |= {"carried": run.carried, "generator": run.generator.get_state()}
    progress = {name: getattr(run, name) for name in TrainState.PROGRESS}
    metadata = {"identity": json.dumps(_identity(job, data)), "progress": json.dumps(progress)}
    aside = _aside(job)
    packed = save_tensors({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, metadata)
    try:
        checkpoint.write_flushed(aside, packed)
        os.replace(aside, job.snapshot)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def restore(run: TrainState, job: Job, data: Data) -> None:
    """Have a new run go on where its snapshot was saved.

    Raises:
        ValueError: the snapshot cannot be read, or is of another configuration or text.
    """
    device = run.carried.device
    try:
        with safe_open(job.snapshot, "pt", device="cpu") as file:
            metadata = file.metadata()
            # clone: a tensor of the file's own memory is not aligned, and kernels round differently there
            tensors: dict[str, Tensor] = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        theirs, progress = (json.loads(metadata[key]) for key in ("identity", "progress"))
        before = theirs["train"].pop("precision")
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{job.snapshot} is no snapshot that can be read ({error}); remove it to start {job.name} anew."
        ) from error
    ours = json.loads(json.dumps(_identity(job, data)))
    now = ours["train"].pop("precision")  # what the machine can: it may differ
    if theirs != ours:
        raise ValueError(
            f"{job.snapshot} is a run with another configuration or text; remove it to start {job.name} anew."
        )
    run.model.load_state_dict(_under("model.", tensors))
    if run.averaged is not run.model:
        run.averaged.load_state_dict(_under("averaged.", tensors))
    run.best = {name: tensor.to(device) for name, tensor in _under("best.", tensors).items()}
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
    if before != now:
        print(f"{job.name}: trained in {before} so far, from here on in {now}.", file=sys.stderr)
    if tensors["generator"].shape == run.generator.get_state().shape:
        run.generator.set_state(tensors["generator"])
    else:  # each kind of device has a generator of its own, whose state means nothing to another
        print(f"{job.name}: saved on another kind of device; what is drawn from here on differs.", file=sys.stderr)
        run.generator.manual_seed(job.recipe.train.seed + progress["total_chars"])
    run.carried = tensors["carried"].to(device)
    for name, value in progress.items():
        setattr(run, name, value)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
