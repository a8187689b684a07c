"""A recipe made from a text of one's own: `python train.py my-book --data book.txt`, and the page's own trainings.

Knows: texts in one form, alphabets, the cells' sizes and measured speeds. Does not know: files, how a recipe is run.

The width follows from the length of the text and the time, the number of epochs from the time and the speed, what
prevents rote learning (dropout, dropped weights, weight decay) from the length.
"""

import functools
import math
import typing
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from deeprnn.checks import KeyedError
from deeprnn.config import Form, ModelConfig, Recipe, TrainConfig
from deeprnn.experiments.overrides import Overrides, differing, named
from deeprnn.experiments.recipes import modern_training, num_params, stack
from deeprnn.experiments.words import WORDS
from deeprnn.measure.baselines import of_heldout
from deeprnn.nn.cells import CELLS
from deeprnn.text.batches import split
from deeprnn.text.vocab import UNKNOWN_ID, Vocab
from deeprnn.words import Lang

NAME = "my-book"
LEAST_CHARS = 500  # of a text in its form
MOST_LAYERS, MOST_HIDDEN, MOST_MINUTES, MOST_EPOCHS = 10, 1024, 24 * 60, 10_000
ONE_LAYER_CHARS = 30_000  # a shorter text is best learned by one layer
MOST_PLAIN = 1  # layers of a stack that needs no residual connections; two with them learn more in a short time
WIDTHS = (32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512)  # of which one is chosen
FEW_SYMBOLS = 200  # an alphabet up to this size keeps its rare characters
MOST_SYMBOLS = 6_000
MUCH_UNKNOWN = 0.01  # of held-out text, from which on it is said
MOST_UNKNOWN = 0.05  # of a text: more is not left out of the alphabet for being rare
MOST_HELDOUT = 50_000  # characters of each held-out part of a long text; measuring it takes seconds
MEASUREMENTS = 40  # about as many while a model is trained
STARTING_SECONDS = 6.0
SNAPSHOT_SECONDS = 2e-7  # to write one weight, with what belongs to it, at each measurement
ENDING_CHARS = 400_000  # what the last measurement takes, in characters of training; less for a shorter text
LENGTHS = ((8_000, "tiny"), (60_000, "small"), (500_000, "book"))  # of a training part, up to so many characters
# By cell, as the runs in `checkpoints/results.json` show it of one core of an AMD EPYC with bfloat16: weights times
# characters a second, and the seconds that a layer takes for a step of all lanes, however narrow it is.
SPEEDS = {
    "rnn": (16e9, 120e-6),
    "gru": (16e9, 150e-6),
    "lstm": (20e9, 12e-6),
    "mingru": (20e9, 20e-6),
    "minlstm": (14e9, 40e-6),
}


class OwnTextError(KeyedError):
    """No recipe can be made; `key` is that of the sentence that says why, and what to do."""

    def __str__(self) -> str:
        """Return the sentence."""
        return WORDS.tr(self.key, "en", **self.values)


