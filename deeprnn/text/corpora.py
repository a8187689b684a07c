"""The texts: a catalogue of public-domain ones, download with a hash check, cleaning.

Knows: where a text is and how to clean it. Does not know: vocabularies, parts, batches.

A text is given by its name in the catalogue (`time_machine`), as `python-docs` (the language reference that every
Python contains, which needs no network), or by the path of a local UTF-8 file. A catalogued text is searched for in
the folder that the environment variable DEEPRNN_DATA names, then in the user's cache, then at each of its URLs.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from deeprnn.config import Form
from deeprnn.documents import plain_name
from deeprnn.text import poems, python_docs
from deeprnn.text.catalogue import CatalogueEntry, CatalogueFile, catalogue, is_poems
from deeprnn.text.gutenberg import strip_gutenberg
from deeprnn.text.poem_form import BREAK
from deeprnn.text.vocab import normalize

OWN_NAME_CHARS = 48  # of a file's name; a Chinese character takes 3 bytes, and a file name may have 255 bytes


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A whole text in one form.

    unit: what separates the units that no part of the text may cut in two; "" if it may be cut anywhere.
    """

    name: str
    form: Form
    text: str
    unit: str = ""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text as UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load_corpus(text: str, form: Form) -> Corpus:
    """Return a catalogued text, `python-docs`, or a local file, cleaned and normalized to a form.

    Raises:
        ValueError: there is no such text, the bytes do not match their hash, or the file is empty or not UTF-8 text.
    """
    name, raw = raw_text(text)
    normal = normalize(raw, form)
    if not normal.strip():
        raise ValueError(f"{text} holds no text in the form {form!r}.")
    unit = BREAK if is_poems(name) and form == "full" else ""
    return Corpus(name=name, form=form, text=normal, unit=unit)


def raw_text(text: str) -> tuple[str, str]:
    """Return the name and the characters of a text, before they are normalized to a form.

    Raises:
        ValueError: see `load_corpus`.
    """
    if text == python_docs.NAME:
        return text, python_docs.read()
    if text in catalogue():
        return text, _catalogued(catalogue()[text])
    return own_name(Path(text)), _local_file(Path(text))


def own_name(path: Path) -> str:
    """Return the name of a user's own text: the name of its file, made safe for file names, and part of its hash.

    Because of the hash, two files with the same name give different names, and no name is one of the catalogue.

    Raises:
        ValueError: there is no such file, or it cannot be read.
    """
    return f"{plain_name(path.stem, OWN_NAME_CHARS)}-{hashlib.sha256(_own_bytes(path)).hexdigest()[:8]}"


def is_known(text: str) -> bool:
    """Return whether the project knows a text's language and licence: it is catalogued, or `python-docs`."""
    return text == python_docs.NAME or text in catalogue()


def load_if_local(text: str, form: Form) -> Corpus | None:
    """Return a catalogued text in a form if its files are on this machine, else None; nothing is downloaded.

    A file of the cache with another hash counts as missing: the next download replaces it.

    Raises:
        ValueError: the hash of a file in DEEPRNN_DATA is another, or that folder does not exist.
    """
    entry = catalogue().get(text)
    there = entry is not None and all(_local(entry, one) for one in entry.files)
    return load_corpus(text, form) if there else None


def titles_of_poems(text: str) -> dict[str, str]:
    """Return the author and the title of each poem of a catalogued text of poems, by the poem as it is in the text.

    Raises:
        ValueError: the bytes of a file do not match their hash.
    """
    return poems.titles(map(json.loads, _contents(catalogue()[text])))


def _contents(entry: CatalogueEntry) -> list[str]:
    return [_fetch(entry, one).read_bytes().decode(entry.encoding) for one in entry.files]


def _catalogued(entry: CatalogueEntry) -> str:
    contents = _contents(entry)
    if entry.format == "poems":
        return poems.as_text(map(json.loads, contents))
    text = "".join(contents).replace("\r\n", "\n")
    return strip_gutenberg(text) if entry.format == "gutenberg" else text


def _fetch(entry: CatalogueEntry, one: CatalogueFile) -> Path:
    """Return a file of a catalogued text with its SHA-256, from this machine or from its first address that has it."""
    folder = os.environ.get("DEEPRNN_DATA")
    if folder and not Path(folder).is_dir():
        raise ValueError(f"DEEPRNN_DATA names {folder}, which is no folder; unset it to download the texts.")
    return _local(entry, one) or _downloaded(entry, one)


def _local(entry: CatalogueEntry, one: CatalogueFile) -> Path | None:
    """Return a file of a catalogued text with its SHA-256 if DEEPRNN_DATA or the cache holds it, else None."""
    folder = os.environ.get("DEEPRNN_DATA")
    if folder and (local := Path(folder) / one.file).is_file():
        found = hashlib.sha256(local.read_bytes()).hexdigest()
        if found != one.sha256:
            raise ValueError(
                f"{local} is not the catalogued {entry.name}: its SHA-256 is {found}, not {one.sha256}. "
                f"Replace it, or unset DEEPRNN_DATA to download it."
            )
        return local
    cached = _cache() / one.file
    with contextlib.suppress(OSError):  # there is none, or it cannot be read
        return cached if hashlib.sha256(cached.read_bytes()).hexdigest() == one.sha256 else None
    return None


def _cache() -> Path:
    return Path(pooch.os_cache("deeprnn"))


def _downloaded(entry: CatalogueEntry, one: CatalogueFile) -> Path:
    """Return a file of a catalogued text after downloading it into the cache and checking its SHA-256."""
    failures = []
    for url in one.urls:
        try:
            return Path(pooch.retrieve(url, known_hash=f"sha256:{one.sha256}", fname=one.file, path=_cache()))
        except (OSError, ValueError) as error:  # no connection, or the bytes do not match their hash
            failures.append(f"{url}: {error}")
    raise ValueError(
        f"could not get {entry.title} ({one.file}): no address served it. Check the network, or put the file in a "
        f"folder and name the folder in DEEPRNN_DATA.\n" + "\n".join(failures)
    )


def _own_bytes(path: Path) -> bytes:
    if not path.is_file():
        names = ", ".join([python_docs.NAME, *catalogue()])
        raise ValueError(f"no text {str(path)!r}: it is neither a file nor one of {names}.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error


def _local_file(path: Path) -> str:
    data = _own_bytes(path)
    if b"\0" in data:  # valid UTF-8, but never in a text: it is every second byte of English UTF-16, or a binary file
        raise ValueError(f"{path} is not UTF-8 text (it holds zero bytes: UTF-16, or no text); save it as UTF-8 first.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}); convert it first.") from error
