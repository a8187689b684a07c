"""How new a generated text is: verbatim copies, repetition, distinct-n, share of dictionary words.

Knows: texts, and the files of fingerprints. Does not know: models, where texts come from, the page.

A `Fingerprint` replaces the training part of a text where the text itself is not available. For every 8 consecutive
characters it has a code, the highest 3 bits of their hash modulo 2^64,

    mix(sum of point[j] M^(7 - j), j = 0 to 7),  M = 0x9E3779B97F4A7C15,

where `mix` is the finalizer of SplitMix64 (java.util.SplittableRandom; Stafford's variant 13).

Accuracy: a copied run of n characters gives n - 7 equal codes, so no run of 20 or more characters is missed. Each end
of a reported run is k or more characters too far out with probability 8^-k; about a quarter of the runs of 19
characters are reported as 20. A line of one repeated character (a ruling) has only one code, so it is mistaken for a
line of another character with probability 1/8. A window is found by chance among P places with probability P 2^-39.
For the last tenths of 17 books, 1.9% to 29% of the characters are reported as copied from the rest, while 1.5% to 27%
are copied: none is missed, and the wrong ones are 8% to 38% of the copied ones (Chinese: 0.08% reported, none copied).
`pytest -m slow -s tests/measure/test_novelty.py` prints all of them.

Privacy: the text cannot be read from a fingerprint directly, but a fingerprint is no encryption. Anyone who has a text
can confirm it. Each code also excludes seven of eight next characters, so anyone who knows a dozen characters can guess
the following ones: a 6-gram model of the author's other books and a beam of 2,000 recovered 2,000 characters of *The
Time Machine* in three minutes.
"""

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Int64, UInt8, UInt32, UInt64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors

from deeprnn.checks import shortened, shown
from deeprnn.config import Form, StrictConfig
from deeprnn.documents import file_size, printable, replace_file
from deeprnn.measure.metrics import TextRecord, file_stem

FINGERPRINTS = "fingerprints"  # the folder of fingerprints beside the checkpoints
MIN_RUN = 20  # the length in characters from which a verbatim run counts as copied, here and in the tables
HASHED = 8  # characters that one code represents
BITS = 3  # bits of a code
VERSION = 1  # version of the file format
MAX_CHARS = 2**25  # of a text: a place and the codes of a window fit into 64 bits
MAX_PLACES = 64  # the most places of one window that are followed; only rulings, blanks, stage directions have more
_MAX_FILE_BYTES = 50_000_000  # that are read: `MAX_CHARS` take 13 MB, and each different word 4 bytes
_WINDOW = MIN_RUN - HASHED + 1  # codes of a window of MIN_RUN characters: 39 bits
_PLACE = np.uint64(MAX_CHARS - 1)  # the bits of a place
_METADATA = "fingerprint"  # a single key, since safetensors does not keep the order of several
_DTYPES = {"codes": "U8", "words": "U32"}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # kana and ideographs


@dataclass(frozen=True, kw_only=True)
class TextPart(StrictConfig):
    """A part of a text: the characters [start, end) of its `chars` characters in its form.

    sha256: of the whole text in its form, in UTF-8, as `metrics.json` records it.

    Raises:
        ValueError: the name cannot be shown, the range is empty or outside the text, or sha256 is malformed.
    """

    name: str
    form: Form
    chars: int
    sha256: str
    start: int
    end: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name or printable(self.name) != self.name:
            raise ValueError(f"a fingerprinted text needs a name that can be shown in a line, not {shown(self.name)}.")
        if not 0 <= self.start < self.end <= self.chars <= MAX_CHARS:
            given = f"start {shown(self.start)}, end {shown(self.end)}, chars {shown(self.chars)}"
            raise ValueError(f"{self.name}: 0 <= start < end <= chars <= {MAX_CHARS} must hold, not {given}.")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.name}: sha256 must be 64 hexadecimal digits, not {shown(self.sha256)}.")

    @classmethod
    def from_record(cls, record: TextRecord) -> Self:
        """Return the training part of a text's record.

        Raises:
            ValueError: it was read with noise, so that its characters are not those of the text; or see `TextPart`.
        """
        if record.noise != "none":
            raise ValueError(
                f"{record.name} was read with noise ({record.noise}), so what is copied from it cannot be found in it."
            )
        start, end = record.ranges["train"]
        return cls(name=record.name, form=record.form, chars=record.chars, sha256=record.sha256, start=start, end=end)

    @property
    def filename(self) -> str:
        """The file name of its fingerprint, such as `time_machine.full.0-161081.fp`."""
        return f"{file_stem(self.name)}.{self.form}.{self.start}-{self.end}.fp"