@dataclass(frozen=True, kw_only=True)
class Options(Overrides):
    """What people may choose; the rest follows from the text.

    layers: None chooses by the text. hidden: units of each layer; None chooses by the text and the time. residual: None
    chooses by the layers. epochs: None chooses by `minutes`. What else is None follows from the text.

    Raises:
        OwnTextError: a value is outside its range.
        ValueError: one that only a command line asks for is.
    """

    cell: str = "lstm"
    form: Form = "full"
    minutes: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("cell", tuple(CELLS)), ("form", typing.get_args(Form))):
            if getattr(self, name) not in known:
                raise OwnTextError(f"own.refused.{name}", value=repr(getattr(self, name))[:40], known=", ".join(known))
        _in_range("minutes", self.minutes, 0.1, MOST_MINUTES, int, float)
        _in_range("seed", self.seed, 0, 2**53 - 1, int)
        if self.layers is not None:
            _in_range("layers", self.layers, 1, MOST_LAYERS, int)
        if self.hidden is not None:
            _in_range("hidden", self.hidden, 8, MOST_HIDDEN, int)
        if self.epochs is not None:
            _in_range("epochs", self.epochs, 1, MOST_EPOCHS, int)
        super().__post_init__()

    @property
    def chosen(self) -> dict[str, Any]:
        """What was chosen differently from the default, by name."""
        plain = Options()
        form = {"form": self.form} if self.form != plain.form else {}
        minutes = {"minutes": self.minutes} if self.epochs is None and self.minutes != plain.minutes else {}
        return differing(self, plain) | form | minutes

    @property
    def name(self) -> str:
        """The name of the recipe; it tells what was chosen differently from the default."""
        return "-".join(filter(None, (NAME, named(self.chosen))))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How fast a machine is.

    ratio: characters a second in training, relative to the table `SPEEDS`. seconds_to_measure: what one measurement on
    held-out text takes.
    """

    ratio: float = 1.0
    seconds_to_measure: float = 0.3


TYPICAL = Machine()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A recipe, and what can be said of it before it is run.

    chars: of the text in its form. train_chars: those that are read; with more time, `wanted_chars` would be. seconds:
    what the run takes, roughly. hint: key of a sentence about what can be learned from so much text. parts: the ids of
    its parts.
    """

    recipe: Recipe
    chars: int
    train_chars: int
    wanted_chars: int
    symbols: int
    seconds: float
    hint: str
    parts: dict[str, Tensor] = field(repr=False, compare=False)

    @functools.cached_property
    def ngram(self) -> dict[str, float] | None:
        """An n-gram of the same text: its order, its perplexities on the held-out parts; None if the text is long."""
        return of_heldout(self.parts, self.symbols)

    @functools.cached_property
    def unknown(self) -> float:
        """The share of the held-out parts that is unknown characters: rare ones, or those that training has not."""
        heldout = torch.cat([ids for part, ids in self.parts.items() if part != "train"])
        return (heldout == UNKNOWN_ID).float().mean().item()

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return num_params(self.recipe.model, self.symbols)

    @property
    def figures(self) -> dict[str, Any]:
        """The plain figures of the plan, for a program."""
        model, train = self.recipe.model, self.recipe.train
        return {
            "chars": self.chars,
            "train_chars": self.train_chars,
            "symbols": self.symbols,
            "parameters": self.parameters,
            "epochs": train.epochs,
            "seconds": round(self.seconds),
            "unknown": round(self.unknown, 4),
            "ngram": self.ngram,
            "hint": self.hint,
            "layers": model.num_layers,
            "hidden": model.hidden_size,
            "residual": model.residual,
        }

    def sentences(self, lang: Lang) -> list[str]:
        """Return what the run will do, and what can be learned from so much text."""
        model = self.recipe.model
        time = ("own.seconds", self.seconds) if self.seconds < 90 else ("own.minutes", self.seconds / 60)
        shape = f"{model.num_layers} × {CELLS[model.cell].label} {model.hidden_size}"
        figures = self.figures | {"shape": shape, "time": WORDS.tr(time[0], lang, n=time[1])}
        said = [WORDS.tr("own.planned", lang, **figures)]
        about = {"order": self.ngram["order"], "ngram": self.ngram["ppl"]} if self.ngram else {}
        if about:
            said.append(WORDS.tr("own.to_beat", lang, **about))
        return [*said, *self.what_is_left_out(lang), WORDS.tr(self.hint, lang, **about)]

    def what_is_left_out(self, lang: Lang) -> list[str]:
        """Return a sentence each on what is not read, and on the characters that are unknown, where that is much."""
        said = []
        if self.train_chars < self.wanted_chars:
            said.append(WORDS.tr("own.part", lang, read=self.train_chars))
        if self.unknown >= MUCH_UNKNOWN:
            said.append(WORDS.tr("own.unknown", lang, share=100 * self.unknown))
        return said


def came(ppl: float, symbols: int, ngram: dict[str, float] | None, lang: Lang) -> str:
    """Return what came of a run, from the held-out perplexity of its model and of an n-gram of the same text."""
    said = WORDS.tr("own.came", lang, ppl=ppl, symbols=symbols)
    return said + WORDS.tr("own.beside", lang, order=ngram["order"], ngram=ngram["ppl"]) if ngram else said


