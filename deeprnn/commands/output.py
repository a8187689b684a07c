"""Standard output: characters that it cannot carry, and a reader who goes away, as `head` does.

Knows: the standard streams. Does not know: what is written.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO


def accept_any_character() -> None:
    """Write a character that standard output cannot encode as its number, as Python escapes it: no run ends by it.

    What is written to an output that was closed before the start leads nowhere.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (until the end of the program)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def while_read(doing: Callable[[], int]) -> int:
    """Do something and return its status, which is 0 if the reader of the output closes it before there is one."""
    code = 0
    try:
        code = doing()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    return code


@contextlib.contextmanager
def noticing_the_reader() -> Iterator[Callable[[], bool]]:
    """Write on for as long as the block lasts if the reader closes standard output; yield whether that happened."""
    output = _Output(sys.stdout)
    with contextlib.redirect_stdout(output):  # it has what print and tqdm use
        yield lambda: output.closed_by_reader


class _Output:
    """A stream that discards what is written after its reader has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.closed_by_reader = False

    def write(self, text: str) -> int:
        self._unless_closed(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._unless_closed(self._stream.flush)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _unless_closed(self, doing: Callable[[], object]) -> None:
        try:
            doing()
        except BrokenPipeError:
            self.closed_by_reader = True
            _discard(self._stream)


def _discard(stream: TextIO) -> None:
    """Let a stream whose reader has gone lead nowhere: what it still holds is written at the end of the program."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
