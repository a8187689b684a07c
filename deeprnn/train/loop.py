"""The training loop: truncated BPTT with a carried state, clipping, evaluation, snapshots, the finished checkpoint.

Knows: recipes' configurations, corpora, batches, models. Does not know: the command line, gradio.

An epoch walks the training part once, in order, from a random offset, the state zero at its start and carried from
window to window (d2l-zh 2.0, section 8.5 and `train_epoch_ch8`).
"""

import copy
import glob
import json
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor
from tqdm import tqdm

import deeprnn
from deeprnn.config import Recipe, TrainConfig
from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure.baselines import NGram
from deeprnn.measure.metrics import read_texts
from deeprnn.measure.novelty import MAX_CHARS, Fingerprint
from deeprnn.nn.model import CharRNN, dropout
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store import checkpoint
from deeprnn.text.batches import num_windows, windows
from deeprnn.text.corpora import is_known
from deeprnn.text.splits import Data, prepare, without_paths
from deeprnn.train.measurement import lane_nats, measure, measure_elsewhere, rounding_ppl_ratio, scored_nats

METRICS_SCHEMA = 1
EVAL_WINDOW = 128
PROMPT_CHARS = 24  # at most, of the sample that begins with a text's own words
NEVER_LEARNED = 0.97  # of the perplexity of letter frequencies
LEFT_BEHIND = 3600.0  # seconds after which a half-written file is no one's: writing one takes moments
MAX_COUNTED = 5_000_000  # characters of a text of one's own that an n-gram is made of: some seconds' work
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
        DivergedError: the loss is not finite; a directory with `metrics.json` alone says so.
    """
    if job.directory.exists():
        raise ValueError(f"{job.directory} is finished; remove it to train it again, or choose another --out.")
    if job.snapshot.exists() and not resume:
        raise ValueError(f"{job.name} was interrupted: continue it with --resume, or remove {job.snapshot}.")
    _make_ready(job)
    config = job.recipe.train
    if config.precision == "bfloat16" and not has_bfloat16(device):
        print(f"{job.name}: this processor has no bfloat16, so it is trained in float32.", file=sys.stderr)
        config = replace(config, precision="float32")
        job = replace(job, recipe=replace(job.recipe, train=config))
    data = prepare(config, device)
    if not quiet:
        print(_what_is_read(job, data), file=sys.stderr)
    run = _new_run(job, data, device)
    if job.snapshot.exists():
        _restore(run, job, data)
    total = run.total_windows * config.batch_size * config.window
    with tqdm(total=total, initial=run.total_chars, desc=job.name, unit="char", unit_scale=True, disable=quiet) as bar:
        try:
            while run.epoch < config.epochs or _is_due(run, config):
                if not _is_due(run, config):
                    _finish_epoch(run, job, data, bar, should_stop)
                    continue
                try:
                    _evaluate(run, job, data, bar, should_stop)
                finally:  # also where it was stopped: then it is measured when the run goes on
                    _save_snapshot(run, job, data)
            return _finish(run, job, data, bar, should_stop)
        except DivergedError as error:
            _fail(run, job, data, error)
            raise


def _make_ready(job: Job) -> None:
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


def _what_is_read(job: Job, data: Data) -> str:
    """What a run trains on, in one sentence for who started it."""
    form = "in lower case, letters and spaces only" if data.vocab.form == "d2l" else "with case and punctuation"
    texts = (
        f"{end - start:,} of the {len(s.corpus.text):,} characters of {s.corpus.name}"
        for s in data.sources
        for start, end in (s.ranges["train"],)
    )
    return f"{job.name}: trains on {' and '.join(texts)}, {form}: {len(data.vocab)} symbols."


def _is_due(run: TrainState, config: TrainConfig) -> bool:
    """Whether the run is at a point where it is measured and has not been yet."""
    if run.window or not run.epoch or (run.curve and run.curve[-1]["epoch"] == run.epoch):
        return False
    return run.epoch % config.eval_every == 0 or run.epoch == config.epochs


@contextmanager
def _watched(model: CharRNN, job: Job, bar: tqdm, should_stop: Callable[[], bool]) -> Iterator[None]:
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


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16: a CPU without AVX-512 only emulates it, twenty times slower."""
    if device.type != "cpu":
        return True
    has_mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _new_run(job: Job, data: Data, device: torch.device) -> TrainState:
    config = job.recipe.train
    model = CharRNN(job.recipe.model, len(data.vocab))
    model.reset_parameters(config.init, torch.Generator().manual_seed(config.seed))
    model.to(device)
    if config.weight_drop and not _hidden_weights(model):
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


def _finish_epoch(run: TrainState, job: Job, data: Data, bar: tqdm, should_stop: Callable[[], bool]) -> None:
    config = job.recipe.train
    if run.window == 0:
        run.offset = _draw_offset(run, config, len(data.parts["train"]))
        run.carried = run.model.initial_state(config.batch_size)
        run.epoch_nats, run.epoch_chars = 0.0, 0
    ids, offset = data.parts["train"], run.offset
    if config.offset == "text":
        ids, offset = ids.roll(-offset), 0
    for index, (inputs, targets) in enumerate(windows(ids, config.batch_size, config.window, offset)):
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


