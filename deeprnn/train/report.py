"""What a run reports while it goes on: to a person at a terminal, as JSON lines to another program, or to nobody.

Knows: runs, prepared texts, n-grams. Does not know: how a step is made, when a run is measured.
"""

import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from deeprnn.measure.baselines import of_heldout
from deeprnn.measure.metrics import heldout
from deeprnn.store import checkpoint
from deeprnn.store.folders import CHECKPOINTS
from deeprnn.text.noise import told
from deeprnn.text.sources import ReadText
from deeprnn.text.splits import MAX_HELDOUT, Data
from deeprnn.train.run import DivergedError, Job, Stopped, TrainState

SHOWN_CHARS = 50  # characters of what a model writes that are printed while it is trained
SECONDS_BETWEEN = 0.5  # seconds from one JSON line of progress to the next


class Reporter:
    """Reports to nobody; those that report override what they need.

    The methods are called in this order, and of those from `finished` on only one, but for `compared`.
    """

    def read(self, place: str, sources: Sequence[ReadText]) -> None:
        """Hear which texts were read, decoded and joined in the file `place`."""

    def planned(self, sentences: list[str], figures: dict[str, Any]) -> None:
        """Hear what a run will do that is made from a text of one's own."""

    def described(self, run: TrainState, job: Job, data: Data) -> None:
        """Hear that the texts are read, and that the run is new or restored from its snapshot."""

    def trained(self, run: TrainState, nats: float) -> None:
        """Hear that more windows were trained; the loss of the last one was `nats` per character."""

    def measuring(self, chars: int) -> None:
        """Hear, about once a second, that weights are being measured, and that `chars` characters are read."""

    def measured(self, run: TrainState) -> None:
        """Hear that the last record of the run's curve is new."""

    def ended(self) -> None:
        """Hear that nothing is trained or measured any more."""

    def finished(self, directory: Path) -> None:
        """Hear that the finished checkpoint is saved."""

    def skipped(self, directory: Path) -> None:
        """Hear that the run was finished earlier."""

    def claimed(self, name: str) -> None:
        """Hear that another process is at the run, so that it is left out."""

    def compared(self, name: str, sentence: str) -> None:
        """Hear what came of a run on a text of one's own."""

    def stopped(self, why: Stopped) -> None:
        """Hear that the run was asked to stop, and that its snapshot is saved."""

    def failed(self, why: Exception) -> None:
        """Hear that the run cannot go on."""


