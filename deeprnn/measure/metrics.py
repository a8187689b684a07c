"""The contents of `metrics.json`: typed records of how a model was trained, read strictly in one place.

Knows: the fields that other modules use, their types and bounds. Does not know: files, models, the page.

Every field that a view, a model card or a tool uses is checked here, so any record that was read can be shown. Unused
fields are ignored. An error message names the field by its path, such as `final.val.ppl`.
"""

import hashlib
import itertools
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from deeprnn.config import Form, Noise, TrainConfig
from deeprnn.documents import Node

_FORMS: tuple[Form, ...] = typing.get_args(Form)
_NOISES: tuple[Noise, ...] = typing.get_args(Noise)
MAX_PROMPT, MAX_WRITTEN = 2_000, 8_000  # characters of a recorded sample: the default limits of the page
MAX_LABEL = 4_000  # characters of a command or of the name of a device
MAX_TEMPERATURE = 10.0
MAX_SECONDS = 1e10
MAX_NATS, MAX_PPL = 200.0, 1e100  # per character; training ends as diverged before it reaches them
_PLAIN_STEM = re.compile(r"\w[\w.-]*")
_MAX_STEM_BYTES = 120
_LICENSE, _MAX_LICENSE = re.compile("[a-z0-9][a-z0-9.+-]*"), 60
_Part = TypeVar("_Part")


def heldout(parts: Mapping[str, _Part]) -> _Part:
    """Return the part that no choice was based on, of parts by name: `test`, or `val` if there is no test part."""
    return parts["test"] if "test" in parts else parts["val"]


def file_stem(name: str) -> str:
    """Return a file name, without extension, for a text: the text's name itself if every system allows it.

    Otherwise its letters and digits with eight digits of its hash, so that two texts never share a file.
    """
    if _PLAIN_STEM.fullmatch(name) and len(name.encode()) <= _MAX_STEM_BYTES:
        return name
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.").encode()[: _MAX_STEM_BYTES // 2].decode(errors="ignore")
    return f"{plain or 'text'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A model's figures per character on one part of a text, and how many were scored, those of `train` repeatedly."""

    nats: float
    bpc: float
    ppl: float
    chars: int

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read one part's figures."""
        nats, bpc = node["nats"].number(0, MAX_NATS), node["bpc"].number(0, 2 * MAX_NATS)
        return cls(nats=nats, bpc=bpc, ppl=node["ppl"].number(1, MAX_PPL), chars=node["chars"].whole())

    @classmethod
    def read_each(cls, node: Node) -> dict[str, Self]:
        """Read the figures of several parts or texts, by name."""
        return {name: cls.read(one) for name, one in node.entries().items()}


@dataclass(frozen=True, kw_only=True)
class Best:
    """The lowest validation perplexity during training, and the epoch after which it was measured."""

    epoch: int
    nats: float
    ppl: float

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the best figures."""
        epoch, nats = node["epoch"].whole(), node["nats"].number(0, MAX_NATS)
        return cls(epoch=epoch, nats=nats, ppl=node["ppl"].number(1, MAX_PPL))


@dataclass(frozen=True, kw_only=True)
class TextRecord:
    """One training text, and the range [start, end) of characters of each part.

    sha256: of the whole text in its form, in UTF-8. own: whether it is a user's own file, not one that the project
    knows (see `corpora.is_known`). noise: what the training part was read with; the hash is that of the clean text.
    """

    name: str
    form: Form
    chars: int
    sha256: str
    ranges: dict[str, tuple[int, int]]
    own: bool = False
    noise: Noise = "none"

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read one text's record; the part `train` is required."""
        chars = node["chars"].whole()
        sha256 = node["sha256"].text(64, 64)
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise node["sha256"].refusal("64 hexadecimal digits")
        _ = node["ranges"]["train"]
        ranges = {part: _range(one, chars) for part, one in node["ranges"].entries().items()}
        own, noise = node.get("own"), node.get("noise")
        return cls(
            name=node["name"].name(),
            form=node["form"].one_of(_FORMS),
            chars=chars,
            sha256=sha256,
            ranges=ranges,
            own=own is not None and own.flag(),
            noise=noise.one_of(_NOISES) if noise else "none",
        )

    @property
    def heldout(self) -> tuple[int, int]:
        """The held-out part: test, or validation if there is no test part."""
        return heldout(self.ranges)

    @property
    def file_stem(self) -> str:
        """The start of the file names of its n-gram and its fingerprint."""
        return file_stem(self.name)


