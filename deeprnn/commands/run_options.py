"""What a command line asks of a run besides its recipe: settings in place of the recipe's, where it goes, its licence.

Knows: options, jobs, how a command is recorded. Does not know: which recipes there are, the loop.
"""

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments.overrides import FIELDS, Overrides, arguments
from deeprnn.experiments.own import NAME
from deeprnn.measure.metrics import MAX_LABEL
from deeprnn.nn.cells import CELLS
from deeprnn.store.licenses import checked_license
from deeprnn.text.sources import STDIN
from deeprnn.train.run import SNAPSHOT_MINUTES, Job

MAX_NAME_BYTES = 200  # of a run's name; file systems allow 255, of which files beside it need some


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run."""
    parser.add_argument(
        "--snapshot-minutes",
        type=float,
        default=SNAPSHOT_MINUTES,
        help=f"from one snapshot to the next, while an epoch takes longer (default: {SNAPSHOT_MINUTES:g})",
    )
    parser.add_argument(
        "--license",
        type=_license,
        metavar="ID",
        help="for the model card, as the Hub names it, such as cc-by-4.0 (default: none claimed for a text of yours)",
    )
    group = parser.add_argument_group(
        "in place of the recipe's own settings, and part of the run's name",
        f"What is left out stays as the recipe has it; of {NAME} it follows from the text and the time.",
    )
    group.add_argument("--cell", choices=CELLS)
    group.add_argument("--layers", type=int, help="recurrent layers")
    group.add_argument("--hidden", type=int, help="units of each layer")
    wiring = group.add_mutually_exclusive_group()
    plain = "layers on top of each other, as in the note"
    wiring.add_argument("--plain", action="store_false", dest="residual", default=None, help=plain)
    residual = "with residual connections and LayerNorm"
    wiring.add_argument("--residual", action="store_true", default=None, help=residual)
    group.add_argument("--epochs", type=int, help="how often the text is read, however long that takes")
    group.add_argument("--lr", type=float, help="learning rate")
    group.add_argument("--batch", type=int, help="lanes that are read side by side")
    group.add_argument("--window", type=int, help="characters of a lane in one step of the optimizer")
    group.add_argument("--max-chars", type=int, help="train on so many characters of each text")
    group.add_argument("--prompt", help="what the recorded samples continue")


def _license(text: str) -> str:
    try:
        return checked_license(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}") from None


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message if an option is outside its range, or there is no run that it could change."""
    if not args.snapshot_minutes >= 0:
        parser.error(f"--snapshot-minutes must not be negative, not {args.snapshot_minutes}")
    try:
        changed = arguments(asked(args).given)
    except ValueError as error:
        parser.error(f"{error}")
    if changed and not args.recipes:
        parser.error(f"{changed[0]} changes a run: name its recipe")


def asked(args: argparse.Namespace) -> Overrides:
    """Return the settings that a command line names.

    Raises:
        ValueError: one is outside its range.
    """
    return Overrides(**{name: getattr(args, name) for name in FIELDS})


def command(name: str, args: argparse.Namespace, changed: Mapping[str, Any], seed: int) -> str:
    """Return the command line that trains a run again, without paths of this machine.

    If it would be too long to be recorded, it names the first text, and a comment says how many more there are.

    changed: the settings in place of those that the recipe `name` has.
    """
    encoding = ["--encoding", args.encoding] if args.encoding else []
    licensed = ["--license", args.license] if args.license else []
    seeds = ["--seeds", f"{seed}"] if seed else []

    def line(places: Sequence[str]) -> str:
        data = ["--data", *map(_without_folder, places)] if places else []
        return shlex.join(["python", "train.py", name, *data, *encoding, *arguments(changed), *licensed, *seeds])

    places = args.data or ()
    whole = line(places)
    return whole if len(whole) <= MAX_LABEL else f"{line(places[:1])}  # and {len(places) - 1} more texts"


def _without_folder(place: str) -> str:
    """Return the name of a file, with a question mark for what is no text in it."""
    return place if place == STDIN else Path(place).resolve().name.encode(errors="replace").decode()


def job(recipe: Recipe, command: str, args: argparse.Namespace, *, keep_stopped: bool = False) -> Job:
    """Return the job of a recipe that has its seed and its text.

    Raises:
        ValueError: its name is too long for a file, or the command to be recorded.
    """
    if len(command) > MAX_LABEL:
        raise ValueError(f"the command has more than {MAX_LABEL} characters: give a shorter --prompt.")
    found = Job(
        recipe=recipe,
        out=args.out,
        command=command,
        license=args.license or "",
        keep_stopped=keep_stopped,
        snapshot_minutes=args.snapshot_minutes,
    )
    if len(os.fsencode(found.name)) > MAX_NAME_BYTES:
        raise ValueError(f"{found.name} is too long for the name of a folder: give the text's file a shorter name.")
    return found
