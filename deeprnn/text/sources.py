"""A user's own texts as one UTF-8 file: files in any encoding, folders, standard input.

Knows: encodings, files. Does not know: forms, alphabets, what a text is used for.
"""

import codecs
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from deeprnn.documents import plain_name, replace_file
from deeprnn.text.corpora import is_known, raw_text
from deeprnn.text.gutenberg import without_gutenberg

STDIN = "-"
TEXTS = "texts"  # the folder, beside the runs, of texts that were not one UTF-8 file
BETWEEN = "\n\n"  # between two texts
_NAME_CHARS = 40
_MARKS = {  # the first bytes of a text that say how it is encoded
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMON = ("gb18030", "cp1252")  # chosen from encodings that explain the bytes equally well


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that was read: where it was, how its bytes were encoded ("" for a text that the project knows).

    left_out: the characters of Project Gutenberg's header and footer, which are not part of the text.
    """

    place: str
    encoding: str
    text: str
    left_out: int = 0


def as_one_file(places: Sequence[str], folder: Path, stdin: BinaryIO, encoding: str | None) -> tuple[str, list[Source]]:
    """Return the path of a UTF-8 file with all texts, or the name of a known text, and what was read for it.

    One file in UTF-8 and one known text are used where they are, and nothing is returned as read. Everything else, also
    a file from which something is left out, is written into a folder of `folder` that is named by the hash of the text.

    places: files, folders, names of known texts, "-" for standard input. encoding: of all files; None finds it out.

    Raises:
        ValueError: a text cannot be read; the message names it and the remedy.
        OSError: the file cannot be written.
    """
    if len(places) == 1 and (is_known(places[0]) or _is_used_as_it_is(Path(places[0]), encoding)):
        return places[0], []
    found = [source for place in places for source in _read(place, stdin, encoding)]
    whole = BETWEEN.join(source.text.strip("\n") for source in found) + "\n"
    path = folder / hashlib.sha256(whole.encode()).hexdigest()[:8] / f"{_called(places)}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, whole.encode())
    return str(path), found


def decode(data: bytes, place: str, encoding: str | None = None) -> tuple[str, str]:
    """Return the text that bytes encode, and the encoding, which is found out if it is None.

    Raises:
        ValueError: the bytes are no text, or not in that encoding.
    """
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    for name in (encoding,) if encoding else filter(None, (marked, "utf-8")):
        try:
            text = _codec(name).decode(data)[0]
        except UnicodeDecodeError as error:
            if encoding:
                raise ValueError(f"{place} is not in {name} ({error.reason}); leave --encoding away.") from error
            continue
        if "\0" not in text:
            return text, name
    if encoding is None and (found := _likeliest(data)):
        return data.decode(found), found
    raise ValueError(f"{place} is no text in an encoding that can be recognised; name it with --encoding.")


def _codec(encoding: str) -> codecs.CodecInfo:
    try:
        return codecs.lookup(encoding)
    except LookupError as error:
        raise ValueError(
            f"--encoding {encoding}: Python knows no such encoding; try gb18030, utf-16, latin-1."
        ) from error


def _likeliest(data: bytes) -> str | None:
    matches = list(from_bytes(data))
    if not matches:
        return None
    best = matches[0]
    equal = [one.encoding for one in matches if (one.chaos, one.coherence) == (best.chaos, best.coherence)]
    return next((name for name in _COMMON if name in equal), best.encoding)


def _read(place: str, stdin: BinaryIO, encoding: str | None) -> Iterator[Source]:
    if is_known(place):
        yield Source(place=place, encoding="", text=raw_text(place)[1])
    elif place == STDIN:
        yield _source(stdin.read(), "standard input", encoding)
    elif Path(place).is_dir():
        yield from _folder(Path(place), encoding)
    else:
        yield _source(_bytes(Path(place)), place, encoding)


def _folder(folder: Path, encoding: str | None) -> Iterator[Source]:
    """Read the files of a folder and its folders by name, without hidden ones and those that are no text."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(folder)))
    texts = 0
    for path in paths:
        data = _bytes(path)
        if not data or (b"\0" in data[:8_000] and not data.startswith(tuple(_MARKS))):
            continue
        try:
            yield _source(data, str(path), encoding)
        except ValueError:  # a picture, a program
            continue
        texts += 1
    if not texts:
        raise ValueError(f"the folder {folder} holds no file with text.")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _source(data: bytes, place: str, encoding: str | None) -> Source:
    text, found = decode(data, place, encoding)
    whole = text.replace("\r\n", "\n")
    body = without_gutenberg(whole)
    return Source(place=place, encoding=found, text=body, left_out=len(whole) - len(body))


def _is_used_as_it_is(path: Path, encoding: str | None) -> bool:
    if not path.is_file() or (encoding and _codec(encoding).name != "utf-8"):
        return False
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return "\0" not in text and without_gutenberg(text) == text


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ValueError(f"no text {str(path)!r}: it is no file, no folder and no known text.") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error


def _called(places: Sequence[str]) -> str:
    first = "stdin" if places[0] == STDIN else Path(places[0]).resolve().stem
    name = plain_name(first, _NAME_CHARS)
    return f"{name}-and-{len(places) - 1}-more" if len(places) > 1 else name