def _draw_offset(run: TrainState, config: TrainConfig, num_ids: int) -> int:
    if config.offset == "none":
        return 0
    highest = config.window + 1 if config.offset == "window" else num_ids
    return int(torch.randint(highest, (1,), generator=run.generator, device=run.carried.device))


def train_window(run: TrainState, config: TrainConfig, inputs: Tensor, targets: Tensor) -> float:
    """One step of the optimizer on one window; the mean nats per character before it."""
    done = run.total_chars // targets.numel()
    for group in run.optimizer.param_groups:
        group["lr"] = config.learning_rate * _schedule(config, done, run.total_windows)
    state = run.carried.detach()  # else back-propagation reaches the start of the epoch
    if config.reset_rate:
        kept = torch.rand(state.shape[2], generator=run.generator, device=state.device) >= config.reset_rate
        state = state * kept[:, None]
    weights = _dropped(run.model, config.weight_drop, run.generator)
    settings = {"kernel": config.kernel, "generator": run.generator}
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        logits, state = torch.func.functional_call(run.model, weights, (inputs, state), settings)
    loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
    run.optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimizer.step()
    run.carried = state.detach().float()
    if config.ema_decay:
        _average(run, min(config.ema_decay, (1 + done) / (10 + done)))  # the first weights soon fade
    return float(loss.detach())


def _schedule(config: TrainConfig, done: int, total: int) -> float:
    """The learning rate's factor: a linear warm-up, then constant, or half a cosine down to 0."""
    warmup = config.warmup_fraction * total
    if done < warmup:
        return (done + 1) / (warmup + 1)
    if config.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (total - warmup)))


def _hidden_weights(model: CharRNN) -> dict[str, Tensor]:
    return {name: weight for name, weight in model.named_parameters() if name.endswith("weight_hh")}


def _dropped(model: CharRNN, rate: float, generator: torch.Generator) -> dict[str, Tensor]:
    """DropConnect on the hidden-to-hidden weights, one mask for a whole window (arXiv 1708.02182, section 2)."""
    if not rate:
        return {}
    return {name: dropout(weight, rate, generator) for name, weight in _hidden_weights(model).items()}


@torch.no_grad()
def _average(run: TrainState, decay: float) -> None:
    torch._foreach_lerp_(list(run.averaged.parameters()), list(run.model.parameters()), 1 - decay)


def _val_nats(model: CharRNN, data: Data, lanes: int) -> float:
    ids = data.parts["val"]
    nats = scored_nats(model, ids, data.marks) if lanes == 1 else lane_nats(model, ids, data.marks, lanes, EVAL_WINDOW)
    return nats.mean().item()


def _evaluate(run: TrainState, job: Job, data: Data, bar: tqdm, should_stop: Callable[[], bool]) -> None:
    started = time.perf_counter()
    config = job.recipe.train
    with _watched(run.averaged, job, bar, should_stop):
        val_nats = _val_nats(run.averaged, data, config.eval_lanes)
    run.wall_seconds += time.perf_counter() - started
    train_nats = run.epoch_nats / run.epoch_chars
    if not max(train_nats, val_nats) < LARGEST_NATS:  # also if either is not a number
        raise DivergedError(
            f"{job.name}: after epoch {run.epoch} the loss is {train_nats:g} nats per character in training and "
            f"{val_nats:g} held out; lower the learning rate ({config.learning_rate})."
        )
    record = {
        "epoch": run.epoch,
        "chars": run.total_chars,
        "seconds": round(run.train_seconds, 2),
        "train_ppl": math.exp(train_nats),
        "val_nats": val_nats,
        "val_ppl": math.exp(val_nats),
    }
    if config.keep == "best" and val_nats < min((r["val_nats"] for r in run.curve), default=math.inf):
        run.best = {name: weight.clone() for name, weight in run.averaged.state_dict().items()}
    run.curve.append(record)
    if not bar.disable:
        bar.write(
            f"{bar.desc}: epoch {run.epoch}, {run.total_chars:,} characters, {run.train_seconds:.0f} s: "
            f"train ppl {record['train_ppl']:.3f}, held-out ppl {record['val_ppl']:.3f}"
        )


