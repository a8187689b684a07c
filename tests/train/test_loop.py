import copy
import json
import math
import os
import shutil
import time
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.testing import assert_close

from deeprnn import list_checkpoints
from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.experiments.questions import all_recipes
from deeprnn.lm.evaluation import nats_per_char
from deeprnn.measure.baselines import NGram
from deeprnn.nn.model import CharRNN
from deeprnn.store import checkpoint
from deeprnn.text import splits
from deeprnn.text.batches import windows
from deeprnn.text.corpora import load_corpus, own_name
from deeprnn.text.splits import prepare
from deeprnn.train import finish, loop, measurement, report, samples, snapshot
from deeprnn.train import run as train_run
from deeprnn.train.loop import finish_trained, train
from deeprnn.train.measurement import measure, remeasure
from deeprnn.train.report import Reporter, Terminal
from deeprnn.train.run import DivergedError, Job, Stopped, has_bfloat16, new_run
from deeprnn.train.step import _dropped, _schedule, train_window

CPU = torch.device("cpu")
TEXT = "The quick brown fox jumps over the lazy dog. " * 10  # 450 characters, 405 of them to train on
WINDOWS = 18  # 3 epochs of 6
CURVE = ("epoch", "chars", "train_ppl", "val_nats", "val_ppl")


pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "book.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def sgd(book):
    """A plain stack and SGD."""
    model = ModelConfig(cell="rnn", hidden_size=8, num_layers=2)
    config = TrainConfig(
        text=str(book), form="full", epochs=3, batch_size=3, window=20, learning_rate=1.0, eval_every=2
    )
    return Recipe(name="tiny", model=model, train=config, storage="float32", sample_prompt="")


@pytest.fixture(scope="module")
def adamw(sgd):
    """All that has a memory of its own: AdamW's moments, dropout's generator, an LSTM's second state."""
    model = ModelConfig(cell="lstm", hidden_size=8, num_layers=2, embedding_size=8, residual=True, dropout=0.3)
    config = replace(sgd.train, optimizer="adamw", learning_rate=0.01, weight_decay=0.1, init="orthogonal")
    return replace(sgd, model=model, train=config)


@pytest.fixture(scope="module")
def everything(adamw, tmp_path_factory):
    """All that training can do, at once."""
    other = tmp_path_factory.mktemp("texts") / "other.txt"
    other.write_text(TEXT[::-1])
    model = replace(adamw.model, locked_dropout=True, head_dropout=0.2)
    config = replace(
        adamw.train,
        more_texts=(str(other),),
        alone_epochs=1,
        schedule="cosine",
        warmup_fraction=0.2,
        precision="bfloat16",
        offset="text",
        reset_rate=0.3,
        weight_drop=0.3,
        ema_decay=0.9,
        keep="best",
        eval_every=1,
    )
    return replace(adamw, model=model, train=config)


def job(recipe, out):
    return Job(recipe=recipe, out=out, command="python train.py tiny")


def run(recipe, out, *, stops=(), resume=False):
    """Train to the end, interrupted and resumed after each of the windows counted in `stops`."""
    done = 0

    def should_stop():
        nonlocal done
        done += 1
        return done in stops

    while True:
        try:
            return train(job(recipe, out), device=CPU, resume=resume, should_stop=should_stop)
        except Stopped:
            resume = True


def stop_after(recipe, out, window):
    """Leave a snapshot taken after that many windows."""
    windows = iter(range(1, window + 1))
    with pytest.raises(Stopped, match=r"tiny stopped in epoch .* --resume"):
        train(job(recipe, out), device=CPU, should_stop=lambda: next(windows) == window)


def weights(directory):
    return checkpoint.load(directory).model.state_dict()


def metrics(directory):
    return json.loads((directory / checkpoint.METRICS).read_text("utf-8"))


def curve(directory):
    return [[record[key] for key in CURVE] for record in metrics(directory)["curve"]]


def assert_same_run(directory, other):
    ours, theirs = weights(directory), weights(other)
    assert ours.keys() == theirs.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []
    assert curve(directory) == curve(other)
    assert metrics(directory)["final"] == metrics(other)["final"]


@pytest.fixture(scope="module")
def finished(sgd, adamw, everything, tmp_path_factory):
    """The runs, never interrupted."""
    return {
        "sgd": run(sgd, tmp_path_factory.mktemp("sgd")),
        "adamw": run(adamw, tmp_path_factory.mktemp("adamw")),
        "everything": run(everything, tmp_path_factory.mktemp("everything")),
    }


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "everything"])
@pytest.mark.parametrize(
    "stops",
    [{9}, {6, 13, WINDOWS}, set(range(1, WINDOWS + 1))],
    ids=["mid-epoch", "around epochs", "after every window"],
)
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(optimizer, stops, finished, request, tmp_path):
    directory = run(request.getfixturevalue(optimizer), tmp_path, stops=stops)
    assert_same_run(directory, finished[optimizer])


def test_a_snapshot_is_taken_where_the_run_was_stopped(sgd, tmp_path, monkeypatch):
    """Else the test above could pass by training anew."""
    stop_after(sgd, tmp_path, 8)
    trained = watch_windows(monkeypatch)
    train(job(sgd, tmp_path), device=CPU, resume=True, should_stop=lambda: False)
    assert len(trained) == WINDOWS - 7  # it was asked to stop once while it was measured


class Killed(Reporter):
    """Ends a run without a warning, as a kill does, after that many windows."""

    def __init__(self, windows):
        self.windows = windows

    def trained(self, run, nats):  # noqa: ARG002
        self.windows -= 1
        if self.windows == 0:
            raise KeyboardInterrupt


def kill_after(recipe, out, window, *, snapshot_minutes):
    task = replace(job(recipe, out), snapshot_minutes=snapshot_minutes)
    with pytest.raises(KeyboardInterrupt):
        train(task, device=CPU, reporter=Killed(window))


def watch_windows(monkeypatch, seen=lambda _: 1):
    """A list that grows by what is `seen` of a run before each window that it trains."""
    windows = []

    def watched(state, *arguments):
        windows.append(seen(state))
        return train_window(state, *arguments)

    monkeypatch.setattr(loop, "train_window", watched)
    return windows


def windows_trained(recipe, out, monkeypatch):
    """How many windows a resumed run still trains."""
    trained = watch_windows(monkeypatch)
    run(recipe, out, resume=True)
    return len(trained)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "everything"])
def test_a_killed_run_goes_on_from_its_last_snapshot_by_time_and_equals_an_uninterrupted_one(
    optimizer, finished, request, tmp_path, monkeypatch
):
    recipe = request.getfixturevalue(optimizer)
    kill_after(recipe, tmp_path, 10, snapshot_minutes=0)
    windows_in_all = metrics(finished[optimizer])["curve"][-1]["chars"] // (3 * 20)
    assert windows_trained(recipe, tmp_path, monkeypatch) == windows_in_all - 9
    assert_same_run(tmp_path / "tiny", finished[optimizer])


