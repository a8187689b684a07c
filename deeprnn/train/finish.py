"""The end of a run: round the weights to their storage type, measure them, save the checkpoint or the failure.

Knows: a run's state, measurement, checkpoints. Does not know: how a step is made, what a snapshot contains.
"""

import copy
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

import deeprnn
from deeprnn.documents import Node, read_object
from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure.baselines import MAX_COUNTED, NGram
from deeprnn.measure.metrics import read_texts
from deeprnn.measure.novelty import MAX_CHARS, Fingerprint
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store import checkpoint
from deeprnn.store.results import NEVER_LEARNED, Outcome
from deeprnn.text.splits import Data, without_paths
from deeprnn.train.measurement import measure, measure_elsewhere, rounding_ppl_ratio
from deeprnn.train.report import Reporter
from deeprnn.train.run import DivergedError, Job, TrainState, interruptible
from deeprnn.train.samples import SEED, TEMPERATURE, prompt_of
from deeprnn.train.snapshot import remove_snapshot

Ending = Literal["finished", "diverged", "foreign"]  # the last: a folder that is no run's, and not ours to replace
METRICS_SCHEMA = 1
SAMPLE_CHARS = 200  # characters of the continuation that is recorded at the end


def finish(run: TrainState, job: Job, data: Data, reporter: Reporter, should_stop: Callable[[], bool]) -> Path:
    """Save the checkpoint of a run that came to its end; its snapshot goes."""
    _save(run, job, data, reporter, (lambda: False) if job.keep_stopped else should_stop)
    remove_snapshot(job)
    return job.directory


def keep(run: TrainState, job: Job, data: Data, reporter: Reporter) -> Path:
    """Save a checkpoint of the weights so far of a run that was stopped; its snapshot stays."""
    _save(run, job, data, reporter, lambda: False, stopped=True)
    return job.directory


def not_readable(job: Job) -> ValueError:
    """Return the error to raise when the folder of a run holds something else."""
    found = f"{job.directory} holds no run of that name that can be read"
    return ValueError(f"{found}: move it away, or choose another --out.")


def ending(job: Job) -> Ending | None:
    """Return how a run ended, by its folder; None if it has none, or was stopped, so that it may go on."""
    found = _found(job)
    return None if found == "stopped" else found


def _found(job: Job) -> Ending | Literal["stopped"] | None:
    """Return what a run's folder is; it is `stopped` if it was stopped, and did not diverge when it went on."""
    if not job.directory.exists():
        return None
    try:
        metrics = read_object(job.directory / checkpoint.METRICS)
        if metrics.get("name") != job.name:
            return "foreign"
        if "outcome" in metrics and Outcome.read(Node(metrics)["outcome"]).status == "diverged":
            return "diverged"
        return "stopped" if "stopped_after" in metrics else "finished"
    except ValueError:
        return "foreign"


def _save(
    run: TrainState, job: Job, data: Data, reporter: Reporter, should_stop: Callable[[], bool], *, stopped: bool = False
) -> None:
    """Round the weights to their storage type, measure them and the effect of rounding, and save the checkpoint.

    stopped: whether the run has not come to its end; `metrics.json` then says after how many epochs.
    """
    started = time.perf_counter()
    model = run.averaged.to("cpu").requires_grad_(False)
    if run.best:
        model.load_state_dict(run.best)
    stored = copy.deepcopy(model)
    stored.load_state_dict(decode_weights(encode_weights(model.state_dict(), job.recipe.storage)))
    data = data.to("cpu")
    with interruptible(stored, job, reporter.measuring, should_stop) as before_reading:
        ratio = rounding_ppl_ratio(model, stored, data)
        final = measure(stored, data, job.recipe.train)
        elsewhere = measure_elsewhere(stored, data)
        companions = _companions(data, before_reading, all_texts=not job.recipe.experiment)
    run.wall_seconds += time.perf_counter() - started
    best = min(run.curve, key=lambda record: record["val_nats"])
    vocab_size = len(data.vocab)
    parts = {name: data.unmarked(ids) for name, ids in data.parts.items()}
    unigram = {name: unigram_ppl(parts["train"], ids, vocab_size) for name, ids in parts.items()}
    metrics: dict[str, Any] = {
        **_description(run, job, data),
        **({"stopped_after": run.epoch} if stopped else {}),
        "outcome": outcome_of(best["val_ppl"], unigram["val"]),
        "storage": job.recipe.storage,
        "storage_ppl_ratio": ratio,
        "final": final,
        "elsewhere": elsewhere,
        "baselines": {"uniform": vocab_size, "unigram": unigram},
        "best_val": {"epoch": best["epoch"], "nats": best["val_nats"], "ppl": best["val_ppl"]},
        "sample": _sample(stored, job, data),
    }
    replace = _found(job) == "stopped"
    with _unless_finished_elsewhere(job):
        checkpoint.save(job.directory, stored, data.vocab, metrics, job.recipe.storage, companions, replace=replace)


