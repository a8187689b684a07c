"""A user's own texts as one UTF-8 file: files in any encoding, folders, standard input.

Knows: encodings, files. Does not know: forms, alphabets, what a text is used for.
"""

import codecs
import contextlib
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
_COMMON = ("gb18030", "cp1252")  # chosen from encodings that explain the bytes about equally well
_NEAR = 0.02  # of chaos: Spanish in cp1252 is 0.006 behind cp1250
_RARE, _LESS = "cp1258", 0.06  # of coherence: Italian in cp1252 is 0.05 behind the encoding of Vietnamese


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """A text that was read: where it was, how its bytes were encoded ("" for a text that the project knows).

    text: "" for a file of a folder that could not be read as text; reason: why. left_out: the characters of Project
    Gutenberg's header and footer, which are not part of the text.
    """

    place: str
    encoding: str
    text: str
    left_out: int = 0
    reason: str = ""


def as_one_file(places: Sequence[str], out: Path, stdin: BinaryIO, encoding: str | None) -> tuple[str, list[ReadText]]:
    """Return the path of a UTF-8 file with all texts, or the name of a known text, and what was read for it.

    One file in UTF-8 and one known text are used where they are, and nothing is returned as read. Everything else, also
    a file from which something is left out, is written below `out`, into a folder named by the hash of the text.

    places: files, folders, names of known texts, "-" for standard input. out: the folder of the runs; what training
    writes there is not read as part of a folder. encoding: of all files; None finds it out.

    Raises:
        ValueError: there is no such encoding, or a text cannot be read; the message names it and the remedy.
        OSError: the file cannot be written.
    """
    if encoding:
        _check_encoding(encoding)
    if "" in places:
        raise ValueError("--data names no text: it is empty. Name a file, or . for the folder that you are in.")
    if len(places) == 1 and (is_known(places[0]) or _is_used_as_it_is(Path(places[0]), encoding)):
        return places[0], []
    found = [source for place in places for source in _read(place, out, stdin, encoding)]
    whole = BETWEEN.join(source.text.strip("\n") for source in found if source.text) + "\n"
    path = out / TEXTS / hashlib.sha256(whole.encode()).hexdigest()[:8] / f"{_called(places)}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, whole.encode())
    return str(path), found


def decode(data: bytes, place: str, encoding: str | None = None) -> tuple[str, str]:
    """Return the text that bytes encode, and the encoding, which is found out if it is None.

    Raises:
        ValueError: the bytes are no text, or not in that encoding, or there is no such encoding.
    """
    if encoding:
        _check_encoding(encoding)
        return _decoded(data, place, encoding, "leave --encoding away"), encoding
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    for name in filter(None, (marked, "utf-8")):
        with contextlib.suppress(UnicodeDecodeError):
            if "\0" not in (text := data.decode(name)):
                return text, name
    if (nearly := _nearly_utf8(data, place)) is not None:
        return nearly, "utf-8"
    found = _likeliest(data)
    if found is None:
        raise ValueError(f"{place} is no text in an encoding that can be recognised; name it with --encoding.")
    return _decoded(data, place, found, "name its encoding with --encoding"), found


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:  # unknown or not of text, as zlib is; it encodes nothing at all
        raise ValueError(
            f"--encoding {encoding}: Python knows no such encoding of text; try gb18030, utf-16, latin-1."
        ) from error


def _decoded(data: bytes, place: str, encoding: str, otherwise: str) -> str:
    """Return the text that bytes encode; otherwise: the remedy if they encode none."""
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        raise ValueError(f"{place} is not in {encoding} ({error}); {otherwise}.") from error
    if "\0" in text:
        raise ValueError(
            f"{place} read as {encoding} holds zero characters, as no text does; take them out, or {otherwise}."
        )
    return text.removeprefix("\ufeff")


