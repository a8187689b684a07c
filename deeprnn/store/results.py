"""The experiments' results as data: every run of every seed, and means with intervals over seeds.

Knows: `results.json`. Does not know: how runs are made or gathered, the page.

    {"schema": 1,
     "runs": {name: the configuration of a run, its curve, its final figures},
     "texts": {key: the figures of uniform, unigram, n-gram and xz on the same parts of texts},
     "novelty": {name: how much a shipped model copies and repeats, and the same for real held-out text},
     "verse": {name: the form of the poems that a run writes, if its text is one of poems},
     "verse_texts": {key: the form of the real held-out poems of these texts, and of those that n-grams write},
     "style": {name: whom the texts of a model of one author, or of several, sound like},
     "style_texts": {name: the same of real texts: an author's, other books by an author, several authors' mixed}}
"""

import functools
import json
import math
import operator
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from deeprnn.checks import shortened, shown
from deeprnn.config import ModelConfig, TrainConfig, run_name
from deeprnn.documents import Node, read_object
from deeprnn.measure.metrics import MAX_LABEL, MAX_NATS, MAX_PPL, MAX_SECONDS, Best, Figures, heldout
from deeprnn.measure.novelty import CopiedSpan
from deeprnn.nn.cells import CELLS
from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.style import RealStyle, Style
from deeprnn.store.verse import Verse, VerseText

FILE = "results.json"
SCHEMA = 1
NEVER_LEARNED = 0.97  # a run learned if its perplexity is below this share of that of letter frequencies
_Read = TypeVar("_Read")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a run: `learned`, `never learned` or `diverged`, and the reason."""

    status: str
    reason: str = ""

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read an outcome."""
        reason = node.get("reason")
        return cls(status=node["status"].name(), reason=reason.text(MAX_LABEL) if reason else "")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The course of a run, as columns of equal length: one value for each measurement."""

    epoch: tuple[float, ...] = ()
    chars: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    train_ppl: tuple[float, ...] = ()
    val_nats: tuple[float, ...] = ()
    val_ppl: tuple[float, ...] = ()

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a curve; it is empty if the run was never measured."""
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
    """One run: its configuration, its curve and, if it finished, its final figures.

    recipe: the name of its recipe, without the seed.
    experiment: a name for the recipes that are compared with each other; empty for a user's own text.
    text_key: the key in `Results.texts` of the parts of texts that it was trained and measured on.
    """

    name: str
    recipe: str
    experiment: str = ""
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
        """Read a run; a finished run must have `final`, `best_val`, `storage` and a curve.

        `final` may lack `train`: that of poems was measured elsewhere in the text before 2026-12-01.
        """
        model = node["model_config"].config(ModelConfig)
        if model.cell not in CELLS:
            raise node["model_config"]["cell"].refusal(f"one of {sorted(CELLS)}")
        final, elsewhere, best, storage = map(node.get, ("final", "elsewhere", "best_val", "storage"))
        name, seed = node["name"].name(), node["seed"].whole()
        recipe, experiment = map(node.get, ("recipe", "experiment"))
        curve = Curve.read(node["curve"])
        if final:
            _ = final["val"], node["best_val"], node["storage"]
            if not curve.epoch:
                raise node["curve"].refusal("that of a run that was measured")
        return cls(
            name=name,
            recipe=recipe.name() if recipe else name.removesuffix(run_name("", seed)),  # older records lack it
            experiment=experiment.name() if experiment else "",
            seed=seed,
            command=node["command"].text(MAX_LABEL),
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
            device=node["device"].text(MAX_LABEL),
            threads=node["threads"].whole(1, 1_000_000),
            curve=curve,
            text_key=node["text_key"].text(MAX_LABEL),
        )

    @property
    def heldout(self) -> Figures:
        """The figures on the held-out part of a finished run: test, or validation if there is no test part."""
        return heldout(self.final)

    @property
    def lowest(self) -> float:
        """The lowest perplexity of a finished run's curve, on the validation part.

        Raises:
            ValueError: the run did not finish.
        """
        if self.best_val is None:
            raise ValueError(f"{self.name} did not finish.")
        return self.best_val.ppl

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the empty fields of a run that did not finish."""
        values = asdict(self)
        if not self.outcome.reason:
            del values["outcome"]["reason"]
        optional = ("experiment", "final", "best_val", "storage")
        return {key: value for key, value in values.items() if value or key not in optional}


@functools.cache
def _reader(field: str) -> Callable[[RunRecord], object]:
    """Return a function that reads a field of a run's record, of its model or of its training configuration."""
    for path, part in (("", RunRecord), ("model_config.", ModelConfig), ("train_config.", TrainConfig)):
        if field in part.__dataclass_fields__ or hasattr(part, field):
            return operator.attrgetter(path + field)
    return operator.attrgetter(field)  # raises AttributeError, which names the field


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """The figures of the baselines on a held-out part, with the same training text.

    symbols: the size of the alphabet, from which uniform guessing chooses.
    mixed_in_nats: those of an n-gram of what was added to the main text alone (other texts, or text with noise); None
        if nothing was, or in older files.
    """

    symbols: int
    train_chars: int
    heldout_chars: int
    unigram_nats: float
    ngram_nats: float
    ngram_order: int
    xz_bpc: float
    mixed_in_nats: float | None = None

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the baselines of one text."""
        mixed_in = node.get("mixed_in_nats")
        return cls(
            symbols=node["symbols"].whole(1),
            train_chars=node["train_chars"].whole(1),
            heldout_chars=node["heldout_chars"].whole(1),
            unigram_nats=node["unigram_nats"].number(0, MAX_NATS),
            ngram_nats=node["ngram_nats"].number(0, MAX_NATS),
            ngram_order=node["ngram_order"].whole(1),
            xz_bpc=node["xz_bpc"].number(-MAX_NATS, MAX_NATS),
            mixed_in_nats=mixed_in.number(0, MAX_NATS) if mixed_in else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without what is None."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @property
    def unigram_ppl(self) -> float:
        """The perplexity of letter frequencies on the held-out part."""
        return math.exp(self.unigram_nats)

    @property
    def ngram_ppl(self) -> float:
        """The perplexity of the smoothed n-gram."""
        return math.exp(self.ngram_nats)

    @property
    def mixed_in_ppl(self) -> float | None:
        """The perplexity of the n-gram of what was added alone; None without it."""
        return None if self.mixed_in_nats is None else math.exp(self.mixed_in_nats)


@dataclass(frozen=True, kw_only=True)
class Copied:
    """How much texts copy and repeat, on average, and the place of the longest copied run of all; see `novelty`."""

    longest_run: int
    place: CopiedSpan | None
    copied_share: float | None
    repetition: float | None
    dictionary_share: float | None
    distinct: tuple[float | None, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the figures of one kind of text."""

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
    """How much a shipped model copies and repeats with some settings, and the same for real held-out text."""

    weights_sha256: str
    temperature: float
    max_chars: int
    prompt: str
    seeds: tuple[int, ...]
    sample: Copied
    heldout: Copied

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read the figures of one model; each part must have distinct-1, -2 and -3."""
        sample, heldout = Copied.read(node["sample"]), Copied.read(node["heldout"])
        if {len(sample.distinct), len(heldout.distinct)} != {3}:
            raise node["sample"]["distinct"].refusal("three figures, as in the held-out text")
        return cls(
            weights_sha256=node["weights_sha256"].text(64, 64),
            temperature=node["temperature"].number(),
            max_chars=node["max_chars"].whole(1),
            prompt=node["prompt"].text(MAX_LABEL),
            seeds=node["seeds"].wholes(),
            sample=sample,
            heldout=heldout,
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The perplexity of a recipe over its seeds (None if no run finished), and its failure (empty if it learned)."""

    estimate: Estimate | None
    failure: str = ""


