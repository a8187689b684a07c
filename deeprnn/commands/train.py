"""The command line of training: `python train.py smoke`, `python train.py my-book --data book.txt`.

Knows: recipes, runs, results. Does not know: the page.
"""

import argparse
import fnmatch
import itertools
import math
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import torch

from deeprnn.commands import own_text
from deeprnn.config import Recipe
from deeprnn.experiments import own
from deeprnn.experiments.gather import gather, listing
from deeprnn.experiments.markdown import refresh
from deeprnn.experiments.questions import all_recipes
from deeprnn.store import checkpoint
from deeprnn.store.results import FILE as RESULTS
from deeprnn.store.results import Results
from deeprnn.text.corpora import is_known, own_name
from deeprnn.train.finish import clear_snapshot, is_finished
from deeprnn.train.loop import train
from deeprnn.train.measurement import remeasure
from deeprnn.train.report import JsonLines, Reporter, Terminal
from deeprnn.train.run import Job, Stopped

NO_MEMORY = re.compile("allocate memory|bad_alloc|out of memory", re.IGNORECASE)  # what torch says of it
LESS_MEMORY = "there is not enough memory for this model: choose fewer layers or units"
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def parse(argv: list[str]) -> argparse.Namespace:
    """Parse the command line; exit with a message if it is wrong."""
    parser = argparse.ArgumentParser(description="Train character language models; checkpoints appear under --out.")
    parser.add_argument("recipes", nargs="*", help="recipe names or globs, e.g. smoke or 'note-*'")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="TEXT",
        help="train on this: files, folders, - (standard input), a catalogue name, python-docs; --gather: your texts",
    )
    parser.add_argument("--encoding", help="of the files of --data (default: it is found out)")
    own_text.add_options(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each seed (default: 0)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--out", type=Path, help="default: runs; with --list, --gather, --remeasure: checkpoints")
    parser.add_argument("--threads", type=int, default=1, help="of the processor, for one run (default: 1)")
    parser.add_argument("--budget-minutes", type=float, default=math.inf, help="stop cleanly after this long")
    parser.add_argument("--resume", action="store_true", help="continue interrupted runs")
    parser.add_argument("--json", action="store_true", help="report to a program: one JSON object a line")
    parser.add_argument(
        "--follow-stdin",
        action="store_true",
        help="a line `stop` on standard input stops cleanly; when it closes, this program ends at once",
    )
    parser.add_argument("--gather", type=Path, nargs="+", metavar="FOLDER", help="add finished runs to --out's results")
    parser.add_argument("--remeasure", action="store_true", help="score finished checkpoints again instead of training")
    args = parser.parse_args(argv)
    names = all_recipes()
    for pattern in args.recipes:
        if pattern != own.NAME and not fnmatch.filter(names, pattern):
            parser.error(f"no recipe matches {pattern!r}; the recipes are {own.NAME}, {', '.join(names)}")
    own_text.check_options(parser, args)
    if not args.recipes and not args.list and not args.gather:
        parser.error("name at least one recipe, or use --list")
    if args.threads < 1:
        parser.error(f"--threads must be at least 1, not {args.threads}")
    if args.out is None:
        args.out = Path("checkpoints" if args.list or args.gather or args.remeasure else "runs")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this PyTorch sees no CUDA device; use --device cpu")
    return args


def job(recipe: Recipe, seed: int, args: argparse.Namespace) -> Job:
    """Return the job of a recipe with a seed and a text; both are part of its name if they are not the default.

    Raises:
        ValueError: --data is given, but the recipe has several texts, or the text does not exist.
    """
    command, config = f"python train.py {recipe.name}", recipe.train
    if args.data:
        if config.more_texts:
            raise ValueError(
                f"{recipe.name} reads several texts, and --data would replace the first alone; choose a recipe of one "
                f"text, such as depth-gru-2-residual."
            )
        text = args.place if is_known(args.place) else own_name(Path(args.place))
        command = f"{command} --data {own_text.named(args.data)}"
        config = replace(config, text=args.place)
        recipe = replace(recipe, name=f"{recipe.name}-{text}", experiment="")  # not compared with other runs
    if seed:
        command = f"{command} --seeds {seed}"
    recipe = replace(recipe, train=replace(config, seed=seed))
    return Job(recipe=recipe, out=args.out, command=command)


def compare(directory: Path, text: str | None) -> None:
    """Measure a checkpoint, and print its recorded figures beside those measured now."""
    measured = remeasure(directory, text)
    for part, figures in checkpoint.read_info(directory).metrics.final.items():
        again = f"{measured[part]['ppl']:.6f}" if part in measured else "not measured here"
        print(f"{directory.name:28} {part:13} recorded {figures.ppl:.6f} measured {again}")


def print_list(args: argparse.Namespace) -> int:
    """Print the recipes, with the minutes that their runs took according to the results; return 0."""
    print(listing(all_recipes().values(), Results.read(args.out)))
    return 0


def add_runs(args: argparse.Namespace) -> int:
    """Add finished runs to the results; return 0, or 1 if a run was left out."""
    results, left_out = gather(args.gather, args.out, [Path(text) for text in args.data or []])
    if args.out.resolve() == SHIPPED:
        refresh(SHIPPED.parent, results)
    print(f"{len(results.runs)} runs in {args.out / RESULTS}")
    for sentence in left_out:
        print(f"train.py: {sentence}", file=sys.stderr)
    return int(bool(left_out))


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


def do(
    task: Job, args: argparse.Namespace, device: torch.device, should_stop: Callable[[], bool], reporter: Reporter
) -> None:
    """Train one run, or measure it again.

    Raises:
        ValueError, OSError, MemoryError, RuntimeError: the run cannot be trained or measured.
        Stopped: the run was asked to stop.
    """
    if args.remeasure and task.directory.exists():
        compare(task.directory, args.place)
    elif args.remeasure:
        print(f"{task.directory} is not there: skipped. Train it first.")
    elif is_finished(task):
        clear_snapshot(task)
        reporter.skipped(task.directory)
    else:
        reporter.finished(train(task, device=device, resume=args.resume, should_stop=should_stop, reporter=reporter))


def main(argv: list[str]) -> int:
    """Do what the command line asks for; return the exit status, which is 0 if every run finished."""
    args = parse(argv)
    recipes = all_recipes()
    if args.list or args.gather:
        try:
            return add_runs(args) if args.gather else print_list(args)
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            remedy = (
                "" if isinstance(error, ValueError) else "; what was there is as it was: mend that, then try again."
            )
            print(f"train.py: {error}{remedy}", file=sys.stderr)
            return 1
    torch.set_num_threads(args.threads)  # threads within an operation; those between operations are never used here
    cuda = args.device == "cuda" or (args.device == "auto" and torch.cuda.is_available())
    device = torch.device("cuda" if cuda else "cpu")
    should_stop = stop_condition(args.budget_minutes, follow_stdin=args.follow_stdin)
    reporter = JsonLines(sys.stdout) if args.json else Terminal()
    try:
        args.place = own_text.find(args, reporter)
    except (ValueError, OSError) as error:
        reporter.failed(error)
        return 1
    chosen = [name for name in recipes if any(fnmatch.fnmatch(name, pattern) for pattern in args.recipes)]
    failed = False
    for name, seed in itertools.product([*chosen, *({own.NAME} & {*args.recipes})], args.seeds):
        try:
            own_one = name == own.NAME
            task = own_text.job(seed, args, device, reporter) if own_one else job(recipes[name], seed, args)
            do(task, args, device, should_stop, reporter)
            if own_one and not args.json and (task.directory / checkpoint.CONFIG).is_file():
                print(own_text.came(task))
        except Stopped as stopped:
            reporter.stopped(stopped)
            return 130
        except BrokenPipeError:
            raise
        except (ValueError, OSError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not NO_MEMORY.search(str(error)):
                raise
            reporter.failed(error if isinstance(error, (ValueError, OSError)) else MemoryError(LESS_MEMORY))
            failed = True
    return int(failed)


def run(argv: list[str]) -> int:
    """Run `main`; end without an error if the reader of the output closes it, as `head` does."""
    try:
        code = main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    return code
