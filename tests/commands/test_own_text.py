"""`python train.py my-book --data FILE`: one line from a text to a model, for people and for programs."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import deeprnn
from deeprnn.commands import own_text, train
from deeprnn.config import Recipe
from deeprnn.experiments.own import Machine
from deeprnn.experiments.questions import all_recipes
from deeprnn.page import service
from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results
from deeprnn.text import python_docs
from deeprnn.text.corpora import own_name
from deeprnn.train.run import Job
from tests.conftest import ROOT, SHIPPED, WAIT, wait_until

TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(60, 10, -1))
SMALL = ("--cell", "gru", "--layers", "1", "--hidden", "8", "--device", "cpu")

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "my song.txt"
    path.write_text(TEXT)
    return path


def start(book, out, *more):
    command = [sys.executable, "-m", "deeprnn", "train", "my-book", "--data", str(book), "--out", str(out), *SMALL]
    return subprocess.Popen(
        [*command, "--json", "--follow-stdin", *more],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def heard(process, until=""):
    """The events up to the first of that name, or all."""
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == until:
            return events
    assert not until, process.stderr.read()
    return events


def learned(process):
    """The next measurement, but for how long it took."""
    return {**heard(process, until="measured")[-1], "seconds": 0, "chars_per_second": 0}


def stopped(process):
    """Stop a run by a line; return its last event."""
    process.stdin.write("stop\n")
    process.stdin.flush()
    last = heard(process)[-1]
    assert (last["event"], ended(process)) == ("stopped", 130)
    return last


def ended(process):
    with process:
        process.wait(WAIT)
    return process.returncode


def test_one_line_trains_a_model_and_says_before_and_after_what_it_is(book, tmp_path, capsys):
    assert train.main(["my-book", "--data", str(book), "--out", str(tmp_path), "--epochs", "3", *SMALL]) == 0
    said = capsys.readouterr()
    assert f"{len(TEXT):,} characters" in said.err
    assert "epochs: 3, about" in said.err
    assert "very little text" in said.err
    assert "To beat on held-out text: a 6-gram" in said.err
    assert "On held-out text it reaches a perplexity of" in said.out
    (info,) = deeprnn.list_checkpoints(tmp_path)
    assert info.name == f"my-book-gru-layers1-hidden8-epochs3-{own_name(book)}"
    assert info.metrics.command == (
        "python train.py my-book --data 'my song.txt' --cell gru --layers 1 --hidden 8 --epochs 3"
    )
    assert str(tmp_path) not in (info.path / checkpoint.METRICS).read_text()
    assert deeprnn.load(info.path).generate("10 green", max_chars=9)


def test_of_a_text_that_the_project_knows_it_is_kept_too_what_was_copied_from_and_what_to_beat(tmp_path):
    command = [
        "my-book",
        "--data",
        "python-docs",
        "--max-chars",
        "2000",
        "--out",
        str(tmp_path),
        "--epochs",
        "1",
        *SMALL,
    ]
    assert train.main(command) == 0
    (info,) = deeprnn.list_checkpoints(tmp_path)
    assert {path.suffix for path in info.path.iterdir()} >= {".fp", ".ngram"}
    registry = Registry(SHIPPED)
    registry.add(info.path, info.name, visitor="ann")
    assert service.analyse(registry, info.name, "", python_docs.read()[:300])["longest_run"] == 300


def test_a_text_of_many_files_is_trained_and_its_command_says_how_many_there_were(tmp_path):
    places = [tmp_path / f"{'a chapter of a long book, ' * 3}{n}.txt" for n in range(60)]
    for place in places:
        place.write_text(TEXT[:400])
    command = ["my-book", "--data", *map(str, places), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1"]
    assert train.main(command) == 0
    (info,) = deeprnn.list_checkpoints(tmp_path / "runs")
    assert info.metrics.command.endswith(" --cell gru --layers 1 --hidden 8 --epochs 1  # and 59 more texts")
    assert f"--data '{places[0].name}' --cell" in info.metrics.command


def test_a_rate_too_high_is_told_as_divergence_and_recorded(book, tmp_path, capsys):
    command = ["my-book", "--data", str(book), "--out", str(tmp_path), *SMALL, "--epochs", "3", "--lr", "1e6", "--json"]
    assert train.main(command) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["kind"] == "diverged"
    assert list(tmp_path.glob("*/metrics.json"))


def test_a_finished_run_is_compared_with_an_n_gram_of_what_it_was_trained_on_whatever_the_plan_is_now(book, tmp_path):
    command = ["my-book", "--data", str(book), "--out", str(tmp_path), *SMALL, "--epochs", "1"]
    assert train.main(command) == 0
    (info,) = deeprnn.list_checkpoints(tmp_path)
    trained = replace(info.metrics.train_config, text=str(book))
    plans = [trained, replace(trained, max_train_chars=500)]
    said = []
    for plan in plans:
        recipe = Recipe(name=info.name, model=info.config, train=plan)
        said.append(own_text.came(Job(recipe=recipe, out=tmp_path, command="")))
    assert said[0] == said[1]
    assert "6-gram" in said[0]


def test_the_options_of_a_text_are_read_as_they_are_given(tmp_path):
    command = ["my-book", "--data", "python-docs", "--form", "d2l", "--epochs", "1", *SMALL]
    args = train.parse([*command, "--out", str(tmp_path)])
    assert (args.form, args.epochs, args.data) == ("d2l", 1, ["python-docs"])
    with pytest.raises(SystemExit):
        train.parse(["my-book", "--data", "x", "--plain", "--residual"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["my-book"], "name its file with --data"),
        (["smoke", "--minutes", "3"], "--minutes belongs to my-book; the other recipes have their own form"),
        (["--list", "--plain"], "--plain changes a run: name its recipe"),
        (["smoke", "--batch", "0"], "--batch must be at least 1, not 0"),
        (["smoke", "--threads", "100000"], "--threads must be between 1 and 1024, not 100000"),
        (["smoke", "--remeasure", "--json"], "--remeasure prints a table: leave out --json"),
        (
            ["note-*", "--residual"],
            "a shared wiring has no residual form, no LayerNorm and no dropout; leave out what does not fit",
        ),
        (["smoke", "--license", "CC-BY-4"], "'CC-BY-4' is no licence that the Hub lists (cc-by-4.0"),
        (["my-book", "--data", "x", "--remeasure"], "not my-book"),
        (["my-bok"], "no recipe matches 'my-bok': did you mean my-book? --list names them all"),
    ],
)
def test_options_in_the_wrong_place_exit_with_2_and_the_remedy(command, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main(command)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_no_glob_of_recipes_means_a_text_of_ones_own():
    assert "my-book" not in all_recipes()
    assert "my-book" not in {one.name for one in train.singles(train.parse(["*"]))}


def test_a_text_too_short_is_refused_in_a_sentence(tmp_path, capsys):
    (tmp_path / "short.txt").write_text("too short")
    assert train.main(["my-book", "--data", str(tmp_path / "short.txt"), "--out", str(tmp_path)]) == 1
    assert "train.py: The text has 9 characters in this form" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["short.txt"]


@pytest.mark.process
def test_a_program_stops_a_run_by_a_line_and_resumed_it_learns_exactly_what_a_whole_one_does(book, tmp_path):
    whole, kept = tmp_path / "whole", tmp_path / "kept"
    process = start(book, kept, "--epochs", "9000")
    assert [event["event"] for event in heard(process, until="measured")][:2] == ["planned", "described"]
    last = stopped(process)
    assert deeprnn.load(last["folder"]).generate("10", max_chars=5)
    assert len(list(kept.glob(".*.snapshot.safetensors"))) == 1

    process = start(book, kept, "--epochs", "9000", "--resume")
    resumed = learned(process)
    stopped(process)

    process = start(book, whole, "--epochs", "9000")
    while (found := learned(process))["epoch"] < resumed["epoch"]:
        pass
    assert found == resumed
    stopped(process)


def test_a_run_planned_by_minutes_resumes_with_the_epochs_that_it_began_with(book, tmp_path, monkeypatch, capsys):
    command = ["my-book", "--data", str(book), "--minutes", "1", "--json", *SMALL]

    def epochs(speed, status, *more):
        monkeypatch.setattr(own_text, "_machine", lambda *_: Machine(ratio=speed))
        assert train.main([*command, *more]) == status
        events = map(json.loads, capsys.readouterr().out.splitlines())
        return next(event["epochs"] for event in events if event["event"] == "described")

    slow, fast = ["--out", f"{tmp_path / 'slow'}"], ["--out", f"{tmp_path / 'fast'}"]
    begun = epochs(0.01, 130, *slow, "--budget-minutes", "0")
    assert begun < epochs(1.0, 130, *fast, "--budget-minutes", "0")
    assert epochs(1.0, 0, *slow, "--resume") == begun


@pytest.mark.process
def test_a_run_ends_when_the_program_that_started_it_is_gone(book, tmp_path):
    process = start(book, tmp_path / "runs", "--epochs", "9000")
    heard(process, until="measured")
    process.stdin.close()
    assert process.wait(WAIT) == 1
    process.stdout.close()
    process.stderr.close()


@pytest.mark.process
@pytest.mark.slow
def test_too_little_memory_is_told_in_a_sentence(book, tmp_path):
    limited = (
        f"ulimit -v 1500000; exec {sys.executable} -m deeprnn train my-book --data '{book}' --out '{tmp_path}/runs' "
        "--layers 10 --hidden 1024 --json --device cpu"
    )
    done = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["kind"] == "memory"
    assert "Traceback" not in done.stderr
    assert not any(Path(tmp_path / "runs").glob("*"))


def test_files_in_other_encodings_and_standard_input_are_joined_and_said(book, tmp_path, monkeypatch, capsys):
    (tmp_path / "café.txt").write_bytes(("Où est le café ? Là-bas, à côté de l'hôtel.\n" * 20).encode("utf-16"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.upper().encode())))
    data = ["--data", str(book), str(tmp_path / "café.txt"), "-"]
    assert train.run(["my-book", *data, "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1"]) == 0
    printed = capsys.readouterr()
    assert "café.txt: 880 characters, utf-16" in printed.err
    (folder,) = (tmp_path / "runs").glob("my-book-*")
    info = checkpoint.read_info(folder)
    assert info.metrics.text.name.startswith("my-song-and-2-more-")
    recorded = json.loads((folder / "metrics.json").read_text())
    assert recorded["command"].startswith("python train.py my-book --data 'my song.txt' 'café.txt' - ")
    assert str(tmp_path) not in (folder / "metrics.json").read_text()
    assert train.run(["--gather", str(tmp_path / "runs"), "--out", str(tmp_path / "runs")]) == 0, "the joined text lies"
    assert [*Results.read(tmp_path / "runs").runs] == [folder.name]


def test_a_folder_that_holds_the_runs_is_the_same_text_when_they_are_finished(book, capsys):
    command = ["my-book", "--data", str(book.parent), "--out", str(book.parent / "runs"), *SMALL, "--epochs", "1"]
    assert train.run(command) == 0
    before = sorted((book.parent / "runs").rglob("*"))
    capsys.readouterr()
    assert train.run(command) == 0
    assert "is finished: skipped." in capsys.readouterr().out
    assert sorted((book.parent / "runs").rglob("*")) == before


@pytest.mark.parametrize("more", [[], pytest.param(["--jobs", "2"], marks=pytest.mark.process)])
def test_all_seeds_of_a_command_are_the_same_network_however_busy_the_machine_is(tmp_path, monkeypatch, more):
    (tmp_path / "book.txt").write_text(TEXT * 20)
    speeds = iter([1.0, 0.01, 0.01])
    monkeypatch.setattr(own_text, "_machine", lambda *_: Machine(ratio=next(speeds)))
    command = ["my-book", "--data", str(tmp_path / "book.txt"), "--minutes", "0.1", "--max-chars", "3000"]
    assert train.main([*command, "--seeds", "0", "1", "--out", str(tmp_path / "runs"), *more]) == 0
    one, other = (info.metrics for info in deeprnn.list_checkpoints(tmp_path / "runs"))
    assert replace(one.train_config, seed=1) == other.train_config
    assert one.num_params == other.num_params


@pytest.mark.process
def test_several_processes_each_say_that_a_text_is_too_short(tmp_path, capfd):
    (tmp_path / "short.txt").write_text("too short")
    command = ["my-book", "--data", str(tmp_path / "short.txt"), "--seeds", "0", "1", "--jobs", "2"]
    assert train.main([*command, "--out", str(tmp_path / "runs")]) == 1
    assert capfd.readouterr().err.count("a model needs 500") == 2


def test_a_stop_that_comes_while_a_run_is_finished_begins_no_other(book, tmp_path, monkeypatch):
    stopping = False

    def finished(*_):
        nonlocal stopping
        stopping = True

    monkeypatch.setattr("deeprnn.train.report.Terminal.finished", finished)
    monkeypatch.setattr(train, "stop_condition", lambda *_, **__: lambda: stopping)
    command = ["my-book", "--data", str(book), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1"]
    assert train.main([*command, "--seeds", "0", "1"]) == 130
    assert len(deeprnn.list_checkpoints(tmp_path / "runs")) == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (["--data", "{book}", "--epochs", "1"], 0, "On held-out text it reaches"),
        (["--data", "-"], 1, "--data -: standard input is closed; name a file."),
        (["--data", "{book}", "--follow-stdin"], 2, "--follow-stdin: standard input is closed"),
    ],
)
def test_where_standard_input_is_closed_what_needs_it_says_so_and_the_rest_works(book, tmp_path, more, status, said):
    asked = [one.format(book=book) for one in more]
    command = [sys.executable, "-m", "deeprnn", "train", "my-book", *asked, "--out", str(tmp_path / "runs"), *SMALL]
    closed = ["bash", "-c", 'exec "$@" <&-', "bash", *command]
    done = subprocess.run(closed, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_ctrl_c_while_a_text_is_awaited_ends_at_once(tmp_path):
    command = [sys.executable, "-m", "deeprnn", "train", "my-book", "--data", "-", "--out", str(tmp_path), "--json"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    ) as process:
        wait_until(lambda: waits_for_input(process.pid))
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == 130
        assert process.stderr.read() == ""


def waits_for_input(pid):
    """Whether a process is within a call of the system that reads its standard input."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")