def test_a_killed_run_without_snapshots_by_time_goes_on_from_its_last_measurement(sgd, tmp_path, monkeypatch):
    kill_after(sgd, tmp_path, 10, snapshot_minutes=math.inf)
    assert windows_trained(sgd, tmp_path, monkeypatch) == WINDOWS - 6


def test_a_snapshot_is_saved_whenever_the_last_one_is_older_than_the_minutes_asked_for(sgd, tmp_path, monkeypatch):
    """A window takes 35 seconds by this clock: four of them are trained from one snapshot to the next."""
    saved, trained, begin = [], watch_windows(monkeypatch), time.monotonic()

    def noted(*arguments):
        saved.append(len(trained))
        snapshot.save_snapshot(*arguments)

    monkeypatch.setattr(time, "monotonic", lambda: begin + 35 * len(trained))
    monkeypatch.setattr(loop, "save_snapshot", noted)
    train(replace(job(sgd, tmp_path), snapshot_minutes=2), device=CPU)
    assert saved == [4, 6, 10, 12, 16, 18]  # 6, 12 and 18 are measured


def test_a_run_of_very_many_epochs_is_measured_no_more_often_than_its_file_has_room_for(sgd, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MOST_MEASUREMENTS", 3)
    many = replace(sgd, train=replace(sgd.train, epochs=10, eval_every=1))
    assert [record[0] for record in curve(run(many, tmp_path))] == [1, 2, 4, 8, 10]


def recorded_curve(recipe, out):
    return [json.loads(line) for line in job(recipe, out).curve.read_text("utf-8").splitlines()]


def test_the_curve_so_far_is_beside_the_snapshot_as_json_lines_and_goes_when_the_run_is_finished(sgd, tmp_path):
    stop_after(sgd, tmp_path, 16)  # it was asked once in each of two measurements, too
    assert [record["epoch"] for record in recorded_curve(sgd, tmp_path)] == [1, 2]
    before = recorded_curve(sgd, tmp_path)
    directory = run(sgd, tmp_path, resume=True)
    assert metrics(directory)["curve"][:2] == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize("broken", ["write_curve", "replace_file"])
def test_a_curve_is_in_step_with_its_snapshot_whenever_the_run_is_killed(broken, sgd, tmp_path, monkeypatch):
    """Killed between the two files, or before them: no measurement is twice in the curve, and none is missing."""
    real, calls = getattr(snapshot, broken), iter(range(100))

    def killed_at_the_second(*arguments):
        if next(calls) == {"write_curve": 2, "replace_file": 3}[broken]:
            raise KeyboardInterrupt
        real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(snapshot, broken, killed_at_the_second)
        patched.setattr(loop, "write_curve", snapshot.write_curve)
        with pytest.raises(KeyboardInterrupt):
            train(job(sgd, tmp_path), device=CPU)
    stop_after_resume = iter(range(1, 100))
    with pytest.raises(Stopped):
        train(job(sgd, tmp_path), device=CPU, resume=True, should_stop=lambda: next(stop_after_resume) == 1)
    with safe_open(job(sgd, tmp_path).snapshot, "pt") as file:
        progress = json.loads(file.metadata()["progress"])
    assert recorded_curve(sgd, tmp_path) == progress["curve"]
    assert [record["epoch"] for record in progress["curve"]] == [1, 2]
    run(sgd, tmp_path, resume=True)
    assert [record["epoch"] for record in metrics(tmp_path / "tiny")["curve"]] == [1, 2, 3]


def test_a_curve_that_a_run_of_the_same_name_left_is_not_taken_for_that_of_a_new_one(sgd, tmp_path):
    stop_after(sgd, tmp_path, 8)
    job(sgd, tmp_path).snapshot.unlink()
    stop_after(sgd, tmp_path, 2)
    assert not job(sgd, tmp_path).curve.exists()


def test_a_run_that_was_stopped_while_it_finished_is_finished_by_resume(sgd, finished, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(checkpoint, "save", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(sgd, tmp_path)
    assert job(sgd, tmp_path).snapshot.exists()
    assert_same_run(run(sgd, tmp_path, resume=True), finished["sgd"])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "everything"])
def test_a_run_that_is_finished_by_another_process_equals_one_that_finishes_itself(
    optimizer, finished, request, tmp_path, capsys
):
    """As one that was trained on a GPU and is finished on a CPU: its device, threads and precision are recorded."""
    task = job(request.getfixturevalue(optimizer), tmp_path)
    assert train(task, device=CPU, finishing=False) == task.snapshot
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".jsonl", ".safetensors"]

    def from_cuda(tensors, metadata):
        tensors["generator"] = torch.zeros(16, dtype=torch.uint8)  # as long as a CUDA generator's state
        metadata["trained_by"] = json.dumps({"device": "cuda (H200)", "threads": 7})
        metadata["identity"] = metadata["identity"].replace("float32", "bfloat16")

    alter_snapshot(task.snapshot, from_cuda)
    capsys.readouterr()
    assert_same_run(finish_trained(task), finished[optimizer])
    assert capsys.readouterr().err == ""
    recorded = metrics(task.directory)
    assert (recorded["device"], recorded["threads"]) == ("cuda (H200)", 7)
    assert recorded["train_config"]["precision"] == "bfloat16"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_run_that_is_to_go_on_is_not_finished(sgd, tmp_path):
    stop_after(sgd, tmp_path, 8)
    with pytest.raises(ValueError, match="tiny is not trained to its end: continue it with --resume"):
        finish_trained(job(sgd, tmp_path))
    assert job(sgd, tmp_path).snapshot.exists()
    assert not job(sgd, tmp_path).directory.exists()


def test_a_finished_run_leaves_its_checkpoint_and_nothing_else(finished):
    for directory in finished.values():
        assert [path.name for path in directory.parent.iterdir()] == ["tiny"]
        assert sorted(p.name for p in directory.iterdir() if p.suffix not in (".fp", ".ngram")) == [
            "README.md",
            "config.json",
            "metrics.json",
            "model.safetensors",
        ]


def test_a_waiting_snapshot_is_not_overwritten_without_resume(sgd, tmp_path):
    stop_after(sgd, tmp_path, 2)
    snapshot = job(sgd, tmp_path).snapshot
    before = snapshot.read_bytes()
    with pytest.raises(
        ValueError, match=f"tiny was interrupted: continue it with --resume, or remove .*{snapshot.name}"
    ):
        train(job(sgd, tmp_path), device=CPU)
    assert snapshot.read_bytes() == before
    assert not (tmp_path / "tiny").exists()