def _finish(run: TrainState, job: Job, data: Data, bar: tqdm, should_stop: Callable[[], bool]) -> Path:
    """Measure the weights rounded as they are stored, and what the rounding costs, and save the checkpoint."""
    config = job.recipe.train
    started = time.perf_counter()
    model = run.averaged.to("cpu").requires_grad_(False)
    if run.best:
        model.load_state_dict(run.best)
    stored = copy.deepcopy(model)
    stored.load_state_dict(decode_weights(encode_weights(model.state_dict(), job.recipe.storage)))
    data = data.to("cpu")
    with _watched(stored, job, bar, should_stop):
        ratio = rounding_ppl_ratio(model, stored, data)
        final = measure(stored, data, config)
        elsewhere = measure_elsewhere(stored, data)
    run.wall_seconds += time.perf_counter() - started
    sampling = {"max_chars": 200, "temperature": 0.8, "seed": 0}
    prompt = _sample_prompt(job, data)
    sample = LanguageModel(name=job.name, model=stored, vocab=data.vocab).generate(prompt, **sampling)  # type: ignore[arg-type]
    vocab_size = len(data.vocab)
    unigram = {name: unigram_ppl(data.parts["train"], ids, vocab_size) for name, ids in data.parts.items()}
    best = min(run.curve, key=lambda record: record["val_nats"])
    metrics: dict[str, Any] = {
        **_description(run, job, data),
        "outcome": outcome_of(best["val_ppl"], unigram["val"]),
        "storage": job.recipe.storage,
        "storage_ppl_ratio": ratio,
        "final": final,
        "elsewhere": elsewhere,
        "baselines": {"uniform": vocab_size, "unigram": unigram},
        "best_val": {"epoch": best["epoch"], "nats": best["val_nats"], "ppl": best["val_ppl"]},
        "sample": {"prompt": prompt, **sampling, "text": sample},
    }
    with suppress(checkpoint.ExistsError):  # another process trained the same to the same end
        checkpoint.save(job.directory, stored, data.vocab, metrics, job.recipe.storage, _companions(data))
    job.snapshot.unlink(missing_ok=True)
    return job.directory


def _companions(data: Data) -> dict[str, bytes]:
    """The fingerprints and the n-gram of texts of one's own, which nobody else could make, by their files' names.

    There is none of a text that is too long for it.
    """
    files = {}
    records = read_texts({"text": data.sources[0].record(), "more_texts": [s.record() for s in data.sources[1:]]})
    own = {source.corpus: record for source, record in zip(data.sources, records, strict=True) if record.own}
    for corpus, record in own.items():
        if len(corpus.text) <= MAX_CHARS:
            made = Fingerprint.build(corpus.name, corpus.form, corpus.text, *record.ranges["train"])
            files[made.source.filename] = made.to_bytes()
    name = checkpoint.ngram_file(records)
    if own and name and len(data.parts["train"]) <= MAX_COUNTED:
        files[name] = NGram.fitting(data.parts["train"], len(data.vocab)).to_bytes()
    return files


def _sample_prompt(job: Job, data: Data) -> str:
    """The recipe's prompt for the texts it was written for; a text of one's own begins with its own opening words."""
    if is_known(job.recipe.train.text):
        return job.recipe.sample_prompt
    opening = " ".join(data.sources[0].cut("train")[:400].split())
    head = opening[:PROMPT_CHARS]
    return head.rsplit(" ", 1)[0] if len(opening) > len(head) and " " in head else head


def _fail(run: TrainState, job: Job, data: Data, why: DivergedError) -> None:
    """A diverged run is a result, too: keep how it went and why it ended."""
    outcome = {"status": "diverged", "reason": str(why)}
    with suppress(checkpoint.ExistsError):  # another process trained the same to the same end
        checkpoint.save_failure(job.directory, {**_description(run, job, data), "outcome": outcome})
    job.snapshot.unlink(missing_ok=True)


def outcome_of(best_val_ppl: float, unigram_val_ppl: float) -> dict[str, str]:
    """Whether a run that came to its end ever did better than letter frequencies by 3%."""
    if best_val_ppl < NEVER_LEARNED * unigram_val_ppl:
        return {"status": "learned"}
    reason = (
        f"held-out perplexity never fell below {best_val_ppl:.2f}; letter frequencies alone give {unigram_val_ppl:.2f}"
    )
    return {"status": "never learned", "reason": reason}


def _description(run: TrainState, job: Job, data: Data) -> dict[str, Any]:
    """What a run was and how it went, whatever came of it."""
    config = job.recipe.train
    return {
        "schema": METRICS_SCHEMA,
        "name": job.name,
        "command": job.command,
        "seed": config.seed,
        "num_params": run.model.num_params,
        "text": data.sources[0].record(),
        "more_texts": [source.record() for source in data.sources[1:]],
        "model_config": job.recipe.model.to_dict(),
        "train_config": without_paths(config, data),
        "wall_seconds": round(run.wall_seconds, 1),
        "train_seconds": round(run.train_seconds, 1),
        "chars_per_second": round(run.total_chars / max(run.train_seconds, 1e-9)),
        **_surroundings(run.carried.device),
        "curve": run.curve,
    }


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
    return {
        "model": job.recipe.model.to_dict(),
        "train": without_paths(job.recipe.train, data),
        "sha256": [source.corpus.sha256 for source in data.sources],
    }


def _save_snapshot(run: TrainState, job: Job, data: Data) -> None:
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


def _restore(run: TrainState, job: Job, data: Data) -> None:
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
