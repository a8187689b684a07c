"""The configurations of a model, of a training run and of a recipe; each is read strictly from JSON.

Knows: the settings, their types and their ranges. Does not know: torch modules, files.
"""

import dataclasses
import functools
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, Self

from deeprnn.checks import listed, shown

Wiring = Literal["stack", "shared", "shared-updated"]
Form = Literal["d2l", "full"]
Kernel = Literal["scratch", "fused"]
Init = Literal["uniform", "normal", "orthogonal"]
Storage = Literal["float32", "float16", "int8"]
Noise = Literal["none", "mistyped-5", "mistyped-20", "shuffled"]

MAX_EPOCHS = 1_000_000
MAX_RATE = 1e37  # a step of a greater one overflows as float32


class StrictConfig:
    """A frozen dataclass that may be read from a dictionary; unknown keys and wrong types are refused."""

    def __post_init__(self) -> None:
        """Check the type of every value, and the choice where there are few.

        Raises:
            ValueError: one is wrong.
        """
        for name, hint in _hints(type(self)).items():  # type: ignore[arg-type]  # a class can be hashed
            object.__setattr__(self, name, _checked(name, getattr(self, name), hint))

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Build from JSON values.

        Raises:
            ValueError: a key is unknown or missing, a value has the wrong type, or the result is invalid.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__} must be a JSON object, not {type(values).__name__}.")
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if unknown := set(values) - set(fields):
            raise ValueError(f"{cls.__name__} has unknown keys {listed(unknown)}; known: {', '.join(sorted(fields))}.")
        required = {
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        if missing := required - set(values):
            raise ValueError(f"{cls.__name__} lacks the keys {listed(missing)}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which `from_dict` reads."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]


@functools.cache
def _hints(config: type) -> dict[str, Any]:
    """Return the types of the fields of a configuration."""
    return typing.get_type_hints(config)


def _checked(name: str, value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise ValueError(f"{name} must be one of {typing.get_args(hint)}, not {shown(value)}.")
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
        raise ValueError(f"{name} must be {wanted}, not {shown(value)}.")
    return value


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(StrictConfig):
    """The architecture of one model; the size of its alphabet comes from its vocabulary.

    Raises:
        ValueError: a value is outside its range, or two values do not fit together.
    """

    cell: str
    """The name of a cell, a key of `CELLS`."""
    hidden_size: int
    """H, the number of units in each layer."""
    num_layers: int
    """The number of recurrent layers."""
    embedding_size: int = 0
    """The size of a character's embedding; 0 feeds one-hot vectors, as the note does."""
    residual: bool = False
    """Whether the output of each layer is added to its input."""
    pre_norm: bool | None = None
    """Whether there is a LayerNorm before each layer and before the head; None becomes the value of `residual`."""
    dropout: float = 0.0
    """The dropout rate of every layer's output."""
    head_dropout: float = 0.0
    """The dropout rate of the head's input."""
    locked_dropout: bool = False
    """Whether all steps of a window share one dropout mask (Gal & Ghahramani, arXiv 1512.05287)."""
    tied: bool = False
    """Whether the head reads out with the embedding's matrix, which is then counted and stored once."""
    wiring: Wiring = "stack"
    """`stack`: each layer has its own weights and state. `shared`: the note's mistake, where all layers share one set
    of weights and one state, which never changes. `shared-updated`: the same, but the state is updated."""

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Build from JSON values; of older ones, `layer_norm` is `pre_norm`, but meant nothing in a plain stack.

        Raises:
            ValueError: a key is unknown or missing, a value has the wrong type, or the result is invalid.
        """
        if isinstance(values, dict) and "layer_norm" in values and "pre_norm" not in values:
            values = dict(values)
            normed = values.pop("layer_norm")
            values["pre_norm"] = normed if values.get("residual") else None
        return super().from_dict(values)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pre_norm is None:
            object.__setattr__(self, "pre_norm", self.residual)
        for name, least, most in (("hidden_size", 1, 65_536), ("num_layers", 1, 1_000), ("embedding_size", 0, 65_536)):
            value = getattr(self, name)
            _require(least <= value <= most, f"{name} must be from {least} to {most}, not {shown(value)}.")
        for name in ("dropout", "head_dropout"):
            value = getattr(self, name)
            _require(0.0 <= value < 1.0, f"{name} must be in [0, 1), not {shown(value)}.")
        if self.residual or self.wiring != "stack":
            _require(
                self.embedding_size == self.hidden_size,
                "a residual or shared stack adds or reuses vectors of one width: "
                f"set embedding_size to hidden_size ({self.hidden_size}), not {self.embedding_size}.",
            )
        _require(
            not self.pre_norm or self.embedding_size == self.hidden_size,
            "a LayerNorm before each layer needs inputs of one width: "
            f"set embedding_size to hidden_size ({self.hidden_size}), not {self.embedding_size}.",
        )
        _require(
            not self.tied or self.embedding_size == self.hidden_size,
            "a tied head uses the embedding's matrix: "
            f"set embedding_size to hidden_size ({self.hidden_size}), not {self.embedding_size}.",
        )
        if self.wiring != "stack":
            _require(
                not (self.residual or self.pre_norm) and self.dropout == self.head_dropout == 0,
                "a shared wiring has no residual form, no LayerNorm and no dropout.",
            )

    @property
    def state_layers(self) -> int:
        """L, the number of layers that have their own state: the first dimension of the state."""
        return self.num_layers if self.wiring == "stack" else 1


@dataclass(frozen=True, kw_only=True)
class TrainConfig(StrictConfig):
    """One training run: the texts, how they are read, how the weights are updated.

    Raises:
        ValueError: a value is outside its range, or two values do not fit together.
    """

    text: str
    """The main text: a catalogue name, `python-docs` or a file. Only this text has held-out parts."""
    more_texts: tuple[str, ...] = ()
    """Texts whose training parts are added to that of the main text."""
    score_on: tuple[str, ...] = ()
    """Texts whose test parts are scored at the end."""
    mark_texts: bool = False
    """Whether every paragraph begins with a symbol that identifies its text."""
    form: Form
    """The form of all texts; see `deeprnn.text.vocab`."""
    epochs: int
    """The number of passes over the training part."""
    alone_epochs: int = 0
    """How many of them, the last ones, read the main text's own training part alone: fine-tuning on it."""
    batch_size: int = 32
    """The number of lanes that are read side by side."""
    window: int = 35
    """The characters per lane in one optimizer step; gradients do not reach further back."""
    learning_rate: float
    """The learning rate before `schedule` scales it."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """The optimizer."""
    schedule: Literal["constant", "cosine"] = "constant"
    """How the learning rate goes on after the warm-up; `cosine` lowers it to 0 after as many windows as
    all epochs have without an offset, which may cost each of them one."""
    warmup_fraction: float = 0.0
    """The share of all steps in which the learning rate rises linearly."""
    weight_decay: float = 0.0
    """The weight decay of AdamW."""
    clip_norm: float = 1.0
    """The largest norm of the whole gradient; a longer one is scaled down."""
    train_fraction: float = 0.9
    """The share of each text that is its training part."""
    val_fraction: float = 0.05
    """The share of each text that is its validation part; the rest is its test part."""
    max_train_chars: int | None = None
    """The most characters of each text's training part that are used; None uses all."""
    max_more_chars: int | None = None
    """The same for each of `more_texts`; None: as `max_train_chars`."""
    noisy_chars: int = 0
    """How many of the characters that follow `max_train_chars` in the main text's training part are used with noise."""
    noise: Noise = "none"
    """The noise of these; see `deeprnn.text.noise`."""
    min_count: int = 1
    """How often a character must occur in the training text to be in the alphabet."""
    init: Init = "uniform"
    """How the weights are initialized."""
    kernel: Kernel = "fused"
    """`scratch` trains with the cells' equations, `fused` with their fast form."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """The type of matrix products (autocast) and, on a CPU, of the gates of GRU and LSTM and of what RNN and the fused
    LSTM carry; float32 is used, and recorded, if the device only emulates bfloat16. On
    CUDA, recurrent layers with hidden weights have float32 all the same, which cuDNN multiplies as TF32 from Ampere
    on; see docs/gpu.md."""
    offset: Literal["none", "window", "text"] = "window"
    """Where an epoch begins: `none` at character 0, `window` at one of the first `window` + 1 characters, `text` at a
    random character of the text, whose end is then followed by its start."""
    reset_rate: float = 0.0
    """The probability, for each lane and window, that the state is set to zero."""
    weight_drop: float = 0.0
    """The probability that a hidden-to-hidden weight is zero for one window (Merity et al., arXiv 1708.02182)."""
    ema_decay: float = 0.0
    """The decay of the moving average of the weights, which is what is measured and saved; 0 turns averaging off."""
    keep: Literal["last", "best"] = "last"
    """Which weights are saved: those of the last epoch, or the best on the validation part."""
    eval_every: int = 1
    """The number of epochs from one measurement on the validation part to the next; of very many epochs it is more.
    Before the first of these it is also measured after 1, 2, 4, 8 ... epochs."""
    eval_lanes: int = 1
    """The number of pieces in which the validation part is read for the curve, each from a zero state."""
    seed: int = 0
    """The seed of the initial weights and of everything random in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "window", "min_count", "eval_every", "eval_lanes"):
            value = getattr(self, name)
            _require(value >= 1, f"{name} must be at least 1, not {shown(value)}.")
        _require(self.epochs <= MAX_EPOCHS, f"epochs must be at most {MAX_EPOCHS:,}, not {shown(self.epochs)}.")
        _require(
            0 <= self.alone_epochs <= self.epochs,
            f"alone_epochs must be from 0 to epochs ({self.epochs}), not {shown(self.alone_epochs)}.",
        )
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            _require(0 < value <= MAX_RATE, f"{name} must be above 0 and at most {MAX_RATE:g}, not {shown(value)}.")
        for name in ("warmup_fraction", "reset_rate", "weight_drop", "ema_decay"):
            value = getattr(self, name)
            _require(0 <= value < 1, f"{name} must be in [0, 1), not {shown(value)}.")
        _require(0 <= self.weight_decay < math.inf, f"weight_decay must be 0 or more, not {shown(self.weight_decay)}.")
        for name in ("max_train_chars", "max_more_chars"):
            value = getattr(self, name)
            _require(value is None or value >= 2, f"{name} must be at least 2, not {shown(value)}.")
        _require(self.noisy_chars >= 0, f"noisy_chars must be 0 or more, not {shown(self.noisy_chars)}.")
        _require(
            (self.noise == "none") == (self.noisy_chars == 0),
            "noise and noisy_chars need each other: set both, or neither.",
        )
        _require(
            self.noisy_chars == 0 or self.max_train_chars is not None,
            "noise is made of the characters that follow max_train_chars: set that too.",
        )
        _require(
            self.weight_decay == 0 or self.optimizer == "adamw",
            "weight_decay is only used by adamw; set it to 0 for sgd.",
        )
        _require(0 < self.train_fraction < 1, f"train_fraction must be in (0, 1), not {shown(self.train_fraction)}.")
        _require(
            0 < self.val_fraction <= 1 - self.train_fraction + 1e-9,
            f"val_fraction must be in (0, 1 - train_fraction], not {shown(self.val_fraction)}.",
        )
        _require(0 <= self.seed < 2**63, f"seed must be in [0, 2**63), not {shown(self.seed)}.")


@dataclass(frozen=True, kw_only=True)
class Recipe(StrictConfig):
    """A training run with a name."""

    name: str
    """The name of the recipe; the name of its checkpoint begins with it."""
    experiment: str = ""
    """The recipes that are compared with each other have the same value; it selects their runs."""
    model: ModelConfig
    """The architecture."""
    train: TrainConfig
    """The training run."""
    storage: Storage = "int8"
    """The number type in which the weights are stored; int8 keeps a scale for each row of a matrix."""
    sample_prompt: str = "the time traveller"
    """The prompt of what is recorded while and after it is trained; if it is empty, the text's first words."""


def run_name(recipe: str, seed: int) -> str:
    """Return the name of a recipe's run and of its checkpoint: the recipe's, and the seed if it is not 0."""
    return f"{recipe}-seed{seed}" if seed else recipe
