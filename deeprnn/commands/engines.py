"""What trains the runs of a command line: this process, one after the other; several processes; or a Ray cluster.

Knows: runs, processes, signals. Does not know: recipes, what training does.

Each engine takes the same runs, ends with the same status and reports failures in the same words.
"""

import argparse
import functools
import math
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType

from deeprnn.commands.output import accept_any_character, noticing_the_reader
from deeprnn.commands.runs import DONE, FAILED, STOPPED, Single, attempt, device_of, overall, train_single
from deeprnn.train.report import Lines, Reporter

Engine = Callable[[Sequence[Single], argparse.Namespace, Callable[[], bool], Reporter], int]
SECONDS_TO_LOOK = 0.2  # how often it is looked whether all are to stop
PROCESSES = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA, and its threads are gone
SIGNALS = {signal.SIGINT, signal.SIGTERM}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where runs are trained."""
    group = parser.add_argument_group("many runs")
    group.add_argument("--jobs", type=int, default=1, help="processes on this machine, a run in each (default: 1)")
    group.add_argument("--shard", type=_shard, default=(0, 1), metavar="I/N", help="only part I, from 0, of N parts")
    group.add_argument("--engine", choices=["plain", "ray"], default="plain", help="ray: the machines of a Ray cluster")
    group.add_argument("--gpus", type=float, help="ray: GPUs for each run, such as 0.25 (default: 1 by --device cuda)")
    group.add_argument("--retries", type=int, default=3, help="ray: how often a run whose worker died begins again")


def _shard(text: str) -> tuple[int, int]:
    """Read `2/10`: the third of ten parts."""
    read = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    index, count = (int(number) for number in read.groups()) if read else (0, 0)
    if index >= count:
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 0/10 or 9/10: I goes from 0 to N - 1")
    return index, count


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message if the options contradict each other."""
    if args.jobs < 1:
        parser.error(f"--jobs must be at least 1, not {args.jobs}")
    if args.jobs > 1 and not hasattr(signal, "pthread_sigmask"):
        parser.error("--jobs does not work on Windows: start a command for each part, --shard 0/2 and --shard 1/2")
    if args.engine == "ray" and args.jobs > 1:
        parser.error("--jobs is for one machine: a Ray cluster runs as many at once as it has room for")
    if args.json and (args.engine == "ray" or args.jobs > 1):
        parser.error("--json tells of one run after the other: leave out --jobs and --engine")
    if args.remeasure and args.engine == "ray":
        parser.error("--remeasure reads checkpoints of this machine: leave out --engine")
    if args.engine == "ray":
        if args.retries < 0 or (args.gpus or 0) < 0:
            parser.error("--retries and --gpus must not be negative")
    elif args.gpus is not None:
        parser.error("--gpus belongs to --engine ray")
    else:
        try:
            device_of(args.device)
        except ValueError as error:
            parser.error(str(error))


def engine_of(args: argparse.Namespace) -> Engine:
    """Return the engine that the options name.

    Raises:
        ValueError: Ray is not installed.
    """
    if args.engine == "plain":
        return in_turn if args.jobs == 1 else in_processes
    try:
        from deeprnn.commands.on_ray import on_ray
    except ModuleNotFoundError as error:
        raise ValueError(f"--engine ray needs {error.name}: in the clone, pip install '.[ray]'") from None
    return on_ray


def in_turn(
    singles: Sequence[Single], args: argparse.Namespace, should_stop: Callable[[], bool], reporter: Reporter
) -> int:
    """Train runs in this process, one after the other; return the exit status."""
    statuses: list[int] = []
    for single in singles:
        if statuses and should_stop():  # as it may while the run before is being finished
            return STOPPED
        statuses.append(attempt(functools.partial(train_single, single, args, should_stop, reporter), reporter))
        if statuses[-1] == STOPPED:
            return STOPPED
    return overall(statuses)


def in_processes(
    singles: Sequence[Single], args: argparse.Namespace, should_stop: Callable[[], bool], reporter: Reporter
) -> int:
    """Train each run in a process of its own, `--jobs` at once; return the exit status."""
    stopping = PROCESSES.Event()
    waiting, statuses = list(singles), list[int]()
    running = list[tuple[Single, SpawnProcess]]()
    try:
        while running or (waiting and not stopping.is_set()):
            while waiting and len(running) < args.jobs and not stopping.is_set():
                running.append(_started(waiting.pop(0), args, stopping))
            wait([process.sentinel for _, process in running], SECONDS_TO_LOOK)
            for single, process in [one for one in running if not one[1].is_alive()]:
                running.remove((single, process))
                statuses.append(_status(single, process, reporter))
            if should_stop() or STOPPED in statuses:
                stopping.set()
    finally:
        for _, process in running:
            process.kill()
    return overall([*statuses, *([STOPPED] if waiting else [])])


def _started(single: Single, args: argparse.Namespace, stopping: Event) -> tuple[Single, SpawnProcess]:
    process = PROCESSES.Process(target=_work, args=(single, args, stopping))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # in the process, too, until it can handle them
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return single, process


def _work(single: Single, args: argparse.Namespace, stopping: Event) -> None:
    """Train a run in a process that was made for it, until it ends or it or its parent is told to stop, or is gone."""
    told = stop_condition(math.inf)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    parent = multiprocessing.parent_process()
    assert parent is not None

    accept_any_character()
    reporter = Lines(lambda line: print(f"{line}\n", end="", flush=True))  # in one write: others write there, too
    with noticing_the_reader() as has_gone:

        def should_stop() -> bool:
            return told() or stopping.is_set() or has_gone() or not parent.is_alive()

        sys.exit(attempt(lambda: train_single(single, args, should_stop, reporter), reporter))


def _status(single: Single, process: SpawnProcess, reporter: Reporter) -> int:
    """Return the exit status of a run whose process has ended; report it if the process could not."""
    code = process.exitcode
    assert code is not None
    if code >= DONE:
        return code
    reporter.failed(ChildProcessError(f"{single.name}, seed {single.seed}: signal {-code} ended its process"))
    return FAILED


def stop_condition(budget_minutes: float, *, follow_stdin: bool = False) -> Callable[[], bool]:
    """Handle Ctrl-C and SIGTERM; return a function that says whether one of them came, or the time is used up."""
    stopping = False
    deadline = time.monotonic() + 60 * budget_minutes

    def stop(_signum: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C ends the process at once

    def follow() -> None:
        nonlocal stopping
        while read := os.read(sys.stdin.fileno(), 100):
            stopping = stopping or b"stop" in read
        os._exit(1)  # whoever started this program is gone

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if follow_stdin:
        threading.Thread(target=follow, daemon=True).start()
    return lambda: stopping or time.monotonic() > deadline
