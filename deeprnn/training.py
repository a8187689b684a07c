"""The training loop: truncated BPTT with a carried state, clipping, evaluation, snapshots, the finished checkpoint.

Knows: recipes' configurations, corpora, batches, models. Does not know: the command line, gradio.

An epoch walks the training part once, in order, from a random offset of at most one window, the state zero at its
start and carried from window to window (d2l-zh 2.0, section 8.5 and `train_epoch_ch8`).
"""

import json
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor
from tqdm import tqdm

import deeprnn
from deeprnn import checkpoint
from deeprnn.batches import num_windows, windows
from deeprnn.config import Recipe, TrainConfig
from deeprnn.corpora import Corpus, load_corpus, split
from deeprnn.evaluation import nats_per_char, unigram_ppl
from deeprnn.language_model import LanguageModel
from deeprnn.measurement import measure
from deeprnn.model import CharRNN
from deeprnn.vocab import Vocab

METRICS_SCHEMA = 1
LARGEST_NATS = 100.0  # a mean loss beyond this is no longer learning; exp of it still is a number


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
        """The recipe's name, which is the checkpoint's."""
        return self.recipe.name

    @property
    def directory(self) -> Path:
        """Where the finished checkpoint stands."""
        return self.out / self.name

    @property
    def snapshot(self) -> Path:
        """Where an interrupted run waits."""
        return self.out / f".{self.name}.snapshot.safetensors"


@dataclass(frozen=True, kw_only=True)
class Data:
    """A corpus cut into parts, as ids over the training part's alphabet."""

    corpus: Corpus
    vocab: Vocab
    ranges: dict[str, tuple[int, int]]
    parts: dict[str, Tensor]


@dataclass(kw_only=True)
class Run:
    """Everything that changes while training; a snapshot holds all of it."""

    model: CharRNN
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    carried: Tensor
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


def train(
    job: Job,
    *,
    device: torch.device,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    quiet: bool = False,
) -> Path:
    """Run a job to its end and return the finished checkpoint's directory.

    Raises:
        ValueError: the checkpoint is finished already; or a snapshot waits and `resume` is False; or a snapshot belongs
            to another configuration or text.
        Stopped: `should_stop` said so; the snapshot is saved.
        DivergedError: the loss is not finite.
    """
    if job.directory.exists():
        raise ValueError(f"{job.directory} is finished; remove it to train it again, or choose another --out.")
    if job.snapshot.exists() and not resume:
        raise ValueError(f"{job.name} was interrupted: continue it with --resume, or remove {job.snapshot}.")
    if job.out.exists() and not job.out.is_dir():
        raise ValueError(f"{job.out} is a file; name a folder for the checkpoints.")
    job.out.mkdir(parents=True, exist_ok=True)
    data = prepare(job.recipe.train, device)
    run = _new_run(job, data, device)
    if job.snapshot.exists():
        _restore(run, job, data)
    config = job.recipe.train
    windows_an_epoch = num_windows(len(data.parts["train"]), config.batch_size, config.window)
    total = config.epochs * windows_an_epoch * config.batch_size * config.window
    with tqdm(total=total, initial=run.total_chars, desc=job.name, unit="char", unit_scale=True, disable=quiet) as bar:
        while run.epoch < config.epochs:
            _finish_epoch(run, job, data, bar, should_stop)
            if run.epoch % config.eval_every == 0 or run.epoch == config.epochs:
                _evaluate(run, job, data, bar)
                _save_snapshot(run, job, data)
    return _finish(run, job, data)


def prepare(config: TrainConfig, device: torch.device) -> Data:
    """The text of a configuration, split and encoded.

    Raises:
        ValueError: the text cannot be had, or a part of it is too short.
    """
    corpus = load_corpus(config.text, config.form)
    ranges = split(len(corpus.text), config.train_fraction, config.val_fraction)
    if config.max_train_chars is not None:
        ranges["train"] = (0, min(ranges["train"][1], config.max_train_chars))
    shortest = min(end - start for start, end in ranges.values())
    if shortest < 2 or num_windows(ranges["train"][1], config.batch_size, config.window, config.window) < 1:
        raise ValueError(
            f"{corpus.name} is too short ({len(corpus.text)} characters) for {config.batch_size} lanes of "
            f"{config.window} characters and a held-out part; use a longer text."
        )
    vocab = Vocab.from_text(corpus.text[slice(*ranges["train"])], config.form, config.min_count)
    parts = {name: torch.tensor(vocab.encode(corpus.text[slice(*r)]), device=device) for name, r in ranges.items()}
    return Data(corpus=corpus, vocab=vocab, ranges=ranges, parts=parts)


