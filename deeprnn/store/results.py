"""The experiments' results as data: every run of every seed, and means with intervals over seeds.

Knows: `results.json`. Does not know: how runs are made or gathered, the page.

    {"schema": 1,
     "runs": {name: what a run was, how it went, its final figures},
     "texts": {key: what uniform, unigram, n-gram and xz make of the same parts},
     "novelty": {name: what a shipped model copies and repeats, and real held-out text beside it}}
"""

import json
import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.documents import Node, read_object
from deeprnn.measure.metrics import MAX_NATS, MAX_PPL, MAX_SAID, MAX_SECONDS, Best, Figures
from deeprnn.measure.novelty import CopiedSpan
from deeprnn.nn.cells import CELLS

FILE = "results.json"
SCHEMA = 1
_T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)  # Student's t, 97.5%, 1 to 9 degrees of freedom
_SEED = re.compile(r"-seed\d+$")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run: `learned`, `never learned` or `diverged`, and why."""

    status: str
    reason: str = ""

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read it."""
        reason = node.get("reason")
        return cls(status=node["status"].name(), reason=reason.text(MAX_SAID) if reason else "")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How a run went, by columns that are equally long: a value for each time it was measured."""

    epoch: tuple[float, ...] = ()
    chars: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    train_ppl: tuple[float, ...] = ()
    val_nats: tuple[float, ...] = ()
    val_ppl: tuple[float, ...] = ()

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read it; that of a run that was never measured is empty."""
        if not node.entries():
            return cls()
        ppls = {name: node[name].numbers(1, MAX_PPL) for name in ("train_ppl", "val_ppl")}
        seconds, nats = node["seconds"].numbers(0, MAX_SECONDS), node["val_nats"].numbers(0, MAX_NATS)
        epoch, chars = node["epoch"].wholes(), node["chars"].wholes()
        columns = (epoch, chars, seconds, nats, *ppls.values())
        if len({len(column) for column in columns}) > 1:
            raise node.refusal("columns of one length")
        return cls(epoch=epoch, chars=chars, seconds=seconds, val_nats=nats, **ppls)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run: what it was, how it went, and what it reached, where it came to its end.

    text_key: of the parts of texts that it was trained and measured on.
    """

    name: str
    seed: int
    command: str
    outcome: Outcome
    num_params: int
    model_config: ModelConfig
    train_config: TrainConfig
    final: dict[str, Figures] = field(default_factory=dict)
    elsewhere: dict[str, Figures] = field(default_factory=dict)
    best_val: Best | None = None
    storage: str = ""
    train_seconds: float
    wall_seconds: float
    chars_per_second: int
    device: str
    threads: int
    curve: Curve
    text_key: str

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a run; one that came to its end has its figures, its best, its storage and its curve."""
        model = node["model_config"].config(ModelConfig)
        if model.cell not in CELLS:
            raise node["model_config"]["cell"].refusal(f"one of {sorted(CELLS)}")
        final, elsewhere, best, storage = map(node.get, ("final", "elsewhere", "best_val", "storage"))
        curve = Curve.read(node["curve"])
        if final:
            for part in ("train", "val"):
                _ = final[part]
            _ = node["best_val"], node["storage"]
            if not curve.epoch:
                raise node["curve"].refusal("that of a run that was measured")
        return cls(
            name=node["name"].name(),
            seed=node["seed"].whole(),
            command=node["command"].text(MAX_SAID),
            outcome=Outcome.read(node["outcome"]),
            num_params=node["num_params"].whole(1),
            model_config=model,
            train_config=node["train_config"].config(TrainConfig),
            final=Figures.read_each(final) if final else {},
            elsewhere=Figures.read_each(elsewhere) if elsewhere else {},
            best_val=Best.read(best) if best else None,
            storage=storage.name() if storage else "",
            train_seconds=node["train_seconds"].number(0, MAX_SECONDS),
            wall_seconds=node["wall_seconds"].number(0, MAX_SECONDS),
            chars_per_second=node["chars_per_second"].whole(),
            device=node["device"].text(MAX_SAID),
            threads=node["threads"].whole(1, 1_000_000),
            curve=curve,
            text_key=node["text_key"].text(MAX_SAID),
        )

    @property
    def heldout(self) -> Figures:
        """The figures of the text it never saw: test, or validation where there is no test; of a run that ended."""
        return self.final.get("test", self.final["val"])

    def to_dict(self) -> dict[str, Any]:
        """The plain JSON form, without what a run that did not come to its end has none of."""
        values = asdict(self)
        if not self.outcome.reason:
            del values["outcome"]["reason"]
        return {key: value for key, value in values.items() if value or key not in ("final", "best_val", "storage")}


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """What guessing, counting and compressing make of a held-out part, with the same training text.

    symbols: which guessing chooses among.
    """

    symbols: int
    train_chars: int
    heldout_chars: int
    unigram_nats: float
    ngram_nats: float
    ngram_order: int
    xz_bpc: float

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read them."""
        return cls(
            symbols=node["symbols"].whole(1),
            train_chars=node["train_chars"].whole(1),
            heldout_chars=node["heldout_chars"].whole(1),
            unigram_nats=node["unigram_nats"].number(0, MAX_NATS),
            ngram_nats=node["ngram_nats"].number(0, MAX_NATS),
            ngram_order=node["ngram_order"].whole(1),
            xz_bpc=node["xz_bpc"].number(-MAX_NATS, MAX_NATS),
        )

    @property
    def ngram_ppl(self) -> float:
        """The smoothed n-gram's perplexity."""
        return math.exp(self.ngram_nats)


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What is copied and repeated in texts, on average, and the longest copy of all with its place; see `novelty`."""

    longest_run: int
    place: CopiedSpan | None
    copied_share: float | None
    repetition: float | None
    dictionary_share: float | None
    distinct: tuple[float | None, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read it."""

        def share(node: Node) -> float | None:
            return None if node.value is None else node.number(0, 1)

        place = node["place"]
        return cls(
            longest_run=node["longest_run"].whole(),
            place=None if place.value is None else _place(place),
            copied_share=share(node["copied_share"]),
            repetition=share(node["repetition"]),
            dictionary_share=share(node["dictionary_share"]),
            distinct=tuple(map(share, node["distinct"].items())),
        )


