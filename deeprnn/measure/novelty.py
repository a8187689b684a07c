"""How new a generated text is: what of it is copied verbatim, repetition, distinct-n, dictionary share.

Knows: texts, and the files of fingerprints. Does not know: models, where texts come from, the page.

A `Fingerprint` represents the part of a text that a model was trained on, where the text itself is not at hand. Of
every 8 characters in a row it keeps a code, the highest 3 bits of their hash modulo 2^64,

    mix(sum of point[j] M^(7 - j), j = 0 to 7),  M = 0x9E3779B97F4A7C15,

where `mix` is the finalizer of SplitMix64 (java.util.SplittableRandom; Stafford's variant 13).

Ends: a run of n characters is a run of n - 7 equal codes, so that none of 20 or more is missed. Either end lies k or
more characters too far out with a chance of 8^-k; of one character over and over all codes are the same, so that a
ruling passes for one of another character with a chance of 1 in 8. About a quarter of the runs of 19 characters pass
for 20. By chance alone a window is found among P places with a chance of P 2^-39. Of the last tenths of 17 books 1.9%
to 29% of the characters are reported as copied from the rest, where 1.5% to 27% are: none is missed, 8% to 38% of as
many are added (Chinese: 0.08% reported, none copied). `pytest -m slow -s tests/test_novelty.py` tells them all.

What it gives away: nothing reads the text off it, but it is no encryption. Who has a text can confirm it; and as a code
rules out seven of eight next characters, who knows a dozen of them can guess on. A 6-gram model of the author's other
books and a beam of 2,000 got 2,000 characters of *The Time Machine* back that way, in three minutes.
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

from deeprnn.config import Form, StrictConfig
from deeprnn.documents import printable
from deeprnn.measure.metrics import TextRecord, file_stem

FINGERPRINTS = "fingerprints"  # the folder of fingerprints beside the checkpoints
MIN_RUN = 20  # characters from which a verbatim run counts as copied, here and in the experiments' tables
HASHED = 8  # characters to a code
BITS = 3  # of a code
VERSION = 1  # of the file
MAX_CHARS = 2**25  # of a text: its places fit beside a window's codes in 64 bits
MAX_PLACES = 64  # of one window that are followed; only rulings, blanks and stage directions occur more often
_WINDOW = MIN_RUN - HASHED + 1  # codes of a window of MIN_RUN characters: 39 bits
_PLACE = np.uint64(MAX_CHARS - 1)
_METADATA = "fingerprint"  # one key, as safetensors keeps several in no fixed order
_DTYPES = {"codes": "U8", "words": "U32"}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # kana and ideographs


@dataclass(frozen=True, kw_only=True)
class TextPart(StrictConfig):
    """Which part of which text: the characters [start, end) of the `chars` that it has in its form.

    sha256: of the whole text in its form, in UTF-8, as `metrics.json` records it.

    Raises:
        ValueError: no name that can be shown, no characters, a range outside them, or no hexadecimal SHA-256.
    """

    name: str
    form: Form
    chars: int
    sha256: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.name or printable(self.name) != self.name:
            raise ValueError(f"a fingerprinted text needs a name that can be shown in a line, not {self.name[:80]!r}.")
        if not 0 <= self.start < self.end <= self.chars <= MAX_CHARS:
            given = f"start {self.start}, end {self.end}, chars {self.chars}"
            raise ValueError(f"{self.name}: 0 <= start < end <= chars <= {MAX_CHARS} must hold, not {given}.")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.name}: sha256 must be 64 hexadecimal digits, not {self.sha256!r}.")

    @classmethod
    def from_record(cls, record: TextRecord) -> Self:
        """What a text's record says of the part that was trained on."""
        start, end = record.ranges["train"]
        return cls(name=record.name, form=record.form, chars=record.chars, sha256=record.sha256, start=start, end=end)

    @property
    def filename(self) -> str:
        """The name of its fingerprint's file, such as `time_machine.full.0-161081.fp`."""
        return f"{file_stem(self.name)}.{self.form}.{self.start}-{self.end}.fp"


