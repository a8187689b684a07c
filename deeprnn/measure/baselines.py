"""Baselines for a language model: a smoothed n-gram, and xz.

Knows: ids, texts, and the n-gram's own file. Does not know: models, where texts come from, the page.

Two weaker baselines are not here: uniform guessing among V symbols costs ln V nats per character, and
`evaluation.unigram_ppl` predicts from how often each symbol occurs.
"""

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Int64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors
from torch import Tensor

from deeprnn.checks import shortened, shown
from deeprnn.documents import file_size, replace_file
from deeprnn.lm.sampling import Sampling, draw, uniforms
from deeprnn.measure.metrics import heldout

NGRAMS = "ngrams"  # the folder of n-grams beside the checkpoints
ORDER = 6  # the order of the n-grams in the tables and on the page
MAX_GRAMS = 400_000  # the most distinct k-grams of an n-gram that is saved: under 3 MB
MAX_COUNTED = 5_000_000  # the most characters of a user's own text from which an n-gram is made; it takes seconds
KEYS = 2**32  # keys in a file are below this number
MIN_XZ_DICT = 4096  # bytes; the smallest dictionary of LZMA2


_MAX_ORDER = 32  # the highest order that is read from a file
_MAX_FILE_BYTES = 50_000_000  # that are read: some times what `MAX_GRAMS` take
_TENSORS = ("keys", "share", "rest")  # the tensors of one level in a file


@dataclass(frozen=True, kw_only=True, eq=False)
class _Level:
    """The distinct k-grams of the training text for one k; the rank of a k-gram is its index in `keys`.

    keys: sorted; (rank of the first k-1 characters among the (k-1)-grams) * V + the last character.
    share: (count - discount) / (count of the first k-1 characters), the first term of p below.
    rest: for each (k-1)-gram h, the factor r(h) of the shorter context's probability.
    """

    keys: Int64[np.ndarray, " G"]
    share: Float64[np.ndarray, " G"]
    rest: Float64[np.ndarray, " C"]

    def ranks(
        self, contexts: Int64[np.ndarray, " N"], ids: Int64[np.ndarray, " N"], vocab_size: int
    ) -> Int64[np.ndarray, " N"]:
        """Return the rank of each k-gram, given by the rank of its first k-1 characters and the last; -1: unseen."""
        wanted = contexts * vocab_size + ids  # negative after an unseen context, so never found
        ranks = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[ranks] == wanted, ranks, -1)


