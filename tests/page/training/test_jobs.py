"""Trainings of visitors: real processes, one at a time, each visitor's apart, and nothing of them left."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import deeprnn
from deeprnn.experiments.own import Options
from deeprnn.page.service.asked import RequestError
from deeprnn.page.training import jobs, process
from deeprnn.page.training.folders import LOCK, Folders
from deeprnn.page.training.jobs import Training, Trainings
from deeprnn.page.training.process import LOWEST_PRIORITY
from deeprnn.page.training.state import fields
from deeprnn.page.words import WORDS
from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry
from tests.conftest import ROOT, WAIT, wait_until

TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(60, 10, -1))
LONG = Options(cell="gru", layers=1, hidden=8, epochs=2_000)
SHORT = Options(cell="gru", layers=1, hidden=8, epochs=2)


@pytest.fixture
def made(tmp_path, tmp_path_factory):
    """Make the trainings of a server: `made(minutes=10)`; they end with the test."""
    nothing = tmp_path_factory.mktemp("checkpoints")
    with contextlib.ExitStack() as ending:

        def make(minutes=60, **options):
            trainings = Trainings(minutes, place=tmp_path, registry=Registry(nothing), **options)
            ending.callback(trainings.close)
            return trainings

        yield make
    assert list(tmp_path.iterdir()) == []


def one(trainings, visitor, key) -> Training:
    (found,) = (training for training, _ in trainings.of(visitor) if training.key == key)
    return found


def until(training, condition):
    """Wait until a condition on a training holds."""
    wait_until(
        lambda: condition(training), lambda: (training.state, training.reason, len(training.curve)), seconds=2 * WAIT
    )


def until_ended(training):
    until(training, lambda one: one.state in jobs.ENDED)


def learned(training):
    """What was measured of a training, but for how long it took."""
    return [{**record, "seconds": 0, "chars_per_second": 0} for record in training.curve]


def pid(trainings):
    with trainings._changed:
        return trainings._running[1].pid


def is_alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.process
def test_trainings_run_in_turn_each_in_a_quiet_process_and_each_visitor_has_its_own(made, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOWEST_PRIORITY", LOWEST_PRIORITY)
    trainings = made()
    first = one(trainings, "ann", trainings.submit("ann", TEXT, "Bottles & walls", LONG))
    third = one(trainings, "bob", trainings.submit("bob", TEXT, "b", SHORT))
    fourth = one(trainings, "ann", trainings.submit("ann", TEXT, "", Options(**{**vars(SHORT), "cell": "rnn"})))
    until(first, lambda one: len(one.curve) > 1)
    assert [(training.key, place) for training, place in trainings.of("ann")] == [(first.key, 0), (fourth.key, 2)]
    assert [place for _, place in trainings.of("bob")] == [1]
    assert trainings.of("eve") == []
    for act in (trainings.stop, trainings.resume, trainings.remove):
        with pytest.raises(RequestError, match="not there any more"):
            act("bob", first.key)
    assert os.getpriority(os.PRIO_PROCESS, pid(trainings)) == LOWEST_PRIORITY == 19
    assert os.getsid(pid(trainings)) == pid(trainings)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert first.described["symbols"] == len(set(TEXT)) + 1
    assert first.curve[0]["written"]["drawn"]
    assert first.planned["ngram"]["order"] == 6

    trainings.stop("ann", first.key)
    until_ended(first)
    assert (first.state, first.resumable, first.reason[0]) == ("stopped", True, "training.stopped.asked")
    assert deeprnn.load(first.checkpoint).generate("10", max_chars=4)
    until_ended(fourth)
    assert (third.state, fourth.state) == ("finished", "finished")
    assert third.checkpoint.name.startswith("my-book-gru-layers1-hidden8-epochs2-b-")
    assert fourth.checkpoint.name.startswith("my-book-rnn-layers1-hidden8-epochs2-text-")
    for training in (third, fourth):
        assert checkpoint.read_info(training.checkpoint).heldout_ppl == training.ending["heldout_ppl"]
        assert not training.resumable

    trainings.remove("ann", fourth.key)
    assert not fourth.folder.exists()
    trainings.leave("ann")
    assert trainings.of("ann") == []
    assert not first.folder.exists()
    assert third.checkpoint.is_dir()


@pytest.mark.process
@pytest.mark.slow
def test_a_training_that_was_stopped_and_resumed_learns_exactly_what_one_does_that_was_not(made):
    trainings = made()
    stopped = one(trainings, "ann", trainings.submit("ann", TEXT, "t", LONG))
    until(stopped, lambda one: one.curve)
    trainings.stop("ann", stopped.key)
    until_ended(stopped)
    measured = len(stopped.curve)
    trainings.resume("ann", stopped.key)
    until(stopped, lambda one: len(one.curve) > measured)
    trainings.stop("ann", stopped.key)
    until_ended(stopped)
    assert stopped.state == "stopped"
    whole = one(trainings, "bob", trainings.submit("bob", TEXT, "t", LONG))
    until(whole, lambda one: len(one.curve) >= len(stopped.curve))
    with pytest.raises(RequestError, match="Only a training that was stopped"):
        trainings.resume("bob", whole.key)
    assert learned(stopped) == learned(whole)[: len(stopped.curve)]


class Deaf:
    """A process that ends only when it is killed."""

    heard = 0.0

    def __init__(self, *_, **__):
        self._killed = threading.Event()

    def events(self):
        self._killed.wait(WAIT)
        yield from ()

    def stop(self):
        pass

    def kill(self):
        self._killed.set()

    def close(self):
        return -signal.SIGKILL if self._killed.is_set() else 0


def test_a_training_that_does_not_stop_when_it_is_asked_is_killed_and_the_next_one_begins(made, monkeypatch):
    monkeypatch.setattr(jobs, "TrainingProcess", Deaf)
    trainings = made()
    deaf, following = (one(trainings, "ann", trainings.submit("ann", TEXT, name, LONG)) for name in ("a", "b"))
    until(deaf, lambda one: one.state == "running")
    with monkeypatch.context() as soon:
        soon.setattr(jobs, "GRACE_SECONDS", 0.01)
        trainings.stop("ann", deaf.key)
    until_ended(deaf)
    assert deaf.reason == ("training.failed.killed", {"reason": "", "status": signal.SIGKILL})
    until(following, lambda one: one.state == "running")


class Saving(Deaf):
    """A process that takes long to save what there is, and says all the time that it does."""

    asked = 0
    saved = threading.Event()

    def events(self):
        assert self.saved.wait(WAIT)
        yield from ()

    @property
    def heard(self):
        self.asked += 1
        if self.asked == 3:
            self.saved.set()
        return time.monotonic()


def test_a_training_that_is_still_being_saved_is_not_killed(made, monkeypatch):
    monkeypatch.setattr(jobs, "TrainingProcess", Saving)
    trainings = made()
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "a", LONG))
    until(training, lambda one: one.state == "running")
    with monkeypatch.context() as soon:
        soon.setattr(jobs, "GRACE_SECONDS", 0.01)
        trainings.stop("ann", training.key)
    until_ended(training)
    assert training.reason[0] == "training.failed.crashed", "it was not killed"


def test_a_text_is_given_back_with_the_line_ends_that_it_had(made, monkeypatch):
    monkeypatch.setattr(jobs, "TrainingProcess", Deaf)
    trainings, text = made(), TEXT.replace("\n", "\r\n")
    training = one(trainings, "ann", trainings.submit("ann", text, "bottles.txt", LONG))
    assert trainings.text_of("ann", training.source) == text


@pytest.mark.process
def test_a_process_that_is_killed_says_so_and_goes_on_from_its_last_measurement(made):
    trainings = made()
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "t", LONG))
    until(training, lambda one: len(one.curve) > 1)
    os.kill(pid(trainings), signal.SIGKILL)
    until_ended(training)
    assert training.reason == ("training.failed.killed", {"reason": "", "status": 9})
    assert training.resumable
    measured = len(training.curve)
    trainings.resume("ann", training.key)
    until(training, lambda one: one.state == "running" and len(one.curve) > measured)
    assert [record["epoch"] for record in training.curve] == sorted({record["epoch"] for record in training.curve})


@pytest.mark.process
@pytest.mark.parametrize(
    ("limit", "megabytes", "options", "kind"),
    [
        ("MEMORY", 1500, Options(layers=10, hidden=1024, minutes=1), "memory"),
        pytest.param("DISK", 1, Options(layers=1, hidden=512, epochs=1), "disk", marks=pytest.mark.slow),
    ],
)
def test_a_model_too_large_for_what_is_allowed_fails_in_words(limit, megabytes, options, kind, made, monkeypatch):
    monkeypatch.setenv(f"DEEPRNN_TRAIN_{limit}_MB", f"{megabytes}")
    trainings = made()
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "t", options))
    until_ended(training)
    assert (training.state, training.reason[0]) == ("failed", f"training.failed.{kind}")
    assert str(training.folder) not in training.reason[1]["reason"]


@pytest.mark.process
def test_a_text_called_like_a_file_of_ours_is_read_whole(made):
    trainings = made()
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "errors", SHORT))
    until_ended(training)
    assert training.state == "finished"
    assert Path(training.text).read_text("utf-8") == TEXT


def test_the_text_of_somebody_who_leaves_without_training_is_removed_too(made):
    trainings = made(idle_seconds=0.2)
    key = trainings.bring("ann", TEXT)
    assert trainings.text_of("ann", key) == TEXT
    wait_until(lambda: not trainings._texts._kept and not trainings._seen)
    with pytest.raises(RequestError, match="does not have this text any more"):
        trainings.text_of("ann", key)


def test_a_text_that_cannot_be_written_leaves_nothing_behind(made, monkeypatch, tmp_path):
    def full(folder, *_):
        (folder / "half.txt").write_text("half")
        raise OSError(28, "No space left on device")

    trainings = made()
    monkeypatch.setattr(jobs, "written", full)
    with pytest.raises(RequestError, match="No space left"):
        trainings.submit("ann", TEXT, "t", SHORT)
    assert not list(tmp_path.rglob("half.txt"))
    assert trainings.of("ann") == []


def test_places_relative_to_the_servers_folder_are_absolute_for_a_process_in_another(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPRNN_DATA", "texts")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "lib"]))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    found = process._environment()
    assert found["DEEPRNN_DATA"] == str(tmp_path / "texts")
    assert found["PYTHONPATH"].split(os.pathsep)[1:] == [str(tmp_path / "lib")]
    assert "NUMBA_CACHE_DIR" not in found


@pytest.mark.process
def test_a_training_that_takes_too_long_is_stopped_and_keeps_what_there_is(made, monkeypatch):
    monkeypatch.setattr(jobs, "MORE_TIME", 0.001)
    trainings = made(minutes=60)
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "t", LONG))
    until_ended(training)
    assert (training.state, training.reason[0]) == ("stopped", "training.stopped.overtime")
    assert checkpoint.read_info(training.checkpoint).metrics.stopped_after is not None
    with pytest.raises(RequestError, match="has used its time"):
        trainings.resume("ann", training.key)
    assert not fields(training, 0)["resumable"]


BELOW = """
import ctypes, resource, sys
from pathlib import Path
from deeprnn.experiments.own import Options
from deeprnn.page.training.process import Limits, TrainingProcess