@dataclass(frozen=True, kw_only=True)
class CopiedSpan:
    """The characters [start, end) of a sample that also occur in the text named `text`, from `offset` on.

    offset: in characters of the whole text in its form. fraction: the offset divided by the text's length.
    """

    start: int
    end: int
    text: str
    offset: int
    fraction: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Fingerprint:
    """Hashes of a part of a text, with which copies from it are found without the text.

    codes: the code of every `HASHED` consecutive characters of the part, in order.
    words: the hashes of the part's words, ascending; None if there are no spaces between words, as in Chinese.
    """

    source: TextPart
    codes: UInt8[np.ndarray, " C"]
    words: UInt32[np.ndarray, " W"] | None

    @classmethod
    def build(cls, name: str, form: Form, text: str, start: int = 0, end: int | None = None) -> Self:
        """Make the fingerprint of the characters [start, end) of a whole text in its form; by default of all.

        Raises:
            ValueError: `TextPart` does not allow the name, the range or the length.
        """
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        end = len(text) if end is None else end
        source = TextPart(name=name, form=form, chars=len(text), sha256=sha256, start=start, end=end)
        part = text[start:end]
        words = None if is_unspaced(part) else np.unique(hashes_of(set(split_words(part))))
        return cls(source=source, codes=_codes(part), words=words)

    def to_bytes(self) -> bytes:
        """Return the contents of the file; they are the same on every machine."""
        tensors = {"codes": _packed(self.codes)} | ({} if self.words is None else {"words": self.words})
        head = {"version": VERSION, "bits": BITS, "sha256": digest(tensors), "source": self.source.to_dict()}
        return save_tensors(tensors, {_METADATA: json.dumps(head)})

    def save(self, directory: str | Path) -> Path:
        """Write `directory / source.filename` and return that path."""
        path = Path(directory) / self.source.filename
        replace_file(path, self.to_bytes())
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote, and check all of it.

        Raises:
            ValueError: the file is missing, damaged, malformed or of another version; the message names it.
        """
        try:
            file_size(Path(path), _MAX_FILE_BYTES)
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
                if (head["version"], head["bits"]) != (VERSION, BITS):
                    raise ValueError(
                        f"version {shown(head['version'])} of {shown(head['bits'])} bits is not {VERSION} of {BITS}"
                    )
                if any(file.get_slice(key).get_dtype() != _DTYPES.get(key) for key in file.keys()):  # noqa: SIM118
                    raise ValueError(f"its tensors are not {_DTYPES}")
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if head["sha256"] != digest(tensors):
                raise ValueError("its tensors do not match their hash")
            source = TextPart.from_dict(head["source"])
            codes = _unpacked(tensors["codes"], max(0, source.end - source.start - HASHED + 1))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is no fingerprint that can be read ({type(error).__name__}: {shortened(str(error))}). "
                f"Get it again, build it again from its text, or update deeprnn."
            ) from error
        return cls(source=source, codes=codes, words=tensors.get("words"))

    def runs(self, sample: str) -> list[CopiedSpan]:
        """Return the maximal copied runs of at least `MIN_RUN` characters of a sample, by their start; see `maximal`.

        If a run occurs at several places in the text, the first is returned. If all windows of a run occur more than
        `MAX_PLACES` times (a long ruling), only the first places are searched; the run may be longer at a later one.
        """
        codes = _codes(sample)
        keys = _keys(codes)
        low = np.searchsorted(self._index, keys)
        count = np.minimum(np.searchsorted(self._index, keys | _PLACE, side="right") - low, MAX_PLACES)
        starts = np.repeat(np.arange(len(keys)), count)
        nth = np.arange(len(starts)) - np.repeat(count.cumsum() - count, count)
        places = (self._index[low[starts] + nth] & _PLACE).astype(np.int64)
        firsts = sorted(_diagonal_firsts(starts, places), key=lambda at: at[1])
        return maximal(self._extended(codes, start, place) for start, place in firsts)

    @functools.cached_property
    def _index(self) -> UInt64[np.ndarray, " P"]:
        """The key and the place of every window, ascending: 8 bytes per character."""
        keys = _keys(self.codes)
        return np.sort(keys | np.arange(len(keys), dtype=np.uint64))

    def _extended(self, codes: UInt8[np.ndarray, " N"], start: int, place: int) -> CopiedSpan:
        """Extend a window of equal codes to both sides, and return the whole run."""
        back = _equal(codes[start::-1], self.codes[place::-1]) - 1
        end = start + _equal(codes[start:], self.codes[place:]) + HASHED - 1
        source, offset = self.source, self.source.start + place - back
        return CopiedSpan(start=start - back, end=end, text=source.name, offset=offset, fraction=offset / source.chars)


def load_all(directory: str | Path, sources: Iterable[TextPart]) -> list[Fingerprint]:
    """Load the fingerprints of a model's training texts, each text once.

    Raises:
        ValueError: a fingerprint is missing or broken, or its text is not the one that its file name gives.
    """
    found = []
    for source in dict.fromkeys(sources):
        path = Path(directory) / source.filename
        found.append(Fingerprint.load(path))
        if found[-1].source != source:
            raise ValueError(f"{path} is of another text or part than its name says; build it again from that text.")
    return found


def measure(sample: str, fingerprints: Iterable[Fingerprint], prompt: str = "") -> dict[str, Any]:
    """Compare a continuation with its model's training texts, all in the same form; return JSON values.

    The prompt is not measured; it only completes the first word. A word at the end of the sample may be incomplete and
    is left out.

    runs: the maximal copied runs by their start, as {start, end, text, offset, fraction}, see `CopiedSpan`.
    longest_run: the length in characters of the longest run; 0 if none has `MIN_RUN` characters.
    copied_share: the share of characters that are part of a run.
    repetition: the share of windows of `MIN_RUN` characters that occur earlier in the sample.
    distinct: distinct-1, -2, -3 over words, or over characters if words have no spaces between them; only samples of
        equal length can be compared.
    dictionary_share: the share of words that occur in a training text; None if a text has no spaces between words.

    A figure is None if the sample is too short for it, or if it needs fingerprints and there are none.
    """
    known = list(fingerprints)
    runs = maximal(run for fingerprint in known for run in fingerprint.runs(sample))
    spaced = all(fingerprint.words is not None for fingerprint in known)
    units = _whole_words(sample, prompt) if spaced else [c for c in sample if not c.isspace()]
    return {
        "chars": len(sample),
        "runs": [asdict(run) for run in runs],
        "longest_run": max((run.end - run.start for run in runs), default=0) if known else None,
        "copied_share": copied_share(runs, len(sample)) if known else None,
        "repetition": repetition(sample),
        "distinct": [distinct_n(units, n) for n in (1, 2, 3)],
        "dictionary_share": dictionary_share(units, known),
    }


def maximal(runs: Iterable[CopiedSpan]) -> list[CopiedSpan]:
    """Return the runs that are not inside another run, by their start; of equal runs the first. They may overlap."""
    kept: list[CopiedSpan] = []
    for run in sorted(runs, key=lambda run: (run.start, -run.end)):
        if not kept or run.end > kept[-1].end:
            kept.append(run)
    return kept


def copied_share(runs: Iterable[CopiedSpan], chars: int) -> float | None:
    """Return the share of a sample's `chars` characters that are in a run; None if `chars` is 0.

    runs: sorted by their start.
    """
    covered = end = 0
    for run in runs:
        covered += max(0, run.end - max(run.start, end))
        end = max(end, run.end)
    return covered / chars if chars else None


def dictionary_share(words: Sequence[str], fingerprints: Sequence[Fingerprint]) -> float | None:
    """Return the share of words (lower case) that occur in one of the texts.

    None if there are no words, no texts, or a text without spaces between words. A word that does not occur in a text
    of W words is counted with probability W 2^-32.
    """
    known = [fingerprint.words for fingerprint in fingerprints if fingerprint.words is not None]
    if not words or not known or len(known) < len(fingerprints):
        return None
    hashes = hashes_of(words)
    return float(np.logical_or.reduce([np.isin(hashes, one) for one in known]).mean())


def distinct_n(units: Sequence[str], n: int) -> float | None:
    """Return distinct n-grams / all n-grams of a list of words or of a string's characters; None if there are none.

    Source: Li et al. 2016, arXiv 1510.03055, section 5.2; they divide by the number of words, which is n - 1 more.
    """
    grams = [tuple(units[i : i + n]) for i in range(len(units) - n + 1)]
    return len(set(grams)) / len(grams) if grams else None


def repetition(sample: str, n: int = MIN_RUN) -> float | None:
    """Return the share of windows of `n` characters that occur earlier in the sample; None if the sample is shorter.

    Source: seq-rep-n of Welleck et al. 2020, arXiv 1908.04319, section 4: 1 - distinct n-grams / n-grams. They use 4
    words; 20 characters are about as long, and also work for texts without spaces between words.
    """
    distinct = distinct_n(sample, n)
    return None if distinct is None else 1 - distinct


def split_words(text: str) -> list[str]:
    """Return the words in lower case: sequences of letters, with apostrophes inside."""
    return [match.lower() for match in _WORD.findall(text)]


def is_unspaced(text: str) -> bool:
    """Return whether most letters of the text are in a script without spaces between words (Chinese, Japanese)."""
    return 2 * len(_UNSPACED.findall(text)) > sum(map(str.isalpha, text))


def _whole_words(sample: str, prompt: str) -> list[str]:
    """Return the words that end inside the sample, before its last character."""
    whole = prompt + sample
    ends = ((match.end(), match[0].lower()) for match in _WORD.finditer(whole))
    return [word for end, word in ends if len(prompt) < end < len(whole)]


def hashes_of(words: Iterable[str]) -> UInt32[np.ndarray, " N"]:
    """Return 32 bits of BLAKE2b of each word, or line."""
    digests = (hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest() for word in words)
    return np.frombuffer(b"".join(digests), "<u4").astype(np.uint32)


def _codes(text: str) -> UInt8[np.ndarray, " C"]:
    """Return the code of every `HASHED` consecutive characters: `HASHED` - 1 fewer codes than characters, or none."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    size = max(0, len(points) - HASHED + 1)
    hashes = np.zeros(size, dtype=np.uint64)
    for j in range(HASHED):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + points[j : j + size]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ hashes >> np.uint64(shift)) * np.uint64(factor)
    return ((hashes ^ hashes >> np.uint64(31)) >> np.uint64(64 - BITS)).astype(np.uint8)


