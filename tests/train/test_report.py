"""What a run reports, and that reporting changes nothing of it."""

import errno
import io
import itertools
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import deeprnn
from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.nn.model import CharRNN
from deeprnn.store import checkpoint
from deeprnn.train import loop, report, run
from deeprnn.train.finish import ending
from deeprnn.train.loop import train
from deeprnn.train.report import JsonLines, Reporter, Terminal
from deeprnn.train.run import DivergedError, Job, Stopped
from deeprnn.train.samples import CHARS

CPU = torch.device("cpu")
TEXT = "The quick brown fox jumps over the lazy dog. " * 10
WINDOWS = 24  # 4 epochs of 6

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "book.txt"
    path.write_text(TEXT)
    model = ModelConfig(cell="gru", hidden_size=8, num_layers=2, embedding_size=8, residual=True, dropout=0.3)
    config = TrainConfig(
        text=str(path),
        form="full",
        epochs=4,
        batch_size=3,
        window=20,
        learning_rate=0.01,
        optimizer="adamw",
        ema_decay=0.9,
        keep="best",
    )
    return Recipe(name="tiny", model=model, train=config)


def job(recipe, out, **more):
    return Job(recipe=recipe, out=out, command="python train.py tiny", **more)


def stopping_after(count):
    calls = iter(range(1, count + 1))
    return lambda: next(calls, count) == count


def weights(directory: Path) -> bytes:
    return (directory / checkpoint.WEIGHTS).read_bytes()


def curve(directory: Path) -> list[dict]:
    metrics = json.loads((directory / checkpoint.METRICS).read_text())
    return [{key: value for key, value in record.items() if key != "seconds"} for record in metrics["curve"]]


def told(recipe, out, **options):
    """The events of a run, and its folder if it came to its end."""
    stream = io.StringIO()
    reporter = JsonLines(stream)
    try:
        reporter.finished(train(job(recipe, out), device=CPU, reporter=reporter, **options))
    except Stopped as stopped:
        reporter.stopped(stopped)
    except DivergedError as error:
        reporter.failed(error)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_run_is_the_same_to_the_last_bit_whoever_it_is_reported_to(recipe, tmp_path, capsys):
    reporters = {"nobody": Reporter(), "person": Terminal(), "program": JsonLines(io.StringIO())}
    made = [train(job(recipe, tmp_path / to), device=CPU, reporter=one) for to, one in reporters.items()]
    assert len({weights(directory) for directory in made}) == 1
    assert curve(made[0]) == curve(made[1]) == curve(made[2])
    assert "tiny: trains on" in capsys.readouterr().err


def test_a_program_hears_what_is_trained_how_it_goes_each_measurement_and_the_end(recipe, tmp_path):
    events = told(recipe, tmp_path)
    names = [event.pop("event") for event in events]
    assert (names[0], names[-1]) == ("described", "finished")
    assert set(names) >= {"progress", "measured"}
    described, finished = events[0], events[-1]
    assert described["train_chars"] == 405
    assert described["symbols"] == len(set(TEXT)) + 1
    assert described["ngram"]["order"] == 6
    assert 1 < described["ngram"]["ppl"] < described["symbols"]
    assert (described["epochs"], described["curve"]) == (4, [])
    measured = [event for name, event in zip(names, events, strict=True) if name == "measured"]
    assert [event["epoch"] for event in measured] == [1, 2, 3, 4]
    assert all(len(event["written"]["drawn"]) == CHARS for event in measured)
    directory = Path(finished["folder"])
    assert [one["val_ppl"] for one in measured] == [one["val_ppl"] for one in curve(directory)]
    progress = [event for name, event in zip(names, events, strict=True) if name == "progress"]
    assert progress[-1]["chars"] == progress[-1]["total_chars"] == WINDOWS * 60
    assert (progress[-1]["epoch"], progress[-1]["seconds_left"]) == (4, 0)
    assert finished["heldout_ppl"] == deeprnn.list_checkpoints(tmp_path)[0].heldout_ppl


def test_progress_counts_epochs_by_their_own_length(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "SECONDS_BETWEEN", 0)
    other = tmp_path / "other.txt"
    other.write_text(TEXT * 3)
    config = replace(recipe.train, more_texts=(str(other),), alone_epochs=2)
    events = told(replace(recipe, train=config), tmp_path)
    said = [event["epoch"] for event in events if event["event"] == "progress"]
    first = [epoch for epoch in said if epoch <= 1]
    assert first == pytest.approx([(n + 1) / len(first) for n in range(len(first))], abs=1e-3)
    assert said[-6:] == pytest.approx([3 + (n + 1) / 6 for n in range(6)], abs=1e-3)


def test_what_is_left_is_as_slow_as_what_was_done_with_its_measurements(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "SECONDS_BETWEEN", 0)
    clock = itertools.count(0.0, 1.0)  # a second from each reading to the next
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    progress = [event for event in told(recipe, tmp_path) if event["event"] == "progress"]
    assert progress[0]["seconds"] == 2  # the window, and the reading of its loss
    assert progress[0]["seconds_left"] == (WINDOWS - 1) * 2
    assert progress[6]["seconds_left"] > (WINDOWS - 7) * 2  # the first epoch was measured, too


