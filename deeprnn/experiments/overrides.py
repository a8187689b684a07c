"""Settings that replace those of a recipe, whichever it is: what follows from them, and the name of such a run.

Knows: recipes, the cells. Does not know: any one recipe, how a command line is read.

Settings that a recipe has already change nothing. Others become part of the name, so that two runs of one name are the
same, and leave the recipe's experiment, whose runs are compared with each other.
"""

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deeprnn.config import Recipe
from deeprnn.documents import has_surrogates
from deeprnn.measure.metrics import MAX_PROMPT
from deeprnn.nn.cells import CELLS

_MODEL = {"cell": "cell", "layers": "num_layers", "hidden": "hidden_size", "residual": "residual"}
_TRAIN = {
    "epochs": "epochs",
    "lr": "learning_rate",
    "batch": "batch_size",
    "window": "window",
    "max_chars": "max_train_chars",
}


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Settings that replace those of a recipe; None keeps the recipe's own.

    hidden: units of each layer. residual: whether the stack has residual connections. lr: the learning rate. batch: the
    lanes. window: the characters of a lane in one step. max_chars: the characters that are trained on. prompt: what the
    recorded samples continue.

    Raises:
        ValueError: a value is outside its range.
    """

    cell: str | None = None
    layers: int | None = None
    hidden: int | None = None
    residual: bool | None = None
    epochs: int | None = None
    lr: float | None = None
    batch: int | None = None
    window: int | None = None
    max_chars: int | None = None
    prompt: str | None = None

    def __post_init__(self) -> None:
        least = {"layers": 1, "hidden": 1, "epochs": 1, "batch": 1, "window": 1, "max_chars": 2}
        for name, smallest in least.items():
            if (value := getattr(self, name)) is not None and value < smallest:
                raise ValueError(f"{_option(name)} must be at least {smallest}, not {value}")
        if self.lr is not None and not 0 < self.lr < math.inf:
            raise ValueError(f"--lr must be positive, not {self.lr}")
        if self.prompt is not None and (not 0 < len(self.prompt) <= MAX_PROMPT or has_surrogates(self.prompt)):
            raise ValueError(f"--prompt must be a text of 1 to {MAX_PROMPT:,} characters, not of {len(self.prompt):,}")

    @property
    def given(self) -> dict[str, Any]:
        """The settings that are not None, by name, in the order of the name of a run."""
        values = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in values.items() if value is not None}


FIELDS = tuple(field.name for field in dataclasses.fields(Overrides))


def settings_of(recipe: Recipe) -> Overrides:
    """Return the settings that a recipe has."""
    values = {name: getattr(recipe.model, field) for name, field in _MODEL.items()}
    values |= {name: getattr(recipe.train, field) for name, field in _TRAIN.items()}
    return Overrides(**values, prompt=recipe.sample_prompt or None)


def differing(settings: Overrides, base: Overrides) -> dict[str, Any]:
    """Return the settings that are given and not those of another, by name."""
    return {name: value for name, value in settings.given.items() if value != getattr(base, name)}


def overridden(recipe: Recipe, settings: Overrides) -> Recipe:
    """Return a recipe with other settings, and a name that says which; the recipe itself if it has them already.

    What follows: the embedding is as wide as the layers if it was so before or the stack is residual, which adds the
    two; LayerNorms come and go with residual connections; a cell without hidden weights has none dropped.

    Raises:
        ValueError: the settings do not fit the recipe, or each other.
    """
    changed = differing(settings, settings_of(recipe))
    if not changed:
        return recipe
    model, train = recipe.model, recipe.train
    more = {field: changed[name] for name, field in _MODEL.items() if name in changed}
    hidden, residual = more.get("hidden_size", model.hidden_size), more.get("residual", model.residual)
    if residual or model.embedding_size == model.hidden_size:
        more["embedding_size"] = hidden
    if residual != model.residual:
        more["pre_norm"] = residual
    if "max_chars" in changed and (train.noise != "none" or train.max_more_chars is not None):
        raise ValueError(
            f"{recipe.name} reads so many characters of each kind; leave out --max-chars, or choose another recipe."
        )
    others = {field: changed[name] for name, field in _TRAIN.items() if name in changed}
    if not CELLS[more.get("cell", model.cell)].has_hidden_weights:
        others["weight_drop"] = 0.0
    try:
        model, train = replace(model, **more), replace(train, **others)
    except ValueError as error:
        asked, why = " ".join(arguments(changed)), f"{error}".rstrip(".")
        raise ValueError(
            f"{recipe.name} with {asked}: {why}; leave out what does not fit, or choose another recipe."
        ) from error
    return replace(
        recipe,
        name=f"{recipe.name}-{named(changed)}",
        experiment="",
        model=model,
        train=train,
        sample_prompt=changed.get("prompt", recipe.sample_prompt),
    )


def named(settings: Mapping[str, Any]) -> str:
    """Return settings as part of the name of a run, such as `lr0.005-batch8`; a prompt is named by its hash."""
    return "-".join(_part(name, value) for name, value in settings.items())


def _part(name: str, value: Any) -> str:
    if name == "residual":
        return "as-residual" if value else "as-plain"  # no recipe is called so, while some end in -residual or -plain
    if name == "prompt":
        return f"prompt-{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    if isinstance(value, str):
        return value
    return f"{name.removeprefix('max_')}{number(value)}"


def arguments(settings: Mapping[str, Any]) -> list[str]:
    """Return settings as a command line has them."""
    found = []
    for name, value in settings.items():
        if name == "residual":
            found.append("--residual" if value else "--plain")
        else:
            found += [_option(name), value if isinstance(value, str) else number(value)]
    return found


def number(value: float) -> str:
    """Return the shortest form of a number that is read as the same number."""
    return repr(value).removesuffix(".0")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
