"""Shape checks of the tensor code in tests, and small real checkpoints."""

import jaxtyping
from jaxtyping import install_import_hook

# This must run before deeprnn is imported: from here on, beartype checks the shapes in annotations of the tensor code.
TENSOR_CODE = ["nn.cells", "nn.model", "text.batches", "lm.evaluation"]
install_import_hook([f"deeprnn.{module}" for module in TENSOR_CODE], "beartype.beartype")

import asyncio  # noqa: E402
import contextlib  # noqa: E402
import math  # noqa: E402
import resource  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from deeprnn.config import ModelConfig, Recipe, TrainConfig, run_name  # noqa: E402
from deeprnn.documents import Node  # noqa: E402
from deeprnn.experiments.questions import all_recipes  # noqa: E402
from deeprnn.measure.metrics import Figures  # noqa: E402
from deeprnn.nn.model import CharRNN  # noqa: E402
from deeprnn.store import checkpoint  # noqa: E402
from deeprnn.store.registry import read_all  # noqa: E402
from deeprnn.store.results import Baselines, Results, RunRecord  # noqa: E402
from deeprnn.text.vocab import Vocab  # noqa: E402

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # a busy machine is no failure
torch.set_num_threads(1)  # the tests' tensors are so small that more threads are slower
ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "checkpoints"
# The fixtures of a test decide its tier; see the markers in pyproject.toml.
TIERS = {"chromium": "browser", "url": "process"}
MADE_TEXT = Baselines(
    symbols=28,
    train_chars=9,
    heldout_chars=9,
    unigram_nats=3.0,
    ngram_nats=2.0,
    ngram_order=6,
    xz_bpc=3.0,
    mixed_in_nats=2.5,
)
WAIT = 120  # seconds after which a wait fails, even on a busy machine


def pytest_collection_modifyitems(items):
    for item in items:
        for fixture, tier in TIERS.items():
            if fixture in item.fixturenames:
                item.add_marker(tier)
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3_600))


def wait_until(condition, missing=lambda: "", seconds=WAIT):
    """Wait until a condition on other threads or processes holds; `missing` returns the message for a failure.

    It is looked at less and less often, ten times a second at last: looking takes time from those it waits for.
    """
    deadline, pause = time.monotonic() + seconds, 0.01
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds {missing()}"
        time.sleep(pause)
        pause = min(1.2 * pause, 0.1)


@contextlib.contextmanager
def file_limit(size):
    """No file can be longer than `size` bytes, as on a full disk; the error is an OSError too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run(coroutine):
    """Run a coroutine in a new thread, since playwright leaves an event loop running in this one; return its result."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def tiny_metrics(name: str, num_params: int) -> dict:
    """Return the metrics that a checkpoint needs to be listed and described."""
    figures = {"nats": 1.0, "bpc": 1.4427, "ppl": 2.7183, "chars": 10}
    return {
        "num_params": num_params,
        "text": {
            "name": "python-docs",
            "form": "full",
            "chars": 2002,
            "sha256": "0" * 64,
            "ranges": {"train": [0, 1001], "val": [1001, 2002]},
        },
        "final": {"train": figures, "train_carried": figures, "val": figures},
        "baselines": {"uniform": 10, "unigram": {"train": 9.0, "val": 9.0}},
        "best_val": {"epoch": 1, "nats": 1.0, "ppl": 2.7183},
        "sample": {"prompt": "a", "max_chars": 3, "temperature": 0.8, "seed": 0, "text": "bcd"},
        "train_config": {"text": "python-docs", "form": "full", "epochs": 1, "learning_rate": 1.0, "batch_size": 2},
        "command": f"python train.py {name}",
        "train_seconds": 1.0,
        "wall_seconds": 1.0,
        "device": "cpu",
        "threads": 1,
    }


def shipped(directory: Path = SHIPPED) -> list[checkpoint.CheckpointInfo]:
    """Return the checkpoints of the repository, without those that a user has trained and put beside them."""
    names = Results.read(directory).novelty.keys() & all_recipes().keys()
    return [info for info in read_all(directory)[0] if info.name in names]