system, version, nothing = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert system.prctl(38, 1, 0, 0, 0) == 0, "what it starts has no more rights than itself"
assert system.capset(version, nothing) == 0, "not even root may raise a hard limit"
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
process = TrainingProcess(sys.argv[1], Path(sys.argv[2]), Options(), Limits(memory=10**9, file=2000), resume=False)
print(*(resource.prlimit(process.pid, kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS)))
process.kill()
process.close()
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="other systems let a process only limit itself")
def test_a_training_gets_no_higher_limit_than_a_server_that_may_not_raise_its_own(tmp_path):
    (tmp_path / "t.txt").write_text(TEXT)
    command = [sys.executable, "-c", BELOW, str(tmp_path / "t.txt"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[0] == "(1000, 1000) (1000000000, 1000000000)", done.stderr


@pytest.mark.process
def test_a_process_that_cannot_be_limited_is_ended_before_the_error_goes_on(tmp_path, monkeypatch):
    started = []

    def refuse(number, _):
        started.append(number)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(process, "_limit", refuse)
    with pytest.raises(PermissionError):
        process.TrainingProcess("t", tmp_path, SHORT, process.Limits(memory=10**9, file=10**6), resume=False)
    with pytest.raises(ChildProcessError):  # it has ended, and its end was taken in
        os.waitpid(*started, os.WNOHANG)


SERVER = """
import sys
import time
from pathlib import Path
from deeprnn.experiments.own import Options
from deeprnn.page.training.jobs import Trainings
from deeprnn.store.registry import Registry

place = Path(sys.argv[1])
trainings = Trainings(60, place=place, registry=Registry(place))
trainings.submit("ann", sys.argv[2], "t", Options(cell="gru", layers=1, hidden=8, epochs=2000))
while not trainings.of("ann")[0][0].curve:
    time.sleep(0.1)
print(trainings._running[1].pid, flush=True)
trainings._closed.wait()
"""


@pytest.mark.process
def test_a_server_that_is_killed_takes_its_training_along_and_the_next_one_removes_the_files(tmp_path):
    command = [sys.executable, "-c", SERVER, str(tmp_path), TEXT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        child = int(server.stdout.readline())
        assert is_alive(child)
        other = Folders(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1, "the folder of a server that lives is not removed"
        server.send_signal(signal.SIGKILL)
        server.wait(WAIT)
    wait_until(lambda: not is_alive(child))
    assert len(list(tmp_path.rglob("t.txt"))) == 1
    other.close()
    Folders(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
@pytest.mark.parametrize("times", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_starts_and_kills_leave_no_process_and_no_file(times, made, tmp_path):
    trainings, started = made(), set()
    for count in range(times):
        visitor = f"visitor {count}"
        training = one(trainings, visitor, trainings.submit(visitor, TEXT, "t", LONG))
        until(training, lambda one: one.state == "running")
        started.add(pid(trainings))
        if count % 10 == 0:  # the others are killed while they start
            until(training, lambda one: one.curve)
        trainings.leave(visitor)
    assert len(started) == times
    wait_until(lambda: not any(map(is_alive, started)))
    wait_until(lambda: [path.name for path in tmp_path.rglob("*") if path.is_file()] == [LOCK])


@pytest.mark.process
def test_what_visitors_leave_is_removed_after_the_stated_time(made):
    trainings = made(idle_seconds=1.0)
    training = one(trainings, "ann", trainings.submit("ann", TEXT, "t", SHORT))
    wait_until(lambda: training.state == "finished")  # it is not removed while it runs
    wait_until(lambda: not training.folder.exists())
    assert trainings.of("ann") == []


@pytest.mark.process
def test_one_that_waits_is_taken_out_of_the_queue_and_can_be_queued_again(made):
    trainings = made()
    first, second = (one(trainings, "ann", trainings.submit("ann", TEXT, name, LONG)) for name in ("a", "b"))
    until(first, lambda one: one.state == "running")
    trainings.stop("ann", second.key)
    assert (second.state, second.reason[0]) == ("stopped", "training.stopped.waiting")
    trainings.resume("ann", second.key)
    assert trainings.of("ann")[1] == (second, 1)


def refused(trainings, text=TEXT, options=SHORT):
    with pytest.raises(RequestError) as error:
        trainings.submit("ann", text, "t", options)
    assert error.value.message("zh")
    return error.value.key


def test_what_may_not_be_is_refused_before_anything_starts(made):
    trainings = made(minutes=1)
    assert refused(trainings, "x" * 1_999) == refused(trainings, "文" * 666_667) == "training.refused.size"
    assert refused(trainings, TEXT + "\0") == refused(trainings, TEXT + "\ud800") == "training.refused.text"
    assert refused(trainings, options=Options(minutes=2)) == "training.refused.minutes"
    assert refused(trainings, options=Options(layers=10, hidden=512, epochs=500)) == "training.refused.long"
    assert refused(trainings, "文字" * 600, Options(form="d2l", epochs=1)) == "own.refused.short"
    assert trainings.of("ann") == []
    assert trainings.estimate(TEXT, Options(minutes=1)).seconds < 60


@pytest.mark.process
def test_visitors_and_files_have_their_limits(made, monkeypatch):
    monkeypatch.setenv("DEEPRNN_TRAIN_DISK_MB", "1")
    monkeypatch.setattr(jobs, "MOST_JOBS", 2)
    monkeypatch.setattr(jobs, "MOST_WAITING", 3)
    trainings = made()
    for _ in range(2):
        key = trainings.submit("ann", TEXT, "t", LONG)
    assert refused(trainings) == "training.refused.many"
    trainings.submit("bob", TEXT, "t", LONG)
    with pytest.raises(RequestError, match="3 trainings wait already"):
        trainings.submit("bob", TEXT, "t", LONG)
    trainings.remove("ann", key)
    (one(trainings, "ann", trainings.of("ann")[0][0].key).folder / "much").write_bytes(bytes(1_000_000))
    assert refused(trainings) == "training.refused.disk"
    trainings.close()
    assert refused(trainings) == "error_ending"


@pytest.mark.parametrize("kind", ["diverged", "memory", "disk", "refused"])
def test_why_a_training_failed_is_said_in_both_languages(kind, tmp_path):
    training = Training(
        key="k", visitor="v", title="t", options=SHORT, text="t", source="t", folder=tmp_path, planned={}
    )
    training.hear({"event": "failed", "kind": kind, "reason": "the loss became nan in epoch 1"})
    training.end(1)
    key, values = training.reason
    assert (training.state, key, training.resumable) == ("failed", f"training.failed.{kind}", False)
    assert all(WORDS.tr(key, lang, **values) for lang in ("en", "zh"))


@pytest.mark.parametrize(("status", "key"), [(-9, "killed"), (1, "crashed")])
def test_a_process_that_says_nothing_at_its_end_failed(status, key, tmp_path):
    training = Training(
        key="k", visitor="v", title="t", options=SHORT, text="t", source="t", folder=tmp_path, planned={}
    )
    training.end(status)
    assert training.reason == (f"training.failed.{key}", {"reason": "", "status": abs(status)})