def plan(text: str, place: str, name: str, options: Options, machine: Machine = TYPICAL) -> Plan:
    """Make the recipe for a text and the options.

    text: in its form. place: the name or path by which the text is found. name: that of the text, which becomes part
    of the recipe's name. machine: its speed, measured with the recipe that is made without it.

    Raises:
        OwnTextError: the text is too short.
    """
    if len(text) < LEAST_CHARS:
        raise OwnTextError("own.refused.short", chars=len(text), least=LEAST_CHARS)
    shares = _shares(len(text))
    ranges = split(len(text), *shares)
    whole = ranges["train"][1]
    chars = min(whole, options.max_chars or whole)
    min_count = _min_count(text[:chars])
    symbols = len(Vocab.from_text(text[:chars], options.form, min_count))
    lanes = options.batch or _lanes(chars)
    ratio = min(1.0, 2 * machine.ratio)  # a machine that is busy for a while is no slow one
    model = _model(options, chars, symbols, lanes, ratio)
    speed = table_speed(model, symbols, lanes) * machine.ratio
    wanted = options.epochs or _epochs(chars)
    ends = STARTING_SECONDS + min(ENDING_CHARS, 8 * chars) / speed
    measurement = machine.seconds_to_measure + SNAPSHOT_SECONDS * num_params(model, symbols)
    fitting = _fitting(max(60 * options.minutes - ends, 20 * options.minutes), chars / speed, measurement)
    window = options.window or _window(chars)
    least = max(LEAST_CHARS, lanes * window + window + 1)  # that make one window of each lane, wherever it begins
    epochs, part = (wanted, None) if options.epochs else _reading(fitting, wanted, chars, min(least, chars))
    part = chars if part is None and chars < whole else part
    if part is not None:
        min_count = _min_count(text[:part])
    rates = _rates(chars, epochs)
    train = _training(place, options, chars, epochs, shares, min_count, lanes, window, part, rates.pop("weight_drop"))
    vocab = Vocab.from_text(text[: part or chars], options.form, min_count)
    read = ranges | {"train": (0, part or chars)}
    ids = {name: torch.tensor(vocab.encode(text[slice(*one)])) for name, one in read.items()}
    measured = -(-epochs // train.eval_every) * measurement
    return Plan(
        recipe=Recipe(
            name=f"{options.name}-{name}",
            model=replace(model, **rates),
            train=train,
            sample_prompt=options.prompt or "",
        ),
        chars=len(text),
        train_chars=part or chars,
        wanted_chars=chars,
        symbols=len(vocab),
        seconds=epochs * (part or chars) / speed + measured + ends,
        hint=_hint(chars),
        parts=ids,
    )


def _fitting(seconds: float, epoch: float, measurement: float) -> float:
    """Return how many epochs fit into a time, from the seconds of an epoch and of a measurement.

    A few epochs are measured after each, many about `MEASUREMENTS` times in all.
    """
    fitting = seconds / (epoch + measurement)
    return fitting if fitting < MEASUREMENTS else max(seconds - MEASUREMENTS * measurement, 0) / epoch


def _reading(fitting: float, wanted: int, chars: int, least: int) -> tuple[int, int | None]:
    """Return the epochs, and the characters that are read if it is not the whole text.

    fitting: the epochs that fit into the time. least: the fewest characters that can be read. If only a few epochs fit,
    and one more almost does, a little less of the text is read once more often.
    """
    if fitting >= wanted:
        return wanted, None
    more = math.ceil(fitting)
    if more == 1 or (more <= 5 and 0.8 <= fitting / more < 1):
        return more, max(least, int(chars * fitting / more))
    return int(fitting), None


def table_speed(model: ModelConfig, symbols: int, lanes: int) -> float:
    """Return the characters a second by the table of measured speeds."""
    rate, step = SPEEDS[model.cell]
    return 1 / (num_params(model, symbols) / rate + model.num_layers * step / lanes)


def _in_range(name: str, value: Any, least: float, most: float, *kinds: type) -> None:
    if type(value) not in kinds or not least <= value <= most:
        raise OwnTextError(f"own.refused.{name}", value=repr(value)[:40], least=least, most=most)


def _shares(length: int) -> tuple[float, float]:
    """Return the shares of the training and the validation part; the test part is as long as the latter."""
    held = min(0.1 if length < 20_000 else 0.05, MOST_HELDOUT / length)
    return 1 - 2 * held, held


def _min_count(text: str) -> int:
    """Return how often a character must occur to be in the alphabet; rare ones of a large alphabet are not learned.

    But where those that occur once or twice are much of the text, as in a short one in Chinese, they are.
    """
    counts = sorted(Counter(text).values(), reverse=True)
    if len(counts) <= FEW_SYMBOLS:
        return 1
    wanted = 2 if len(text) < 100_000 else 3
    enough = next(least for least in range(wanted, 0, -1) if _rarer(counts, least) <= MOST_UNKNOWN * len(text))
    return max(enough, counts[MOST_SYMBOLS] + 1 if len(counts) > MOST_SYMBOLS else 0)


def _rarer(counts: Iterable[int], least: int) -> int:
    """Return how much of a text are characters that occur less than `least` times; counts: of each character."""
    return sum(count for count in counts if count < least)


def _lanes(chars: int) -> int:
    """Return the number of lanes: a power of two up to 32, so that an epoch has some steps."""
    most = 16 if chars < 400_000 else 32
    return next(lanes for lanes in (2, 4, 8, 16, 32) if lanes == most or 1_000 * lanes > chars)


def _window(chars: int) -> int:
    return 32 if chars < 6_000 else 64 if chars < 40_000 else 128


def _epochs(chars: int) -> int:
    """Return how many epochs are worth their time, from short texts to long ones."""
    return max(4, round(50 * min(1.0, math.pow(160_000 / chars, 0.7))))


def _model(options: Options, chars: int, symbols: int, lanes: int, ratio: float) -> ModelConfig:
    """Return the stack, as wide as the text and the time allow; it has no dropout yet."""
    layers = options.layers or (1 if chars < ONE_LAYER_CHARS else 2)
    residual = layers > MOST_PLAIN if options.residual is None else options.residual

    def of_width(width: int) -> ModelConfig:
        return stack(options.cell, layers, width, residual=residual)

    if options.hidden is not None:
        return of_width(options.hidden)
    most = 30_000 * math.pow(chars, 0.36)  # weights
    seconds = 60 * options.minutes if options.epochs is None else math.inf

    def fits(width: int) -> bool:
        model = of_width(width)
        size = num_params(model, symbols)
        readable = seconds * ratio * table_speed(model, symbols, lanes)
        return size <= most and min(2.5 * size, 20 * chars) <= readable

    return of_width(max((width for width in WIDTHS if fits(width)), default=WIDTHS[0]))


def _rates(chars: int, epochs: int) -> dict[str, Any]:
    """Return the dropout of layers and head, and the share of dropped weights: more for short texts read often."""
    few = max(0.0, min(1.0, 1 - math.log10(chars / 2_000) / 2))  # 1 up to 2,000 characters, 0 from 200,000
    often = min(1.0, epochs / 12)
    rates = {"dropout": 0.2 + 0.4 * few, "head_dropout": 0.1 + 0.4 * few, "weight_drop": 0.2 + 0.3 * few}
    return {name: round(rate * often, 2) for name, rate in rates.items()}


def _training(
    place: str,
    options: Options,
    chars: int,
    epochs: int,
    shares: tuple[float, float],
    min_count: int,
    lanes: int,
    window: int,
    part: int | None,
    weight_drop: float,
) -> TrainConfig:
    return modern_training(
        place,
        epochs,
        form=options.form,
        batch_size=lanes,
        window=window,
        train_fraction=shares[0],
        val_fraction=shares[1],
        max_train_chars=part,
        min_count=min_count,
        learning_rate=options.lr or 5e-3,
        weight_drop=weight_drop if CELLS[options.cell].has_hidden_weights else 0.0,
        weight_decay=0.1 if chars < ONE_LAYER_CHARS else 0.03,
        ema_decay=0.98 if chars < 20_000 else 0.99,
        keep="best",
        eval_every=max(1, round(epochs / MEASUREMENTS)),
        eval_lanes=int(min(16, max(1, shares[1] * chars // 1_000))),
        seed=options.seed,
    )


def _hint(chars: int) -> str:
    """Return the key of the sentence about what can be learned from a training part of that length."""
    return next((f"own.hint.{name}" for most, name in LENGTHS if chars < most), "own.hint.long")
