"""The command line of training: `python train.py smoke`, `python train.py my-book --data book.txt`.

Knows: recipes, options, results. Does not know: how a run is trained, the page.
"""

import argparse
import difflib
import fnmatch
import itertools
import math
import sys
from pathlib import Path

from deeprnn.commands import engines, own_text, run_options
from deeprnn.commands.engines import engine_of, stop_condition
from deeprnn.commands.output import accept_any_character, noticing_the_reader, while_read
from deeprnn.commands.runs import STOPPED, Single, device_of
from deeprnn.experiments import own
from deeprnn.experiments.gather import gather, listing
from deeprnn.experiments.markdown import refresh
from deeprnn.experiments.overrides import overridden
from deeprnn.experiments.questions import all_recipes
from deeprnn.store.folders import CHECKPOINTS, IN_CLONE, RUNS
from deeprnn.store.results import FILE as RESULTS
from deeprnn.store.results import Results
from deeprnn.text.sources import STDIN
from deeprnn.train.report import JsonLines, Terminal

MOST_THREADS = 1_024  # with many more, PyTorch crashes


def parse(argv: list[str], program: str = "train.py") -> argparse.Namespace:
    """Parse the command line; exit with a message if it is wrong. program: its name in usage and messages."""
    about = "Train character language models; checkpoints appear under --out."
    parser = argparse.ArgumentParser(prog=program, description=about)
    parser.add_argument("recipes", nargs="*", help="recipe names or globs, e.g. smoke or 'note-*'")
    parser.add_argument("--list", action="store_true", help="list the recipes, or those that are named, and stop")
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="TEXT",
        help="train on this: files, folders, - (standard input), a catalogue name, python-docs; --gather: your texts",
    )
    parser.add_argument("--encoding", help="of the files of --data (default: it is found out)")
    run_options.add_options(parser)
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
    engines.add_options(parser)
    args = parser.parse_args(argv)
    args.program = program
    names = all_recipes()
    for pattern in args.recipes:
        if pattern != own.NAME and not fnmatch.filter(names, pattern):
            near = difflib.get_close_matches(pattern, [own.NAME, *names])
            meant = f"did you mean {' or '.join(near)}? " if near else ""
            parser.error(f"no recipe matches {pattern!r}: {meant}--list names them all, and {own.NAME} is for any text")
    if args.follow_stdin and STDIN in (args.data or []):
        parser.error("--follow-stdin needs standard input for itself: name a file in place of --data -")
    if args.follow_stdin and sys.stdin is None:
        parser.error("--follow-stdin: standard input is closed")
    run_options.check_options(parser, args)
    own_text.check_options(parser, args)
    if not args.recipes and not args.list and not args.gather:
        parser.error("name at least one recipe, or use --list")
    try:
        for name in _chosen(args):
            overridden(names[name], run_options.asked(args))
    except ValueError as error:
        parser.error(f"{error}")
    if not 1 <= args.threads <= MOST_THREADS:
        parser.error(f"--threads must be between 1 and {MOST_THREADS}, not {args.threads}")
    if args.remeasure and args.json:
        parser.error("--remeasure prints a table: leave out --json")
    if args.out is None:
        args.out = CHECKPOINTS if args.list or args.gather or args.remeasure else RUNS
    engines.check_options(parser, args)
    return args


def print_list(args: argparse.Namespace) -> int:
    """Print the named recipes, or all, with the minutes that their runs took according to the results; return 0."""
    recipes = all_recipes()
    print(listing([recipes[name] for name in _chosen(args) or recipes], Results.read(args.out)))
    return 0


def add_runs(args: argparse.Namespace) -> int:
    """Add finished runs to the results; return 0, or 1 if a run was left out."""
    results, left_out = gather(args.gather, args.out, [Path(text) for text in args.data or []])
    if args.out.resolve() == IN_CLONE:
        refresh(IN_CLONE.parent, results)
    print(f"{len(results.runs)} runs in {args.out / RESULTS}")
    for sentence in left_out:
        print(f"{args.program}: {sentence}", file=sys.stderr)
    return int(bool(left_out))


def _chosen(args: argparse.Namespace) -> list[str]:
    """Return the recipes that the command line names, without `my-book`."""
    return [name for name in all_recipes() if any(fnmatch.fnmatch(name, pattern) for pattern in args.recipes)]


def singles(args: argparse.Namespace) -> list[Single]:
    """Return the runs that the command line asks for, or this shard's part of them."""
    names = [*_chosen(args), *({own.NAME} & {*args.recipes})]
    index, count = args.shard
    return [Single(name=name, seed=seed) for name, seed in itertools.product(names, args.seeds)][index::count]


def main(argv: list[str], program: str = "train.py") -> int:
    """Do what the command line asks for; return the exit status, which is 0 if no run failed."""
    args = parse(argv, program)
    if args.list or args.gather:
        try:
            return add_runs(args) if args.gather else print_list(args)
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            remedy = "" if isinstance(error, ValueError) else "; no file is half written: mend that, then try again."
            print(f"{program}: {error}{remedy}", file=sys.stderr)
            return 1
    with noticing_the_reader() as has_gone:
        reporter = JsonLines(sys.stdout) if args.json else Terminal(program)
        try:
            args.place, args.machine = own_text.find(args, reporter), None
            engine, wanted = engine_of(args), singles(args)
            if args.jobs > 1 and sum(single.name == own.NAME for single in wanted) > 1:
                own_text.measure_machine(args, device_of(args.device))
        except (ValueError, OSError) as error:
            reporter.failed(error)
            return 1
        except KeyboardInterrupt:  # while a text was read or awaited: nothing was begun
            return STOPPED
        told = stop_condition(args.budget_minutes, follow_stdin=args.follow_stdin)
        return engine(wanted, args, lambda: told() or has_gone(), reporter)


def run(argv: list[str], program: str = "train.py") -> int:
    """Run `main`; if the reader of the output closes it, as `head` does, a list ends without an error, runs stop."""
    accept_any_character()
    return while_read(lambda: main(argv, program))