def _range(node: Node, chars: int) -> tuple[int, int]:
    ends = node.items()
    if len(ends) != 2:
        raise node.refusal("[start, end)")
    start = ends[0].whole(0, chars)
    return start, ends[1].whole(start, chars)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A continuation that was recorded at the end of training."""

    prompt: str
    text: str
    temperature: float
    max_chars: int
    seed: int

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a recorded sample."""
        return cls(
            prompt=node["prompt"].text(MAX_PROMPT),
            text=node["text"].text(MAX_WRITTEN),
            temperature=node["temperature"].number(0, MAX_TEMPERATURE),
            max_chars=node["max_chars"].whole(1, MAX_PROMPT),
            seed=node["seed"].whole(),
        )


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A measurement during training, and what the model wrote then after the prompt of its sample.

    epoch, chars, seconds: what was read until then. train_ppl: over the last epoch. val_ppl: on the validation part.
    drawn: at temperature 0.8 with seed 0. greedy: the likeliest character each time.
    """

    epoch: int
    chars: int
    seconds: float
    train_ppl: float
    val_ppl: float
    drawn: str
    greedy: str

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a record of the curve that has `written`."""
        written = node["written"]
        return cls(
            epoch=node["epoch"].whole(),
            chars=node["chars"].whole(),
            seconds=node["seconds"].number(0, MAX_SECONDS),
            train_ppl=node["train_ppl"].number(1, MAX_PPL),
            val_ppl=node["val_ppl"].number(1, MAX_PPL),
            drawn=written["drawn"].text(MAX_WRITTEN),
            greedy=written["greedy"].text(MAX_WRITTEN),
        )

    @classmethod
    def read_each(cls, curve: Node) -> tuple[Self, ...]:
        """Read the records of a curve; there are none if the run did not record what the model wrote."""
        records = curve.items()
        if not records or records[0].get("written") is None:
            return ()
        moments = tuple(map(cls.read, records))
        steps = [(one.epoch, one.chars, one.seconds) for one in moments]
        if any(not (a[0] < b[0] and a[1] < b[1] and a[2] <= b[2]) for a, b in itertools.pairwise(steps)):
            raise curve.refusal("records in the order of their epochs")
        return moments


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """How a model was trained, and its figures.

    texts: the main text first; the held-out parts belong to it.
    final: the figures of each part; `train` and `val` are always there.
    elsewhere: the figures on the held-out parts of other texts, by name.
    unigram: for each part, the perplexity of predicting from how often each symbol occurs.
    best_epoch, best_ppl: the lowest validation perplexity during training, and its epoch.
    license: the identifier that was claimed for the model; "" if none was.
    stopped_after: the finished epochs of a run that was stopped; None if it came to its end.
    moments: the measurements during training, in order, if the run recorded what the model wrote; see `Moment`.
    """

    num_params: int
    texts: tuple[TextRecord, ...]
    final: dict[str, Figures]
    elsewhere: dict[str, Figures]
    unigram: dict[str, float]
    best_epoch: int
    best_ppl: float
    sample: Sample
    train_config: TrainConfig
    command: str
    train_seconds: float
    wall_seconds: float
    device: str
    threads: int
    license: str = ""
    stopped_after: int | None = None
    moments: tuple[Moment, ...] = ()

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the contents of `metrics.json`.

        Raises:
            ValueError: a field is missing or wrong; the message names it by its path.
        """
        root = Node(values)
        final, unigram, best = root["final"], root["baselines"]["unigram"], Best.read(root["best_val"])
        for part in ("train", "val"):
            _ = final[part], unigram[part]
        texts, elsewhere, stopped = read_texts(values), root.get("elsewhere"), root.get("stopped_after")
        curve, claimed = root.get("curve"), root.get("license")
        if "val" not in texts[0].ranges:
            raise ValueError("text.ranges lacks 'val'")
        if texts[0].ranges["train"][0] == texts[0].ranges["train"][1]:
            raise root["text"]["ranges"]["train"].refusal("a range that is not empty")
        return cls(
            num_params=root["num_params"].whole(1),
            texts=texts,
            final=Figures.read_each(final),
            elsewhere=Figures.read_each(elsewhere) if elsewhere else {},
            unigram={part: node.number(1, MAX_PPL) for part, node in unigram.entries().items()},
            best_epoch=best.epoch,
            best_ppl=best.ppl,
            sample=Sample.read(root["sample"]),
            train_config=root["train_config"].config(TrainConfig),
            command=root["command"].text(MAX_LABEL),
            train_seconds=root["train_seconds"].number(0, MAX_SECONDS),
            wall_seconds=root["wall_seconds"].number(0, MAX_SECONDS),
            device=root["device"].text(MAX_LABEL),
            threads=root["threads"].whole(1, 1_000_000),
            license=_license(claimed) if claimed else "",
            stopped_after=stopped.whole() if stopped else None,
            moments=Moment.read_each(curve) if curve else (),
        )

    @property
    def text(self) -> TextRecord:
        """The main text."""
        return self.texts[0]

    @property
    def heldout(self) -> Figures:
        """The figures of the held-out part: test, or validation if there is no test part."""
        return heldout(self.final)


def _license(node: Node) -> str:
    value = node.text(_MAX_LICENSE, 1)
    if not _LICENSE.fullmatch(value):  # it becomes a line of YAML
        raise node.refusal("a licence identifier of the Hub, such as cc-by-4.0")
    return value


def read_texts(values: object) -> tuple[TextRecord, ...]:
    """Return the texts of a run, the main one first; the run may have failed.

    Raises:
        ValueError: a field is missing or wrong.
    """
    root = Node(values)
    more = root.get("more_texts")
    return tuple(TextRecord.read(node) for node in (root["text"], *(more.items() if more else ())))
