"""Snapshots of interrupted runs: a resumed run gives the same result as a run without an interruption.

Beside a snapshot is the curve so far, for people and programs to read; a resumed run takes it from the snapshot.

Knows: a run's state, the folder of its snapshot. Does not know: how a step is made.
"""

import glob
import json
import shutil
import sys
import time
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from deeprnn.checks import shortened
from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.documents import aside, file_size, replace_file, write_flushed
from deeprnn.text.splits import Data, without_paths
from deeprnn.train.run import Job, TrainState

STALE_SECONDS = 3600.0  # age in seconds from which a half-written file is left from a killed run: writing takes seconds


def prepare_folder(job: Job) -> None:
    """Create the folder, remove half-written files of killed runs of this name, and check that it can be written to.

    Raises:
        ValueError: the folder cannot be written to.
    """
    long_ago = time.time() - STALE_SECONDS
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        for path in job.out.glob(f".{glob.escape(job.name)}*.saving-*"):
            ours = path.name.startswith(tuple(f"{one}.saving-" for one in _hidden_names(job)))
            if ours and path.stat().st_mtime < long_ago:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        probe = aside(job.snapshot)
        try:
            write_flushed(probe, b"written to see that it can be")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(job, error) from error


def _hidden_names(job: Job) -> tuple[str, str, str]:
    """Return the names of what is written for a run, as they begin beside it while it is half written."""
    return f".{job.name}", job.snapshot.name, job.curve.name


def unwritable(job: Job, error: OSError) -> ValueError:
    """Return the error to raise when nothing can be written to the folder of a run."""
    return ValueError(
        f"{job.out} cannot be written to ({error.strerror}); name another folder with --out, or make room."
    )


def _identity(job: Job, data: Data) -> dict[str, Any]:
    """Return the values that must be equal in a snapshot and in the run that continues it."""
    return {
        "model": job.recipe.model.to_dict(),
        "train": without_paths(job.recipe.train, data),
        "sha256": [source.corpus.sha256 for source in data.sources],
    }


def save_snapshot(run: TrainState, job: Job, data: Data) -> None:
    """Write the whole state of a run atomically, then its curve.

    Raises:
        OSError: a file cannot be written; the one from before stays.
    """
    assert not run.unread, "the losses of the last windows are part of the epoch's sum"
    tensors = {f"model.{name}": tensor for name, tensor in run.model.state_dict().items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in run.best.items()}
    if run.averaged is not run.model:
        tensors |= {f"averaged.{name}": tensor for name, tensor in run.averaged.state_dict().items()}
    tensors |= {"carried": run.carried, "generator": run.generator.get_state()}
    progress = {name: getattr(run, name) for name in TrainState.PROGRESS}
    written = {"identity": _identity(job, data), "progress": progress, "trained_by": run.trained_by}
    metadata = {key: json.dumps(value) for key, value in written.items()}
    packed = save_tensors({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, metadata)
    replace_file(job.snapshot, packed)
    write_curve(run, job)
    run.saved_at = time.monotonic()


def write_curve(run: TrainState, job: Job) -> None:
    """Write the measurements so far beside the snapshot; the file that is there was of another run if there are none.

    Raises:
        OSError: the file cannot be written; the one from before stays.
    """
    if run.curve:
        replace_file(job.curve, "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in run.curve).encode())
    else:
        job.curve.unlink(missing_ok=True)


def remove_snapshot(job: Job) -> None:
    """Remove the snapshot of a run that came to its end, and its curve, which the checkpoint has."""
    job.curve.unlink(missing_ok=True)
    job.snapshot.unlink(missing_ok=True)


def recorded_configs(job: Job) -> tuple[ModelConfig, TrainConfig]:
    """Return the configurations of the run that a snapshot continues; its texts are named as `without_paths` does.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    try:
        file_size(job.snapshot)
        with safe_open(job.snapshot, "pt", device="cpu") as file:
            identity = json.loads(file.metadata()["identity"])
        return ModelConfig.from_dict(identity["model"]), TrainConfig.from_dict(identity["train"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(job, error) from error


def _unreadable(job: Job, error: Exception) -> ValueError:
    why = shortened(f"{type(error).__name__}: {error}")
    return ValueError(f"{job.snapshot} is no snapshot that can be read ({why}); remove it to start {job.name} anew.")


def restore(run: TrainState, job: Job, data: Data) -> None:
    """Load the state of a run from its snapshot.

    Raises:
        ValueError: the snapshot cannot be read, or it is of another configuration or text.
    """
    try:
        file_size(job.snapshot)
        with safe_open(job.snapshot, "pt", device="cpu") as file:
            metadata = file.metadata()
            # clone: the file's own memory may not be aligned, and kernels round differently there
            tensors: dict[str, Tensor] = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        theirs, progress = (json.loads(metadata[key]) for key in ("identity", "progress"))
        kinds: dict[str, type[ModelConfig | TrainConfig]] = {"model": ModelConfig, "train": TrainConfig}
        theirs |= {part: kind.from_dict(theirs[part]).to_dict() for part, kind in kinds.items()}  # older ones lack keys
        theirs = json.loads(json.dumps(theirs))
        trained_by = json.loads(metadata.get("trained_by", "{}"))  # older snapshots do not say it
        before = theirs["train"].pop("precision")
        del theirs["train"]["score_on"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(job, error) from error
    ours = json.loads(json.dumps(_identity(job, data)))
    now = ours["train"].pop("precision")  # it depends on the machine, so it may differ
    del ours["train"]["score_on"]  # what is scored at the end changes nothing before
    if theirs != ours:
        raise ValueError(
            f"{job.snapshot} is a run with another configuration or text; remove it to start {job.name} anew."
        )
    try:
        _set(run, job, tensors, progress)
        run.trained_by = run.trained_by | trained_by
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:  # of another model or optimizer
        raise _unreadable(job, error) from error
    if before != now:
        print(f"{job.name}: trained in {before} so far, from here on in {now}.", file=sys.stderr)


def _set(run: TrainState, job: Job, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    """Set the state of a run to that of a snapshot."""
    device = run.carried.device
    run.model.load_state_dict(_under("model.", tensors))
    if run.averaged is not run.model:
        run.averaged.load_state_dict(_under("averaged.", tensors))
    run.best = {name: tensor.to(device) for name, tensor in _under("best.", tensors).items()}
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    has_all = len(state) == len(run.optimizer.param_groups[0]["params"])
    if state and not has_all and run.model.config.wiring != "shared":  # there some weights have no gradient
        raise ValueError("its optimizer has moments of other weights")
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
    if tensors["generator"].shape == run.generator.get_state().shape:
        run.generator.set_state(tensors["generator"])
    elif progress["epoch"] < job.recipe.train.epochs:  # the state of one cannot be used on another kind of device
        print(f"{job.name}: saved on another kind of device; what is drawn from here on differs.", file=sys.stderr)
        run.generator.manual_seed(job.recipe.train.seed + progress["total_chars"])
    if tensors["carried"].shape != run.carried.shape:
        raise ValueError("its carried state has another shape")
    run.carried = tensors["carried"].to(device)
    for name in TrainState.PROGRESS:
        if type(progress[name]) is not type(getattr(run, name)):
            raise ValueError(f"its {name} is of another type")
        setattr(run, name, progress[name])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