@pytest.mark.parametrize("part", ["train", "model"])
def test_a_snapshot_of_another_configuration_is_refused(part, sgd, tmp_path):
    stop_after(sgd, tmp_path, 2)
    change = {"train": {"learning_rate": 0.5}, "model": {"hidden_size": 9}}[part]
    other = replace(sgd, **{part: replace(getattr(sgd, part), **change)})
    with pytest.raises(ValueError, match="another configuration or text; remove it to start tiny anew"):
        train(job(other, tmp_path), device=CPU, resume=True)
    assert job(sgd, tmp_path).snapshot.exists()


def test_a_snapshot_of_another_text_is_refused(sgd, tmp_path):
    text = tmp_path / "own.txt"
    text.write_text(TEXT)
    recipe = replace(sgd, train=replace(sgd.train, text=str(text)))
    stop_after(recipe, tmp_path / "out", 2)
    text.write_text(TEXT.replace("quick", "kciuq"))
    with pytest.raises(ValueError, match="another configuration or text"):
        train(job(recipe, tmp_path / "out"), device=CPU, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_checkpoint_is_never_overwritten(resume, sgd, finished):
    directory = finished["sgd"]
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(ValueError, match="is finished; remove it to train it again, or choose another --out"):
        train(job(sgd, directory.parent), device=CPU, resume=resume)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_training_lowers_the_perplexity_below_letter_frequencies(sgd, tmp_path):
    directory = run(replace(sgd, train=replace(sgd.train, epochs=30, eval_every=10)), tmp_path)
    first, *_, last = (record["train_ppl"] for record in metrics(directory)["curve"])
    assert last < 0.8 * first
    info = checkpoint.read_info(directory)
    assert info.train_ppl < 0.8 * info.unigram_ppl
    assert info.heldout_ppl < 0.8 * info.unigram_ppl


def test_the_seed_decides_the_weights(sgd, finished, tmp_path):
    assert_same_run(run(sgd, tmp_path / "same"), finished["sgd"])
    other = run(replace(sgd, train=replace(sgd.train, seed=1)), tmp_path / "other")
    assert all(not torch.equal(tensor, weights(finished["sgd"])[name]) for name, tensor in weights(other).items())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_both_kernels_train_to_the_same_weights(optimizer, finished, request, tmp_path):
    recipe = request.getfixturevalue(optimizer)
    assert recipe.train.kernel == "fused"
    scratch = run(replace(recipe, train=replace(recipe.train, kernel="scratch")), tmp_path)
    assert_close(weights(scratch), weights(finished[optimizer]), rtol=1e-3, atol=1e-4)


def test_the_curve_has_a_record_for_each_evaluation_and_the_last_epoch(finished):
    records = metrics(finished["sgd"])["curve"]
    assert [(r["epoch"], r["chars"]) for r in records] == [(n, n * 6 * 60) for n in (1, 2, 3)]
    for record in records:
        assert record["val_ppl"] == pytest.approx(math.exp(record["val_nats"]), rel=1e-12)
    # The last record and the final figure are the same measurement of the same float32 weights.
    assert metrics(finished["sgd"])["final"]["val"]["ppl"] == pytest.approx(records[-1]["val_ppl"], rel=1e-6)


def test_a_run_is_measured_after_one_two_four_eight_epochs_and_then_at_its_interval(sgd, tmp_path):
    directory = run(replace(sgd, train=replace(sgd.train, epochs=25, eval_every=10)), tmp_path)
    assert [record["epoch"] for record in metrics(directory)["curve"]] == [1, 2, 4, 8, 10, 20, 25]


def test_the_last_epochs_read_the_main_text_alone_if_they_are_asked_to(everything, tmp_path, monkeypatch):
    read, totals = [], set()

    def seen(state, config, inputs, targets):
        read.append(inputs)
        totals.add(state.total_windows)
        return train_window(state, config, inputs, targets)

    monkeypatch.setattr(loop, "train_window", seen)
    recipe = replace(everything, train=replace(everything.train, offset="none"))
    run(recipe, tmp_path)
    data = prepare(recipe.train, CPU)
    both, own = data.parts["train"], torch.tensor(data.vocab.encode(TEXT[:405]))
    expected = [inputs for ids in (both, both, own) for inputs, _ in windows(ids, 3, 20)]
    assert len(read) == len(expected)
    assert all(map(torch.equal, read, expected))
    assert totals == {len(expected)}, "the schedule of the learning rate ends with the last window"


@pytest.mark.parametrize("name", ["sgd", "adamw", "everything"])
def test_each_measurement_records_what_the_model_writes(name, finished):
    for record in metrics(finished[name])["curve"]:
        assert record["written"].keys() == {"drawn", "greedy"}
        assert all(len(text) == samples.CHARS for text in record["written"].values())
    last, final = metrics(finished["sgd"])["curve"][-1]["written"]["drawn"], metrics(finished["sgd"])["sample"]["text"]
    assert final.startswith(last)  # of the same float32 weights, with the same seed


@pytest.mark.parametrize("name", ["sgd", "adamw", "everything"])
def test_a_run_is_the_same_as_one_that_writes_nothing(name, finished, request, tmp_path, monkeypatch):
    nothing = {"drawn": "", "greedy": ""}
    monkeypatch.setattr("deeprnn.train.loop.continuations", lambda *_: nothing)
    silent = run(request.getfixturevalue(name), tmp_path)
    assert all(record["written"] == nothing for record in metrics(silent)["curve"])
    assert_same_run(silent, finished[name])


def test_recorded_seconds_are_positive_and_survive_an_interruption(sgd, tmp_path):
    task = job(sgd, tmp_path)
    stop_after(sgd, tmp_path, 8)
    data = prepare(sgd.train, CPU)
    begun = new_run(task, data, CPU)
    snapshot.restore(begun, task, data)
    begun.train_seconds, begun.wall_seconds = begun.train_seconds + 1000, begun.wall_seconds + 2000
    snapshot.save_snapshot(begun, task, data)
    records = metrics(run(sgd, tmp_path, resume=True))
    assert 1000 <= records["train_seconds"] < 1900  # a fast machine needs less than what is rounded away
    assert 2000 <= records["wall_seconds"] < 2900
    assert records["chars_per_second"] == pytest.approx(WINDOWS * 60 / records["train_seconds"], abs=1)


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
def test_recorded_figures_equal_those_of_the_stored_weights(storage, sgd, book, tmp_path):
    directory = run(replace(sgd, storage=storage), tmp_path)
    recorded, measured = metrics(directory)["final"], remeasure(directory, str(book))
    assert recorded.keys() == measured.keys() == {"train", "train_carried", "val", "test", "cold_256"}
    for part, figures in recorded.items():
        assert measured[part] == pytest.approx(figures, rel=1e-6), part
    assert (metrics(directory)["storage_ppl_ratio"]["train"] == 1) == (storage == "float32")


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_recorded_sample_is_what_the_loaded_checkpoint_writes(optimizer, finished):
    sample = metrics(finished[optimizer])["sample"]
    text = sample.pop("text")
    assert len(text) == 200
    assert checkpoint.load(finished[optimizer]).generate(**sample) == text


def test_remeasuring_on_another_text_is_refused(finished, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(TEXT + "!")
    with pytest.raises(ValueError, match=r"other-\w+ is not the text .* was trained on; name that one with --data"):
        remeasure(finished["sgd"], str(other))


def test_the_train_figure_reads_lanes_as_training_does_over_eight_offsets(sgd):
    data = prepare(sgd.train, CPU)
    model = CharRNN(sgd.model, len(data.vocab)).double()
    model.reset_parameters("uniform", torch.Generator().manual_seed(0))
    figures = measure(model, data, sgd.train)
    ids, nats = data.parts["train"], []
    for offset in (int(20 * i / 7) for i in range(8)):
        lane = (len(ids) - offset - 1) // 3
        read = lane // 20 * 20
        starts = range(offset, offset + 3 * lane, lane)
        nats += [nats_per_char(model, ids[start : start + read + 1]) for start in starts]
    assert figures["train"]["chars"] == sum(len(n) for n in nats)
    assert figures["train"]["nats"] == pytest.approx(torch.cat(nats).mean().item(), rel=1e-12)
    for part, ids in data.parts.items():
        name = "train_carried" if part == "train" else part
        nats = nats_per_char(model, ids)
        assert figures[name]["nats"] == pytest.approx(nats.mean().item(), rel=1e-12)
        assert figures[name]["chars"] == len(ids) - 1
        assert figures[name]["ppl"] == pytest.approx(math.exp(figures[name]["nats"]), rel=1e-12)
        assert figures[name]["bpc"] == pytest.approx(figures[name]["nats"] / math.log(2), rel=1e-12)


@pytest.mark.parametrize(("poems", "part"), [(False, slice(100)), (True, slice(-100, None))])
def test_of_a_long_training_part_the_start_is_measured_and_of_poems_the_end(sgd, monkeypatch, poems, part):
    monkeypatch.setattr(measurement, "TRAIN_CHARS", 100)
    monkeypatch.setattr(measurement, "is_poems", lambda _: poems)
    data = prepare(sgd.train, CPU)
    model = CharRNN(sgd.model, len(data.vocab)).double()
    model.reset_parameters("uniform", torch.Generator().manual_seed(0))
    figures = measure(model, data, sgd.train)
    nats = nats_per_char(model, data.parts["train"][part])
    assert figures["train_carried"]["nats"] == pytest.approx(nats.mean().item(), rel=1e-12)
    assert figures["train_carried"]["chars"] == 99


def assert_diverged(directory):
    """What is left of such a run says why, holds no weights and is no checkpoint to anyone."""
    assert [path.name for path in directory.parent.iterdir()] == ["tiny"]
    assert [path.name for path in directory.iterdir()] == ["metrics.json"]
    outcome = json.loads((directory / "metrics.json").read_text())["outcome"]
    assert outcome["status"] == "diverged"
    assert "lower the learning rate" in outcome["reason"]
    assert list_checkpoints(directory.parent) == []


def test_a_loss_that_is_not_finite_stops_the_run_with_the_remedy(sgd, tmp_path):
    wild = replace(sgd, train=replace(sgd.train, learning_rate=1e37, clip_norm=1e37))
    with pytest.raises(DivergedError, match=r"tiny: the loss became .* in epoch 1, window .* lower the learning rate"):
        run(wild, tmp_path)
    assert_diverged(tmp_path / "tiny")


def test_a_wiring_of_which_some_weights_have_no_gradient_and_no_moments_is_resumed(adamw, tmp_path):
    shared = replace(adamw.model, wiring="shared", residual=False, pre_norm=False, dropout=0.0)
    recipe = replace(adamw, model=shared)
    whole = run(recipe, tmp_path / "whole")
    assert_same_run(run(recipe, tmp_path / "parts", stops={4, 9}), whole)


@pytest.mark.parametrize("stops", [(), {4, 9}], ids=["in one go", "stopped and resumed"])
@pytest.mark.parametrize("every", [4, 50])
@pytest.mark.parametrize("optimizer", ["sgd", "everything"])
def test_a_run_whose_losses_are_read_late_is_recorded_as_one_whose_losses_are_read_at_once(
    optimizer, every, stops, finished, request, tmp_path, monkeypatch
):
    """On a GPU they are; an epoch has six windows."""
    monkeypatch.setitem(loop.READ_EVERY, "cpu", every)
    assert_same_run(run(request.getfixturevalue(optimizer), tmp_path, stops=stops), finished[optimizer])


def test_losses_are_reported_when_they_are_read(sgd, tmp_path, monkeypatch):
    class Heard(Reporter):
        def __init__(self):
            self.windows = []

        def trained(self, run, nats):
            assert math.isfinite(nats)
            self.windows.append(run.total_chars // 60)

    monkeypatch.setitem(loop.READ_EVERY, "cpu", 4)
    heard = Heard()
    train(job(sgd, tmp_path), device=CPU, reporter=heard)
    assert heard.windows == [4, 6, 10, 12, 16, 18]


def test_a_loss_that_is_read_late_is_blamed_on_its_own_window(sgd, tmp_path, monkeypatch):
    wild = replace(sgd, train=replace(sgd.train, learning_rate=1e37, clip_norm=1e37, epochs=1))
    reasons = []
    for every in (1, 50):
        monkeypatch.setitem(loop.READ_EVERY, "cpu", every)
        with pytest.raises(DivergedError, match="in epoch 1, window 3;"):
            run(wild, tmp_path / str(every))
        assert_diverged(tmp_path / str(every) / "tiny")
        reasons.append(metrics(tmp_path / str(every) / "tiny")["outcome"]["reason"])
    assert reasons[0] == reasons[1]


def test_a_run_that_is_stopped_after_it_diverged_unread_has_diverged(sgd, tmp_path, monkeypatch):
    """No snapshot of it is saved, so that nobody continues it."""
    monkeypatch.setitem(loop.READ_EVERY, "cpu", 50)
    wild = replace(sgd, train=replace(sgd.train, learning_rate=1e37, clip_norm=1e37))
    with pytest.raises(DivergedError, match="in epoch 1, window 3;"):
        run(wild, tmp_path, stops={4})
    assert_diverged(tmp_path / "tiny")


@pytest.mark.parametrize("learning_rate", [1e3, 1e4, 1e10])
def test_a_huge_finite_loss_stops_the_run_with_the_remedy(learning_rate, sgd, tmp_path):
    wild = replace(sgd, train=replace(sgd.train, learning_rate=learning_rate, clip_norm=1e10))
    with pytest.raises(DivergedError, match="lower the learning rate"):
        run(wild, tmp_path)


@pytest.mark.parametrize("optimizer", ["sgd", "everything"])
def test_weights_that_diverge_in_the_last_update_are_not_saved_as_finished(optimizer, request, tmp_path):
    """What they predict of held-out text may be no number, while the loss in training is a small one."""
    recipe = request.getfixturevalue(optimizer)
    wild = replace(recipe.train, learning_rate=1e37, clip_norm=1e37, epochs=1, window=101)  # one window in all
    with pytest.raises(DivergedError, match="lower the learning rate"):
        run(replace(recipe, train=wild), tmp_path)
    assert_diverged(tmp_path / "tiny")


def test_one_that_turns_out_to_have_diverged_when_it_is_stopped_and_kept_says_so_in_its_folder(sgd, tmp_path):
    wild = replace(sgd, train=replace(sgd.train, learning_rate=1e10, clip_norm=1e10))
    stopping = iter([False, True])  # after the second window
    with pytest.raises(DivergedError, match="lower the learning rate"):
        train(replace(job(wild, tmp_path), keep_stopped=True), device=CPU, should_stop=lambda: next(stopping, True))
    assert_diverged(tmp_path / "tiny")


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 30},
        {"window": 130},
        {"max_train_chars": 70},
        {"val_fraction": 0.003},
    ],
    ids=str,
)
def test_a_text_too_short_says_the_remedy(change, sgd, tmp_path):
    short = replace(sgd, train=replace(sgd.train, **change))
    with pytest.raises(
        ValueError,
        match=r"book-\w+ is too short \(450 characters(, 70 of them to train on)?\) for .* use a longer text",
    ):
        run(short, tmp_path)


