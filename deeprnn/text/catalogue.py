"""The catalogue of public-domain texts: titles, authors, and where their files are.

Knows: `catalogue.json`. Does not know: how a file is downloaded or cleaned.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from deeprnn.config import StrictConfig
from deeprnn.words import Lang

Format = Literal["text", "gutenberg", "poems"]


@dataclass(frozen=True, kw_only=True)
class CatalogueFile(StrictConfig):
    """The size and hash of a file that each of the URLs serves; `file` is its path below a folder of texts."""

    file: str
    bytes: int
    sha256: str
    urls: list[str]


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry(StrictConfig):
    """One text of `catalogue.json`.

    format: "text" is read as it is; of "gutenberg" header and footer are cut off; "poems" are JSON, see `poems`.
    """

    name: str
    title: str
    author: str
    year: int
    language: Lang
    format: Format
    encoding: str
    files: tuple[CatalogueFile, ...]
    upstream: str

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def chars(self) -> int:
        """About how many characters the text has; of the files of poems only a fourteenth becomes text."""
        return self.bytes // (14 if self.format == "poems" else 2 if self.encoding == "gb18030" else 1)


def language_of(name: str) -> Lang:
    """Return the language of a text that the project knows; what is not in the catalogue, `python-docs`, is English."""
    entry = catalogue().get(name)
    return entry.language if entry else "en"


@functools.cache
def catalogue() -> dict[str, CatalogueEntry]:
    """Return the texts by name."""
    raw = json.loads(resources.files("deeprnn.text").joinpath("catalogue.json").read_text("utf-8"))
    files = {entry["name"]: [CatalogueFile.from_dict(one) for one in entry["files"]] for entry in raw}
    return {name: CatalogueEntry.from_dict(entry | {"files": files[name]}) for entry in raw if (name := entry["name"])}


def is_poems(name: str) -> bool:
    """Return whether a text is one of the project's, and of printed poems."""
    return name in catalogue() and catalogue()[name].format == "poems"
