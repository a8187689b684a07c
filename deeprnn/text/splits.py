"""The texts of a run, cut into training, validation and test parts and encoded as ids.

Knows: corpora, vocabularies, a training configuration. Does not know: models, windows.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deeprnn.checks import listed
from deeprnn.config import Noise, TrainConfig
from deeprnn.text.batches import num_windows, split
from deeprnn.text.corpora import Corpus, is_known, load_corpus
from deeprnn.text.noise import noisy
from deeprnn.text.vocab import Vocab

MAX_HELDOUT = 200_000  # characters of a held-out part that are read; measuring a model on them takes seconds
FIRST_MARK = 0xE000  # the first code point of Unicode's private use area


@dataclass(frozen=True, kw_only=True)
class Source:
    """One text of a run, and the range [start, end) of characters of each part that the run uses.

    Of a held-out part that are the first `MAX_HELDOUT`. noise: what the training part is read with; a source with noise
    has no held-out parts.
    """

    corpus: Corpus
    ranges: dict[str, tuple[int, int]]
    noise: Noise = "none"

    def cut(self, part: str) -> str:
        """Return the characters of a part, as they are read."""
        return noisy(self.corpus.text[slice(*self.ranges[part])], self.noise)

    def record(self) -> dict[str, Any]:
        """Return the entry of this text in `metrics.json`."""
        return {
            "name": self.corpus.name,
            "form": self.corpus.form,
            "chars": len(self.corpus.text),
            "sha256": self.corpus.sha256,
            "ranges": {part: list(r) for part, r in self.ranges.items()},
            **({} if is_known(self.corpus.name) else {"own": True}),
            **({} if self.noise == "none" else {"noise": self.noise}),
        }


@dataclass(frozen=True, kw_only=True)
class Data:
    """The texts of a run as ids.

    sources: the main text first, then what only adds to the training part: of the main text what follows, if that is
        read with noise; then the other texts.
    parts: the ids of `train` (from all sources), and of `val` and, if there is one, `test` (from the main text).
    elsewhere: the ids of the held-out parts of other texts, by name.
    marks: the ids of the symbols that mark texts; they are read, and trained on, but no measurement scores them: of all
        figures, only the loss in training has them.
    own_chars: how many characters of `train`, the first ones, are of the main text without noise.
    """

    sources: tuple[Source, ...]
    vocab: Vocab
    parts: dict[str, Tensor]
    elsewhere: dict[str, Tensor]
    marks: Tensor
    own_chars: int

    def read_in(self, epoch: int, config: TrainConfig) -> Tensor:
        """Return the ids that are read in an epoch of training, counted from 0."""
        ids = self.parts["train"]
        return ids if epoch < config.epochs - config.alone_epochs else ids[: self.own_chars]

    def unmarked(self, ids: Tensor) -> Tensor:
        """Return ids without those of marks."""
        return ids[~torch.isin(ids, self.marks)]

    def to(self, device: str) -> "Data":
        """Return a copy with all ids on another device."""
        parts, elsewhere = ({name: ids.to(device) for name, ids in d.items()} for d in (self.parts, self.elsewhere))
        return replace(self, parts=parts, elsewhere=elsewhere, marks=self.marks.to(device))


def prepare(config: TrainConfig, device: torch.device) -> Data:
    """Load, cut and encode the texts of a configuration; the alphabet is that of the training parts.

    Raises:
        ValueError: a text cannot be loaded, or a part of it is too short.
    """
    names = (config.text, *config.more_texts)
    read = {name: _source(name, config) for name in dict.fromkeys((*names, *config.score_on))}
    named = [(name, read[name]) for name in names]
    main = named[0][1]
    if config.noise != "none":
        named.insert(1, (config.text, _noisy(main, config)))
    marks = {n: chr(FIRST_MARK + i) if config.mark_texts else "" for i, n in enumerate(dict.fromkeys(names))}
    own, *more = (_marked(source.cut("train"), marks[name]) for name, source in named)
    train = "".join((own, *more))
    _check_length(main, len(own) if config.alone_epochs else len(train), config)
    try:
        vocab = Vocab.from_text(train, config.form, config.min_count, "".join(marks.values()))
    except ValueError as error:
        raise ValueError(
            f"{main.corpus.name}: no character occurs {config.min_count} times in the part to train on: {error}"
        ) from error

    def ids(text: str) -> Tensor:
        return torch.tensor(vocab.encode(text), device=device)

    parts = {part: ids(_marked(main.cut(part), marks[config.text])) for part in main.ranges if part != "train"}
    elsewhere = {
        read[name].corpus.name: ids(_marked(read[name].cut(list(read[name].ranges)[-1]), marks.get(name, "")))
        for name in config.score_on
    }
    if short := [name for name, part in (parts | elsewhere).items() if len(part) < 2]:
        raise ValueError(f"the held-out part of {listed(short)} has fewer than two characters; give a longer text.")
    return Data(
        sources=tuple(source for _, source in named),
        vocab=vocab,
        parts={"train": ids(train), **parts},
        elsewhere=elsewhere,
        marks=ids("".join(marks.values())).long(),
        own_chars=len(own),
    )


def _check_length(main: Source, chars: int, config: TrainConfig) -> None:
    """Check that the shortest epoch, of so many characters, has a window, and that no part of the main text is empty.

    Raises:
        ValueError: it has none, or one is; the message gives the remedies.
    """
    shortest = min(end - start for start, end in main.ranges.values())
    if shortest >= 2 and num_windows(chars, config.batch_size, config.window, config.window) >= 1:
        return
    is_cut = len(main.cut("train")) == config.max_train_chars
    cut = f", {config.max_train_chars} of them to train on" if is_cut else ""
    raise ValueError(
        f"{main.corpus.name} is too short ({len(main.corpus.text)} characters{cut}) for {config.batch_size} lanes "
        f"of {config.window} characters and a held-out part; use a longer text, or a smaller --batch or --window"
        f"{', or a larger --max-chars' if is_cut else ''}."
    )


def _source(name: str, config: TrainConfig) -> Source:
    corpus = load_corpus(name, config.form)
    ranges = split(len(corpus.text), config.train_fraction, config.val_fraction)
    ranges |= {part: (start, min(end, start + MAX_HELDOUT)) for part, (start, end) in ranges.items() if part != "train"}
    limit = config.max_train_chars
    if config.max_more_chars is not None and name != config.text:
        limit = config.max_more_chars
    if limit is not None:
        ranges["train"] = (0, min(ranges["train"][1], limit))
    if corpus.unit:
        ranges = _between_units(corpus, ranges)
    return Source(corpus=corpus, ranges=ranges)


def _noisy(main: Source, config: TrainConfig) -> Source:
    """Return what follows the clean characters of the main text's training part, with noise.

    Raises:
        ValueError: fewer characters follow than are asked for.
    """
    start, most = main.ranges["train"][1], main.ranges["val"][0]
    if start + config.noisy_chars > most:
        raise ValueError(
            f"{main.corpus.name} has {most:,} characters to train on, too few for {start:,} clean ones and "
            f"{config.noisy_chars:,} with noise; use a longer text, or lower max_train_chars or noisy_chars."
        )
    return Source(corpus=main.corpus, ranges={"train": (start, start + config.noisy_chars)}, noise=config.noise)


def _between_units(corpus: Corpus, ranges: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the ranges with each end moved on to the end of the unit that it would cut in two."""

    def moved(place: int) -> int:
        if place in (0, len(corpus.text)):
            return place
        found = corpus.text.find(corpus.unit, max(place - len(corpus.unit), 0))
        return len(corpus.text) if found < 0 else found + len(corpus.unit)

    return {part: (moved(start), moved(end)) for part, (start, end) in ranges.items()}


def _marked(text: str, mark: str) -> str:
    """Return `text` with `mark` before each paragraph."""
    return mark + text.replace("\n\n", "\n\n" + mark) if mark else text


def without_paths(config: TrainConfig, data: Data) -> dict[str, Any]:
    """Return the configuration for `metrics.json`: it gives the names of texts, not their paths on this machine."""
    main, *more = [source.corpus.name for source in data.sources if source.noise == "none"]
    return config.to_dict() | {"text": main, "more_texts": more, "score_on": list(data.elsewhere)}
