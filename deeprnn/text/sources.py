"""A user's own texts as one UTF-8 file: files in any encoding, folders, standard input.

Knows: encodings, files. Does not know: forms, alphabets, what a text is used for.
"""

import codecs
import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from deeprnn.documents import plain_name, replace_file
from deeprnn.text.corpora import is_known, raw_text
from deeprnn.text.gutenberg import without_gutenberg

STDIN = "-"
_SHIFTS = frozenset("\x0e\x0f\x1b")  # what is left of switches that were not understood
_SWITCH = b"\x1b$"  # begins Japanese or Korean in an encoding of seven bits
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
_NEAR = 0.02  # of chaos: Chinese in gb18030 is that near to other encodings of East Asia
# The letters beyond ASCII of the languages of one code page of Windows each, which differ in a few bytes alone.
_LETTERS = {
    "cp1252": (
        "àâæçèéêëîïôùûüÿœ",  # French
        "äöüß",
        "áéíñóúüªº",  # Spanish
        "àçèéíïòóúü",  # Catalan
        "àáâãçéêíóôõúüªº",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "áèéëíïóöúü",  # Dutch
        "åæéòôø",  # Danish, Norwegian
        "åäéö",  # Swedish, Finnish
        "áæéíðóöúýþ",  # Icelandic
        "çë",  # Albanian
    ),
    "cp1250": (
        "óąćęłńśźż",  # Polish
        "áéíóúýčďěňřšťůž",  # Czech
        "áäéíóôúýčďĺľňŕšťž",  # Slovak
        "áéíóöúüőű",  # Hungarian
        "âîăşţ",  # Romanian
        "ćčđšž",  # Croatian, Bosnian, Serbian, Slovene
    ),
    "cp1254": ("âçîöûüğış",),  # Turkish
}
_BESIDE = frozenset("\u00a0¡¿«»‹›‘’‚“”„–—…§°·€£©®™†‡•")  # what is beyond ASCII in any language
_LOOKED_AT = 1_000_000  # bytes of a file
_SIGN = re.compile(r"(?<![^\W\d_])[¼½¾²³¹¥±×÷](?![^\W\d_])")  # beside a letter it is one of another code page
_SEVERAL = 5  # different letters beyond ASCII that tell languages apart
_ALL = 0.97  # of the others beyond ASCII; what is left is in names
_CUT = 4  # bytes of the longest character that may be cut at the end of a file


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


