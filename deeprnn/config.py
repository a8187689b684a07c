"""Frozen configurations and their strict reading from JSON.

Knows: what describes a model, and what describes a training run. Does not know: torch modules, files.
"""

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, Self

Wiring = Literal["stack", "shared", "shared-updated"]
Form = Literal["d2l", "full"]
Kernel = Literal["scratch", "fused"]
Init = Literal["uniform", "normal", "orthogonal"]
Storage = Literal["float32", "float16", "int8"]


class StrictConfig:
    """A frozen dataclass that reads itself from a plain dictionary and refuses what it does not know."""

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Build from JSON values.

        Raises:
            ValueError: a key is unknown or missing, a value has the wrong type, or the result is invalid.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__} must be a JSON object, not {type(values).__name__}.")
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ValueError(f"{cls.__name__} has unknown keys {unknown}; known: {sorted(fields)}.")
        required = {
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        missing = sorted(required - set(values))
        if missing:
            raise ValueError(f"{cls.__name__} lacks the keys {missing}.")
        hints = typing.get_type_hints(cls)
        return cls(**{name: _checked(name, value, hints[name]) for name, value in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """The plain JSON form; `from_dict` reads it back."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]


def _checked(name: str, value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise ValueError(f"{name} must be one of {typing.get_args(hint)}, not {value!r}.")
        return value
    accepted = typing.get_args(hint) if origin is types.UnionType else (hint,)
    if float in accepted and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError(f"{name} is too large: {error}.") from error
    if origin in (list, tuple) and isinstance(value, (list, tuple)):
        return origin(_checked(f"each of {name}", item, typing.get_args(hint)[0]) for item in value)
    if not any(type(value) is option for option in accepted):  # bool is no int here
        wanted = " or ".join(option.__name__ for option in accepted)
        raise ValueError(f"{name} must be {wanted}, not {value!r}.")
    return value


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(StrictConfig):
    """The architecture of one model; its alphabet's size comes from its vocabulary.

    embedding_size 0 feeds one-hot vectors, as the note does. `wiring="shared"` is the note's mistake (one set
    of weights and one state for all layers, the state returned as it came); `"shared-updated"` is the kinder
    variant in which that one state is at least updated. `dropout` acts on every layer's output, `head_dropout` on what
    the head reads; `locked_dropout` draws one mask for all steps of a window (Gal & Ghahramani, arXiv 1512.05287).
    """

    cell: str
    hidden_size: int
    num_layers: int
    embedding_size: int = 0
    residual: bool = False
    layer_norm: bool = True
    dropout: float = 0.0
    head_dropout: float = 0.0
    locked_dropout: bool = False
    wiring: Wiring = "stack"

    def __post_init__(self) -> None:
        for name, least, most in (("hidden_size", 1, 65_536), ("num_layers", 1, 1_000), ("embedding_size", 0, 65_536)):
            value = getattr(self, name)
            _require(least <= value <= most, f"{name} must be from {least} to {most}, not {value}.")
        for name in ("dropout", "head_dropout"):
            value = getattr(self, name)
            _require(0.0 <= value < 1.0, f"{name} must be in [0, 1), not {value}.")
        _require(self.wiring in typing.get_args(Wiring), f"wiring must be one of {typing.get_args(Wiring)}.")
        if self.residual or self.wiring != "stack":
            _require(
                self.embedding_size == self.hidden_size,
                "a residual or shared stack adds or reuses vectors of one width: "
                f"set embedding_size to hidden_size ({self.hidden_size}), not {self.embedding_size}.",
            )
        if self.wiring != "stack":
            _require(
                not self.residual and self.dropout == self.head_dropout == 0,
                "a shared wiring has neither a residual form nor dropout.",
            )

    @property
    def state_layers(self) -> int:
        """How many layers keep a state of their own (the leading dimension L of the state)."""
        return self.num_layers if self.wiring == "stack" else 1


@dataclass(frozen=True, kw_only=True)
class TrainConfig(StrictConfig):
    """One training run: which texts, how they are fed, how the weights move.

    Held out is a part of `text` alone; the training parts of `more_texts` are added to its own, and the test parts of
    `score_on` are scored at the end. Units: `window`, `max_train_chars` (of each text) in characters; `epochs`,
    `eval_every` in passes over the training part; `warmup_fraction` of all steps. `mark_texts` puts a symbol of its
    text's own before every paragraph.

    precision: of the products (autocast); a CPU that only emulates bfloat16 trains in float32, as `metrics.json` says.
    offset: each epoch begins at character 0 (`none`), at a random one within a `window`, or anywhere in the `text`,
        read as a ring.
    reset_rate: the chance, for a lane and a window, of starting from a zero state.
    weight_drop: the chance of a hidden weight to be zero for one window (Merity et al., arXiv 1708.02182).
    ema_decay: of the averaged weights, which are what is measured and kept; 0 averages nothing.
    keep: the `last` weights, or the `best` on the validation part.
    eval_lanes: how many pieces the validation part is read in for the curve, each from a zero state.
    """

    text: str
    more_texts: tuple[str, ...] = ()
    score_on: tuple[str, ...] = ()
    mark_texts: bool = False
    form: Form
    epochs: int
    batch_size: int = 32
    window: int = 35
    learning_rate: float
    optimizer: Literal["sgd", "adamw"] = "sgd"
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_fraction: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    train_fraction: float = 0.9
    val_fraction: float = 0.05
    max_train_chars: int | None = None
    min_count: int = 1
    init: Init = "uniform"
    kernel: Kernel = "fused"
    precision: Literal["float32", "bfloat16"] = "float32"
    offset: Literal["none", "window", "text"] = "window"
    reset_rate: float = 0.0
    weight_drop: float = 0.0
    ema_decay: float = 0.0
    keep: Literal["last", "best"] = "last"
    eval_every: int = 1
    eval_lanes: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "window", "min_count", "eval_every", "eval_lanes"):
            value = getattr(self, name)
            _require(value >= 1, f"{name} must be at least 1, not {value}.")
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value > 0, f"{name} must be positive, not {value}.")
        for name in ("warmup_fraction", "reset_rate", "weight_drop", "ema_decay"):
            value = getattr(self, name)
            _require(0 <= value < 1, f"{name} must be in [0, 1), not {value}.")
        _require(0 <= self.weight_decay < math.inf, f"weight_decay must be 0 or more, not {self.weight_decay}.")
        _require(
            self.max_train_chars is None or self.max_train_chars >= 2,
            f"max_train_chars must be at least 2, not {self.max_train_chars}.",
        )
        _require(
            self.weight_decay == 0 or self.optimizer == "adamw",
            "weight_decay is only used by adamw; set it to 0 for sgd.",
        )
        _require(0 < self.train_fraction < 1, f"train_fraction must be in (0, 1), not {self.train_fraction}.")
        _require(
            0 < self.val_fraction <= 1 - self.train_fraction + 1e-9,
            f"val_fraction must be in (0, 1 - train_fraction], not {self.val_fraction}.",
        )
        _require(0 <= self.seed < 2**63, f"seed must be in [0, 2**63), not {self.seed}.")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to train, how, in what type to store it, and the prompt of its recorded sample.

    experiment: the set of recipes that are compared with each other; its runs are looked up by it.
    """

    name: str
    experiment: str = ""
    model: ModelConfig
    train: TrainConfig
    storage: Storage = "float16"
    sample_prompt: str = "the time traveller"