@dataclass(frozen=True, kw_only=True)
class CopiedSpan:
    """The characters [start, end) of a sample, which occur in the text of that name from `offset` on.

    offset: in characters of the whole text in its form; fraction: the same as a share of its length.
    """

    start: int
    end: int
    text: str
    offset: int
    fraction: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Fingerprint:
    """What tells whether a sample is copied from a part of a text, without that text.

    codes: of every `HASHED` characters of the part in a row, by where they start.
    words: hashes of the part's words, ascending; None where words are not spaced, as in Chinese.
    """

    source: TextPart
    codes: UInt8[np.ndarray, " C"]
    words: UInt32[np.ndarray, " W"] | None

    @classmethod
    def build(cls, name: str, form: Form, text: str, start: int = 0, end: int | None = None) -> Self:
        """Fingerprint the characters [start, end) of a whole text in its form; by default all.

        Raises:
            ValueError: the name, the range or the length is none that a `TextPart` can have.
        """
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        end = len(text) if end is None else end
        source = TextPart(name=name, form=form, chars=len(text), sha256=sha256, start=start, end=end)
        part = text[start:end]
        words = None if is_unspaced(part) else np.unique(_word_hashes(set(split_words(part))))
        return cls(source=source, codes=_codes(part), words=words)

    def to_bytes(self) -> bytes:
        """What its file holds, the same everywhere."""
        tensors = {"codes": _packed(self.codes)} | ({} if self.words is None else {"words": self.words})
        head = {"version": VERSION, "bits": BITS, "sha256": _digest(tensors), "source": self.source.to_dict()}
        return save_tensors(tensors, {_METADATA: json.dumps(head)})

    def save(self, directory: str | Path) -> Path:
        """Write `directory / source.filename` and return that path."""
        path = Path(directory) / self.source.filename
        path.write_bytes(self.to_bytes())
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote, everything checked.

        Raises:
            ValueError: there is no such file, or it is of another version, damaged or malformed; the message names it.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
                if (head["version"], head["bits"]) != (VERSION, BITS):
                    raise ValueError(f"version {head['version']} of {head['bits']} bits is not {VERSION} of {BITS}")
                if any(file.get_slice(key).get_dtype() != _DTYPES.get(key) for key in file.keys()):  # noqa: SIM118
                    raise ValueError(f"its tensors are not {_DTYPES}")
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if head["sha256"] != _digest(tensors):
                raise ValueError("its tensors do not match their hash")
            source = TextPart.from_dict(head["source"])
            codes = _unpacked(tensors["codes"], max(0, source.end - source.start - HASHED + 1))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is no fingerprint that can be read ({type(error).__name__}: {error}). Get it again, build it "
                f"again from its text, or update deeprnn."
            ) from error
        return cls(source=source, codes=codes, words=tensors.get("words"))

    def runs(self, sample: str) -> list[CopiedSpan]:
        """The maximal runs of at least `MIN_RUN` characters of a sample, by their start; see `maximal`.

        Of several places the first is given. A run all of whose windows occur more than `MAX_PLACES` times in the text
        (a long ruling) is found at the first ones, and may be longer at a later one.
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
        """The key and the place of every window, ascending: 8 bytes a character."""
        keys = _keys(self.codes)
        return np.sort(keys | np.arange(len(keys), dtype=np.uint64))

    def _extended(self, codes: UInt8[np.ndarray, " N"], start: int, place: int) -> CopiedSpan:
        """The whole run through a window of equal codes."""
        back = _equal(codes[start::-1], self.codes[place::-1]) - 1
        end = start + _equal(codes[start:], self.codes[place:]) + HASHED - 1
        source, offset = self.source, self.source.start + place - back
        return CopiedSpan(start=start - back, end=end, text=source.name, offset=offset, fraction=offset / source.chars)


def load_all(directory: str | Path, sources: Iterable[TextPart]) -> list[Fingerprint]:
    """The fingerprints of a model's training texts, each text once.

    Raises:
        ValueError: one is missing, broken, or of another text than its name says.
    """
    found = []
    for source in dict.fromkeys(sources):
        path = Path(directory) / source.filename
        found.append(Fingerprint.load(path))
        if found[-1].source != source:
            raise ValueError(f"{path} is of {found[-1].source}, not of {source}; build it again from that text.")
    return found


def measure(sample: str, fingerprints: Iterable[Fingerprint], prompt: str = "") -> dict[str, Any]:
    """Measure a continuation against its model's training texts, all in the same form; plain JSON values.

    Nothing of the prompt counts: it only completes the first word. A word that reaches the end of the sample may be cut
    off there and is left out.

    runs: the maximal copied runs by their start, as {start, end, text, offset, fraction}, see `CopiedSpan`.
    longest_run: characters of the longest of them; 0: there is none of `MIN_RUN` characters.
    copied_share: the share of characters that lie in them.
    repetition: the share of windows of `MIN_RUN` characters that stood earlier in the sample.
    distinct: distinct-1, -2, -3 over words, or over characters where words are not spaced; compare equal lengths only.
    dictionary_share: the share of words that a training text has; None where the words of one are not spaced.

    A figure is None where the sample is too short for it, what needs fingerprints where there is none.
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
    """The runs that lie in no other, by their start, of equal ones the first; they may overlap."""
    kept: list[CopiedSpan] = []
    for run in sorted(runs, key=lambda run: (run.start, -run.end)):
        if not kept or run.end > kept[-1].end:
            kept.append(run)
    return kept


def copied_share(runs: Iterable[CopiedSpan], chars: int) -> float | None:
    """The share of a sample's `chars` characters that lie in one of its runs, given by their start; None for none."""
    covered = end = 0
    for run in runs:
        covered += max(0, run.end - max(run.start, end))
        end = max(end, run.end)
    return covered / chars if chars else None


