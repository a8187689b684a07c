"""One run of a command line: a recipe, a seed and the options; how it is trained, and how its end is reported.

Knows: recipes, jobs, reports. Does not know: how many runs there are, and where each of them runs.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from deeprnn.commands import own_text, run_options
from deeprnn.config import Recipe
from deeprnn.experiments import own
from deeprnn.experiments.overrides import differing, overridden, settings_of
from deeprnn.experiments.questions import all_recipes
from deeprnn.store import checkpoint
from deeprnn.text.corpora import is_known, own_name
from deeprnn.train.claim import claimed, clear_claim
from deeprnn.train.finish import Ending, ending, not_readable
from deeprnn.train.loop import train
from deeprnn.train.measurement import remeasure
from deeprnn.train.report import Reporter
from deeprnn.train.run import DivergedError, Job, Stopped
from deeprnn.train.snapshot import remove_snapshot

DONE, FAILED, STOPPED = 0, 1, 130  # exit statuses: of a run, and of all runs together
NO_MEMORY = re.compile("allocate memory|bad_alloc|out of memory", re.IGNORECASE)  # what torch says of it
LESS_MEMORY = (
    "there is not enough memory: choose fewer layers or units, a smaller --batch or --window, or less text "
    "(--max-chars)."
)


@dataclass(frozen=True, kw_only=True)
class Single:
    """One run that is asked for: the name of a recipe, or `my-book`, and a seed."""

    name: str
    seed: int


def attempt(doing: Callable[[], None], reporter: Reporter) -> int:
    """Do something for a run; report why if it could not be done; return the run's exit status."""
    try:
        doing()
    except Stopped as stopped:
        reporter.stopped(stopped)
        return STOPPED
    except BrokenPipeError:
        raise
    except (ValueError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not NO_MEMORY.search(str(error)):
            raise
        reporter.failed(error if isinstance(error, (ValueError, OSError)) else MemoryError(LESS_MEMORY))
        return FAILED
    return DONE


def overall(statuses: Sequence[int]) -> int:
    """Return the exit status of several runs: stopped if one was stopped, else failed if one failed."""
    return max(statuses, default=DONE)


def device_of(asked: str) -> torch.device:
    """Return the device that --device names.

    Raises:
        ValueError: there is no such device.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: this PyTorch sees no CUDA device; use --device cpu")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def train_single(single: Single, args: argparse.Namespace, should_stop: Callable[[], bool], reporter: Reporter) -> None:
    """Train one run in this process, or measure it again; report what came of it.

    Raises:
        ValueError, OSError, MemoryError, RuntimeError: the run cannot be trained or measured.
        Stopped: the run was asked to stop.
    """
    torch.set_num_threads(args.threads)  # threads within an operation; those between operations are never used here
    device = device_of(args.device)
    task = job_of(single, args, device, reporter)
    if args.remeasure:
        compare(task, args.place)
        return
    with to_do(task, reporter) as wanted:
        if wanted:
            train(task, device=device, resume=args.resume, should_stop=should_stop, reporter=reporter)
            reporter.finished(task.directory)
    tell_what_came(single, task, args, reporter)


@contextmanager
def to_do(task: Job, reporter: Reporter) -> Iterator[bool]:
    """Claim a run for as long as the block lasts; yield whether it is still to be trained, and report why if not.

    Raises:
        ValueError: the folder cannot be written to or read; or the run was finished earlier, and diverged.
    """
    if ended := ending(task):
        _skip(task, ended, reporter)
        yield False
        return
    with claimed(task) as free:
        if not free:
            reporter.claimed(task.name)
            yield False
        elif ended := ending(task):  # by another process meanwhile
            _skip(task, ended, reporter)
            yield False
        else:
            yield True


def _skip(task: Job, ended: Ending, reporter: Reporter) -> None:
    if ended == "foreign":
        raise not_readable(task)
    remove_snapshot(task)  # which a process that was killed could not
    clear_claim(task)
    if ended == "diverged":
        raise DivergedError(
            f"{task.name} diverged when it was trained. To train it again, remove {task.directory}, or choose another "
            f"--out; a lower --lr may help."
        )
    reporter.skipped(task.directory)


def tell_what_came(single: Single, task: Job, args: argparse.Namespace, reporter: Reporter) -> None:
    """Report to a person what came of a finished run of `my-book`."""
    whole = ending(task) == "finished" and (task.directory / checkpoint.CONFIG).is_file()
    if single.name == own.NAME and whole and not args.json:
        reporter.compared(task.name, own_text.came(task))


def compare(task: Job, text: str | None) -> None:
    """Measure a checkpoint, and print its recorded figures beside those measured now."""
    directory = task.directory
    if not directory.exists():
        print(f"{directory} is not there: skipped. Train it first.")
        return
    if ending(task) == "diverged":
        print(f"{directory} diverged when it was trained: skipped. It has no figures.")
        return
    measured = remeasure(directory, text)
    for part, figures in checkpoint.read_info(directory).metrics.final.items():
        again = f"{measured[part]['ppl']:.6f}" if part in measured else "not measured here"
        print(f"{directory.name:28} {part:13} recorded {figures.ppl:.6f} measured {again}")


def job_of(single: Single, args: argparse.Namespace, device: torch.device, reporter: Reporter) -> Job:
    """Return the job of a run.

    Raises:
        ValueError: see `job`; or no recipe can be made from the text.
    """
    if single.name == own.NAME:
        return own_text.job(single.seed, args, device, reporter)
    return job(all_recipes()[single.name], single.seed, args)


def job(recipe: Recipe, seed: int, args: argparse.Namespace) -> Job:
    """Return the job of a recipe with a seed, a text and settings; all are part of its name if they are not its own.

    Raises:
        ValueError: --data is given, but the recipe has several texts, or the text does not exist; or the settings do
            not fit.
    """
    config, text = recipe.train, ""
    if args.data:
        if config.more_texts:
            raise ValueError(
                f"{recipe.name} reads several texts, and --data would replace the first alone; choose a recipe of one "
                f"text, such as depth-gru-2-residual."
            )
        if args.place != config.text:
            text = args.place if is_known(args.place) else own_name(Path(args.place))
            recipe = replace(recipe, sample_prompt="")  # the text's own opening words are the prompt
    made = overridden(recipe, settings := run_options.asked(args))
    if text:
        train = replace(made.train, text=args.place, score_on=())
        made = replace(made, name=f"{made.name}-{text}", train=train, experiment="")  # not compared with other runs
    made = replace(made, train=replace(made.train, seed=seed))
    changed = differing(settings, settings_of(recipe))
    return run_options.job(made, run_options.command(recipe.name, args, changed, seed), args)