def _place(node: Node) -> CopiedSpan:
    start, end, offset = (node[key].whole() for key in ("start", "end", "offset"))
    text, fraction = node["text"].name(), node["fraction"].number(0, 1)
    return CopiedSpan(start=start, end=end, text=text, offset=offset, fraction=fraction)


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What a shipped model copies and repeats under some settings, and real held-out text beside it."""

    weights_sha256: str
    temperature: float
    max_chars: int
    prompt: str
    seeds: tuple[int, ...]
    sample: Copied
    heldout: Copied

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read it; each part has three figures of distinct words."""
        sample, heldout = Copied.read(node["sample"]), Copied.read(node["heldout"])
        if {len(sample.distinct), len(heldout.distinct)} != {3}:
            raise node["sample"]["distinct"].refusal("three figures, as in the held-out text")
        return cls(
            weights_sha256=node["weights_sha256"].text(64, 64),
            temperature=node["temperature"].number(),
            max_chars=node["max_chars"].whole(1),
            prompt=node["prompt"].text(MAX_SAID),
            seeds=node["seeds"].wholes(),
            sample=sample,
            heldout=heldout,
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds and the half width of its 95% t-interval, None for a single seed."""

    mean: float
    half_width: float | None
    num_seeds: int

    def __str__(self) -> str:
        """Three decimals; a single seed shows no interval."""
        return f"{self.mean:.3f}" + ("" if self.half_width is None else f" ± {self.half_width:.3f}")


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95% t-interval.

    Raises:
        ValueError: no value.
    """
    if not values:
        raise ValueError("there is no value to take the mean of.")
    half = None
    if len(values) > 1:
        half = _T_95[min(len(values), len(_T_95) + 1) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(mean=statistics.fmean(values), half_width=half, num_seeds=len(values))


@dataclass(frozen=True, kw_only=True)
class Results:
    """What `results.json` holds.

    broken: whether there is such a file and it cannot be read.
    """

    runs: dict[str, RunRecord] = field(default_factory=dict)
    texts: dict[str, Baselines] = field(default_factory=dict)
    novelty: dict[str, Novelty] = field(default_factory=dict)
    broken: bool = False

    @classmethod
    def read(cls, directory: str | Path) -> Self:
        """Read the results beside the checkpoints; none where there is no file.

        Raises:
            ValueError: the file cannot be read, or a value in it is not what it must be; the message names the file,
                the value and the remedy.
        """
        path = Path(directory) / FILE
        if not path.exists():
            return cls()
        try:
            return cls.from_dict(read_object(path))
        except ValueError as error:
            raise ValueError(
                f"{path}: {error}. Take it from a fresh checkout, or remove it and write it again by python train.py "
                f"--gather FOLDER."
            ) from error

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read what `results.json` holds.

        Raises:
            ValueError: a value is missing or not what it must be; the message names it by its path.
        """
        root = Node(values)
        if root["schema"].value != SCHEMA:
            raise ValueError(f"schema {root['schema'].value!r:.80} is not {SCHEMA}; update deeprnn to read it")
        runs = {name: RunRecord.read(node) for name, node in root["runs"].entries().items()}
        texts = {key: Baselines.read(node) for key, node in root["texts"].entries(MAX_SAID).items()}
        novelty = {name: Novelty.read(node) for name, node in root["novelty"].entries().items()}
        for name, run in runs.items():
            if run.name != name:
                raise root["runs"][name]["name"].refusal(repr(name))
            if run.final and run.text_key not in texts:
                raise root["runs"][name]["text_key"].refusal("one of the keys of texts")
        return cls(runs=runs, texts=texts, novelty=novelty)

    def to_json(self) -> str:
        """The file's text: one line a run, so that a change shows where it is."""
        parts: dict[str, dict[str, Any]] = {
            "runs": {name: run.to_dict() for name, run in self.runs.items()},
            "texts": {key: asdict(text) for key, text in self.texts.items()},
            "novelty": {name: asdict(novelty) for name, novelty in self.novelty.items()},
        }
        lines = []
        for key, entries in parts.items():
            body = ",\n".join(
                f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
                for name, value in sorted(entries.items())
            )
            lines.append(f'"{key}": {{\n{body}\n}}')
        return f'{{"schema": {SCHEMA},\n' + ",\n".join(lines) + "\n}\n"

    def seeds(self, recipe: str) -> list[RunRecord]:
        """The runs of a recipe, by seed."""
        return sorted((run for run in self.runs.values() if recipe_of(run.name) == recipe), key=lambda run: run.seed)

    def finished(self, recipe: str) -> list[RunRecord]:
        """Those of them that came to their end and were measured."""
        return [run for run in self.seeds(recipe) if run.final]

    def estimate(self, recipe: str, part: str = "heldout", figure: str = "ppl") -> Estimate:
        """A final figure of a recipe over its seeds; `heldout` is `test`, or `val` where there is no test.

        Raises:
            ValueError: no seed of the recipe came to an end.
        """

        def of(run: RunRecord) -> float:
            return float(getattr(run.heldout if part == "heldout" else run.final[part], figure))

        return self.estimate_of(recipe, of)

    def estimate_of(self, recipe: str, of: Callable[[RunRecord], float]) -> Estimate:
        """Any figure of a recipe's finished runs over its seeds.

        Raises:
            ValueError: no seed of the recipe came to an end.
        """
        runs = self.finished(recipe)
        if not runs:
            raise ValueError(f"no finished run of {recipe}.")
        return estimate([of(run) for run in runs])


def recipe_of(name: str) -> str:
    """A run's recipe: its name without the seed."""
    return _SEED.sub("", name)