@dataclass(frozen=True, kw_only=True, eq=False)
class NGram:
    """A character n-gram with interpolated modified Kneser-Ney smoothing; `NGram.build` makes it.

    For a context h of k-1 characters, h' the same without its first character, and . any character:

        p(w | h) = (c(hw) - d(c(hw))) / c(h.) + r(h) p(w | h'),    r(h) = sum over w of d(c(hw)) / c(h.).

    If h never occurs, p(w | h) = p(w | h'). Below the single character p is 1 / V, so every symbol has a probability.
    At the full order, c counts occurrences; at lower orders, it counts the distinct characters to the left (the start
    of the text is one of them). The discounts of each k come from n_j, the number of k-grams with count j:
    d(j) = j - (j + 1) y n_{j+1} / n_j for j = 1, 2, 3, and d(j) = d(3) above, with y = n_1 / (n_1 + 2 n_2).

    Variant: one is added to every n_j, and no discount is less than that of a smaller count, so that d lies
    within (0, j) on any text. Source: Chen and Goodman 1999, Computer Speech and Language 13, section 3.

    order: n, the characters of the longest context plus one.
    vocab_size: V, with the unknown character.
    """

    order: int
    vocab_size: int
    levels: tuple[_Level, ...]

    @classmethod
    def build(
        cls,
        ids: Int[Tensor, " N"] | Sequence[int],
        vocab_size: int,
        order: int = 6,
        before_reading: Callable[[int], None] = lambda _: None,
    ) -> Self:
        """Count the k-grams of a training text of ids in [0, vocab_size).

        before_reading: called with the number of characters before each of the `order` times that the text is read; it
            may raise, to stop.

        Raises:
            ValueError: the order is below 1, the text is shorter than the order, or an id is outside the alphabet.
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
        ranks = np.zeros(len(text) + 1, dtype=np.int64)  # of the k-gram that ends at each place; first the empty one
        for k in range(1, order + 1):
            before_reading(len(text))
            keys, first, longer, counts = np.unique(
                ranks[:-1] * vocab_size + text[k - 1 :], return_index=True, return_inverse=True, return_counts=True
            )
            if keys_and_counts:  # replace the counts of the (k-1)-grams by their distinct left neighbours
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
    def fitting(
        cls,
        ids: Int[Tensor, " N"] | Sequence[int],
        vocab_size: int,
        before_reading: Callable[[int], None] = lambda _: None,
    ) -> Self:
        """Count a text with the highest order up to `ORDER` that gives at most `MAX_GRAMS` distinct k-grams.

        before_reading: see `build`.

        Raises:
            ValueError: see `build`; or no order gives so few.
        """
        for order in range(min(ORDER, len(ids)), 0, -1):
            ngram = cls.build(ids, vocab_size, order, before_reading)
            if sum(len(level.keys) for level in ngram.levels) <= MAX_GRAMS and ngram.highest_key < KEYS:
                return ngram
        raise ValueError(f"a text of {len(ids)} characters and {vocab_size} symbols has no n-gram that can be kept.")

    @property
    def highest_key(self) -> int:
        """The highest key of all levels."""
        return max(int(level.keys[-1]) for level in self.levels)

    def to_bytes(self) -> bytes:
        """Return the contents of the file: about 7 bytes per distinct k-gram, with probabilities in float16.

        The rounding changes the nats of nearly every character by less than 0.01, and the mean of a text by less than
        0.0001.

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
        replace_file(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path, symbols: int | None = None) -> Self:
        """Read a file that `save` wrote.

        symbols: the size of the alphabet that the file must have; None allows any.

        Raises:
            ValueError: the file is missing or malformed, or its alphabet has another size; the message names the file.
        """
        try:
            file_size(Path(path), _MAX_FILE_BYTES)
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {})["ngram"])
                order, vocab_size = head["order"], head["vocab_size"]
                whole = type(order) is int and type(vocab_size) is int
                if not whole or not 1 <= order <= _MAX_ORDER or not 1 <= vocab_size <= KEYS:
                    raise ValueError(f"its order is {shown(order)}, of {shown(vocab_size)} symbols")
                if symbols not in (None, vocab_size):
                    raise ValueError(f"it is of {shown(vocab_size)} symbols, not of {symbols}")
                read = [[file.get_tensor(f"{name}{k}") for name in _TENSORS] for k in range(1, order + 1)]
            _check(read, vocab_size)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is no n-gram that can be read ({type(error).__name__}: {shortened(str(error))}). "
                f"Get it again, or build it again from its text."
            ) from error
        levels = (
            _Level(keys=keys.astype(np.int64), share=share.astype(np.float64), rest=rest.astype(np.float64))
            for keys, share, rest in read
        )
        return cls(order=order, vocab_size=vocab_size, levels=tuple(levels))

    def nats(self, ids: Int[Tensor, " N"] | Sequence[int]) -> Float[Tensor, " N-1"]:
        """Return -ln p of each character after the first, given the order - 1 characters before it or fewer; float64.

        Raises:
            ValueError: there are fewer than two characters, or an id is outside the alphabet.
        """
        text = _array(ids, self.vocab_size)
        if len(text) < 2:
            raise ValueError("scoring needs at least two characters: the first is context for the second.")
        p = np.full(len(text), 1 / self.vocab_size)
        contexts = np.zeros(len(text), dtype=np.int64)  # the rank of the k-1 characters before each; -1: unseen
        for level in self.levels:
            ranks = level.ranks(contexts, text, self.vocab_size)
            own = np.where(ranks < 0, 0.0, level.share[ranks])
            p = np.where(contexts < 0, p, own + level.rest[contexts] * p)
            contexts = np.append(-1, ranks[:-1])
        return torch.from_numpy(-np.log(p[1:]))

    def logits(self, context: Sequence[int]) -> Float64[np.ndarray, " V"]:
        """Return ln p of every symbol after a context of ids, of which the last order - 1 count.

        Raises:
            ValueError: an id is outside the alphabet.
        """
        text = _array(context[max(0, len(context) - self.order + 1) :], self.vocab_size)
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        contexts = np.zeros(len(text) + 1, dtype=np.int64)  # the rank of the k-1 characters before each and at the end
        for level in self.levels:
            if (rank := contexts[-1]) >= 0:
                start = rank * self.vocab_size
                seen = slice(*np.searchsorted(level.keys, (start, start + self.vocab_size)))
                p *= level.rest[rank]
                p[level.keys[seen] - start] += level.share[seen]
            contexts = np.append(-1, level.ranks(contexts[:-1], text, self.vocab_size))
        found: Float64[np.ndarray, " V"] = np.log(p)
        return found

    def write(
        self, prompt_ids: Sequence[int], max_chars: int, sampling: Sampling, is_whole: Callable[[list[int]], bool]
    ) -> list[int]:
        """Continue a prompt as a model does, with the same numbers for a seed, until the text is whole.

        Raises:
            ValueError: an id is outside the alphabet.
        """
        written, allowed = list[int](), np.ones(self.vocab_size, np.bool_)
        for number in uniforms(sampling.seed, max_chars):
            logits = self.logits([*prompt_ids, *written]).astype(np.float32)
            written.append(int(draw(logits, allowed, number, sampling.temperature, sampling.top_k, sampling.top_p)))
            if is_whole(written):
                break
        return written


