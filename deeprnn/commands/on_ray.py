"""Runs on a Ray cluster: one task a run. Whatever a worker makes comes back to --out, for its disk may be another.

Knows: Ray, the files of a run. Does not know: how a run is trained. Only `--engine ray` imports this module.

A worker that dies is replaced, and its run begins again with what it began with; on a CPU the result is the same.
A run that takes a GPU is finished (measured, rounded) by a second task that takes a core alone.
"""

import argparse
import contextlib
import functools
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import ray
import torch
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deeprnn.checks import shortened
from deeprnn.commands.runs import Single, attempt, device_of, job_of, overall, tell_what_came, to_do
from deeprnn.documents import parse_object, replace_file
from deeprnn.store.checkpoint import METRICS, write_directory
from deeprnn.text.corpora import is_known
from deeprnn.train.finish import record_failure
from deeprnn.train.loop import finish_trained, train
from deeprnn.train.report import Lines, Reporter
from deeprnn.train.run import DivergedError, Job, Stopped
from deeprnn.train.snapshot import remove_snapshot

SECONDS_TO_LOOK = 0.5  # how often the driver looks for news
SECONDS_TO_ASK = 1.0  # how often a worker asks whether all are to stop


class Desk:
    """Where workers say what goes on, and ask whether they are to stop; it is on the driver's machine."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._stopping = False

    def say(self, line: str) -> None:
        """Keep a line for the driver."""
        self._lines.append(line)

    def stopping(self) -> bool:
        """Return whether all are to stop."""
        return self._stopping

    def look(self, stopping: bool) -> list[str]:
        """Return the new lines, and note whether all are to stop."""
        lines, self._lines, self._stopping = self._lines, [], stopping
        return lines


@dataclass(frozen=True, kw_only=True)
class Package:
    """All that a worker needs for a run: its options and the bytes of files that may be on the driver's disk only.

    text: of a text of one's own, which has no path on the worker; its name is that of the job's path.
    snapshot: that of the interrupted run that is to be continued, or of the trained one that is to be finished.
    part: what the worker does of it: all, train or finish.
    """

    job: Job
    device: str
    threads: int
    resume: bool
    text: bytes | None
    snapshot: bytes | None
    part: Literal["all", "train", "finish"] = "all"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a worker has made: the checkpoint's files by name, the snapshot and its curve, and why it ended before."""

    files: dict[str, bytes] = field(default_factory=dict)
    snapshot: bytes | None = None
    curve: bytes | None = None
    why: Exception | None = None