def test_every_offset_leaves_at_least_one_window(sgd):
    """81 = 3 lanes of one window of 20, a target, and the largest offset."""
    prepare(replace(sgd.train, max_train_chars=81), CPU)
    with pytest.raises(ValueError, match="too short"):
        prepare(replace(sgd.train, max_train_chars=80), CPU)


def test_the_alphabet_comes_from_the_training_part_only(sgd, tmp_path):
    text = tmp_path / "own.txt"
    text.write_text(TEXT[:410] + "#" + TEXT[411:449] + "%")
    data = prepare(replace(sgd.train, text=str(text)), CPU)
    assert data.sources[0].ranges == {"train": (0, 405), "val": (405, 427), "test": (427, 450)}
    assert not {"#", "%"} & set(data.vocab.characters)
    assert set(data.vocab.characters) == set(TEXT)
    assert 0 not in data.parts["train"]
    assert data.parts["val"].tolist().index(0) == 410 - 405
    assert data.parts["test"][-1] == 0


def test_a_limit_shortens_the_training_part_and_its_alphabet_but_not_the_held_out_parts(sgd):
    whole, limited = prepare(sgd.train, CPU), prepare(replace(sgd.train, max_train_chars=90), CPU)
    assert limited.sources[0].ranges == whole.sources[0].ranges | {"train": (0, 90)}
    docs = TrainConfig(
        text="python-docs", form="full", epochs=1, learning_rate=1.0, max_train_chars=3_000, val_fraction=0.01
    )
    data = prepare(docs, CPU)
    assert len(data.parts["train"]) == 3_000
    assert set(data.vocab.characters) == set(data.sources[0].corpus.text[:3_000])
    assert data.sources[0].ranges["val"][0] == int(0.9 * len(data.sources[0].corpus.text))