def _new_run(job: Job, data: Data, device: torch.device) -> Run:
    config = job.recipe.train
    model = CharRNN(job.recipe.model, len(data.vocab))
    model.reset_parameters(config.init, torch.Generator().manual_seed(config.seed))
    model.to(device)
    optimizer: torch.optim.Optimizer
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    return Run(
        model=model,
        optimizer=optimizer,
        generator=torch.Generator(device).manual_seed(config.seed),
        carried=model.initial_state(config.batch_size),
    )


def _finish_epoch(run: Run, job: Job, data: Data, bar: tqdm, should_stop: Callable[[], bool]) -> None:
    config = job.recipe.train
    ids = data.parts["train"]
    if run.window == 0:
        drawn = torch.randint(config.window + 1, (1,), generator=run.generator, device=ids.device)
        run.offset = int(drawn)
        run.carried = run.model.initial_state(config.batch_size)
        run.epoch_nats, run.epoch_chars = 0.0, 0
    for index, (inputs, targets) in enumerate(windows(ids, config.batch_size, config.window, run.offset)):
        if index < run.window:
            continue
        started = time.perf_counter()
        nats = train_window(run, config, inputs, targets)
        run.train_seconds += time.perf_counter() - started
        run.wall_seconds += time.perf_counter() - started
        if not math.isfinite(nats):
            raise DivergedError(
                f"{job.name}: the loss became {nats} in epoch {run.epoch + 1}, window {index + 1}; "
                f"lower the learning rate ({config.learning_rate})."
            )
        run.window += 1
        run.epoch_nats += nats * targets.numel()
        run.epoch_chars += targets.numel()
        run.total_chars += targets.numel()
        bar.update(targets.numel())
        val = f"{run.curve[-1]['val_ppl']:.2f}" if run.curve else "-"
        bar.set_postfix(epoch=run.epoch, loss=f"{nats:.3f}", heldout_ppl=val, refresh=False)
        if should_stop():
            _save_snapshot(run, job, data)
            raise Stopped(f"{job.name} stopped in epoch {run.epoch + 1}; continue it with --resume.")
    run.epoch += 1
    run.window = 0


def train_window(run: Run, config: TrainConfig, inputs: Tensor, targets: Tensor) -> float:
    """One step of the optimizer on one window; the mean nats per character before it."""
    # detach: else back-propagation reaches the start of the epoch
    logits, state = run.model(inputs, run.carried.detach(), kernel=config.kernel, generator=run.generator)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    run.optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimizer.step()
    run.carried = state.detach()
    return float(loss.detach())


def _evaluate(run: Run, job: Job, data: Data, bar: tqdm) -> None:
    started = time.perf_counter()
    val_nats = nats_per_char(run.model, data.parts["val"]).mean().item()
    run.wall_seconds += time.perf_counter() - started
    train_nats = run.epoch_nats / run.epoch_chars
    if not max(train_nats, val_nats) < LARGEST_NATS:  # also if either is not a number
        raise DivergedError(
            f"{job.name}: after epoch {run.epoch} the loss is {train_nats:g} nats per character in training and "
            f"{val_nats:g} held out; lower the learning rate ({job.recipe.train.learning_rate})."
        )
    record = {
        "epoch": run.epoch,
        "chars": run.total_chars,
        "seconds": round(run.train_seconds, 2),
        "train_ppl": math.exp(train_nats),
        "val_nats": val_nats,
        "val_ppl": math.exp(val_nats),
    }
    run.curve.append(record)
    if not bar.disable:
        bar.write(
            f"{bar.desc}: epoch {run.epoch}, {run.total_chars:,} characters, {run.train_seconds:.0f} s: "
            f"train ppl {record['train_ppl']:.3f}, held-out ppl {record['val_ppl']:.3f}"
        )


