"""One training in a process of its own: `deeprnn train my-book`, at the lowest priority, within limits.

Knows: processes, the options of `deeprnn train`, its JSON lines. Does not know: visitors, the queue.

The process ends when its standard input closes, so it ends with the server, however that ends.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn.experiments.overrides import arguments
from deeprnn.experiments.own import NAME, Options
from deeprnn.lm.compiling import PACKAGE

LOWEST_PRIORITY = 19  # nice; the priority of its reading and writing follows from it
ERRORS = ".errors"  # unlike the name of any text; the file of what the process says besides; it is never logged

PLACES = ("DEEPRNN_DATA", "NUMBA_CACHE_DIR")  # variables of the environment that name folders


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one process may take: bytes of memory (its whole address space), and bytes of each file."""

    memory: int
    file: int


class TrainingProcess:
    """A started training; `events` returns what it reports until it ends."""

    def __init__(self, text: str, out: Path, options: Options, limits: Limits, *, resume: bool) -> None:
        """Start it.

        text: a file, or the name of a known text. out: the folder for the checkpoint.

        Raises:
            OSError: the process cannot be started, or not be limited; none is left.
        """
        command = [sys.executable, "-P", "-m", "deeprnn", "train", NAME, "--json", "--follow-stdin", "--device", "cpu"]
        command += ["--data", text, "--out", str(out), *_arguments(options), *(["--resume"] if resume else [])]
        with (out / ERRORS).open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=out,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.heard = time.monotonic()  # when it last reported something
        try:
            _limit(self.pid, limits)
        except BaseException:
            self.kill()
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events that the process reports, until it closes its output; then wait until it has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.heard = time.monotonic()
            with contextlib.suppress(ValueError):  # cut off in the middle
                yield json.loads(line)
        self._process.wait()

    def stop(self) -> None:
        """Ask it to stop: it saves its snapshot, and a checkpoint of its best weights so far."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it has ended, and its input may be closed
            self._process.stdin.write(b"stop\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> int:
        """Wait until it has ended, and return its status: negative if a signal ended it."""
        status = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        return status


def _limit(pid: int, limits: Limits) -> None:
    """Give a process the lowest priority and its limits; a hard limit that it has already is never raised."""
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.setpriority(os.PRIO_PROCESS, pid, LOWEST_PRIORITY)
        if sys.platform == "linux":  # other systems let a process only limit itself
            import resource  # Windows has none

            asked = {resource.RLIMIT_AS: limits.memory, resource.RLIMIT_FSIZE: limits.file, resource.RLIMIT_CORE: 0}
            for kind, most in asked.items():
                _, hard = resource.prlimit(pid, kind)
                allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(pid, kind, (allowed, allowed))


def _environment() -> dict[str, str]:
    """Return the environment of a process that starts in another folder: relative places in it are made absolute."""
    found = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [str(PACKAGE.parent), *(os.path.abspath(place) for place in found if place)]
    places = {name: os.path.abspath(os.environ[name]) for name in PLACES if os.environ.get(name)}
    return os.environ | places | {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"}


def command(options: Options, data: str) -> str:
    """Return the line for a terminal that trains the same; data: the name of a file or of a text in the catalogue."""
    return shlex.join(["python", "train.py", NAME, "--data", data, *_arguments(options)])


def _arguments(options: Options) -> list[str]:
    """Return the options of the command line that differ from its defaults."""
    return [*arguments(options.chosen), *(["--seeds", f"{options.seed}"] if options.seed else [])]
