"""JSON documents that others may have written or damaged, read strictly.

Knows: files, the types of values. Does not know: what a document says.

A refusal names the value by its path inside the document, as in `final.val.ppl`.
"""

import json
import math
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deeprnn.config import StrictConfig

MAX_JSON_BYTES = 8_000_000  # of a file; a curve of ten thousand epochs takes 2
MAX_NAME = 255  # characters of the name of a text, a run or a checkpoint
MAX_COUNT = 2**53 - 1  # what JSON numbers hold exactly
_SHOWN = 60  # characters of a wrong value in a message
Config = TypeVar("Config", bound=StrictConfig)


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: it is missing, cannot be read, or is longer than `most`; the message leaves it to others to name it.
    """
    try:
        if most is not None and path.stat().st_size > most:
            raise ValueError(f"it is larger than {most:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValueError: see `read_bytes`; or the file holds none.
    """
    data = read_bytes(path, MAX_JSON_BYTES)
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON that can be read ({error})") from error
    if not isinstance(values, dict):
        raise ValueError("is not a JSON object")
    return values


@dataclass(frozen=True)
class Node:
    """A value inside a JSON document, and the path to it; each method reads it as one type or refuses it."""

    value: Any
    path: str = ""

    def refusal(self, wanted: str) -> ValueError:
        """What is raised where the value is not what is wanted."""
        shown = repr(self.value) if not isinstance(self.value, (dict, list)) else type(self.value).__name__
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
        return ValueError(f"{self.path or 'it'} must be {wanted}, not {shown}")

    def entries(self, longest: int = MAX_NAME) -> dict[str, "Node"]:
        """The members of an object whose keys can be shown in a line."""
        if not isinstance(self.value, dict):
            raise self.refusal("a JSON object")
        start = f"{self.path}." if self.path else ""
        if (unfit := next((key for key in self.value if printable(key, longest) != key), None)) is not None:
            raise ValueError(f"{self.path or 'it'} has the key {unfit[:_SHOWN]!r}, which cannot be shown in a line")
        return {key: Node(value, start + key[:_SHOWN]) for key, value in self.value.items()}

    def items(self) -> list["Node"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.refusal("a list")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def __getitem__(self, key: str) -> "Node":
        """A member that must be there."""
        found = self.get(key)
        if found is None:
            raise ValueError(f"{self.path or 'it'} lacks {key!r}")
        return found

    def get(self, key: str) -> "Node | None":
        """A member that may be missing."""
        if not isinstance(self.value, dict):
            raise self.refusal("a JSON object")
        return Node(self.value[key], f"{self.path}.{key}" if self.path else key) if key in self.value else None

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.refusal("true or false")
        return self.value

    def whole(self, least: int = 0, most: int = MAX_COUNT) -> int:
        """A whole number."""
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.refusal(f"a whole number from {least} to {most}")
        return self.value

    def number(self, least: float = 0.0, most: float = math.inf) -> float:
        """A finite number."""
        try:
            value = float(self.value) if type(self.value) in (int, float) else math.nan
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or not least <= value <= most:
            raise self.refusal(f"a number from {least:g}" + (f" to {most:g}" if math.isfinite(most) else ""))
        return value

    def wholes(self) -> tuple[int, ...]:
        """A list of whole numbers."""
        return tuple(item.whole() for item in self.items())

    def numbers(self, least: float = 0.0, most: float = math.inf) -> tuple[float, ...]:
        """A list of finite numbers."""
        items = self.items()
        return tuple(item.number(least, most) for item in items)

    def config(self, kind: type[Config]) -> Config:
        """A configuration that reads itself from a JSON object."""
        try:
            return kind.from_dict(self.value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.path}: {error}") from error

    def text(self, most: int, least: int = 0) -> str:
        """A text that can be written as UTF-8."""
        value = self.value
        if not isinstance(value, str) or not least <= len(value) <= most or has_surrogates(value):
            raise self.refusal(f"a text of {least} to {most} characters")
        return value

    def name(self) -> str:
        """A name that can be shown in one line."""
        value = self.text(MAX_NAME, 1)
        if printable(value) != value:
            raise self.refusal("a name without control characters")
        return value


def has_surrogates(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which is no character."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def printable(name: str, longest: int = MAX_NAME) -> str:
    """A name as a record may keep it: what cannot be shown in a line becomes a space, and it is not too long."""
    if name.isprintable() and 0 < len(name) <= longest and name.strip() == name:
        return name
    shown = "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else " " for c in name)
    return shown[:longest].strip() or "text"