def test_rare_characters_are_unknown(sgd):
    data = prepare(replace(sgd.train, min_count=10), CPU)
    rare = {c for c in TEXT[:405] if TEXT[:405].count(c) < 10}
    assert rare
    assert set(data.vocab.characters) == set(TEXT) - rare
    assert 0 in data.parts["train"]


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_of_no_characters_is_refused(limit, sgd):
    """A negative limit would count from the end and let the held-out text into the training part."""
    with pytest.raises(ValueError, match="max_train_chars must be"):
        replace(sgd.train, max_train_chars=limit)


def test_metrics_are_strict_json_with_the_text_and_the_ranges(finished, book):
    raw = (finished["adamw"] / "metrics.json").read_text()
    values = json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert values["text"]["name"] == own_name(book)
    assert values["text"]["chars"] == 450
    assert values["text"]["ranges"] == {"train": [0, 405], "val": [405, 427], "test": [427, 450]}
    assert values["train_config"]["text"] == own_name(book)  # no path of this machine
    assert TrainConfig.from_dict(values["train_config"])
    assert values["num_params"] == checkpoint.load(finished["adamw"]).model.num_params


def one_step(recipe, *, zero_state=False):
    """A new run of a recipe, and its first window."""
    data = prepare(recipe.train, CPU)
    new = new_run(job(recipe, None), data, CPU)
    new.carried = torch.zeros_like(new.carried) if zero_state else torch.ones_like(new.carried)
    inputs, targets = next(iter(windows(data.parts["train"], recipe.train.batch_size, recipe.train.window, 0)))
    return new, inputs, targets


def test_the_rate_warms_up_in_a_line_and_falls_in_half_a_cosine(sgd):
    config = replace(sgd.train, schedule="cosine", warmup_fraction=0.1)
    factors = [_schedule(config, done, 100) for done in range(101)]
    assert factors[:10] == pytest.approx([(n + 1) / 11 for n in range(10)])
    assert factors[10:] == pytest.approx([0.5 * (1 + math.cos(math.pi * n / 90)) for n in range(91)])
    assert factors[10] == 1
    assert factors[100] == pytest.approx(0)


def test_without_a_schedule_the_rate_stays(sgd):
    assert {_schedule(sgd.train, done, 100) for done in range(100)} == {1.0}


def test_the_optimizer_moves_by_the_scheduled_rate(sgd):
    recipe = replace(sgd, train=replace(sgd.train, schedule="cosine", warmup_fraction=0.5))
    new, inputs, targets = one_step(recipe)
    train_window(new, recipe.train, inputs, targets)
    assert [group["lr"] for group in new.optimizer.param_groups] == [1.0 / (0.5 * WINDOWS + 1)]


def test_a_window_begins_with_the_state_that_the_one_before_left(sgd):
    new, inputs, targets = one_step(sgd)
    begun, weights = new.carried, copy.deepcopy(new.model)
    train_window(new, sgd.train, inputs, targets)
    with torch.no_grad():
        _, left = weights(inputs, begun)
    assert_close(new.carried, left)
    assert not new.carried.requires_grad