def as_one_file(
    places: Sequence[str], out: Path, stdin: Callable[[], bytes], encoding: str | None
) -> tuple[str, list[ReadText]]:
    """Return the path of a UTF-8 file with all texts, or the name of a known text, and what was read for it.

    One file in UTF-8 and one known text are used where they are, and nothing is returned as read. Everything else, also
    a file from which something is left out, is written below `out`, into a folder named by the hash of the text.

    places: files, folders, names of known texts, "-" for standard input. out: the folder of the runs; what training
    writes there is not read as part of a folder. stdin: reads standard input, called only for "-". encoding: of all
    files; None finds it out.

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
    if (escaped := _escaped(data, place)) is not None:
        return escaped
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    for name in filter(None, (marked, "utf-8")):
        with contextlib.suppress(UnicodeDecodeError):
            if "\0" not in (text := data.decode(name)):
                return text, name
    if (nearly := _nearly_utf8(data, place)) is not None:
        return nearly, "utf-8"
    found = next(filter(None, (_likeliest(data[: len(data) - cut]) for cut in range(_CUT))), None)
    if found is None:
        raise ValueError(_unrecognised(place))
    return _decoded(data, place, found, "name its encoding with --encoding"), found


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:  # unknown or not of text, as zlib is; it encodes nothing at all
        raise ValueError(
            f"--encoding {encoding}: Python knows no such encoding of text; try gb18030, utf-16, latin-1."
        ) from error


def _decoded(data: bytes, place: str, encoding: str, otherwise: str) -> str:
    """Return the text that bytes encode, without a last character that is cut; otherwise: the remedy if it is none."""
    try:
        text = _but_for_the_end(data, encoding)
    except UnicodeError as error:
        raise ValueError(
            f"{place} is not in {encoding} ({error}); {otherwise}, or take out the wrong bytes, as iconv -c does."
        ) from error
    if "\0" in text:
        raise ValueError(
            f"{place} read as {encoding} holds zero characters, as no text does; take them out, or {otherwise}."
        )
    return text.removeprefix("\ufeff")


def _but_for_the_end(data: bytes, encoding: str) -> str:
    """Return the text that bytes encode, without a last character that is cut.

    Raises:
        UnicodeError: they encode none.
    """
    with contextlib.suppress(UnicodeError):
        return data.decode(encoding)
    return codecs.getincrementaldecoder(encoding)().decode(data)


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


def _escaped(data: bytes, place: str) -> tuple[str, str] | None:
    """Return the text and the encoding of bytes that switch alphabets by escape sequences; None if they do not.

    Raises:
        ValueError: they are in none that is known.
    """
    if _SWITCH not in data:
        return None
    for name in ("iso2022_kr", "iso2022_jp_2", "iso2022_jp_ext"):
        with contextlib.suppress(UnicodeError):
            if not _SHIFTS & {*(text := _but_for_the_end(data, name))}:
                return text, name
    raise ValueError(_unrecognised(place))


def _unrecognised(place: str) -> str:
    return f"{place} is no text in an encoding that can be recognised; name it with --encoding."


def _likeliest(data: bytes) -> str | None:
    matches = list(from_bytes(data))
    if not matches:
        return None
    alike = {name for one in matches for name in one.could_be_from_charset}
    if (page := _by_letters(data, alike)) is not None:
        return page
    best = matches[0]
    near = [one for one in matches if one.chaos <= best.chaos + _NEAR and one.coherence >= best.coherence]
    return next((name for name in _COMMON if name in {one.encoding for one in near}), best.encoding)


def _by_letters(data: bytes, candidates: Set[str]) -> str | None:
    """Return the code page in which nearly all that is beyond ASCII is letters of one language; None if there is none.

    Of several, it is that with the largest share of such letters; of equal ones that of the language of which most
    letters occur, or the first where hardly any are there.

    candidates: the encodings that come into question.
    """
    fits = dict[str, tuple[float, float]]()  # by code page: the share that is letters, the share of letters that occur
    for page in (page for page in _LETTERS if page in candidates):
        text = _SIGN.sub("", data[:_LOOKED_AT].decode(page))
        lower = (char.lower()[0] for char in text if char > "\x7f" and char not in _BESIDE)
        counts = Counter(char for char in lower if char > "\x7f")
        fits[page] = (0.0, 0.0) if counts else (1.0, 0.0)
        for letters in _LETTERS[page] if counts else ():
            share = sum(counts[char] for char in letters) / counts.total()
            used = len(counts.keys() & {*letters}) / len(letters) if len(counts) >= _SEVERAL else 0.0
            fits[page] = max(fits[page], (share, used))
    found = max(fits, key=lambda page: fits[page], default=None)
    return found if found and fits[found][0] >= _ALL else None


def _read(place: str, out: Path, stdin: Callable[[], bytes], encoding: str | None) -> Iterator[ReadText]:
    if is_known(place):
        yield ReadText(place=place, encoding="", text=raw_text(place)[1])
    elif place == STDIN:
        yield _source(stdin(), "standard input", encoding)
    elif _is(Path(place).is_dir):
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
    try:
        data = _bytes(path)
        if not data or _is_binary(data, encoding):
            return None
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
    if not _is(path.is_file) or (encoding and codecs.lookup(encoding).name != "utf-8"):
        return False
    try:
        text = (data := _bytes(path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return "\0" not in text and _SWITCH not in data and without_gutenberg(text) == text


def _is(kind: Callable[[], bool]) -> bool:
    """Return what `Path.is_file` or `is_dir` says; False of what cannot be looked at, such as too long a name."""
    try:
        return kind()
    except OSError:
        return False


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
