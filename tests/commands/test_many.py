"""Many runs of one command: in several processes, in shards, on a Ray cluster; and claims on runs."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deeprnn.commands import engines, runs, train
from deeprnn.store.checkpoint import WEIGHTS
from deeprnn.text.corpora import own_name
from deeprnn.train.claim import claimed
from deeprnn.train.report import Reporter
from deeprnn.train.run import Stopped
from tests.conftest import ROOT, wait_until

SEEDS = (0, 1, 2)

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "bottles.txt"
    path.write_text("".join(f"{n} green bottles, and if {n - 1} should fall.\n" for n in range(180, 10, -1)))
    return path


def arguments(book, out, *more):
    return ["smoke", "--data", str(book), "--device", "cpu", "--out", str(out), "--seeds", *map(str, SEEDS), *more]


@pytest.fixture(scope="module")
def plain(book, tmp_path_factory):
    """What one process makes of the runs, one after the other: the weights of each by name."""
    out = tmp_path_factory.mktemp("plain")
    assert train.main(arguments(book, out)) == 0
    return weights(out)


@pytest.fixture
def name(book):
    return f"smoke-{own_name(book)}"


def weights(out):
    """The weights of each run in a folder by name, where nothing else is left but what was half written when killed."""
    return {path.name: (path / WEIGHTS).read_bytes() for path in out.iterdir() if ".saving-" not in path.name}


def start(argv, **environment):
    return subprocess.Popen(
        [sys.executable, "train.py", *argv],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, pattern):
    """Read lines of the output up to one that matches; return the match."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"it ended before: {seen}")


def two_at_work(book, out):
    """A command that has measured one of the two runs that it trains at once."""
    process = start(arguments(book, out, "--jobs", "2"))
    read_until(process, ": epoch 1, ")
    return process