def test_each_epoch_begins_in_the_zero_state_and_its_windows_do_not(sgd, tmp_path, monkeypatch):
    zero = watch_windows(monkeypatch, lambda state: not state.carried.any())
    run(sgd, tmp_path)
    assert zero == [index % 6 == 0 for index in range(WINDOWS)]


@pytest.mark.parametrize("clip_norm", [1e-3, 1e-2])
def test_a_gradient_is_scaled_down_to_the_clipping_norm(clip_norm, sgd):
    config = replace(sgd.train, clip_norm=clip_norm, learning_rate=0.5)
    new, inputs, targets = one_step(replace(sgd, train=config))
    before = torch.nn.utils.parameters_to_vector(new.model.parameters()).detach().clone()
    train_window(new, config, inputs, targets)
    step = torch.nn.utils.parameters_to_vector(new.model.parameters()).detach() - before
    assert step.norm().item() == pytest.approx(0.5 * clip_norm, rel=1e-3)
    assert step.abs().max() < 0.5 * clip_norm  # not each value by itself


def test_adamw_decays_weights_by_what_the_recipe_says(adamw):
    new, _, _ = one_step(adamw)
    assert [group["weight_decay"] for group in new.optimizer.param_groups] == [0.1]


def test_averaged_weights_follow_the_others_by_their_decay(sgd):
    recipe = replace(sgd, train=replace(sgd.train, ema_decay=0.4))
    new, inputs, targets = one_step(recipe)
    expected = {name: weight.clone() for name, weight in new.model.state_dict().items()}
    for done in range(8):
        train_window(new, recipe.train, inputs, targets)
        decay = min(0.4, (1 + done) / (10 + done))
        for name, weight in new.model.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * weight
        new.total_chars += targets.numel()
    assert_close(dict(new.averaged.state_dict()), expected)
    assert not torch.equal(new.averaged.head.weight, new.model.head.weight)


def test_averaged_weights_are_those_that_are_saved(sgd, finished, tmp_path):
    """A decay near 1 keeps them near the first weights' fading trace; without averaging they are the last."""
    averaged = run(replace(sgd, train=replace(sgd.train, ema_decay=0.9)), tmp_path)
    assert curve(averaged)[-1][2] == curve(finished["sgd"])[-1][2]  # the training was the same
    assert metrics(averaged)["final"]["val"] != metrics(finished["sgd"])["final"]["val"]
    assert metrics(averaged)["final"]["val"]["nats"] == pytest.approx(metrics(averaged)["curve"][-1]["val_nats"], 1e-6)


def test_weight_drop_zeroes_hidden_weights_for_one_window_and_scales_the_others(adamw):
    new, _, _ = one_step(adamw)
    before = {name: weight.clone() for name, weight in new.model.named_parameters()}
    first, second = (_dropped(new.model, 0.4, new.generator) for _ in range(2))
    assert set(first) == {"cells.0.weight_hh", "cells.1.weight_hh"}
    for name, weight in first.items():
        kept = weight != 0
        assert_close(weight[kept], before[name][kept] / 0.6)
        assert 0.45 < kept.float().mean() < 0.75
        assert not torch.equal(kept, second[name] != 0)
    assert all(torch.equal(weight, before[name]) for name, weight in new.model.named_parameters())


def test_weight_drop_reaches_the_loss_and_the_gradient(adamw):
    losses = []
    for rate in (0.0, 0.5):
        recipe = replace(adamw, model=replace(adamw.model, dropout=0.0), train=replace(adamw.train, weight_drop=rate))
        new, inputs, targets = one_step(recipe)
        losses.append(train_window(new, recipe.train, inputs, targets).item())
        zeroed = new.model.cells[0].weight_hh.grad == 0
        assert zeroed.float().mean() == (0 if rate == 0 else pytest.approx(rate, abs=0.15))
    assert losses[0] != losses[1]


def test_a_cell_without_hidden_weights_refuses_their_dropping(adamw, tmp_path):
    recipe = replace(adamw, model=replace(adamw.model, cell="mingru"), train=replace(adamw.train, weight_drop=0.1))
    with pytest.raises(ValueError, match="weight_drop drops hidden weights; mingru has none, so set it to 0"):
        run(recipe, tmp_path)


def test_resets_start_lanes_from_a_zero_state(sgd):
    """With the loss of a window from zeros, where all lanes are reset, and of one from ones, where none are."""
    losses = {}
    for rate, zero_state in ((0.0, False), (0.0, True), (1 - 1e-9, False)):
        recipe = replace(sgd, train=replace(sgd.train, reset_rate=rate))
        new, inputs, targets = one_step(recipe, zero_state=zero_state)
        losses[rate, zero_state] = train_window(new, recipe.train, inputs, targets).item()
    assert losses[1 - 1e-9, False] == losses[0.0, True] != losses[0.0, False]


@pytest.mark.skipif(not has_bfloat16(CPU), reason="this processor has no bfloat16")
def test_bfloat16_moves_the_loss_a_little_and_leaves_weights_and_state_in_float32(adamw):
    losses = []
    for precision in ("float32", "bfloat16"):
        recipe = replace(adamw, train=replace(adamw.train, precision=precision))
        new, inputs, targets = one_step(recipe)
        losses.append(train_window(new, recipe.train, inputs, targets).item())
        assert {weight.dtype for weight in new.model.parameters()} == {torch.float32}
        assert new.carried.dtype == torch.float32
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_a_processor_without_bfloat16_trains_in_float32_and_says_so(adamw, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_run, "has_bfloat16", lambda _: False)
    asked = replace(adamw, train=replace(adamw.train, precision="bfloat16"))
    finished = run(asked, tmp_path / "asked")
    assert metrics(finished)["train_config"]["precision"] == "float32"
    assert "no bfloat16" in capsys.readouterr().err
    assert_same_run(finished, run(adamw, tmp_path / "float32"))


@pytest.mark.parametrize(("offset", "highest"), [("none", 0), ("window", 20), ("text", 404)])
def test_an_epoch_begins_where_its_offset_says(offset, highest, sgd):
    config = replace(sgd.train, offset=offset)
    new, _, _ = one_step(sgd)
    drawn = {loop._draw_offset(new, config, 405) for _ in range(4000)}
    assert drawn == set(range(highest + 1))


