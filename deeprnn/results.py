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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "results.json"
SCHEMA = 1
_T_95 = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
)  # Student's t, 97.5%, 1 to 9 degrees of freedom
_SEED = re.compile(r"-seed\d+$")
Run = dict[str, Any]


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
        ValueError: no value, or more than ten.
    """
    if not 1 <= len(values) <= len(_T_95) + 1:
        raise ValueError(f"an interval needs 1 to {len(_T_95) + 1} values, not {len(values)}.")
    half = None
    if len(values) > 1:
        half = _T_95[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(mean=statistics.fmean(values), half_width=half, num_seeds=len(values))


@dataclass(frozen=True, kw_only=True)
class Results:
    """What `results.json` holds."""

    runs: dict[str, Run]
    texts: dict[str, dict[str, Any]]
    novelty: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, directory: str | Path) -> "Results":
        """Read the results that stand beside the checkpoints; none where there is no file.

        Raises:
            ValueError: the file is of another schema.
        """
        path = Path(directory) / FILE
        if not path.is_file():
            return cls(runs={}, texts={}, novelty={})
        values = json.loads(path.read_text("utf-8"))
        if values.get("schema") != SCHEMA:
            raise ValueError(f"{path}: schema {values.get('schema')!r} is not {SCHEMA}; update deeprnn to read it.")
        return cls(runs=values["runs"], texts=values["texts"], novelty=values["novelty"])

    def to_json(self) -> str:
        """The file's text: one line a run, so that a change shows where it is."""
        lines = []
        for key in ("runs", "texts", "novelty"):
            entries = sorted(getattr(self, key).items())
            body = ",\n".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in entries)
            lines.append(f'"{key}": {{\n{body}\n}}')
        return f'{{"schema": {SCHEMA},\n' + ",\n".join(lines) + "\n}\n"

    def seeds(self, recipe: str) -> list[Run]:
        """The runs of a recipe, by seed."""
        return sorted(
            (run for run in self.runs.values() if recipe_of(run["name"]) == recipe), key=lambda run: run["seed"]
        )

    def finished(self, recipe: str) -> list[Run]:
        """Those of them that came to their end and were measured."""
        return [run for run in self.seeds(recipe) if "final" in run]

    def estimate(self, recipe: str, part: str = "heldout", figure: str = "ppl") -> Estimate:
        """A final figure of a recipe over its seeds; `heldout` is `test`, or `val` where there is no test.

        Raises:
            ValueError: no seed of the recipe came to an end.
        """

        def of(run: Run) -> float:
            final = run["final"]
            value: float = heldout(final)[figure] if part == "heldout" else final[part][figure]
            return value

        return self.estimate_of(recipe, of)

    def estimate_of(self, recipe: str, of: Callable[[Run], float]) -> Estimate:
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


def heldout(final: dict[str, dict[str, float]]) -> dict[str, float]:
    """The figures of the text a run never saw: test, or validation where there is no test."""
    return final.get("test", final["val"])