def dictionary_share(words: Sequence[str], fingerprints: Sequence[Fingerprint]) -> float | None:
    """The share of words in lower case that one of the texts has; None without words, or where those of one are None.

    A word that a text of W words has not passes for known with a chance of W 2^-32.
    """
    known = [fingerprint.words for fingerprint in fingerprints if fingerprint.words is not None]
    if not words or not known or len(known) < len(fingerprints):
        return None
    hashes = _word_hashes(words)
    return float(np.logical_or.reduce([np.isin(hashes, one) for one in known]).mean())


def distinct_n(units: Sequence[str], n: int) -> float | None:
    """Distinct n-grams / all n-grams of a list of words or of a string's characters; None where there is none.

    Source: Li et al. 2016, arXiv 1510.03055, section 5.2; they divide by the number of words, which is n - 1 more.
    """
    grams = [tuple(units[i : i + n]) for i in range(len(units) - n + 1)]
    return len(set(grams)) / len(grams) if grams else None


def repetition(sample: str, n: int = MIN_RUN) -> float | None:
    """The share of windows of `n` characters that stood earlier in the sample; None for one shorter than that.

    Source: seq-rep-n of Welleck et al. 2020, arXiv 1908.04319, section 4: 1 - distinct n-grams / n-grams. They take 4
    words; 20 characters are as long, and serve texts without words too.
    """
    distinct = distinct_n(sample, n)
    return None if distinct is None else 1 - distinct


def split_words(text: str) -> list[str]:
    """The words in lower case: letters, with apostrophes inside."""
    return [match.lower() for match in _WORD.findall(text)]


def is_unspaced(text: str) -> bool:
    """Whether most letters of the text are of a script without spaces between words (Chinese, Japanese)."""
    return 2 * len(_UNSPACED.findall(text)) > sum(map(str.isalpha, text))


def _whole_words(sample: str, prompt: str) -> list[str]:
    """The words that end within the sample, before its last character."""
    whole = prompt + sample
    ends = ((match.end(), match[0].lower()) for match in _WORD.finditer(whole))
    return [word for end, word in ends if len(prompt) < end < len(whole)]


def _word_hashes(words: Iterable[str]) -> UInt32[np.ndarray, " N"]:
    """32 bits of BLAKE2b of each word."""
    return np.frombuffer(b"".join(hashlib.blake2b(w.encode(), digest_size=4).digest() for w in words), "<u4")


def _codes(text: str) -> UInt8[np.ndarray, " C"]:
    """The code of every `HASHED` characters in a row: `HASHED` - 1 fewer than characters, or none."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    size = max(0, len(points) - HASHED + 1)
    hashes = np.zeros(size, dtype=np.uint64)
    for j in range(HASHED):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + points[j : j + size]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ hashes >> np.uint64(shift)) * np.uint64(factor)
    return ((hashes ^ hashes >> np.uint64(31)) >> np.uint64(64 - BITS)).astype(np.uint8)


def _keys(codes: UInt8[np.ndarray, " C"]) -> UInt64[np.ndarray, " P"]:
    """The codes of each window of `MIN_RUN` characters in one number, above the bits of a place."""
    size = max(0, len(codes) - _WINDOW + 1)
    keys = np.zeros(size, dtype=np.uint64)
    for j in range(_WINDOW):
        keys = keys << np.uint64(BITS) | codes[j : j + size]
    return keys * np.uint64(MAX_CHARS)


def _diagonal_firsts(starts: Int64[np.ndarray, " M"], places: Int64[np.ndarray, " M"]) -> list[tuple[int, int]]:
    """Of windows that follow each other on a diagonal the first's start and place."""
    order = np.lexsort((starts, starts - places))
    starts, places = starts[order], places[order]
    follows = (np.diff(starts) == 1) & (np.diff(places) == 1)
    firsts = np.flatnonzero(np.append(True, ~follows)[: len(starts)])
    return list(zip(starts[firsts].tolist(), places[firsts].tolist(), strict=True))


def _equal(a: UInt8[np.ndarray, " N"], b: UInt8[np.ndarray, " M"]) -> int:
    """How many codes two rows have in common from their start."""
    most = min(len(a), len(b))
    differ = a[:most] != b[:most]
    return int(differ.argmax()) if differ.any() else most


def _packed(codes: UInt8[np.ndarray, " C"]) -> UInt8[np.ndarray, " B"]:
    """The bits of all codes in a row, the highest first."""
    return np.packbits(np.unpackbits(codes[:, None], axis=1)[:, -BITS:])


def _unpacked(packed: UInt8[np.ndarray, " B"], size: int) -> UInt8[np.ndarray, " C"]:
    """The `size` codes that were packed; a ValueError where the bytes are not of as many."""
    if packed.shape != ((size * BITS + 7) // 8,):
        raise ValueError(f"its codes have shape {packed.shape} for {size} codes")
    bits = np.unpackbits(packed, count=size * BITS).reshape(size, BITS)
    return functools.reduce(lambda code, bit: code << np.uint8(1) | bit, bits.T)


def _digest(tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of the tensors' bytes."""
    return hashlib.sha256(b"".join(tensors[key].tobytes() for key in sorted(tensors))).hexdigest()
