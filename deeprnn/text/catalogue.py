"""The catalogue of public-domain books: titles, authors, and where their files are.

Knows: `catalogue.json`. Does not know: how a file is downloaded or cleaned.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources

from deeprnn.config import StrictConfig


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry(StrictConfig):
    """One book of `catalogue.json`, and the size and hash of the file that its URLs serve."""

    name: str
    title: str
    author: str
    year: int
    file: str
    bytes: int
    sha256: str
    encoding: str
    gutenberg_header: bool
    crlf: bool
    urls: list[str]
    upstream: str


@functools.cache
def catalogue() -> dict[str, CatalogueEntry]:
    """Return the books by name."""
    raw = json.loads(resources.files("deeprnn.text").joinpath("catalogue.json").read_text("utf-8"))
    return {entry["name"]: CatalogueEntry.from_dict(entry) for entry in raw}