def test_while_held_out_text_is_read_a_program_hears_it_once_a_second(recipe, tmp_path, monkeypatch):
    now = itertools.count(0.0, 0.3)  # 0.3 seconds from each reading to the next
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: next(now)))
    model = CharRNN(recipe.model, 11)
    heard = []
    with run.interruptible(model, job(recipe, tmp_path), heard.append, lambda: False) as before_reading:
        for _ in range(10):
            before_reading(100)
    assert heard == [400, 800]


def test_a_resumed_run_tells_the_curve_so_far(recipe, tmp_path):
    first = told(recipe, tmp_path, should_stop=stopping_after(15))
    assert first[-1]["event"] == "stopped"
    assert "folder" not in first[-1]
    measured = [event["epoch"] for event in first if event["event"] == "measured"]
    second = told(recipe, tmp_path, resume=True)
    assert [record["epoch"] for record in second[0]["curve"]] == measured
    assert second[-1]["event"] == "finished"


def test_a_run_that_diverges_is_told_as_such(recipe, tmp_path):
    wild = replace(recipe, train=replace(recipe.train, optimizer="sgd", learning_rate=1e30, clip_norm=1e30))
    assert told(wild, tmp_path)[-1]["kind"] == "diverged"


@pytest.mark.parametrize("windows", [1, 3, 15, 23])
def test_what_a_stopped_run_keeps_is_a_checkpoint_and_the_resumed_run_replaces_it(windows, recipe, tmp_path):
    whole = train(job(recipe, tmp_path / "whole"), device=CPU)
    kept = job(recipe, tmp_path / "kept", keep_stopped=True)
    with pytest.raises(Stopped) as stopped:
        train(kept, device=CPU, should_stop=stopping_after(windows))
    assert stopped.value.kept == kept.directory
    assert not ending(kept)
    lm = deeprnn.load(kept.directory)
    assert len(lm.generate("The", max_chars=5)) == 5
    (info,) = deeprnn.list_checkpoints(kept.out)
    assert info.metrics.stopped_after == windows // 6
    assert f"stopped after {windows // 6} of 4 epochs" in (kept.directory / checkpoint.CARD).read_text()

    train(kept, device=CPU, resume=True)
    assert weights(kept.directory) == weights(whole)
    assert curve(kept.directory) == curve(whole)
    assert deeprnn.list_checkpoints(kept.out)[0].metrics.stopped_after is None
    assert [path.name for path in kept.out.iterdir()] == ["tiny"]


def test_a_disk_that_is_full_when_a_resumed_run_is_saved_loses_nothing_of_it(recipe, tmp_path, monkeypatch):
    kept = job(recipe, tmp_path, keep_stopped=True)
    with pytest.raises(Stopped):
        train(kept, device=CPU, should_stop=stopping_after(3))
    before = {path.name: path.read_bytes() for path in kept.directory.iterdir()}

    def full(path, _data):
        raise OSError(errno.ENOSPC, "No space left on device", f"{path}")

    monkeypatch.setattr(checkpoint, "write_flushed", full)
    with pytest.raises(OSError, match="No space left"):
        train(kept, device=CPU, resume=True)
    assert {path.name: path.read_bytes() for path in kept.directory.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"tiny", kept.snapshot.name, kept.curve.name}
    monkeypatch.undo()
    train(kept, device=CPU, resume=True)
    assert ending(kept)


def test_a_stopped_run_that_diverges_later_keeps_its_weights_of_before_and_says_why_it_ended(
    recipe, tmp_path, monkeypatch
):
    kept = job(recipe, tmp_path, keep_stopped=True)
    with pytest.raises(Stopped):
        train(kept, device=CPU, should_stop=stopping_after(9))
    before = weights(kept.directory)
    monkeypatch.setattr(loop, "train_window", lambda *_: torch.tensor(math.nan))
    with pytest.raises(DivergedError):
        train(kept, device=CPU, resume=True)
    values = json.loads((kept.directory / checkpoint.METRICS).read_text())
    assert (values["outcome"]["status"], values["stopped_after"]) == ("diverged", 1)
    assert weights(kept.directory) == before
    assert [info.name for info in deeprnn.list_checkpoints(tmp_path)] == ["tiny"]
    assert ending(kept)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_stopped_run_keeps_its_best_weights_on_held_out_text(recipe, tmp_path):
    kept = job(recipe, tmp_path, keep_stopped=True)
    with pytest.raises(Stopped):
        train(kept, device=CPU, should_stop=stopping_after(22))
    best = min(curve(kept.directory), key=lambda record: record["val_nats"])
    (info,) = deeprnn.list_checkpoints(tmp_path)
    assert info.metrics.best_epoch == best["epoch"]
    assert info.metrics.final["val"].ppl == pytest.approx(best["val_ppl"], rel=0.01)  # rounded to float16