class Terminal(Reporter):
    """Reports to a person: a bar and sentences on standard error, what came of the run on standard output.

    program: the name that an error begins with.
    """

    def __init__(self, program: str = "train.py") -> None:
        self._program = program
        self._bar: tqdm | None = None

    def read(self, place: str, sources: Sequence[ReadText]) -> None:
        """Print how each text is encoded, or why a file was left out, and where they are now."""
        for source in sources:
            encoding = f", {source.encoding}" if source.encoding else ""
            left = f"; {source.left_out:,} of Project Gutenberg's own are left out" if source.left_out else ""
            taken = f"{source.place}: {len(source.text):,} characters{encoding}{left}"
            print(f"left out: {source.reason}" if source.reason else taken, file=sys.stderr)
        print(f"read as UTF-8 from {place}", file=sys.stderr)

    def planned(self, sentences: list[str], figures: dict[str, Any]) -> None:  # noqa: ARG002
        """Print the sentences."""
        print(*sentences, sep="\n", file=sys.stderr)

    def described(self, run: TrainState, job: Job, data: Data) -> None:
        """Say on which texts the run trains, and show a bar."""
        print(describe_data(job, data), file=sys.stderr)
        size, done = total_chars(run, job), run.total_chars
        self._bar = tqdm(total=size, initial=done, desc=job.name, unit="char", unit_scale=True)

    def trained(self, run: TrainState, nats: float) -> None:
        """Move the bar."""
        assert self._bar is not None
        self._bar.update(run.total_chars - self._bar.n)
        val = f"{run.curve[-1]['val_ppl']:.2f}" if run.curve else "-"
        self._bar.set_postfix(epoch=run.epoch, loss=f"{nats:.3f}", heldout_ppl=val, refresh=False)

    def measuring(self, chars: int) -> None:
        """Show it beside the bar."""
        assert self._bar is not None
        self._bar.set_postfix_str(f"measuring: {chars:,} characters")

    def measured(self, run: TrainState) -> None:
        """Print the figures and the start of what the model writes."""
        assert self._bar is not None
        self._bar.write(f"{self._bar.desc}: {describe_measured(run)}")

    def ended(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def finished(self, directory: Path) -> None:
        """Print where the checkpoint is."""
        print(f"To see it on the page: {describe_serving(directory.parent)}", file=sys.stderr)
        print(f"saved {directory}")

    def skipped(self, directory: Path) -> None:
        """Print how to train it again."""
        print(f"{directory} is finished: skipped. Remove it, or choose another --out, to train it again.")

    def claimed(self, name: str) -> None:
        """Print it."""
        print(describe_claimed(name))

    def compared(self, name: str, sentence: str) -> None:  # noqa: ARG002
        """Print it."""
        print(sentence)

    def stopped(self, why: Stopped) -> None:
        """Print why, and how to go on."""
        print(why if why.kept is None else f"{why} The best weights so far are in {why.kept}.")

    def failed(self, why: Exception) -> None:
        """Print why, and the remedy."""
        names_one = isinstance(why, ValueError | MemoryError)
        remedy = "" if names_one else "; mend that, then continue with --resume what was saved."
        print(f"{self._program}: {why}{remedy}", file=sys.stderr)


class Lines(Terminal):
    """Reports to a person who watches several runs at once: whole lines that begin with a run's name, and no bar.

    say: prints a line, or carries it to where it is printed.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self._name = ""

    def described(self, run: TrainState, job: Job, data: Data) -> None:  # noqa: ARG002
        """Say on which texts the run trains."""
        self._name = job.name
        self._say(describe_data(job, data))

    def trained(self, run: TrainState, nats: float) -> None:
        """Say nothing."""

    def measuring(self, chars: int) -> None:
        """Say nothing."""

    def measured(self, run: TrainState) -> None:
        """Say the figures and the start of what the model writes."""
        self._say(f"{self._name}: {describe_measured(run)}")

    def finished(self, directory: Path) -> None:
        """Say where the checkpoint is."""
        self._say(f"{directory.name}: saved {directory}")

    def compared(self, name: str, sentence: str) -> None:
        """Say it of this run."""
        self._say(f"{name}: {sentence}")


class JsonLines(Reporter):
    """Reports to another program: one JSON object a line, whose `event` says what happened.

    read: the texts that were decoded and joined, each with its encoding.
    planned: what a run will do that is made from a text of one's own; `seconds` is an estimate.
    described: what is trained, on what, and the perplexity of an n-gram of the same text on the held-out part.
    progress: at most every half second; `epoch` counts with its fraction, `seconds_left` includes measuring.
    measuring: the weights are being read on held-out text.
    measured: a record of the curve, with what the model writes.
    finished, claimed, stopped, failed: the folder of the checkpoint if there is one, and the reason.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = 0
        self._next = 0.0  # the time of the next line of progress

    def _write(self, event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=self._stream, flush=True)

    def read(self, place: str, sources: Sequence[ReadText]) -> None:  # noqa: ARG002
        """Write `read`."""
        told = [
            {
                "place": one.place,
                "encoding": one.encoding,
                "chars": len(one.text),
                "left_out": one.left_out,
                "reason": one.reason,
            }
            for one in sources
        ]
        self._write("read", sources=told)

    def planned(self, sentences: list[str], figures: dict[str, Any]) -> None:  # noqa: ARG002
        """Write `planned`."""
        self._write("planned", **figures)

    def described(self, run: TrainState, job: Job, data: Data) -> None:
        """Write `described`."""
        config, held = job.recipe.train, heldout(data.parts)
        self._total = total_chars(run, job)
        self._write(
            "described",
            name=job.name,
            chars=sum(len(source.corpus.text) for source in data.sources if source.noise == "none"),
            train_chars=len(data.parts["train"]),
            heldout_chars=len(held),
            symbols=len(data.vocab),
            parameters=run.model.num_params,
            model=job.recipe.model.to_dict(),
            epochs=config.epochs,
            seed=config.seed,
            ngram=of_heldout(data.parts, len(data.vocab)),
            curve=run.curve,
        )

    def trained(self, run: TrainState, nats: float) -> None:
        """Write `progress` if it is time."""
        now = time.monotonic()
        if now < self._next and run.total_chars < self._total:
            return
        self._next = now + SECONDS_BETWEEN
        left = max(self._total - run.total_chars, 0)
        self._write(
            "progress",
            epoch=round(run.epoch + run.window / run.windows[run.epoch], 3),
            chars=run.total_chars,
            total_chars=self._total,
            seconds=round(run.train_seconds, 2),
            loss=round(nats, 4),
            chars_per_second=run.chars_per_second,
            seconds_left=round(left * run.wall_seconds / run.total_chars, 1),
        )

    def measuring(self, chars: int) -> None:
        """Write `measuring`."""
        self._write("measuring", chars=chars)

    def measured(self, run: TrainState) -> None:
        """Write `measured`."""
        self._write("measured", **run.curve[-1], chars_per_second=run.chars_per_second)

    def finished(self, directory: Path) -> None:
        """Write `finished`."""
        self._write("finished", folder=str(directory), **_figures(directory))

    def skipped(self, directory: Path) -> None:
        """Write `finished`."""
        self.finished(directory)

    def claimed(self, name: str) -> None:
        """Write `claimed`."""
        self._write("claimed", reason=describe_claimed(name))

    def stopped(self, why: Stopped) -> None:
        """Write `stopped`."""
        kept = {} if why.kept is None else {"folder": str(why.kept), **_figures(why.kept)}
        self._write("stopped", reason=str(why), **kept)

    def failed(self, why: Exception) -> None:
        """Write `failed`; `kind` is `diverged`, `memory`, `disk` or `refused`."""
        kinds = {DivergedError: "diverged", ValueError: "refused", OSError: "disk"}
        kind = next((name for of, name in kinds.items() if isinstance(why, of)), "memory")
        reason = why.strerror if isinstance(why, OSError) else None  # without paths of this machine
        self._write("failed", kind=kind, reason=reason or str(why))


def _figures(directory: Path) -> dict[str, Any]:
    info = checkpoint.read_info(directory)
    return {"train_ppl": info.train_ppl, "heldout_ppl": info.heldout_ppl, "best_epoch": info.metrics.best_epoch}


def total_chars(run: TrainState, job: Job) -> int:
    """Return how many characters a run trains on in all its epochs."""
    return run.total_windows * job.recipe.train.batch_size * job.recipe.train.window


def describe_measured(run: TrainState) -> str:
    """Return the last figures of a run, and the start of what the model wrote then, in one line."""
    record = run.curve[-1]
    return (
        f"epoch {run.epoch}, {run.total_chars:,} characters, {run.train_seconds:.0f} s: "
        f"train ppl {record['train_ppl']:.3f}, held-out ppl {record['val_ppl']:.3f}, "
        f"{run.chars_per_second:,} characters/s; {record['written']['drawn'][:SHOWN_CHARS]!r}"
    )


def describe_serving(folder: Path) -> str:
    """Return the command that shows the checkpoints of a folder on the page, beside those that are shipped."""
    start = "python app.py" if Path("app.py").is_file() else "deeprnn serve"
    is_other = CHECKPOINTS.is_dir() and CHECKPOINTS.resolve() != folder.resolve()
    beside = [str(CHECKPOINTS)] if is_other else []
    return f"{start} --checkpoints {shlex.join([*beside, str(folder)])}"


def describe_claimed(name: str) -> str:
    """Return a sentence for the user that says why a run is left out."""
    return f"{name} is being trained by another process: skipped."


def describe_data(job: Job, data: Data) -> str:
    """Return a sentence for the user that says on which texts a run trains."""
    form = "in lower case, letters and spaces only" if data.vocab.form == "d2l" else "with case and punctuation"
    texts = (
        f"{end - start:,} of the {len(s.corpus.text):,} characters of {s.corpus.name}{told(s.noise)}"
        for s in data.sources
        for start, end in (s.ranges["train"],)
    )
    return f"{job.name}: trains on {' and '.join(texts)}, {form}: {len(data.vocab)} symbols. {describe_heldout(data)}"


def describe_heldout(data: Data) -> str:
    """Return a sentence for the user that says on how much text a model is measured, and one if there would be more."""
    lengths = [len(ids) for part, ids in data.parts.items() if part != "train"]
    more = "".join(f", and {length:,} others at the end" for length in lengths[1:])
    capped = f" Of each held-out part the first {MAX_HELDOUT:,} are read." if max(lengths) >= MAX_HELDOUT else ""
    return f"It is measured on {lengths[0]:,} held-out characters{more}.{capped}"