def _finish(run: Run, job: Job, data: Data) -> Path:
    """Measure the weights rounded as they are stored, beside the unrounded ones, and save the checkpoint."""
    config = job.recipe.train
    started = time.perf_counter()
    model = run.model.to("cpu").requires_grad_(False)
    parts = {name: ids.cpu() for name, ids in data.parts.items()}
    unrounded = measure(model, parts, config.batch_size, config.window)
    stored = checkpoint.encode_weights(model.state_dict(), job.recipe.storage)
    model.load_state_dict(checkpoint.decode_weights(stored))
    final = measure(model, parts, config.batch_size, config.window)
    run.wall_seconds += time.perf_counter() - started
    sampling = {"max_chars": 200, "temperature": 0.8, "seed": 0}
    sample = LanguageModel(name=job.name, model=model, vocab=data.vocab).generate(job.recipe.sample_prompt, **sampling)  # type: ignore[arg-type]
    best = min(run.curve, key=lambda record: record["val_nats"])
    metrics: dict[str, Any] = {
        "schema": METRICS_SCHEMA,
        "name": job.name,
        "command": job.command,
        "seed": config.seed,
        "num_params": model.num_params,
        "storage": job.recipe.storage,
        "storage_ppl_ratio": {name: final[name]["ppl"] / unrounded[name]["ppl"] for name in final},
        "text": {
            "name": data.corpus.name,
            "form": data.corpus.form,
            "chars": len(data.corpus.text),
            "sha256": data.corpus.sha256,
            "ranges": {name: list(r) for name, r in data.ranges.items()},
        },
        "final": final,
        "baselines": {
            "uniform": len(data.vocab),
            "unigram": {name: unigram_ppl(parts["train"], ids, len(data.vocab)) for name, ids in parts.items()},
        },
        "best_val": {"epoch": best["epoch"], "nats": best["val_nats"], "ppl": best["val_ppl"]},
        "sample": {"prompt": job.recipe.sample_prompt, **sampling, "text": sample},
        "train_config": config.to_dict() | {"text": data.corpus.name},
        "wall_seconds": round(run.wall_seconds, 1),
        "train_seconds": round(run.train_seconds, 1),
        "chars_per_second": round(run.total_chars / run.train_seconds),
        **_surroundings(run.carried.device),
        "curve": run.curve,
    }
    checkpoint.save(job.directory, model, data.vocab, metrics, job.recipe.storage)
    job.snapshot.unlink(missing_ok=True)
    return job.directory


def _surroundings(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "versions": {
            "deeprnn": deeprnn.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _identity(job: Job, data: Data) -> dict[str, Any]:
    """What a snapshot must share with the run that continues it."""
    return {"model": job.recipe.model.to_dict(), "train": job.recipe.train.to_dict(), "sha256": data.corpus.sha256}


def _save_snapshot(run: Run, job: Job, data: Data) -> None:
    tensors = {f"model.{name}": tensor for name, tensor in run.model.state_dict().items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    tensors |= {"carried": run.carried, "generator": run.generator.get_state()}
    progress = {name: getattr(run, name) for name in Run.PROGRESS}
    metadata = {"identity": json.dumps(_identity(job, data)), "progress": json.dumps(progress)}
    aside = job.snapshot.with_suffix(".saving")
    packed = save_tensors({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, metadata)
    checkpoint.write_flushed(aside, packed)
    os.replace(aside, job.snapshot)


def _restore(run: Run, job: Job, data: Data) -> None:
    device = run.carried.device
    with safe_open(job.snapshot, "pt", device="cpu") as file:
        metadata = file.metadata()
        # clone: a tensor of the file's own memory is not aligned, and kernels round differently there
        tensors: dict[str, Tensor] = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    if json.loads(metadata["identity"]) != _identity(job, data):
        raise ValueError(
            f"{job.snapshot} is a run with another configuration or text; remove it to start {job.name} anew."
        )
    run.model.load_state_dict(_under("model.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
    run.generator.set_state(tensors["generator"])
    run.carried = tensors["carried"].to(device)
    for name, value in json.loads(metadata["progress"]).items():
        setattr(run, name, value)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
