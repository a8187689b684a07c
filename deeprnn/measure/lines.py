"""Which poem a line of verse is from: an index of the lines of a training text, without the text.

Knows: printed poems, the file of an index. Does not know: where poems come from, models, the page.

A `Fingerprint` finds copies of 20 characters or more; a line of verse has five or seven. So for each line of the poems
of a training text an index has 32 bits of its BLAKE2b hash, and the author and the title of the first poem with it.

Accuracy: every line that is there is found. One that is not is mistaken for one of L lines with probability L 2^-32:
one of 20,000 for the 208,000 lines of `tang_poems`.

Privacy: as of a fingerprint. Who has a text can confirm its lines; authors and titles can be read.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import UInt32
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors

from deeprnn.checks import shortened
from deeprnn.documents import file_size, printable, replace_file
from deeprnn.measure.novelty import TextPart, digest, hashes_of
from deeprnn.text.poem_form import BREAK, LINE_CHARS, VERSE

VERSION = 1  # version of the file format
MAX_TITLES_BYTES = 20_000_000  # of all titles in a file
_MAX_FILE_BYTES = 10_000_000
_METADATA = "lines"
_DTYPES = {"hashes": "U32", "poems": "U32", "titles": "U8"}


@dataclass(frozen=True, kw_only=True)
class KnownLine:
    """The characters [start, end) of a text, which are a line of the poem `source`, such as 王维《鹿柴》."""

    start: int
    end: int
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class LineIndex:
    """The lines of a part of a text by their hashes.

    hashes: of the lines, ascending, each once. poems: of each line, the place in `titles` of its poem.
    """

    source: TextPart
    hashes: UInt32[np.ndarray, " L"]
    poems: UInt32[np.ndarray, " L"]
    titles: tuple[str, ...]

    @classmethod
    def build(cls, source: TextPart, text: str, titles: Mapping[str, str]) -> Self:
        """Make the index of a part of a whole text; titles: author and title of each poem, by the poem with its break.

        Raises:
            ValueError: there is no line, or a poem has no title.
        """
        poems = [poem + BREAK for poem in text[source.start : source.end].split(BREAK) if poem]
        if missing := [poem for poem in poems if poem not in titles]:
            raise ValueError(f"{source.name}: {len(missing)} poems have no title, such as {missing[0][:20]!r}.")
        first: dict[str, int] = {}
        for number, poem in enumerate(poems):
            for line in VERSE.findall(poem):
                first.setdefault(line, number)
        hashes, kept = np.unique(hashes_of(first), return_index=True)
        if not len(hashes):
            raise ValueError(f"{source.name} has no lines of verse.")
        numbers = np.array(list(first.values()), np.uint32)[kept]
        return cls(source=source, hashes=hashes, poems=numbers, titles=tuple(titles[poem] for poem in poems))

    def found(self, text: str) -> list[KnownLine]:
        """Return the lines of verse in a text that are in the index, in order."""
        lines = [match for match in VERSE.finditer(text) if len(match[0]) in LINE_CHARS]
        hashes = hashes_of(match[0] for match in lines)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return [
            KnownLine(start=match.start(), end=match.end(), source=self.titles[self.poems[place]])
            for match, place, is_there in zip(lines, at, self.hashes[at] == hashes, strict=True)
            if is_there
        ]

    def to_bytes(self) -> bytes:
        """Return the contents of the file; they are the same on every machine."""
        packed = zlib.compress("\n".join(self.titles).encode(), 9)
        tensors = {"hashes": self.hashes, "poems": self.poems, "titles": np.frombuffer(packed, np.uint8)}
        head = {"version": VERSION, "sha256": digest(tensors), "source": self.source.to_dict()}
        return save_tensors(tensors, {_METADATA: json.dumps(head)})

    def save(self, directory: str | Path) -> Path:
        """Write `directory / filename(self.source)` and return that path."""
        path = Path(directory) / filename(self.source)
        replace_file(path, self.to_bytes())
        return path

    @classmethod
    def load(cls, path: str | Path, source: TextPart) -> Self:
        """Read a file that `save` wrote, and check all of it.

        Raises:
            ValueError: the file is missing, damaged, malformed, or of another text, part or version; the message names
                it.
        """
        try:
            file_size(Path(path), _MAX_FILE_BYTES)
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
                if head["version"] != VERSION or TextPart.from_dict(head["source"]) != source:
                    raise ValueError("it is of another version, text or part")
                keys = file.keys()
                if {key: file.get_slice(key).get_dtype() for key in keys} != _DTYPES:
                    raise ValueError(f"its tensors are not {_DTYPES}")
                tensors = {key: file.get_tensor(key) for key in keys}
            if head["sha256"] != digest(tensors):
                raise ValueError("its tensors do not match their hash")
            return cls._checked(source, tensors)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
            raise ValueError(
                f"{path} is no index of lines that can be read ({type(error).__name__}: {shortened(str(error))}). "
                f"Get it again, build it again from its text, or update deeprnn."
            ) from error

    @classmethod
    def _checked(cls, source: TextPart, tensors: dict[str, Any]) -> Self:
        hashes, poems = tensors["hashes"], tensors["poems"]
        packed = zlib.decompressobj()
        titles = tuple(packed.decompress(tensors["titles"].tobytes(), MAX_TITLES_BYTES).decode().split("\n"))
        if not packed.eof:
            raise ValueError("its titles are cut short, or too long")
        if hashes.shape != poems.shape or hashes.ndim != 1 or not len(hashes) or not (hashes[1:] > hashes[:-1]).all():
            raise ValueError("its hashes are not ascending, or have no poems")
        if poems.max() >= len(titles) or any(printable(title) != title for title in titles):
            raise ValueError("a poem has no title that can be shown")
        return cls(source=source, hashes=hashes, poems=poems, titles=titles)


def filename(source: TextPart) -> str:
    """Return the file name of the index of a text's part, such as `tang_poems.full.0-1591026.lines`."""
    return str(Path(source.filename).with_suffix(".lines"))