def _sample(model: CharRNN, job: Job, data: Data) -> dict[str, Any]:
    """Return what a model writes after the recipe's prompt, and how it was drawn."""
    prompt = prompt_of(job, data)
    lm = LanguageModel(name=job.name, model=model, vocab=data.vocab)
    text = lm.generate(prompt, SAMPLE_CHARS, temperature=TEMPERATURE, seed=SEED)
    return {"prompt": prompt, "max_chars": SAMPLE_CHARS, "temperature": TEMPERATURE, "seed": SEED, "text": text}


def _companions(data: Data, before_reading: Callable[[int], None], *, all_texts: bool) -> dict[str, bytes]:
    """Return the files of fingerprints and of the n-gram of what was trained on, by name.

    Those of a user's own texts only this user can make, so they are saved with the checkpoint; those of the project's
    experiments are made when its results are gathered. Texts that are too long, or are read with noise, have none.

    before_reading: called with the number of characters before each time that a text is read; it may raise. all_texts:
        also those that the project knows, since the run belongs to no experiment: nobody gathers it.
    """
    files = {}
    records = read_texts({"text": data.sources[0].record(), "more_texts": [s.record() for s in data.sources[1:]]})
    pairs = zip(data.sources, records, strict=True)
    wanted = {s.corpus: record for s, record in pairs if (record.own or all_texts) and record.noise == "none"}
    for corpus, record in wanted.items():
        if len(corpus.text) <= MAX_CHARS:
            before_reading(len(corpus.text))
            made = Fingerprint.build(corpus.name, corpus.form, corpus.text, *record.ranges["train"])
            files[made.source.filename] = made.to_bytes()
    name = checkpoint.ngram_file(records)
    if wanted and name and len(data.parts["train"]) <= MAX_COUNTED:
        files[name] = NGram.fitting(data.parts["train"], len(data.vocab), before_reading).to_bytes()
    return files


def fail(run: TrainState, job: Job, data: Data, why: DivergedError) -> None:
    """Save the curve of a diverged run, and why it ended: this is a result too."""
    outcome = {"status": "diverged", "reason": str(why)}
    record_failure(job, {**_description(run, job, data), "outcome": outcome})
    remove_snapshot(job)


def record_failure(job: Job, metrics: dict[str, Any]) -> None:
    """Save why a run failed; of one that was stopped before, the weights and the figures of then stay beside it."""
    if _found(job) == "stopped":
        checkpoint.record_outcome(job.directory, metrics["outcome"])
        return
    with _unless_finished_elsewhere(job):
        checkpoint.save_failure(job.directory, metrics)


@contextmanager
def _unless_finished_elsewhere(job: Job) -> Iterator[None]:
    """Pass over that the run's folder exists, if it holds the same run, which another process has finished.

    Raises:
        ValueError: it holds something else.
    """
    try:
        yield
    except checkpoint.ExistsError:
        if _found(job) not in ("finished", "diverged"):
            raise ValueError(
                f"{job.directory} has appeared while {job.name} was trained, and is no finished run: move it away; "
                f"the same command with --resume then saves the run."
            ) from None


def outcome_of(best_val_ppl: float, unigram_val_ppl: float) -> dict[str, str]:
    """Return `learned` if a finished run was ever better than letter frequencies by 3%, else `never learned`."""
    if best_val_ppl < NEVER_LEARNED * unigram_val_ppl:
        return {"status": "learned"}
    reason = (
        f"held-out perplexity never fell below {best_val_ppl:.2f}; letter frequencies alone give {unigram_val_ppl:.2f}"
    )
    return {"status": "never learned", "reason": reason}


def _description(run: TrainState, job: Job, data: Data) -> dict[str, Any]:
    """Return the fields of `metrics.json` that finished and diverged runs have: configuration, times, curve."""
    config = job.recipe.train
    return {
        "schema": METRICS_SCHEMA,
        "name": job.name,
        "recipe": job.recipe.name,
        **({"experiment": job.recipe.experiment} if job.recipe.experiment else {}),
        "command": job.command,
        **({"license": job.license} if job.license else {}),
        "seed": config.seed,
        "num_params": run.model.num_params,
        "text": data.sources[0].record(),
        "more_texts": [source.record() for source in data.sources[1:]],
        "model_config": job.recipe.model.to_dict(),
        "train_config": without_paths(config, data),
        "wall_seconds": round(run.wall_seconds, 1),
        "train_seconds": round(run.train_seconds, 1),
        "chars_per_second": run.chars_per_second,
        **run.trained_by,
        "versions": {
            "deeprnn": deeprnn.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "curve": run.curve,
    }