def of_heldout(parts: Mapping[str, Int[Tensor, " N"]], vocab_size: int) -> dict[str, float] | None:
    """Return an n-gram of a training text: its order, and its perplexity on held-out text; None if it takes long.

    parts: the ids of a run's parts. The result has `order`, `ppl` (on the test part, or on validation if there is none)
    and `val_ppl` (on the validation part, of which a run's curve is).
    """
    train = parts["train"]
    if len(train) > MAX_COUNTED:
        return None
    ngram = NGram.build(train, vocab_size, min(ORDER, len(train)))
    ppl, val_ppl = (float(ngram.nats(ids).mean().exp()) for ids in (heldout(parts), parts["val"]))
    return {"order": ngram.order, "ppl": ppl, "val_ppl": val_ppl}


def xz_bpc(train_text: str, text: str) -> float:
    """Return the bits per character that `text` adds to the compressed size of `train_text` under `xz -9e`.

    Both texts are compressed as one raw LZMA2 stream of UTF-8 bytes (no container), with a dictionary that holds all of
    them; the size of the training text's own stream is subtracted. The first character of `text` is counted too.

    Raises:
        ValueError: `text` is empty.
    """
    if not text:
        raise ValueError("there is nothing to compress: give a text of at least one character.")
    return (_xz_bytes(train_text + text) - _xz_bytes(train_text)) * 8 / len(text)


def _level(
    keys: Int64[np.ndarray, " G"], contexts: Int64[np.ndarray, " G"], counts: Int64[np.ndarray, " G"], num_contexts: int
) -> _Level:
    """Discount the counts of k-grams; r(h) is 1 for a context that nothing follows (the end of the text)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6) + 1.0
    y = n[1] / (n[1] + 2 * n[2])
    by_count = np.maximum.accumulate([0.0, *(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))])
    discounts = by_count[np.minimum(counts, 3)]
    totals = np.bincount(contexts, weights=counts, minlength=num_contexts)
    left = np.bincount(contexts, weights=discounts, minlength=num_contexts)
    rest = np.divide(left, totals, out=np.ones(num_contexts), where=totals > 0)
    return _Level(keys=keys, share=(counts - discounts) / totals[contexts], rest=rest)


def _check(levels: list[list[np.ndarray]], vocab_size: int) -> None:
    """Check the types, shapes and ranges of the levels in a file, so that scoring finds every index.

    Raises:
        ValueError: a tensor is wrong.
    """
    contexts = 1  # of the level: the number of k-grams of the level before
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