def _nearly_utf8(data: bytes, place: str) -> str | None:
    """Return the text of UTF-8 that was cut within its last character, without that; None if it is something else.

    Raises:
        ValueError: it is UTF-8 with a few wrong bytes.
    """
    text = data.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= char <= "\udcff" for char in text)
    right = sum(char > "\x7f" for char in text) - wrong
    if not right or right < 10 * wrong or "\0" in text:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        return codecs.getincrementaldecoder("utf-8-sig")().decode(data)
    at = next(index for index, char in enumerate(text) if "\udc80" <= char <= "\udcff")
    before = len(text[:at].encode())
    raise ValueError(
        f"{place} is in UTF-8 but for wrong bytes ({wrong}), the first after {before:,} right ones: mend it, or "
        f"leave them out by iconv -c -f utf-8 -t utf-8 FILE > NEW."
    )


def _likeliest(data: bytes) -> str | None:
    matches = list(from_bytes(data))
    if not matches:
        return None
    best = matches[0]
    least = best.coherence - (_LESS if best.encoding == _RARE else 0.0)
    near = [one for one in matches if one.chaos <= best.chaos + _NEAR and one.coherence >= least]
    return next((name for name in _COMMON if name in {one.encoding for one in near}), best.encoding)


def _read(place: str, out: Path, stdin: BinaryIO, encoding: str | None) -> Iterator[ReadText]:
    if is_known(place):
        yield ReadText(place=place, encoding="", text=raw_text(place)[1])
    elif place == STDIN:
        yield _source(stdin.read(), "standard input", encoding)
    elif Path(place).is_dir():
        yield from _folder(Path(place), out, encoding)
    else:
        yield _source(_bytes(Path(place)), place, encoding)


def _folder(folder: Path, out: Path, encoding: str | None) -> list[ReadText]:
    """Read the files of a folder and its folders by name, without hidden ones, pictures, and what training writes."""
    written = _written(folder, out)
    if folder.resolve().is_relative_to(written):
        raise ValueError(f"the folder {folder} is where training writes: name files of it, or another --out.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(folder)))
    others = [path for path in paths if not path.resolve().is_relative_to(written)]
    sources = [source for path in others if (source := _one_of_a_folder(path, encoding))]
    if not any(source.text for source in sources):
        reason = f" {sources[0].reason}" if sources else ""
        raise ValueError(f"the folder {folder} holds no file with text.{reason}")
    return sources


def _written(folder: Path, out: Path) -> Path:
    """Return the folder that training fills: the one of the runs or, for one among them, that of joined texts."""
    among_runs = out.resolve() in folder.resolve().parents
    return out.resolve() / TEXTS if among_runs else out.resolve()


def _one_of_a_folder(path: Path, encoding: str | None) -> ReadText | None:
    """Read a file of a folder: None if it is empty or binary at its start; if it is no text, the reason in its place.

    Raises:
        ValueError: it is not in the encoding that is named.
    """
    data = _bytes(path)
    if not data or _is_binary(data, encoding):
        return None
    try:
        return _source(data, str(path), encoding)
    except ValueError as error:
        if encoding:
            raise
        return ReadText(place=str(path), encoding="", text="", reason=str(error))


def _is_binary(data: bytes, encoding: str | None) -> bool:
    """Return whether bytes begin like a picture or a program: with zero bytes where text has none."""
    has_zeros = encoding and b"\0" in "a".encode(encoding)
    return not has_zeros and b"\0" in data[:8_000] and not data.startswith(tuple(_MARKS))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _source(data: bytes, place: str, encoding: str | None) -> ReadText:
    text, found = decode(data, place, encoding)
    whole = text.replace("\r\n", "\n")
    body = without_gutenberg(whole)
    return ReadText(place=place, encoding=found, text=body, left_out=len(whole) - len(body))


def _is_used_as_it_is(path: Path, encoding: str | None) -> bool:
    if not path.is_file() or (encoding and codecs.lookup(encoding).name != "utf-8"):
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