def test_an_epoch_from_anywhere_reads_the_text_as_a_ring(sgd, tmp_path, monkeypatch):
    seen = []

    def spy(new, _config, inputs, targets):
        seen.append((new.epoch, inputs.clone(), targets.clone()))
        return torch.tensor(1.0)

    monkeypatch.setattr(loop, "train_window", spy)
    data = prepare(sgd.train, CPU)
    run(replace(sgd, train=replace(sgd.train, offset="text", epochs=2)), tmp_path)
    ids = data.parts["train"]
    starts = set()
    for epoch in range(2):
        lanes = torch.cat([x for e, x, _ in seen if e == epoch], 1)
        after = torch.cat([y for e, _, y in seen if e == epoch], 1)
        ring = torch.cat([ids, ids])
        (start,) = (n for n in range(45) if torch.equal(ring[n : n + 120], lanes[0]))  # the text repeats after 45
        assert torch.equal(after[:, :-1], lanes[:, 1:])
        for lane in range(3):
            at = start + lane * (404 // 3)
            assert torch.equal(ring[at : at + 120], lanes[lane])
        starts.add(start)
    assert len(starts) == 2


def test_the_best_weights_are_kept_if_asked_for(sgd, tmp_path):
    """At this rate the last epochs are worse than one before."""
    config = replace(sgd.train, learning_rate=8.0, epochs=12, eval_every=1)
    last, best = (run(replace(sgd, train=replace(config, keep=keep)), tmp_path / keep) for keep in ("last", "best"))
    records = [record["val_nats"] for record in metrics(best)["curve"]]
    assert curve(last) == curve(best)
    assert min(records) < records[-1]
    assert metrics(best)["final"]["val"]["nats"] == pytest.approx(min(records), rel=1e-6)
    assert metrics(last)["final"]["val"]["nats"] == pytest.approx(records[-1], rel=1e-6)


def test_a_run_that_never_beats_letter_frequencies_says_so(sgd, tmp_path):
    asleep = metrics(run(replace(sgd, train=replace(sgd.train, learning_rate=1e-9)), tmp_path))["outcome"]
    assert asleep["status"] == "never learned"
    assert "letter frequencies alone give" in asleep["reason"]
    awake = run(replace(sgd, train=replace(sgd.train, epochs=30, eval_every=10)), tmp_path / "awake")
    assert metrics(awake)["outcome"] == {"status": "learned"}


def alter_snapshot(path, change):
    """Write a snapshot again with its tensors and its metadata changed."""
    with safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def test_a_snapshot_of_another_kind_of_device_goes_on_and_says_so(adamw, tmp_path, capsys):
    stop_after(adamw, tmp_path, 8)

    def from_cuda(tensors, _metadata):
        tensors["generator"] = torch.zeros(16, dtype=torch.uint8)  # as long as a CUDA generator's state

    alter_snapshot(job(adamw, tmp_path).snapshot, from_cuda)
    assert run(adamw, tmp_path, resume=True).is_dir()
    assert "saved on another kind of device" in capsys.readouterr().err


def test_a_run_that_goes_on_with_another_number_of_threads_says_so(sgd, tmp_path, capsys):
    stop_after(sgd, tmp_path, 8)
    threads = torch.get_num_threads()

    def of_more_threads(_tensors, metadata):
        metadata["trained_by"] = metadata["trained_by"].replace(f'"threads": {threads}', f'"threads": {threads + 3}')

    alter_snapshot(job(sgd, tmp_path).snapshot, of_more_threads)
    assert run(sgd, tmp_path, resume=True).is_dir()
    said = f"tiny: threads: {threads + 3} so far, from here on {threads}, which round differently.\n"
    assert said in capsys.readouterr().err


def test_a_snapshot_in_another_precision_goes_on_and_says_so(sgd, tmp_path, capsys):
    stop_after(sgd, tmp_path, 8)

    def in_bfloat16(_tensors, metadata):
        metadata["identity"] = metadata["identity"].replace("float32", "bfloat16")

    alter_snapshot(job(sgd, tmp_path).snapshot, in_bfloat16)
    assert run(sgd, tmp_path, resume=True).is_dir()
    assert "trained in bfloat16 so far, from here on in float32" in capsys.readouterr().err


def test_a_snapshot_from_before_there_was_noise_goes_on(sgd, tmp_path):
    stop_after(sgd, tmp_path, 2)

    def older(_tensors, metadata):
        identity = json.loads(metadata["identity"])
        for key in ("noise", "noisy_chars", "max_more_chars", "alone_epochs"):
            del identity["train"][key]
        metadata["identity"] = json.dumps(identity)

    alter_snapshot(job(sgd, tmp_path).snapshot, older)
    assert run(sgd, tmp_path, resume=True).is_dir()


@pytest.mark.parametrize("content", [b"", b"garbage" * 9], ids=["empty", "garbage"])
def test_a_snapshot_that_cannot_be_read_is_refused_with_the_remedy(content, sgd, tmp_path):
    job(sgd, tmp_path).snapshot.write_bytes(content)
    with pytest.raises(ValueError, match=r"no snapshot that can be read .* remove it"):
        run(sgd, tmp_path, resume=True)


SNAPSHOT_DAMAGES = {
    "no weights": lambda tensors, _: tensors.pop("model.head.bias"),
    "weights of another shape": lambda tensors, _: tensors.update({"model.head.bias": torch.zeros(1)}),
    "no moments": lambda tensors, _: [tensors.pop(name) for name in list(tensors) if name.startswith("optimizer.0.")],
    "moments of no weight": lambda tensors, _: tensors.update({"optimizer.x.step": torch.zeros(1)}),
    "no generator": lambda tensors, _: tensors.pop("generator"),
    "no state": lambda tensors, _: tensors.pop("carried"),
    "a state of another shape": lambda tensors, _: tensors.update(carried=torch.zeros(1)),
    "no progress": lambda _, metadata: metadata.pop("progress"),
    "a progress that lacks the epoch": lambda _, metadata: metadata.update(progress="{}"),
    "a progress in a list": lambda _, metadata: metadata.update(progress="[]"),
    "an epoch in words": lambda _, metadata: metadata.update(progress=metadata["progress"].replace('0, "w', '"x", "w')),
    "an identity that is a number": lambda _, metadata: metadata.update(identity="7"),
    "no identity": lambda _, metadata: metadata.clear(),
}


@pytest.mark.parametrize("damage", SNAPSHOT_DAMAGES)
def test_a_damaged_snapshot_is_refused_in_a_sentence_with_the_remedy(damage, adamw, tmp_path):
    stop_after(adamw, tmp_path, 2)
    alter_snapshot(job(adamw, tmp_path).snapshot, SNAPSHOT_DAMAGES[damage])
    with pytest.raises(ValueError, match=r"no snapshot that can be read .* remove it to start tiny anew") as refused:
        run(adamw, tmp_path, resume=True)
    assert len(str(refused.value)) < 600
    assert not (tmp_path / "tiny").exists()


def test_a_pipe_in_place_of_a_snapshot_is_refused_at_once(sgd, tmp_path):
    os.mkfifo(job(sgd, tmp_path).snapshot)
    with pytest.raises(ValueError, match=r"it is no file.* remove it"):
        run(sgd, tmp_path, resume=True)


def test_a_run_stopped_while_it_is_measured_goes_on_to_the_same_end(sgd, finished, tmp_path):
    calls = iter(range(1, 1000))
    with pytest.raises(Stopped, match="while it was measured; continue it with --resume"):
        # an epoch of six windows, then the first piece of the held-out text
        train(job(sgd, tmp_path), device=CPU, should_stop=lambda: next(calls) == 7)
    assert_same_run(run(sgd, tmp_path, resume=True), finished["sgd"])


@pytest.mark.parametrize("step", ["n-gram", "fingerprint"])
def test_a_run_that_is_told_to_stop_while_its_text_is_counted_stops_and_goes_on_to_the_same_end(
    step, sgd, finished, tmp_path, monkeypatch
):
    of, name = {"n-gram": (NGram, "build"), "fingerprint": (finish, "read_texts")}[step]
    real, stopping = getattr(of, name), []

    def told(*arguments):
        stopping.append(1)
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(of, name, told)
        with pytest.raises(Stopped, match="while it was measured; continue it with --resume"):
            train(job(sgd, tmp_path), device=CPU, should_stop=lambda: bool(stopping))
    assert_same_run(run(sgd, tmp_path, resume=True), finished["sgd"])


def test_a_run_says_first_on_how_much_it_is_measured_and_that_there_is_more(sgd, tmp_path, monkeypatch, capsys):
    for at_most, said in (
        (200_000, "measured on 22 held-out characters, and 23 others at the end.\n"),
        (9, "measured on 9 held-out characters, and 9 others at the end. Of each held-out part the first 9 are read."),
    ):
        for module in (splits, report):
            monkeypatch.setattr(module, "MAX_HELDOUT", at_most)
        with pytest.raises(Stopped):
            train(job(sgd, tmp_path / f"{at_most}"), device=CPU, should_stop=lambda: True, reporter=Terminal())
        assert said in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_refused_before_training(sgd, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(ValueError, match=r"cannot be written to .* name another folder with --out"):
            run(sgd, out)


def test_what_a_killed_run_left_long_ago_is_cleared_and_nothing_else(sgd, tmp_path):
    old = [tmp_path / f".tiny{which}.saving-1" for which in ("", ".snapshot.safetensors", ".curve.jsonl")]
    other = [tmp_path / ".tiny-2.saving-1", tmp_path / ".tiny.snapshot.safetensors.saving-2"]
    for path in (*old, *other):
        path.write_text("")
    for path in (*old, other[0]):
        os.utime(path, (1, 1))
    run(sgd, tmp_path)
    assert [path.exists() for path in (*old, *other)] == [False, False, False, True, True]


def test_training_finishes_where_a_folder_cannot_be_opened(sgd, tmp_path, monkeypatch):
    """As on Windows."""
    real = os.open

    def refusing(path, flags, *rest, **named):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refusing)
    directory = run(sgd, tmp_path)
    monkeypatch.undo()
    assert checkpoint.load(directory)


def test_two_processes_on_one_run_both_finish(sgd, finished, tmp_path):
    inner = []

    def second_finishes_first():
        if not inner:
            inner.append(train(job(sgd, tmp_path), device=CPU))
        return False

    ours = train(job(sgd, tmp_path), device=CPU, should_stop=second_finishes_first)
    assert_same_run(ours, finished["sgd"])
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_the_card_of_an_own_text_claims_no_language_no_licence_and_its_own_opening(finished):
    card = (finished["adamw"] / "README.md").read_text()
    assert "license:" not in card
    assert "language:" not in card
    assert metrics(finished["adamw"])["sample"]["prompt"] == "The quick brown fox"


@pytest.mark.parametrize("kind", ["sgd", "diverges"])
def test_of_two_processes_that_end_at_once_the_second_ends_well(sgd, finished, tmp_path, monkeypatch, kind):
    """The first one's folder appears just before the second would give its own the name."""
    flush, first = checkpoint.flush_directory, tmp_path / "tiny"

    def flush_after_the_first(path):
        if not first.exists():
            shutil.copytree(finished["sgd"], first)
        flush(path)

    monkeypatch.setattr(checkpoint, "flush_directory", flush_after_the_first)
    if kind == "sgd":
        assert train(job(sgd, tmp_path), device=CPU) == first
        assert_same_run(first, finished["sgd"])
    else:
        wild = replace(sgd, train=replace(sgd.train, learning_rate=1e37, clip_norm=1e37))
        with pytest.raises(DivergedError):
            train(job(wild, tmp_path), device=CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("note-rnn-2", "10,000 of the {d2l} characters of {name}, in lower case, letters and spaces only: "),
        ("depth-gru-2-residual", "{train} of the {full} characters of {name}, with case and punctuation: "),
    ],
)
def test_a_run_says_first_how_much_it_reads_of_a_text_of_ones_own_and_in_which_form(tmp_path, capsys, name, said):
    path = tmp_path / "my book.txt"
    path.write_text("The Quick brown fox, it jumps.\n" * 1_000)
    recipe = all_recipes()[name]
    recipe = replace(recipe, train=replace(recipe.train, text=str(path)))
    with pytest.raises(Stopped):
        train(job(recipe, tmp_path / "runs"), device=CPU, should_stop=lambda: True, reporter=Terminal())
    full, d2l = (len(load_corpus(str(path), form).text) for form in ("full", "d2l"))
    assert full != d2l
    places = {"full": f"{full:,}", "d2l": f"{d2l:,}", "train": f"{int(0.9 * full):,}", "name": own_name(path)}
    lines = capsys.readouterr().err.splitlines()  # before it: that a processor has no bfloat16
    assert any(line.startswith(f"{name}: trains on " + said.format(**places)) for line in lines[:2])


@pytest.mark.parametrize("found", ["", '{"name": "another"}'])
def test_a_folder_that_appears_while_a_run_is_trained_loses_nothing_of_it(sgd, tmp_path, found):
    class Busy(Reporter):
        def measured(self, _):
            (tmp_path / "tiny").mkdir(exist_ok=True)
            if found:
                (tmp_path / "tiny" / "metrics.json").write_text(found)

    with pytest.raises(ValueError, match=r"tiny has appeared while tiny was trained.*the same command with --resume"):
        train(job(sgd, tmp_path), device=CPU, reporter=Busy())
    with pytest.raises(ValueError, match="no run of that name that can be read: move it away"):
        train(job(sgd, tmp_path), device=CPU, resume=True)
    (tmp_path / "tiny").rename(tmp_path / "away")
    assert_same_run(train(job(sgd, tmp_path), device=CPU, resume=True), train(job(sgd, tmp_path / "whole"), device=CPU))
