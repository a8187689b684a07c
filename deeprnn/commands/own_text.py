"""The part of the command line that trains on a text of one's own: its options, and the job that they make.

Knows: `experiments.own`, runs, snapshots. Does not know: the loop, the page.
"""

import argparse
import shlex
import sys
import typing
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from deeprnn.config import Form
from deeprnn.experiments import own
from deeprnn.experiments.own import Machine, Options, Plan
from deeprnn.measure.baselines import of_heldout
from deeprnn.measure.metrics import heldout
from deeprnn.nn.cells import CELLS
from deeprnn.store import checkpoint
from deeprnn.text.corpora import load_corpus
from deeprnn.text.sources import STDIN, as_one_file
from deeprnn.text.splits import prepare
from deeprnn.train.report import Reporter
from deeprnn.train.run import Job
from deeprnn.train.snapshot import recorded_configs
from deeprnn.train.speed import measure_speed

TEXTS = "texts"  # the folder, beside the runs, of texts that were not one UTF-8 file
_VALUED = ("cell", "layers", "hidden", "form", "minutes", "epochs")
_FLAGS = ("plain", "residual")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only `my-book` takes."""
    group = parser.add_argument_group(f"{own.NAME}: a recipe made from the text of --data")
    plain = Options()
    group.add_argument("--cell", choices=CELLS, help=f"default: {plain.cell}")
    group.add_argument("--layers", type=int, help=f"1 to {own.MOST_LAYERS} (default: by the text)")
    group.add_argument("--hidden", type=int, help="units of each layer (default: by the text and the time)")
    wiring = group.add_mutually_exclusive_group()
    wiring.add_argument("--plain", action="store_true", help="layers on top of each other, as in the note")
    wiring.add_argument("--residual", action="store_true", help="with residual connections and LayerNorm")
    group.add_argument("--form", choices=typing.get_args(Form), help=f"of the text (default: {plain.form})")
    group.add_argument("--minutes", type=float, help=f"about how long it may take (default: {plain.minutes:g})")
    group.add_argument("--epochs", type=int, help="how often the text is read, however long that takes")


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message if an option is given that needs `my-book`, or `my-book` lacks its text."""
    given = [name for name in (*_VALUED, *_FLAGS) if getattr(args, name)]
    if own.NAME in args.recipes:
        if not args.data:
            parser.error(f"{own.NAME} is made from a text: name its file with --data")
        if args.remeasure:
            parser.error(f"--remeasure takes recipes by name, not {own.NAME}")
    elif given:
        parser.error(f"--{given[0]} belongs to {own.NAME}; the other recipes have their own")


def find(args: argparse.Namespace, reporter: Reporter) -> str | None:
    """Return the name of the text of --data, or the path of a UTF-8 file with it; None without the option.

    Raises:
        ValueError: a text cannot be read.
        OSError: texts cannot be joined in a file.
    """
    if not args.data:
        return None
    place, found = as_one_file(args.data, args.out / TEXTS, sys.stdin.buffer, args.encoding)
    if found:
        reporter.read(place, found)
    return place


def named(places: Sequence[str]) -> str:
    """Return texts as a command line names them, without the folders of this machine."""
    return shlex.join(place if place == STDIN else Path(place).resolve().name for place in places)


def job(seed: int, args: argparse.Namespace, device: torch.device, reporter: Reporter) -> Job:
    """Make the job of a text: from its snapshot if it is to be continued, else by a plan at this machine's speed.

    Raises:
        ValueError: the text cannot be read, or no recipe can be made from it.
    """
    options = _options(seed, args)
    corpus = load_corpus(args.place, options.form)
    command = _command(seed, args)

    def made(plan: Plan) -> Job:
        return Job(
            recipe=plan.recipe,
            out=args.out,
            command=command,
            keep_stopped=True,
            snapshot_minutes=args.snapshot_minutes,
        )

    first = own.plan(corpus.text, args.place, corpus.name, options)
    begun = made(first)
    if begun.directory.exists() and not begun.snapshot.exists():
        return begun
    if args.resume and begun.snapshot.exists():
        model, train = recorded_configs(begun)
        return replace(begun, recipe=replace(first.recipe, model=model, train=replace(train, text=args.place)))
    plan = own.plan(corpus.text, args.place, corpus.name, options, _machine(begun, first, device))
    reporter.planned(plan.sentences("en"), plan.figures)
    return made(plan)


def came(task: Job) -> str:
    """Return what came of a finished run, beside an n-gram of the same text."""
    data = prepare(task.recipe.train, torch.device("cpu"))
    ngram = of_heldout(data.parts["train"], heldout(data.parts), len(data.vocab))
    return own.came(checkpoint.read_info(task.directory).heldout_ppl, len(data.vocab), ngram, "en")


def _options(seed: int, args: argparse.Namespace) -> Options:
    given = {name: value for name in _VALUED if (value := getattr(args, name)) is not None}
    wiring = {"residual": args.residual} if args.plain or args.residual else {}
    return Options(seed=seed, **wiring, **given)


def _command(seed: int, args: argparse.Namespace) -> str:
    """Return the command line that trains this again, without paths of this machine."""
    parts = ["python train.py", own.NAME, "--data", named(args.data)]
    for name in _VALUED:
        value = getattr(args, name)
        parts += [] if value is None else [f"--{name}", f"{value}"]
    parts += [f"--{name}" for name in _FLAGS if getattr(args, name)]
    return " ".join([*parts, *(["--seeds", str(seed)] if seed else [])])


def _machine(begun: Job, plan: Plan, device: torch.device) -> Machine:
    """Measure how fast this machine trains the recipe of a first plan."""
    train = plan.recipe.train
    speed, seconds = measure_speed(begun, prepare(train, device), device)
    typical = own.table_speed(plan.recipe.model, plan.symbols, train.batch_size)
    return Machine(ratio=speed / typical, seconds_to_measure=seconds)
