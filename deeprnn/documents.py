"""Strict reading of files and JSON documents, which may be damaged or come from other people; writing of whole files.

Knows: files, the types of values, Markdown. Does not know: the fields of any document.

An error message names the wrong value by its path inside the document, such as `final.val.ppl`.
"""

import json
import math
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deeprnn.checks import shortened, shown
from deeprnn.config import StrictConfig

MAX_JSON_BYTES = 8_000_000  # the largest file; a curve of ten thousand epochs takes 2 MB
MAX_JSON_VALUES = 300_000  # a file of so many empty objects takes 8 MB, and 50 MB of memory when it is read
MAX_NAME = 255  # the most characters in the name of a text, a run or a checkpoint
MAX_COUNT = 2**53 - 1  # the largest integer that JSON numbers hold exactly
_MAX_KEY = 60  # the most characters of a key in the path to a value
Config = TypeVar("Config", bound=StrictConfig)
Choice = TypeVar("Choice", bound=str)
# Characters that mean something in Markdown where they are: anywhere, outside a word, at the start of a line.
_NUMBERED = "|".join(rf"(?<=^\d{{{digits}}})[.)]" for digits in range(1, 10))  # more are no list in CommonMark
_MARKUP = re.compile(rf"([\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|^[-+=#]|{_NUMBERED})")


def file_size(path: Path, most: int | None = None) -> int:
    """Return the size of a file in bytes.

    Raises:
        ValueError: it is missing, it is something else, such as a pipe, whose reader would wait for ever, or it is
            longer than `most` bytes; the caller adds the file's name to the message.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("cannot be read (it is no file)")
    if most is not None and found.st_size > most:
        raise ValueError(f"it is larger than {most:,} bytes")
    return found.st_size


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """Return the bytes of a file.

    Raises:
        ValueError: see `file_size`; or the file cannot be read.
    """
    size = file_size(path, most)
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ValueError: see `read_bytes`; or the file does not hold a JSON object.
    """
    return parse_object(read_bytes(path, MAX_JSON_BYTES))


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that bytes encode.

    Raises:
        ValueError: they encode no JSON object, or one of more than `MAX_JSON_VALUES` values.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise ValueError(f"it holds more than {MAX_JSON_VALUES:,} values")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON that can be read ({shortened(str(error))})") from error
    if not isinstance(values, dict):
        raise ValueError("is not a JSON object")
    return values


