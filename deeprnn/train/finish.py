"""The end of a run: its weights rounded as they are stored, its figures, the checkpoint; or why it failed.

Knows: a run's state, measurement, checkpoints. Does not know: how a step is made, snapshots.
"""

import copy
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

import deeprnn
from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure.baselines import NGram
from deeprnn.measure.metrics import read_texts
from deeprnn.measure.novelty import MAX_CHARS, Fingerprint
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store import checkpoint
from deeprnn.text.corpora import is_known
from deeprnn.text.splits import Data, without_paths
from deeprnn.train.measurement import measure, measure_elsewhere, rounding_ppl_ratio
from deeprnn.train.run import DivergedError, Job, TrainState, watched

METRICS_SCHEMA = 1
PROMPT_CHARS = 24  # at most, of the sample that begins with a text's own words
NEVER_LEARNED = 0.97  # of the perplexity of letter frequencies
MAX_COUNTED = 5_000_000  # characters of a text of one's own that an n-gram is made of: some seconds' work


def finish(run: TrainState, job: Job, data: Data, bar: tqdm, should_stop: Callable[[], bool]) -> Path:
    """Measure the weights rounded as they are stored, and what the rounding costs, and save the checkpoint."""
    config = job.recipe.train
    started = time.perf_counter()
    model = run.averaged.to("cpu").requires_grad_(False)
    if run.best:
        model.load_state_dict(run.best)
    stored = copy.deepcopy(model)
    stored.load_state_dict(decode_weights(encode_weights(model.state_dict(), job.recipe.storage)))
    data = data.to("cpu")
    with watched(stored, job, bar, should_stop):
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


def fail(run: TrainState, job: Job, data: Data, why: DivergedError) -> None:
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
        "recipe": job.recipe.name,
        **({"experiment": job.recipe.experiment} if job.recipe.experiment else {}),
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
