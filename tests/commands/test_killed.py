"""A training that is killed, runs out of space or is run twice: nothing is half written, and it ends as undisturbed."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter

import pytest
from safetensors import safe_open

from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CARD, CONFIG, METRICS, WEIGHTS
from tests.conftest import ROOT

TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(100, 10, -1))
TIMES = {"seconds", "train_seconds", "wall_seconds", "chars_per_second"}
OWN = ("my-book", "--cell", "lstm", "--layers", "1", "--hidden", "8", "--epochs", "3")

pytestmark = pytest.mark.process


class Commands:
    """The training command, in children of one process; see `forked`."""

    def __init__(self, process):
        self._process = process

    def __call__(self, *argv, out, **order):
        order = {"argv": [*map(str, argv), "--device", "cpu", "--out", str(out)], **order}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "Traceback" not in answer["said"], answer["said"]
        return answer


@pytest.fixture(scope="module")
def command():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.commands.forked"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Commands(process)
        process.stdin.close()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "bottles.txt"
    path.write_text(TEXT)
    return path


def operations(answer):
    """What a child did with files in its folder, in order; see `forked`."""
    return answer["said"].rsplit("operations: ", 1)[1].split()


class Run:
    """A recipe on a text: its arguments, and what it makes when nothing disturbs it."""

    def __init__(self, command, argv, out):
        self.command, self.argv = command, argv
        answer = command(*argv, out=out)
        assert answer["ends"] == [0], answer["said"]
        self.seconds, self.operations = answer["seconds"], len(operations(answer))
        (self.directory,) = out.iterdir()
        self.curve = json.loads((self.directory / METRICS).read_text())["curve"]

    def resume(self, out, **order):
        return self.command(*self.argv, "--resume", out=out, **order)

    def assert_whole(self, out):
        """Whatever is in the folder can be read, or is hidden and called half written; return what there is."""
        found = set()
        for path in out.iterdir() if out.exists() else ():
            if path.name == self.directory.name:
                found.add("checkpoint")
                assert {one.name for one in path.iterdir()} == {one.name for one in self.directory.iterdir()}
                checkpoint.load(path)
            elif path.name == f".{self.directory.name}.snapshot.safetensors":
                found.add("snapshot")
                with safe_open(path, "pt") as file:
                    assert [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
                    assert json.loads(file.metadata()["progress"])["total_chars"] > 0
            elif path.name == f".{self.directory.name}.curve.jsonl":  # it is never there without the snapshot
                assert path.with_name(f".{self.directory.name}.snapshot.safetensors").exists()
                epochs = [json.loads(line)["epoch"] for line in path.read_text().splitlines()]
                assert epochs == [record["epoch"] for record in self.curve][: len(epochs)]
            elif path.name == f".{self.directory.name}.claim":
                assert path.stat().st_size == 0  # of a killed process; it holds nobody back
            else:
                found.add("half a folder" if path.is_dir() else "half a file")
                assert path.name.startswith(f".{self.directory.name}.")
                assert ".saving-" in path.name
        return ", ".join(sorted(found)) or "nothing"

    def assert_ends_alike(self, out):
        """Resumed to its end, it has the same weights and figures, and leaves no snapshot."""
        answer = self.resume(out)
        assert answer["ends"] == [0], answer["said"]
        left = {path.name for path in out.iterdir() if ".saving-" not in path.name}
        assert left == {self.directory.name}
        for file in (WEIGHTS, CONFIG):
            assert (out / self.directory.name / file).read_bytes() == (self.directory / file).read_bytes()
        ours, theirs = (
            json.loads((one / self.directory.name / METRICS).read_text()) for one in (out, self.directory.parent)
        )
        assert timeless(ours) == timeless(theirs)
        assert (out / self.directory.name / CARD).is_file()


def timeless(values):
    """A document without what depends on how long something took."""
    if isinstance(values, dict):
        return {key: timeless(value) for key, value in values.items() if key not in TIMES}
    return [timeless(one) for one in values] if isinstance(values, list) else values


@pytest.fixture(scope="module")
def smoke(command, book, tmp_path_factory):
    return Run(command, ("smoke", "--data", book), tmp_path_factory.mktemp("smoke"))


@pytest.fixture(scope="module")
def own(command, book, tmp_path_factory):
    return Run(command, (*OWN, "--data", book), tmp_path_factory.mktemp("own"))


def moment(run, draw):
    """When to kill: after a time, before an operation on a file, or in the midst of one."""
    kind = draw.choice(("after", "after", "operation", "operation", "limit"))
    if kind == "after":
        return {"after": draw.uniform(0, run.seconds)}
    if kind == "operation":
        return {"operation": draw.randint(1, run.operations)}
    sizes = [path.stat().st_size for path in run.directory.iterdir()]
    return {"limit": draw.randint(0, 4 * max(sizes)), "fatal": True}


def kill(run, folder, times, begin):
    """Kill a run at moments spread over its life, resumed after each, or after some ended and begun anew."""
    draw, killed, attempts = random.Random(0), 0, 0
    left = Counter()
    out = begin(folder / "0")
    while killed < times:
        attempts += 1
        order = moment(run, draw)
        (end,) = run.resume(out, **order)["ends"]
        found = run.assert_whole(out)
        if end in (-signal.SIGKILL, -signal.SIGXFSZ):
            killed += 1
            left[next(iter(order)), found] += 1
        else:
            assert end == 0
        if end == 0 or draw.random() < 0.5:
            run.assert_ends_alike(out)
            shutil.rmtree(out)
            out = begin(folder / f"{attempts}")
    print(f"{killed} kills, {attempts - killed} attempts that ended before; then there was", *left.items(), sep="\n")
    return left


def stopped(run):
    """Begin with a run that was stopped, so that a checkpoint of its first weights is there to be replaced."""

    def begin(out):
        assert run.command(*run.argv, "--budget-minutes", "0", out=out)["ends"] == [130]
        assert run.assert_whole(out) == "checkpoint, snapshot"
        return out

    return begin


@pytest.fixture(scope="module")
def begun(own, tmp_path_factory):
    """The folder of a run that was stopped."""
    return stopped(own)(tmp_path_factory.mktemp("begun") / "out")


def test_a_killed_run_leaves_nothing_half_written_and_ends_as_if_it_were_not(smoke, tmp_path):
    kill(smoke, tmp_path, 2, lambda out: out)


@pytest.mark.slow
def test_a_run_killed_at_a_hundred_moments_leaves_nothing_half_written_and_ends_as_if_it_were_not(smoke, tmp_path):
    left = kill(smoke, tmp_path, 100, lambda out: out)
    assert {kind for kind, _ in left} == {"after", "operation", "limit"}


@pytest.mark.slow
def test_of_a_run_that_was_stopped_before_the_checkpoint_stays_whole_until_the_next_takes_its_place(own, tmp_path):
    kill(own, tmp_path, 100, stopped(own))


def kill_at_each(run, begun, folder, kinds, last=0):
    """Kill a run that was stopped before, when it is resumed, before each (or the last) operations of these kinds."""
    shutil.copytree(begun, folder / "whole")
    names = operations(run.resume(folder / "whole"))
    found = []
    for number in [number for number, name in enumerate(names, start=1) if name in kinds][-last:]:
        out = folder / f"{number}"
        shutil.copytree(begun, out)
        assert run.resume(out, operation=number)["ends"] == [-signal.SIGKILL]
        found.append(run.assert_whole(out))
        run.assert_ends_alike(out)
    return found


def test_a_checkpoint_is_replaced_by_that_of_the_resumed_run_as_a_whole(own, begun, tmp_path):
    found = kill_at_each(own, begun, tmp_path, {"os.rename"}, last=2)
    assert found == ["checkpoint, half a folder, snapshot", "half a folder, snapshot"]


def test_a_run_killed_before_the_end_of_its_claim_leaves_a_claim_that_the_next_start_removes(own, begun, tmp_path):
    found = kill_at_each(own, begun, tmp_path, {"os.remove"}, last=1)
    assert found == ["checkpoint"]


@pytest.mark.slow
def test_a_run_killed_before_each_operation_on_a_file_is_whole_and_ends_as_if_it_were_not(own, begun, tmp_path):
    kill_at_each(own, begun, tmp_path, {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"})


# --- no space, no permission, two processes


def assert_refused(answer):
    """The command failed, and said why and what to do in one sentence."""
    assert set(answer["ends"]) == {1}, answer["said"]
    assert_one_sentence(answer["said"])


def assert_one_sentence(said):
    (sentence,) = re.findall(r"^train\.py: .*$", said, re.MULTILINE)
    assert re.search(r"--resume|name another folder with --out|is finished", sentence), sentence
    assert len(sentence) < 600


def fill(run, folder, sizes):
    """Run with no more space than each size for a file; then with enough."""
    for size in sizes:
        out = folder / f"{size}"
        assert_refused(run.resume(out, limit=size))
        assert run.assert_whole(out) in ("nothing", "snapshot")
        run.assert_ends_alike(out)


def sizes_below(run, count):
    largest = max(path.stat().st_size for path in run.directory.iterdir())
    return [0, *(largest * (n + 1) // (count + 1) for n in range(count))]


def test_a_full_disk_is_told_in_a_sentence_and_the_run_goes_on_where_there_is_room(smoke, tmp_path):
    fill(smoke, tmp_path, sizes_below(smoke, 1)[1:])


@pytest.mark.slow
def test_a_disk_full_at_any_size_is_told_in_a_sentence_and_the_run_goes_on_where_there_is_room(smoke, own, tmp_path):
    fill(smoke, tmp_path / "smoke", sizes_below(smoke, 30))
    fill(own, tmp_path / "own", sizes_below(own, 30))


def test_a_disk_that_is_full_at_the_end_leaves_the_checkpoint_of_the_stop_before(own, begun, tmp_path):
    out = shutil.copytree(begun, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (out / own.directory.name).iterdir()}
    snapshot = (out / f".{own.directory.name}.snapshot.safetensors").stat().st_size
    answer = own.resume(out, limit=snapshot + 4_000)  # a snapshot fits, the n-gram of the checkpoint does not
    assert_refused(answer)
    assert {path.name: path.read_bytes() for path in (out / own.directory.name).iterdir()} == before
    assert own.assert_whole(out) == "checkpoint, snapshot"
    own.assert_ends_alike(out)


def within_a_mount(options, tmp_path, argv, look):
    """Run the command in a folder that is a file system of its own; then run `look` there."""
    mount = tmp_path / "mount"
    mount.mkdir()
    script = f"mount -t tmpfs {options} && {look} && {argv} --out {mount}; echo ended $?; ls -A {mount}"
    probe = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs none {mount}"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a folder of memory")
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["40k", "600k", "1500k"])
def test_a_full_file_system_is_told_in_a_sentence_and_only_what_is_whole_stays(book, tmp_path, size):
    argv = f"{sys.executable} train.py smoke --device cpu --data {book}"
    done = within_a_mount(f"-o size={size} none {tmp_path / 'mount'}", tmp_path, argv, "true")
    assert "Traceback" not in done.stderr
    assert_one_sentence(done.stderr)
    assert "No space left" in done.stderr
    left = done.stdout.partition("ended 1\n")[2].splitlines()
    assert all(re.fullmatch(r"\.smoke-bottles-\w+\.(snapshot\.safetensors|curve\.jsonl)", name) for name in left), left


@pytest.mark.slow
def test_a_target_that_is_read_only_is_refused_in_a_sentence_before_training(book, tmp_path):
    argv = f"{sys.executable} train.py smoke --device cpu --data {book}"
    mount = tmp_path / "mount"
    look = f"touch {mount}/mine; mount -o remount,ro {mount}"
    done = within_a_mount(f"none {mount}", tmp_path, argv, look)
    assert "Traceback" not in done.stderr
    assert_one_sentence(done.stderr)
    assert "Read-only file system" in done.stderr
    assert "name another folder with --out" in done.stderr
    assert done.stdout == "ended 1\nmine\n"


def twice(run, folder, delays):
    """Two processes on one run, the second some time after the first: one makes it, the other leaves it out."""
    for number, delay in enumerate(delays):
        out = folder / f"{number}"
        answer = run.resume(out, count=2, between=delay)
        assert answer["ends"] == [0, 0], answer["said"]
        assert answer["said"].count("saved ") == answer["said"].count(": skipped.") == 1
        run.assert_whole(out)
        run.assert_ends_alike(out)


def test_of_two_processes_on_one_run_one_makes_it_and_the_other_says_why_it_does_not(smoke, tmp_path):
    twice(smoke, tmp_path, [smoke.seconds / 4])


@pytest.mark.slow
def test_of_two_processes_on_one_run_one_makes_it_whenever_the_second_begins(smoke, own, tmp_path):
    draw = random.Random(0)
    twice(smoke, tmp_path / "smoke", [draw.uniform(0, smoke.seconds) for _ in range(30)])
    twice(own, tmp_path / "own", [draw.uniform(0, own.seconds) for _ in range(30)])