def _keys(codes: UInt8[np.ndarray, " C"]) -> UInt64[np.ndarray, " P"]:
    """Return the codes of each window of `MIN_RUN` characters as one number, above the bits of a place."""
    size = max(0, len(codes) - _WINDOW + 1)
    keys = np.zeros(size, dtype=np.uint64)
    for j in range(_WINDOW):
        keys = keys << np.uint64(BITS) | codes[j : j + size]
    return keys * np.uint64(MAX_CHARS)


def _diagonal_firsts(starts: Int64[np.ndarray, " M"], places: Int64[np.ndarray, " M"]) -> list[tuple[int, int]]:
    """Return the start and place of the first of all windows that follow each other in the sample and in the text."""
    order = np.lexsort((starts, starts - places))
    starts, places = starts[order], places[order]
    follows = (np.diff(starts) == 1) & (np.diff(places) == 1)
    firsts = np.flatnonzero(np.append(True, ~follows)[: len(starts)])
    return list(zip(starts[firsts].tolist(), places[firsts].tolist(), strict=True))


def _equal(a: UInt8[np.ndarray, " N"], b: UInt8[np.ndarray, " M"]) -> int:
    """Return the number of equal codes at the start of two sequences."""
    most = min(len(a), len(b))
    differ = a[:most] != b[:most]
    return int(differ.argmax()) if differ.any() else most


def _packed(codes: UInt8[np.ndarray, " C"]) -> UInt8[np.ndarray, " B"]:
    """Pack the bits of all codes, the highest bit of each first."""
    return np.packbits(np.unpackbits(codes[:, None], axis=1)[:, -BITS:])


def _unpacked(packed: UInt8[np.ndarray, " B"], size: int) -> UInt8[np.ndarray, " C"]:
    """Unpack `size` codes.

    Raises:
        ValueError: the number of bytes is wrong for so many codes.
    """
    if packed.shape != ((size * BITS + 7) // 8,):
        raise ValueError(f"its codes have shape {packed.shape} for {size} codes")
    bits = np.unpackbits(packed, count=size * BITS).reshape(size, BITS)
    return functools.reduce(lambda code, bit: code << np.uint8(1) | bit, bits.T)


def digest(tensors: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of the tensors' bytes."""
    return hashlib.sha256(b"".join(tensors[key].tobytes() for key in sorted(tensors))).hexdigest()