def on_ray(
    singles: Sequence[Single], args: argparse.Namespace, should_stop: Callable[[], bool], reporter: Reporter
) -> int:
    """Train each run as a task of the cluster that RAY_ADDRESS names, or of one on this machine; return the status."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ray.init()
    for number, handler in handlers.items():  # Ray has set one of its own
        signal.signal(number, handler)
    try:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        desk = ray.remote(Desk).options(num_cpus=0, scheduling_strategy=here).remote()
        with contextlib.ExitStack() as claims:
            driver = Driver(args=args, reporter=reporter, desk=desk, claims=claims)
            handed_in = [attempt(functools.partial(driver.hand_in, single), reporter) for single in singles]
            return overall([*handed_in, *driver.statuses(should_stop)])
    finally:
        ray.shutdown()


@dataclass(frozen=True, kw_only=True)
class Driver:
    """Hands in runs, prints what workers say of them, and keeps what they have made.

    claims: on the runs that are handed in. handed_in: those that have not ended, by the reference to what they make.
    """

    args: argparse.Namespace
    reporter: Reporter
    desk: Any
    claims: contextlib.ExitStack
    handed_in: dict[Any, tuple[Package, Single, Job]] = field(default_factory=dict)

    def hand_in(self, single: Single) -> None:
        """Hand in a run that is still to be trained, and that nobody else is at.

        Raises:
            ValueError, OSError: no job can be made of it.
        """
        task = job_of(single, self.args, torch.device("cpu"), self.reporter)
        if not self.claims.enter_context(to_do(task, self.reporter)):
            return
        gpus = self.args.gpus if self.args.gpus is not None else float(self.args.device == "cuda")
        package = _package(task, "cuda" if gpus and self.args.device != "cpu" else "cpu", self.args)
        self._send(replace(package, part="train" if gpus else "all"), gpus, single, task)

    def _send(self, package: Package, gpus: float, single: Single, task: Job) -> None:
        options = {"num_cpus": package.threads, "num_gpus": gpus, "max_retries": self.args.retries}
        reference = ray.remote(work_there).options(name=task.name, **options).remote(package, self.desk)
        self.handed_in[reference] = package, single, task

    def statuses(self, should_stop: Callable[[], bool]) -> Iterator[int]:
        """Yield the exit status of each task when it has ended; meanwhile print what workers say."""
        while self.handed_in:
            ended, _ = ray.wait(list(self.handed_in), timeout=SECONDS_TO_LOOK)
            for line in ray.get(self.desk.look.remote(should_stop())):
                print(line, flush=True)
            for reference in ended:
                yield attempt(functools.partial(self.take, reference, *self.handed_in.pop(reference)), self.reporter)

    def take(self, reference: Any, package: Package, single: Single, task: Job) -> None:
        """Keep what a task has made; hand in the finishing of a run that was only trained.

        Raises:
            OSError: it cannot be written, or the cluster could not bring the run to its end.
            ValueError, MemoryError, RuntimeError, Stopped: why the run did not come to its end.
        """
        try:
            made = ray.get(reference)
        except ray.exceptions.RayError as error:
            raise ChildProcessError(f"{task.name}: the cluster gave it up: {shortened(str(error))}") from error
        _keep(task, made)
        if package.part == "train":
            finishing = replace(package, part="finish", device="cpu", threads=1, snapshot=made.snapshot)
            self._send(finishing, 0, single, task)
            return
        self.reporter.finished(task.directory)
        tell_what_came(single, task, self.args, self.reporter)


def _package(task: Job, device: str, args: argparse.Namespace) -> Package:
    place = task.recipe.train.text
    return Package(
        job=task,
        device=device,
        threads=args.threads,
        resume=args.resume,
        text=None if is_known(place) else Path(place).read_bytes(),
        snapshot=task.snapshot.read_bytes() if task.snapshot.exists() else None,
    )


def work_there(package: Package, desk: Any) -> Made:
    """Train or finish a run on a worker, in a folder of its own; return what it has made."""
    if ray.get(desk.stopping.remote()):
        return Made(why=Stopped(f"{package.job.name} was not begun."))
    torch.set_num_threads(package.threads)
    with tempfile.TemporaryDirectory() as place:
        task = _unpacked(package, Path(place))
        why: Exception | None = None
        try:
            _work(task, package, _asking(desk), Lines(desk.say.remote))
        except (Stopped, ValueError, OSError, MemoryError, RuntimeError) as error:
            why = error
        made = task.directory.iterdir() if task.directory.exists() else ()
        return Made(
            files={path.name: path.read_bytes() for path in made},
            snapshot=task.snapshot.read_bytes() if task.snapshot.exists() else None,
            curve=task.curve.read_bytes() if task.curve.exists() else None,
            why=why,
        )


def _work(task: Job, package: Package, should_stop: Callable[[], bool], reporter: Reporter) -> None:
    if package.part == "finish":
        finish_trained(task, should_stop=should_stop, reporter=reporter)
        return
    train(
        task,
        device=device_of(package.device),
        resume=package.resume,
        should_stop=should_stop,
        reporter=reporter,
        finishing=package.part == "all",
    )


def _unpacked(package: Package, place: Path) -> Job:
    """Write what was sent into a folder; return the job with the paths there."""
    task, recipe = replace(package.job, out=place / "out"), package.job.recipe
    task.out.mkdir()
    if package.text is not None:
        path = place / Path(recipe.train.text).name
        path.write_bytes(package.text)
        task = replace(task, recipe=replace(recipe, train=replace(recipe.train, text=str(path))))
    if package.snapshot is not None:
        task.snapshot.write_bytes(package.snapshot)
    return task


def _asking(desk: Any) -> Callable[[], bool]:
    """Return a function that asks the desk, at most once a second, whether to stop."""
    stopping, asked = False, time.monotonic()

    def should_stop() -> bool:
        nonlocal stopping, asked
        if not stopping and time.monotonic() > asked + SECONDS_TO_ASK:
            stopping, asked = bool(ray.get(desk.stopping.remote())), time.monotonic()
        return stopping

    return should_stop


def _keep(task: Job, made: Made) -> None:
    """Write what a worker has made to --out.

    Raises:
        OSError: it cannot be written.
        ValueError, MemoryError, RuntimeError, Stopped: why the run did not come to its end.
    """
    if isinstance(made.why, DivergedError):
        record_failure(task, parse_object(made.files[METRICS]))
    elif made.files:
        write_directory(task.directory, made.files, replace=True)
    if made.snapshot is not None:
        replace_file(task.snapshot, made.snapshot)
    elif made.files:
        remove_snapshot(task)
    if made.curve is not None:
        replace_file(task.curve, made.curve)
    if isinstance(made.why, Stopped) and made.why.kept is not None:
        made.why.kept = task.directory
    if made.why is not None:
        raise made.why