def made_run(
    name: str, ppl: float = 5.0, *, train: float | None = None, test: float | None = None, **change
) -> RunRecord:
    """Make a finished run with a validation perplexity `ppl`; `change` replaces other fields of the record."""
    ppls = {"train": ppl if train is None else train, "val": ppl} | ({} if test is None else {"test": test})
    values = {
        "name": name,
        "seed": 0,
        "command": f"python train.py {name}",
        "outcome": {"status": "learned"},
        "num_params": 100,
        "model_config": {"cell": "gru", "hidden_size": 8, "num_layers": 2},
        "train_config": {"text": "python-docs", "form": "full", "epochs": 1, "learning_rate": 1.0},
        "final": {part: made_figures(value) for part, value in ppls.items()},
        "best_val": {"epoch": 1, "nats": 1.0, "ppl": ppl},
        "storage": "float32",
        "train_seconds": 1.0,
        "wall_seconds": 1.0,
        "chars_per_second": 1_000,
        "device": "cpu",
        "threads": 1,
        "curve": {key: [1] for key in ("epoch", "chars", "seconds", "train_ppl", "val_nats", "val_ppl")},
        "text_key": "t",
    }
    return RunRecord.read(Node(values | change))


def made_by(recipe: Recipe, ppl: float = 5.0, **change) -> RunRecord:
    """A made-up run of a recipe that came to its end."""
    configs = {"model_config": recipe.model.to_dict(), "train_config": recipe.train.to_dict()}
    return made_run(recipe.name, ppl, experiment=recipe.experiment, **(configs | change))


def of_seed(run: RunRecord, seed: int, **change) -> RunRecord:
    """The run as if it were that of another seed; `change` replaces other fields of the record."""
    return replace(run, name=run_name(run.recipe, seed), seed=seed, **change)


def with_every_recipe(results: Results) -> Results:
    """Return the results as they would be if every recipe had been run: what is missing is made up."""
    keys = {_parts(run.train_config): run.text_key for run in results.runs.values() if run.final}
    missing = [recipe for name, recipe in all_recipes().items() if not results.where(recipe=name).finished]
    made = [_made_up(recipe, keys.get(_parts(recipe.train), f"of {recipe.name}")) for recipe in missing]
    texts = {run.text_key: MADE_TEXT for run in made} | results.texts
    runs = results.runs | {run.name: run for run in made}
    return replace(results, runs={name: _scored_on_all(run) for name, run in runs.items()}, texts=texts)


def _scored_on_all(run: RunRecord) -> RunRecord:
    recipe = all_recipes().get(run.recipe)
    asked = recipe.train.score_on if recipe and run.final else ()
    return replace(run, elsewhere={text: Figures(**made_figures(5.0)) for text in asked} | run.elsewhere)


def _parts(train: TrainConfig) -> tuple[object, ...]:
    """What a text key stands for: the texts of a run, and how they are cut."""
    limits = train.max_train_chars, train.max_more_chars, train.noise, train.noisy_chars
    return train.text, train.more_texts, train.form, *limits, train.train_fraction, train.mark_texts


def _made_up(recipe: Recipe, text_key: str) -> RunRecord:
    train = recipe.train
    test = None if train.train_fraction + train.val_fraction > 0.999 else 5.0
    chars = train.epochs * (train.max_train_chars or 100_000)
    curve = {"epoch": [1, train.epochs + 1], "chars": [1, chars], "seconds": [1, 2]}
    curve |= {"train_ppl": [9.0, 1.05], "val_nats": [2.0, 2.0], "val_ppl": [7.0, 8.0]}
    elsewhere = {text: made_figures(5.0) for text in train.score_on}
    return made_by(recipe, 5.0, train=4.0, test=test, elsewhere=elsewhere, curve=curve, text_key=text_key)


def made_figures(ppl: float) -> dict[str, float]:
    """Return the figures of one part in the format of `metrics.json`."""
    return {"nats": math.log(ppl), "bpc": math.log2(ppl), "ppl": ppl, "chars": 9}


@pytest.fixture(scope="module")
def unchecked_shapes():
    """Turn off the shape checks in this module, to save time; the tests of the tensor code make them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def save_tiny_checkpoint(
    directory: Path, *, form="full", characters="abcdefgh \n", storage="float32", text="python-docs", **model
) -> Path:
    """Save a small untrained model as a real checkpoint; text: the name of what it claims to have read."""
    config = ModelConfig(**({"cell": "gru", "hidden_size": 8, "num_layers": 2} | model))
    vocab = Vocab(form=form, characters=characters)
    network = CharRNN(config, len(vocab))
    network.reset_parameters("uniform", torch.Generator().manual_seed(0))
    metrics = tiny_metrics(directory.name, network.num_params)
    metrics["text"]["name"] = metrics["train_config"]["text"] = text
    checkpoint.save(directory, network, vocab, metrics, storage)
    return directory


@pytest.fixture
def save_tiny():
    """Save a small untrained model as a real checkpoint: `save_tiny(directory, cell="gru", num_layers=2, ...)`."""
    return save_tiny_checkpoint