def write_flushed(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def aside(path: Path) -> Path:
    """Return a hidden path beside `path`, at which nobody else writes: no two processes, nor two machines."""
    return path.with_name(f".{path.name.removeprefix('.')}.saving-{secrets.token_hex(4)}")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside `path`, flush it to disk, then rename it to `path`, which is never half written.

    Raises:
        OSError: the file cannot be written; the one from before stays.
    """
    written = aside(path)
    try:
        write_flushed(written, data)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise


def lock(path: Path, *, create: bool = False) -> int:
    """Open a file and lock it until the returned descriptor is closed, or the process ends, however it ends.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be opened, or its file system has no locks.
        ImportError: this system, Windows, has none.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a file that is created, locked and removed for the block, so that no other process is in it meanwhile.

    Raises:
        BlockingIOError, OSError, ImportError: see `lock`.
    """
    while not os.fstat(descriptor := lock(path, create=True)).st_nlink:
        os.close(descriptor)  # its holder removed it after it was opened here
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is locked, so that nobody else's is removed
        os.close(descriptor)


@dataclass(frozen=True)
class Node:
    """A value inside a JSON document, and the path to it.

    Each method that returns a value checks its type and its range; it raises ValueError if they are wrong.
    """

    value: Any
    path: str = ""

    def refusal(self, wanted: str) -> ValueError:
        """Return the error to raise when the value is not what was `wanted`."""
        return ValueError(f"{self.path or 'it'} must be {wanted}, not {shown(self.value)}")

    def entries(self, longest: int = MAX_NAME) -> dict[str, "Node"]:
        """Return the members of an object; each key must be printable in one line of at most `longest` characters."""
        if not isinstance(self.value, dict):
            raise self.refusal("a JSON object")
        start = f"{self.path}." if self.path else ""
        if (unfit := next((key for key in self.value if printable(key, longest) != key), None)) is not None:
            raise ValueError(f"{self.path or 'it'} has the key {shown(unfit)}, which cannot be shown in a line")
        return {key: Node(value, start + key[:_MAX_KEY]) for key, value in self.value.items()}

    def items(self) -> list["Node"]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            raise self.refusal("a list")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def __getitem__(self, key: str) -> "Node":
        """Return a required member of an object."""
        found = self.get(key)
        if found is None:
            raise ValueError(f"{self.path or 'it'} lacks {key!r}")
        return found

    def get(self, key: str) -> "Node | None":
        """Return an optional member of an object, or None if it is missing."""
        if not isinstance(self.value, dict):
            raise self.refusal("a JSON object")
        return Node(self.value[key], f"{self.path}.{key}" if self.path else key) if key in self.value else None

    def flag(self) -> bool:
        """Return a boolean."""
        if not isinstance(self.value, bool):
            raise self.refusal("true or false")
        return self.value

    def one_of(self, choices: tuple[Choice, ...]) -> Choice:
        """Return the one of `choices` that the value is."""
        found = next((one for one in choices if self.value == one), None)
        if found is None:
            raise self.refusal(f"one of {choices}")
        return found

    def whole(self, least: int = 0, most: int = MAX_COUNT) -> int:
        """Return an integer from `least` to `most`."""
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.refusal(f"a whole number from {least} to {most}")
        return self.value

    def number(self, least: float = 0.0, most: float = math.inf) -> float:
        """Return a finite number from `least` to `most`."""
        try:
            value = float(self.value) if type(self.value) in (int, float) else math.nan
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or not least <= value <= most:
            raise self.refusal(f"a number from {least:g}" + (f" to {most:g}" if math.isfinite(most) else ""))
        return value

    def wholes(self) -> tuple[int, ...]:
        """Return a list of integers that are not negative."""
        return tuple(item.whole() for item in self.items())

    def numbers(self, least: float = 0.0, most: float = math.inf) -> tuple[float, ...]:
        """Return a list of finite numbers, each from `least` to `most`."""
        items = self.items()
        return tuple(item.number(least, most) for item in items)

    def config(self, kind: type[Config]) -> Config:
        """Return a configuration of this class, read from an object."""
        try:
            return kind.from_dict(self.value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.path}: {error}") from error

    def text(self, most: int, least: int = 0) -> str:
        """Return a string of `least` to `most` characters that can be encoded as UTF-8."""
        value = self.value
        if not isinstance(value, str) or not least <= len(value) <= most or has_surrogates(value):
            raise self.refusal(f"a text of {least} to {most} characters")
        return value

    def name(self) -> str:
        """Return a name that can be shown in one line."""
        value = self.text(MAX_NAME, 1)
        if printable(value) != value:
            raise self.refusal("a name without control characters")
        return value


def has_surrogates(text: str) -> bool:
    """Return whether a text contains half of a surrogate pair, which is not a character."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def plain_name(called: str, most: int) -> str:
    """Return what somebody calls a text as a name of at most `most` characters that is safe for files."""
    return re.sub(r"[^\w-]+", "-", called).strip("-")[:most] or "text"


def printable(name: str, longest: int = MAX_NAME) -> str:
    """Return a name that can be shown in one line: unprintable characters become spaces, and the end is cut off."""
    if name.isprintable() and 0 < len(name) <= longest and name.strip() == name:
        return name
    plain = "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else " " for c in name[:longest])
    return plain.strip() or "text"


def in_markdown(text: str) -> str:
    """Return a text as one line of Markdown that shows its characters; nothing in it is markup or HTML."""
    line = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    return line.replace("://", ":&#47;/")  # otherwise an address would become a link


def code_in_markdown(text: str) -> str:
    """Return a text as code in a line of Markdown: between more backticks than it has in a row."""
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return fence + space + line + space + fence