class Runs(tuple[RunRecord, ...]):
    """A selection of runs, sorted by recipe and seed. Figures can be computed only for runs of one recipe."""

    __slots__ = ()

    @property
    def recipe(self) -> str:
        """The recipe of all the runs.

        Raises:
            ValueError: there are no runs, or they are of several recipes.
        """
        recipes = {run.recipe for run in self}
        if len(recipes) != 1:
            raise ValueError(f"not the runs of one recipe: {sorted(recipes)}.")
        return recipes.pop()

    @property
    def finished(self) -> "Runs":
        """The finished runs."""
        return Runs(run for run in self if run.final)

    def _with(self, part: str) -> "Runs":
        """Return the finished runs that have a figure of a part."""
        return Runs(run for run in self if part in run.final)

    def estimate(self, of: Callable[[RunRecord], float]) -> Estimate:
        """Return the estimate of any figure of the finished runs over the seeds.

        Raises:
            ValueError: no run finished, or the runs are of several recipes.
        """
        recipe = self.recipe
        if not self.finished:
            raise ValueError(f"no finished run of {recipe}.")
        return estimate([of(run) for run in self.finished])

    def figure(self, part: str = "heldout", unit: str = "ppl") -> Estimate:
        """Return the estimate of a final figure over the seeds of which it is known.

        part: a key of `final`, or `heldout`, which is test, or validation if there is no test part.
        unit: a field of `Figures`.

        Raises:
            ValueError: no run has it, or the runs are of several recipes.
        """
        if part == "heldout":
            return self.estimate(lambda run: float(getattr(run.heldout, unit)))
        return self._with(part).estimate(lambda run: float(getattr(run.final[part], unit)))

    def lowest(self) -> Estimate:
        """Return the estimate of the lowest perplexity of each finished run's curve over the seeds.

        Raises:
            ValueError: no run finished, or the runs are of several recipes.
        """
        return self.estimate(lambda run: run.lowest)

    def reading(self, part: str = "heldout") -> Reading | None:
        """Return the perplexity of those that finished, and the failure of any; None if there are no runs."""
        if not self:
            return None
        status = next((run.outcome.status for run in self if run.outcome.status != "learned"), "learned")
        found = self.figure(part) if (self.finished if part == "heldout" else self._with(part)) else None
        return Reading(estimate=found, failure="" if found and status == "learned" else status)