def workers(of, title):
    """The processes below `of`, or all of this machine if it is None, whose command line contains a title."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if of in (None, parent) and title in (folder / "cmdline").read_text():
                found[int(folder.name)] = folder
        except OSError:  # it has ended
            continue
    return list(found)


# --- shards


@pytest.mark.parametrize("count", [1, 5])
def test_the_shards_of_a_command_are_all_its_runs_and_each_once(count):
    def singles(*more):
        return train.singles(train.parse(["depth-*", "--seeds", "0", "1", "2", *more]))

    whole = singles()
    parts = [singles("--shard", f"{index}/{count}") for index in range(count)]
    assert sorted((one.name, one.seed) for part in parts for one in part) == sorted((o.name, o.seed) for o in whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shard", ["1", "2/2", "-1/2", "0/0", "a/b"])
def test_a_shard_that_there_cannot_be_is_refused(shard, capsys):
    with pytest.raises(SystemExit):
        train.parse(["smoke", f"--shard={shard}"])
    assert "I goes from 0 to N - 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--jobs", "0"), "--jobs must be at least 1, not 0"),
        (("--jobs", "2", "--json"), "--json tells of one run after the other"),
        (("--jobs", "2", "--engine", "ray"), "--jobs is for one machine"),
        (("--gpus", "0.5"), "--gpus belongs to --engine ray"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_anything_is_trained(options, said, capsys):
    with pytest.raises(SystemExit) as refused:
        train.parse(["smoke", *options])
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


# --- claims


@pytest.fixture
def task(book, tmp_path):
    args = train.parse(arguments(book, tmp_path))
    args.place = str(book)
    return runs.job_of(runs.Single(name="smoke", seed=0), args, runs.device_of("cpu"), train.Terminal())


def test_a_run_that_another_process_has_claimed_is_left_out_with_a_sentence(book, task, capsys):
    with claimed(task) as free:
        assert free
        assert train.main(["smoke", "--data", str(book), "--out", str(task.out), "--device", "cpu"]) == 0
    assert capsys.readouterr().out == f"{task.name} is being trained by another process: skipped.\n"
    assert list(task.out.iterdir()) == []


def test_a_claim_of_another_user_that_cannot_be_looked_at_is_named_with_the_remedy(task, monkeypatch):
    def refused(_):
        raise PermissionError(13, "Permission denied")

    path = task.out / f".{task.name}.claim"
    task.out.mkdir(parents=True, exist_ok=True)
    path.touch()
    monkeypatch.setattr("deeprnn.train.claim.holding", refused)
    with pytest.raises(ValueError, match=r"claim is another user's claim .*: remove it if"), claimed(task):
        pass
    assert path.exists()


def test_a_claim_ends_with_its_process_and_leaves_no_file(task):
    code = "import os; from deeprnn.documents import lock; lock(p := __import__('pathlib').Path(os.sys.argv[1]), create=True); print(p.exists(), flush=True); os.sys.stdin.read()"  # noqa: E501
    path = task.out / f".{task.name}.claim"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "True\n"
        with claimed(task) as free:
            assert not free
        holder.kill()
        holder.wait()
    assert path.exists()
    with claimed(task) as free:
        assert free
    assert list(task.out.iterdir()) == []


# --- one after the other


@pytest.mark.parametrize(
    ("ends", "tried", "status"),
    [
        ([None, None], 2, runs.DONE),
        ([None, ValueError("no text"), None], 3, runs.FAILED),
        ([ValueError("no text"), Stopped("in epoch 1"), None], 2, runs.STOPPED),
    ],
    ids=["done", "failed", "stopped"],
)
def test_a_run_that_fails_keeps_no_other_back_one_that_is_stopped_does_and_the_status_tells(
    ends, tried, status, monkeypatch
):
    singles = [runs.Single(name="smoke", seed=seed) for seed in range(len(ends))]
    seeds = []

    def ended(single, *_):
        seeds.append(single.seed)
        if ends[single.seed]:
            raise ends[single.seed]

    monkeypatch.setattr(engines, "train_single", ended)
    args = train.parse(["smoke"])
    assert engines.in_turn(singles, args, lambda: False, Reporter()) == status
    assert seeds == list(range(tried))


# --- several processes


@pytest.mark.process
@pytest.mark.slow
def test_several_processes_make_the_weights_that_one_makes_and_each_line_names_its_run(plain, book, tmp_path):
    process = start(arguments(book, tmp_path, "--jobs", "2"), PYTHONUNBUFFERED="1")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert weights(tmp_path) == plain
    lines = said.splitlines()
    assert all(re.match(rf"{'|'.join(sorted(plain, reverse=True))}: ", line) for line in lines), said
    for name in plain:
        assert [line for line in lines if line.startswith(f"{name}: epoch 3, ")]
        assert f"{name}: saved {tmp_path / name}" in lines


@pytest.mark.process
@pytest.mark.slow
def test_ctrl_c_stops_all_processes_and_resume_finishes_to_the_identical_weights(plain, book, tmp_path):
    process = two_at_work(book, tmp_path)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "continue it with --resume" in said
    left = (".snapshot.safetensors", ".curve.jsonl")
    assert all(path.is_dir() or path.name.endswith(left) for path in tmp_path.iterdir())
    assert train.main(arguments(book, tmp_path, "--jobs", "2", "--resume")) == 0
    assert weights(tmp_path) == plain


@pytest.mark.process
@pytest.mark.slow
def test_of_a_killed_process_only_its_run_fails_and_the_rest_are_made(plain, book, tmp_path):
    process = two_at_work(book, tmp_path)
    os.kill(workers(process.pid, "spawn_main")[0], signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == 1, said
    assert re.search(
        r"train\.py: smoke, seed \d: signal 9 ended its process; mend that, then continue with --resume", said
    )
    assert train.main(arguments(book, tmp_path, "--resume")) == 0
    assert weights(tmp_path) == plain


@pytest.mark.process
@pytest.mark.slow
def test_processes_whose_parent_is_killed_stop_with_their_snapshots(plain, book, tmp_path):
    process = two_at_work(book, tmp_path)
    children = workers(process.pid, "spawn_main")
    process.kill()
    said, _ = process.communicate()  # until they have closed the output, too
    assert said.count("continue it with --resume") == len(children) == 2
    assert train.main(arguments(book, tmp_path, "--resume")) == 0
    assert weights(tmp_path) == plain


# --- Ray


def test_ray_that_is_missing_is_told_with_the_remedy(book, tmp_path, capsys):
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError:
        assert train.main(arguments(book, tmp_path, "--engine", "ray")) == 1
        assert "train.py: --engine ray needs ray: in the clone, pip install '.[ray]'" in capsys.readouterr().err
    else:
        pytest.skip("Ray is installed")


@pytest.fixture
def cluster():
    """Two nodes with a core each: the address of their cluster."""
    pytest.importorskip("ray", reason="Ray is an extra, 270 MB: pip install '.[ray]'")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 1})
    nodes.add_node(num_cpus=1)
    yield nodes.address
    nodes.shutdown()


@pytest.mark.process
@pytest.mark.slow
def test_a_cluster_makes_the_weights_that_one_process_makes_though_a_worker_is_killed(plain, book, tmp_path, cluster):
    process = start(arguments(book, tmp_path, "--engine", "ray"), RAY_ADDRESS=cluster)
    name = read_until(process, r"^(smoke-\S+): epoch 1, ")[1]
    wait_until(lambda: workers(None, f"ray::{name}"))
    for pid in workers(None, f"ray::{name}"):
        os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert said.count(f"{name}: epoch 1, ") == 1  # again
    assert weights(tmp_path) == plain


@pytest.mark.process
@pytest.mark.slow
def test_runs_that_take_a_gpu_are_finished_by_tasks_that_take_none_to_the_same_weights(plain, book, tmp_path, cluster):
    """Two runs share the GPU, which is only said to be there; each is finished while the third has its place."""
    process = start(arguments(book, tmp_path, "--engine", "ray", "--gpus", "0.5"), RAY_ADDRESS=cluster)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert weights(tmp_path) == plain
    assert said.count("\nsaved ") == len(SEEDS)


@pytest.mark.process
@pytest.mark.slow
def test_ctrl_c_stops_a_cluster_and_resume_finishes_to_the_identical_weights(plain, book, tmp_path, cluster):
    process = start(arguments(book, tmp_path, "--engine", "ray"), RAY_ADDRESS=cluster)
    read_until(process, ": epoch 1, ")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    process = start(arguments(book, tmp_path, "--engine", "ray", "--resume"), RAY_ADDRESS=cluster)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert weights(tmp_path) == plain
