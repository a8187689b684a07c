"""What a language model must beat: a smoothed n-gram, and xz.

Knows: ids, texts, and the n-gram's own file. Does not know: models, where texts come from, the page.

Two lower marks need no code here: guessing all V symbols alike costs ln V nats a character, and knowing only how often
each occurs is `evaluation.unigram_ppl`.
"""

import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Int64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors
from torch import Tensor

NGRAMS = "ngrams"  # the folder of n-grams beside the checkpoints
ORDER = 6  # of the n-grams in the tables and on the page
MAX_GRAMS = 400_000  # of an n-gram that is kept: under 3 MB
KEYS = 2**32  # the keys that a file can hold lie below
MIN_XZ_DICT = 4096  # bytes; the least that LZMA2 takes


_MAX_ORDER = 32  # of a file
_TENSORS = ("keys", "share", "rest")  # of a level, in its file


@dataclass(frozen=True, kw_only=True, eq=False)
class _Level:
    """The distinct k-grams of the training text for one k, each known by its rank.

    keys: sorted; (rank of the first k-1 characters among the (k-1)-grams) * V + the last character.
    share: (count - discount) / (count of the first k-1 characters), the part of p that a k-gram has of its own.
    rest: for each (k-1)-gram, what its discounts leave to shorter contexts.
    """

    keys: Int64[np.ndarray, " G"]
    share: Float64[np.ndarray, " G"]
    rest: Float64[np.ndarray, " C"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NGram:
    """A character n-gram with interpolated modified Kneser-Ney smoothing; build it with `NGram.build`.

    For a context h of k-1 characters, h' the same without its first one, and . any character:

        p(w | h) = (c(hw) - d(c(hw))) / c(h.) + r(h) p(w | h'),    r(h) = sum over w of d(c(hw)) / c(h.),

    p(w | h') alone where h was never seen, and 1 / V below the single character, so that every symbol has a price.
    At the full order c counts occurrences; below, the distinct characters (or the start of the text) to the left.
    Discounts are of each k's own counts of counts n_j: d(j) = j - (j + 1) y n_{j+1} / n_j for j = 1, 2, 3 and for all
    above 3, y = n_1 / (n_1 + 2 n_2).

    Variant: every n_j is one more than counted, and no discount is below that of a smaller count, so that d lies
    within (0, j) on any text. Source: Chen and Goodman 1999, Computer Speech and Language 13, section 3.

    order: n, the characters of a context plus one.
    vocab_size: V, the unknown character included.
    """

    order: int
    vocab_size: int
    levels: tuple[_Level, ...]

    @classmethod
    def build(cls, ids: Int[Tensor, " N"] | Sequence[int], vocab_size: int, order: int = 6) -> Self:
        """Count a training text of ids within [0, vocab_size).

        Raises:
            ValueError: the order is below 1, the text shorter than the order, or an id outside the alphabet.
        """
        text = _array(ids, vocab_size)
        if order < 1:
            raise ValueError(f"an n-gram's order is at least 1, not {order}.")
        if len(text) < order:
            raise ValueError(
                f"an n-gram of order {order} needs at least as many training characters, not {len(text)}: "
                f"use a longer text or a lower order."
            )
        keys_and_counts: list[tuple[Int64[np.ndarray, " G"], Int64[np.ndarray, " G"]]] = []
        ranks = np.zeros(len(text) + 1, dtype=np.int64)  # of the k-gram that ends at each place; of the empty one first
        for k in range(1, order + 1):
            keys, first, longer, counts = np.unique(
                ranks[:-1] * vocab_size + text[k - 1 :], return_index=True, return_inverse=True, return_counts=True
            )
            if keys_and_counts:  # now the left neighbours of the grams one shorter are known; the start is one, too
                neighbours = np.bincount(np.append(ranks[1:][first], ranks[0]))
                keys_and_counts[-1] = (keys_and_counts[-1][0], neighbours)
            keys_and_counts.append((keys, counts))
            ranks = longer
        contexts = [1, *(len(keys) for keys, _ in keys_and_counts)]
        levels = (
            _level(keys, keys // vocab_size, counts, n)
            for (keys, counts), n in zip(keys_and_counts, contexts, strict=False)
        )
        return cls(order=order, vocab_size=vocab_size, levels=tuple(levels))

    @classmethod
    def fitting(cls, ids: Int[Tensor, " N"] | Sequence[int], vocab_size: int) -> Self:
        """Count a text with the largest order up to `ORDER` that can be kept: of `MAX_GRAMS` distinct k-grams or fewer.

        Raises:
            ValueError: see `build`; or there is no such order.
        """
        for order in range(min(ORDER, len(ids)), 0, -1):
            ngram = cls.build(ids, vocab_size, order)
            if sum(len(level.keys) for level in ngram.levels) <= MAX_GRAMS and ngram.highest_key < KEYS:
                return ngram
        raise ValueError(f"a text of {len(ids)} characters and {vocab_size} symbols has no n-gram that can be kept.")

    @property
    def highest_key(self) -> int:
        """The highest of all levels' keys."""
        return max(int(level.keys[-1]) for level in self.levels)

    def to_bytes(self) -> bytes:
        """What its file holds: about 7 bytes a distinct k-gram, keys exact, probabilities as half-precision floats.

        Rounding moves a character's nats by less than 0.001.

        Raises:
            ValueError: there are too many contexts for keys of 32 bits.
        """
        if self.highest_key >= KEYS:
            raise ValueError("this n-gram has too many contexts to be saved: use a lower order or a shorter text.")
        tensors: dict[str, np.ndarray] = {}
        for k, level in enumerate(self.levels, start=1):
            tensors[f"keys{k}"] = level.keys.astype(np.uint32)
            tensors[f"share{k}"] = level.share.astype(np.float16)
            tensors[f"rest{k}"] = level.rest.astype(np.float16)
        head = json.dumps({"order": self.order, "vocab_size": self.vocab_size})
        return save_tensors(tensors, {"ngram": head})

    def save(self, path: str | Path) -> None:
        """Write a file.

        Raises:
            ValueError: see `to_bytes`.
        """
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path, symbols: int | None = None) -> Self:
        """Read what `save` wrote, of an alphabet of so many symbols.

        Raises:
            ValueError: there is no such file, or it is malformed or of another alphabet; the message names it.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {})["ngram"])
                order, vocab_size = head["order"], head["vocab_size"]
                if type(order) is not int or type(vocab_size) is not int or not 1 <= order <= _MAX_ORDER:
                    raise ValueError(f"its order is {order!r}, of {vocab_size!r} symbols")
                if symbols not in (None, vocab_size):
                    raise ValueError(f"it is of {vocab_size} symbols, not of {symbols}")
                read = [[file.get_tensor(f"{name}{k}") for name in _TENSORS] for k in range(1, order + 1)]
            _check(read, vocab_size)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is no n-gram that can be read ({type(error).__name__}: {error}). Get it again, or build it "
                f"again from its text."
            ) from error
        levels = (
            _Level(keys=keys.astype(np.int64), share=share.astype(np.float64), rest=rest.astype(np.float64))
            for keys, share, rest in read
        )
        return cls(order=order, vocab_size=vocab_size, levels=tuple(levels))

    def nats(self, ids: Int[Tensor, " N"] | Sequence[int]) -> Float[Tensor, " N-1"]:
        """-ln p of each character after the first, given up to order - 1 characters of the text before it; float64.

        Raises:
            ValueError: fewer than two characters, or an id outside the alphabet.
        """
        text = _array(ids, self.vocab_size)
        if len(text) < 2:
            raise ValueError("scoring needs at least two characters: the first is context for the second.")
        p = np.full(len(text), 1 / self.vocab_size)
        contexts = np.zeros(len(text), dtype=np.int64)  # the rank of the k-1 characters before each; -1: never seen
        for level in self.levels:
            wanted = contexts * self.vocab_size + text  # negative, and so never found, after an unseen context
            ranks = np.minimum(np.searchsorted(level.keys, wanted), len(level.keys) - 1)
            found = level.keys[ranks] == wanted
            own = np.where(found, level.share[ranks], 0.0)
            p = np.where(contexts < 0, p, own + level.rest[contexts] * p)
            contexts = np.append(-1, np.where(found, ranks, -1)[:-1])
        return torch.from_numpy(-np.log(p[1:]))


def xz_bpc(train_text: str, text: str) -> float:
    """Bits per character that `text` adds to `train_text` under `xz -9e`: a compressor's figure, not a probability's.

    Both are compressed as one raw LZMA2 stream of UTF-8 bytes (no container) whose dictionary holds all of them; the
    size of the training text's own stream is subtracted. Every character of `text` is paid for, the first one too.

    Raises:
        ValueError: `text` is empty.
    """
    if not text:
        raise ValueError("there is nothing to compress: give a text of at least one character.")
    return (_xz_bytes(train_text + text) - _xz_bytes(train_text)) * 8 / len(text)


def _level(
    keys: Int64[np.ndarray, " G"], contexts: Int64[np.ndarray, " G"], counts: Int64[np.ndarray, " G"], num_contexts: int
) -> _Level:
    """Discount the counts of k-grams; a context that nothing follows (the text's end) leaves all to shorter ones."""
    n = np.bincount(np.minimum(counts, 5), minlength=6) + 1.0
    y = n[1] / (n[1] + 2 * n[2])
    by_count = np.maximum.accumulate([0.0, *(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))])
    discounts = by_count[np.minimum(counts, 3)]
    totals = np.bincount(contexts, weights=counts, minlength=num_contexts)
    left = np.bincount(contexts, weights=discounts, minlength=num_contexts)
    rest = np.divide(left, totals, out=np.ones(num_contexts), where=totals > 0)
    return _Level(keys=keys, share=(counts - discounts) / totals[contexts], rest=rest)


def _check(levels: list[list[np.ndarray]], vocab_size: int) -> None:
    """Refuse levels that scoring could not walk through: lengths that do not meet, keys that lead out of them."""
    contexts = 1  # of the level, the k-grams of the one before
    for k, (keys, share, rest) in enumerate(levels, start=1):
        if [keys.dtype, share.dtype, rest.dtype] != [np.uint32, np.float16, np.float16]:
            raise ValueError(f"the tensors of level {k} are {keys.dtype}, {share.dtype} and {rest.dtype}")
        if not len(keys) or keys.ndim != 1 or share.shape != keys.shape or rest.shape != (contexts,):
            raise ValueError(f"the tensors of level {k} have shapes {keys.shape}, {share.shape} and {rest.shape}")
        if (np.diff(keys.astype(np.int64)) <= 0).any() or keys[-1] >= contexts * vocab_size:
            raise ValueError(f"the keys of level {k} do not ascend within {contexts} contexts")
        if not all(((part >= 0) & (part <= 1)).all() for part in (share, rest)):
            raise ValueError(f"level {k} holds shares outside 0 to 1")
        contexts = len(keys)
    if not (levels[0][2] > 0).all():
        raise ValueError("a symbol has no probability")


def _array(ids: Int[Tensor, " N"] | Sequence[int], vocab_size: int) -> Int64[np.ndarray, " N"]:
    text: Int64[np.ndarray, " N"] = torch.as_tensor(ids).cpu().numpy().astype(np.int64)
    if len(text) and not 0 <= text.min() <= text.max() < vocab_size:
        raise ValueError(
            f"ids {text.min()} to {text.max()} do not lie within an alphabet of {vocab_size} symbols; "
            f"encode the text with the alphabet that the n-gram was built with."
        )
    return text


def _xz_bytes(text: str) -> int:
    data = text.encode()
    lzma2 = {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": max(MIN_XZ_DICT, len(data)),  # the preset's 64 MiB take 0.7 GB of memory
    }
    return len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=[lzma2]))