@dataclass(frozen=True, kw_only=True)
class Results:
    """The contents of `results.json`.

    verse, verse_texts, style and style_texts are not in the file as long as they are empty.
    broken: whether the file exists but cannot be read.
    """

    runs: dict[str, RunRecord] = field(default_factory=dict)
    texts: dict[str, Baselines] = field(default_factory=dict)
    novelty: dict[str, Novelty] = field(default_factory=dict)
    verse: dict[str, Verse] = field(default_factory=dict)
    verse_texts: dict[str, VerseText] = field(default_factory=dict)
    style: dict[str, Style] = field(default_factory=dict)
    style_texts: dict[str, RealStyle] = field(default_factory=dict)
    broken: bool = False

    @classmethod
    def read(cls, directory: str | Path) -> Self:
        """Read the results beside the checkpoints; they are empty if there is no file.

        Raises:
            ValueError: the file cannot be read, or a value in it is wrong; the message names the file, the value and
                the remedy.
        """
        path = Path(directory) / FILE
        if not os.path.lexists(path):
            return cls()
        try:
            return cls.from_dict(read_object(path))
        except ValueError as error:
            raise ValueError(
                f"{path}: {shortened(str(error))}. Take it from a fresh checkout, or remove it and write it again by "
                f"python train.py --gather FOLDER."
            ) from error

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the contents of `results.json`.

        Raises:
            ValueError: a value is missing or wrong; the message names it by its path.
        """
        root = Node(values)
        if root["schema"].value != SCHEMA:
            raise ValueError(f"schema {shown(root['schema'].value)} is not {SCHEMA}; update deeprnn to read it")
        runs = {name: RunRecord.read(node) for name, node in root["runs"].entries().items()}
        texts = {key: Baselines.read(node) for key, node in root["texts"].entries(MAX_LABEL).items()}
        novelty = {name: Novelty.read(node) for name, node in root["novelty"].entries().items()}

        def optional(part: str, read: Callable[[Node], _Read]) -> dict[str, _Read]:
            found = root.get(part)
            return {name: read(node) for name, node in found.entries(MAX_LABEL).items()} if found else {}

        for name, run in runs.items():
            if run.name != name:
                raise root["runs"][name]["name"].refusal(shown(name))
            if run.final and run.text_key not in texts:
                raise root["runs"][name]["text_key"].refusal("one of the keys of texts")
        return cls(
            runs=runs,
            texts=texts,
            novelty=novelty,
            verse=optional("verse", Verse.read),
            verse_texts=optional("verse_texts", VerseText.read),
            style=optional("style", Style.read),
            style_texts=optional("style_texts", RealStyle.read),
        )

    def to_json(self) -> str:
        """Return the file's text, with one line for each run, so that a diff shows which run changed."""
        parts: dict[str, dict[str, Any]] = {
            "runs": {name: run.to_dict() for name, run in self.runs.items()},
            "texts": {key: text.to_dict() for key, text in self.texts.items()},
            "novelty": {name: asdict(novelty) for name, novelty in self.novelty.items()},
        }
        optional: dict[str, Mapping[str, Verse | VerseText | Style | RealStyle]] = {
            "verse": self.verse,
            "verse_texts": self.verse_texts,
            "style": self.style,
            "style_texts": self.style_texts,
        }
        parts |= {part: {key: asdict(one) for key, one in each.items()} for part, each in optional.items() if each}
        lines = []
        for key, entries in parts.items():
            body = ",\n".join(
                f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
                for name, value in sorted(entries.items())
            )
            lines.append(f'"{key}": {{\n{body}\n}}')
        return f'{{"schema": {SCHEMA},\n' + ",\n".join(lines) + "\n}\n"

    def where(self, **wanted: object) -> Runs:
        """Return the runs with these values: `where(experiment="depth", cell="gru", num_layers=10, residual=True)`.

        wanted: values of fields of the record, of its model configuration or of its training configuration.
        """
        readers = [(_reader(name), value) for name, value in wanted.items()]
        found = (run for run in self.runs.values() if all(read(run) == value for read, value in readers))
        return Runs(sorted(found, key=lambda run: (run.recipe, run.seed)))
