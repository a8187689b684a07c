"""The part of the command line that trains on a text of one's own: its options, and the job that they make.

Knows: `experiments.own`, runs, snapshots. Does not know: the loop, the page.
"""

import argparse
import os
import sys
import typing
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from deeprnn.commands import run_options
from deeprnn.config import Form
from deeprnn.experiments import own
from deeprnn.experiments.own import Machine, Options, Plan
from deeprnn.measure.baselines import of_heldout
from deeprnn.store import checkpoint
from deeprnn.text.corpora import load_corpus
from deeprnn.text.sources import as_one_file
from deeprnn.text.splits import prepare
from deeprnn.train.finish import ending
from deeprnn.train.report import Reporter
from deeprnn.train.run import Job
from deeprnn.train.snapshot import recorded_configs
from deeprnn.train.speed import measure_speed

_ONLY_HERE = ("form", "minutes")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only `my-book` takes."""
    group = parser.add_argument_group(f"{own.NAME}: a recipe made from the text of --data")
    plain = Options()
    group.add_argument("--form", choices=typing.get_args(Form), help=f"of the text (default: {plain.form})")
    group.add_argument("--minutes", type=float, help=f"about how long it may take (default: {plain.minutes:g})")


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message if an option is given that needs `my-book`, or `my-book` lacks its text."""
    given = [name for name in _ONLY_HERE if getattr(args, name) is not None]
    if own.NAME in args.recipes:
        if not args.data:
            parser.error(f"{own.NAME} is made from a text: name its file with --data")
        if args.remeasure:
            parser.error(f"--remeasure takes recipes by name, not {own.NAME}")
    elif given:
        parser.error(f"--{given[0]} belongs to {own.NAME}; the other recipes have their own form, and take --epochs")


def find(args: argparse.Namespace, reporter: Reporter) -> str | None:
    """Return the name of the text of --data, or the path of a UTF-8 file with it; None without the option.

    Raises:
        ValueError: a text cannot be read.
        OSError: texts cannot be joined in a file.
    """
    if not args.data:
        return None
    place, found = as_one_file(args.data, args.out, _standard_input, args.encoding)
    if found:
        reporter.read(place, found)
    return place


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ValueError("--data -: standard input is closed; name a file.")
    return sys.stdin.buffer.read()


@dataclass(frozen=True, kw_only=True)
class _Planning:
    """A run of a text before the speed of the machine is known; begun: its job, by the first plan."""

    text: str
    name: str
    options: Options
    command: str
    first: Plan
    begun: Job


def job(seed: int, args: argparse.Namespace, device: torch.device, reporter: Reporter) -> Job:
    """Make the job of a text: from its snapshot if it is to be continued, else by a plan at this machine's speed.

    The speed is measured once for all seeds that a command begins, which are then the same network (`args.machine`).

    Raises:
        ValueError: the text cannot be read, or no recipe can be made from it.
    """
    found = _planning(seed, args)
    first, begun = found.first, found.begun
    if ending(begun) and not begun.snapshot.exists():
        return begun
    if args.resume and begun.snapshot.exists():
        model, train = recorded_configs(begun)
        return replace(begun, recipe=replace(first.recipe, model=model, train=replace(train, text=args.place)))
    args.machine = args.machine or _machine(begun, first, device)
    plan = own.plan(found.text, args.place, found.name, found.options, args.machine)
    reporter.planned(plan.sentences("en"), plan.figures)
    return _job_of(plan, found.command, args)


def measure_machine(args: argparse.Namespace, device: torch.device) -> None:
    """Measure the speed of this machine for seeds that several processes train, of which each has a share of it.

    If that fails, each process finds out, and reports, why.
    """
    with suppress(ValueError, OSError, MemoryError, RuntimeError):
        torch.set_num_threads(args.threads)
        found = _planning(args.seeds[0], args)
        alone = _machine(found.begun, found.first, device)
        crowd = max(1.0, args.jobs * args.threads / (os.cpu_count() or 1))
        args.machine = Machine(ratio=alone.ratio / crowd, seconds_to_measure=alone.seconds_to_measure * crowd)


def _planning(seed: int, args: argparse.Namespace) -> _Planning:
    chosen = {name: value for name in _ONLY_HERE if (value := getattr(args, name)) is not None}
    options = Options(seed=seed, **chosen, **run_options.asked(args).given)
    corpus = load_corpus(args.place, options.form)
    command = run_options.command(own.NAME, args, options.chosen, seed)
    first = own.plan(corpus.text, args.place, corpus.name, options)
    begun = _job_of(first, command, args)
    return _Planning(text=corpus.text, name=corpus.name, options=options, command=command, first=first, begun=begun)


def _job_of(plan: Plan, command: str, args: argparse.Namespace) -> Job:
    return run_options.job(plan.recipe, command, args, keep_stopped=True)


def came(task: Job) -> str:
    """Return what came of a finished run, beside an n-gram of the same text."""
    info = checkpoint.read_info(task.directory)
    trained = replace(info.metrics.train_config, text=task.recipe.train.text)  # the job may be of another plan
    data = prepare(trained, torch.device("cpu"))
    ngram = of_heldout(data.parts, len(data.vocab))
    return own.came(info.heldout_ppl, len(data.vocab), ngram, "en")


def _machine(begun: Job, plan: Plan, device: torch.device) -> Machine:
    """Measure how fast this machine trains the recipe of a first plan."""
    train = plan.recipe.train
    speed, seconds = measure_speed(begun, prepare(train, device), device)
    typical = own.table_speed(plan.recipe.model, plan.symbols, train.batch_size)
    return Machine(ratio=speed / typical, seconds_to_measure=seconds)
