"""The named experiments: functions that return a recipe. A recipe's name is its checkpoint's name.

Knows: configurations, the cells' sizes. Does not know: how they are run.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from deeprnn.config import Init, Kernel, ModelConfig, Recipe, TrainConfig
from deeprnn.nn.cells import CELLS


def _note_training(epochs: int, learning_rate: float, init: Init = "uniform", kernel: Kernel = "fused") -> TrainConfig:
    """d2l-zh's `load_data_time_machine(32, 35)` and `train_ch8`; held out: the last 10% of the book."""
    return TrainConfig(
        text="time_machine",
        form="d2l",
        max_train_chars=10_000,
        train_fraction=0.9,
        val_fraction=0.1,
        epochs=epochs,
        learning_rate=learning_rate,
        init=init,
        kernel=kernel,
        eval_every=10,
    )


def _note_stack(name: str, cell: str, num_layers: int, epochs: int = 500) -> Recipe:
    model = ModelConfig(cell=cell, hidden_size=256, num_layers=num_layers)
    return Recipe(name=name, model=model, train=_note_training(epochs, 2.0))


def note_rnn_2() -> Recipe:
    """Question 1: two tanh layers from scratch, d2l's from-scratch initialisation, learning rate 1."""
    model = ModelConfig(cell="rnn", hidden_size=256, num_layers=2)
    return Recipe(name="note-rnn-2", model=model, train=_note_training(500, 1.0, "normal", "scratch"))


def _note_shared(name: str, model: ModelConfig) -> Recipe:
    return Recipe(name=name, model=model, train=_note_training(500, 1.0, "normal", "scratch"))


def note_rnn_2_shared() -> Recipe:
    """The note's wrong version: one set of weights, one state, the state returned as it came."""
    model = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared")
    return _note_shared("note-rnn-2-shared", model)


def note_rnn_2_shared_updated() -> Recipe:
    """The kinder wrong version: one set of weights, one state, updated by the upper layer."""
    model = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared-updated")
    return _note_shared("note-rnn-2-shared-updated", model)


def note_lstm_2() -> Recipe:
    """The note's two-layer LSTM."""
    return _note_stack("note-lstm-2", "lstm", 2)


def note_gru_2() -> Recipe:
    """Question 2: a GRU in the LSTM's place."""
    return _note_stack("note-gru-2", "gru", 2)


def note_lstm_10() -> Recipe:
    """The note's ten plain LSTM layers, which never get beyond letter frequencies."""
    return replace(_note_stack("note-lstm-10", "lstm", 10, epochs=100), storage="int8")


def note_lstm_10_residual() -> Recipe:
    """The same ten layers with residual connections, LayerNorm, forget bias 1 and AdamW."""
    model = ModelConfig(cell="lstm", hidden_size=256, num_layers=10, embedding_size=256, residual=True)
    train = replace(_note_training(60, 1e-3, "orthogonal"), optimizer="adamw", eval_every=4)
    return Recipe(name="note-lstm-10-residual", model=model, train=train, storage="int8")


def smoke() -> Recipe:
    """Seconds of training on text that every Python carries: proves an installation, nothing more."""
    model = ModelConfig(cell="gru", hidden_size=96, num_layers=2, embedding_size=96, residual=True, dropout=0.1)
    train = TrainConfig(
        text="python-docs",
        form="full",
        max_train_chars=60_000,
        val_fraction=0.02,
        epochs=3,
        learning_rate=3e-3,
        optimizer="adamw",
        weight_decay=0.01,
        window=64,
        init="orthogonal",
    )
    return Recipe(name="smoke", model=model, train=train, sample_prompt="The for statement ")


WELLS = (
    "war_of_the_worlds",
    "invisible_man",
    "doctor_moreau",
    "first_men_in_the_moon",
    "sleeper_wakes",
    "food_of_the_gods",
    "war_in_the_air",
)
AUTHORS = {
    "wells": ("time_machine", "war_of_the_worlds"),
    "austen": ("pride_and_prejudice",),
    "doyle": ("sherlock_holmes",),
    "dickens": ("tale_of_two_cities",),
    "melville": ("moby_dick",),
}
OWN_TEXT = {name: texts[0] for name, texts in AUTHORS.items()}  # which an author is held out from
FIVE = tuple(OWN_TEXT.values())
DEPTHS = (1, 2, 4, 6, 10)
SYMBOLS = {"d2l": 28, "full": 72}  # of The Time Machine; equal parameters are counted with the second
HANZI = 3_500  # that 西游记 uses more than twice, roughly


def num_params(model: ModelConfig, vocab_size: int) -> int:
    """How many weights a stack has, counted from its configuration."""
    cell = CELLS[model.cell]
    hidden, first = model.hidden_size, model.embedding_size or vocab_size
    total = model.embedding_size * vocab_size + (hidden + 1) * vocab_size
    for layer in range(model.state_layers):
        total += cell.num_gates * hidden * ((first if layer == 0 else hidden) + 1)
        total += cell.num_gates * hidden * (hidden + 1) if cell.has_hidden_weights else 0
    if model.residual and model.layer_norm:
        total += 2 * hidden * (model.num_layers + 1)
    return total


def expected_params(recipe: Recipe) -> int:
    """How many weights it will have, before its text is read; the alphabet is about as large as others of its form."""
    config = recipe.train
    return num_params(recipe.model, HANZI if config.text == "journey_to_the_west" else SYMBOLS[config.form])


def stack(cell: str, num_layers: int, hidden_size: int, *, residual: bool = True, **more: Any) -> ModelConfig:
    """A stack over an embedding as wide as its layers."""
    return ModelConfig(
        cell=cell,
        hidden_size=hidden_size,
        num_layers=num_layers,
        embedding_size=hidden_size,
        residual=residual,
        locked_dropout=True,
        **more,
    )


def stack_of_size(cell: str, num_layers: int, budget: int, *, residual: bool = True, **more: Any) -> ModelConfig:
    """The widest stack, in steps of 4 units, that has at most `budget` weights."""
    width = 4
    while num_params(stack(cell, num_layers, width + 4, residual=residual), SYMBOLS["full"]) <= budget:
        width += 4
    return stack(cell, num_layers, width, residual=residual, **more)


def modern_training(text: str, epochs: int, **more: Any) -> TrainConfig:
    """What every run after the note's shares: AdamW with warm-up and cosine, averaged weights, random offsets, bf16."""
    settings: dict[str, Any] = {
        "form": "full",
        "window": 128,
        "learning_rate": 3e-3,
        "optimizer": "adamw",
        "schedule": "cosine",
        "warmup_fraction": 0.03,
        "weight_decay": 0.01,
        "init": "orthogonal",
        "precision": "bfloat16",
        "offset": "text",
        "ema_decay": 0.99,
    }
    return TrainConfig(text=text, epochs=epochs, **(settings | more))


def few_lstm_2() -> Recipe:
    """The note's 10,000 characters once more: how low held-out perplexity goes when rote learning is held off."""
    train = modern_training(
        "time_machine",
        60,
        form="d2l",
        max_train_chars=10_000,
        train_fraction=0.8,
        val_fraction=0.1,
        window=32,
        weight_drop=0.5,
        weight_decay=0.1,
        reset_rate=0.02,
        ema_decay=0.98,
        keep="best",
        eval_every=2,
        eval_lanes=32,
    )
    return Recipe(name="few-lstm-2", model=stack("lstm", 2, 256, dropout=0.5, head_dropout=0.5), train=train)


def book_recipes() -> Iterator[Recipe]:
    """*The Time Machine* alone, with at most 2.5 million weights: from all the regularisation there is to little."""
    train = modern_training(
        "time_machine",
        50,
        batch_size=16,
        weight_drop=0.5,
        weight_decay=0.05,
        reset_rate=0.02,
        ema_decay=0.998,
        learning_rate=2e-3,
        keep="best",
        eval_every=2,
        eval_lanes=16,
    )
    yield Recipe(name="book-lstm-2", model=stack("lstm", 2, 384, dropout=0.5, head_dropout=0.5), train=train)
    lighter = replace(train, epochs=40, weight_drop=0.2, reset_rate=0.0, learning_rate=3e-3)
    plain = replace(stack("gru", 2, 448, residual=False, dropout=0.5), locked_dropout=False)
    yield Recipe(name="book-gru-2-plain", model=plain, train=lighter)
    bare = stack("gru", 3, 364, dropout=0.5, head_dropout=0.3, layer_norm=False)
    yield Recipe(name="book-gru-3", model=replace(bare, locked_dropout=False), train=lighter)
    halved = replace(lighter, weight_drop=0.4)
    plain = replace(stack("lstm", 2, 384, residual=False, dropout=0.5), locked_dropout=False)
    yield Recipe(name="book-lstm-2-plain", model=plain, train=halved)
    bare = stack("gru", 2, 384, dropout=0.1, layer_norm=False)
    yield Recipe(name="book-gru-2-light", model=bare, train=replace(halved, epochs=20))
    wide = replace(stack("gru", 1, 600, residual=False, dropout=0.5), locked_dropout=False)
    yield Recipe(name="book-gru-1-plain", model=wide, train=replace(halved, epochs=30))


def wells_lstm_2() -> Recipe:
    """The same tail of *The Time Machine*, with seven more of Wells's books to learn from."""
    train = modern_training(
        "time_machine", 10, more_texts=WELLS, weight_drop=0.2, ema_decay=0.999, keep="best", eval_every=1, eval_lanes=8
    )
    model = replace(stack("lstm", 2, 512, residual=False, dropout=0.25), locked_dropout=False)
    return Recipe(name="wells-lstm-2", model=model, train=train)


def journey_gru_2() -> Recipe:
    """Set G: 西游记, whose characters seen once or twice become the unknown one."""
    train = modern_training("journey_to_the_west", 12, min_count=3, weight_drop=0.3, ema_decay=0.998, keep="best")
    model = stack("gru", 2, 384, dropout=0.4, head_dropout=0.4)
    return Recipe(name="journey-gru-2", model=model, train=train, sample_prompt="却说孙行者")


def depth_recipes() -> Iterator[Recipe]:
    """Set B: cells x depths x plain or residual, at about 500,000 weights (`depth-`) and at 128 units (`width-`)."""
    train = modern_training("time_machine", 10, batch_size=16, window=100, learning_rate=2e-3, eval_every=2)
    for cell, residual in itertools.product(CELLS, (False, True)):
        wiring = "residual" if residual else "plain"
        for layers in DEPTHS:
            model = stack_of_size(cell, layers, 500_000, residual=residual, dropout=0.2)
            yield Recipe(name=f"depth-{cell}-{layers}-{wiring}", model=model, train=train)
        for layers in (1, 2, 4, 10):
            model = stack(cell, layers, 128, residual=residual, dropout=0.2)
            yield Recipe(name=f"width-{cell}-{layers}-{wiring}", model=model, train=train)


def rate_recipes() -> Iterator[Recipe]:
    """Set B's residual stacks at equal parameters once more, at the higher learning rate that ten layers want."""
    for recipe in depth_recipes():
        if recipe.name.startswith("depth-") and recipe.model.residual:
            train = replace(recipe.train, learning_rate=5e-3)
            yield replace(recipe, name=recipe.name.replace("depth-", "rate-"), train=train)


def time_recipes() -> Iterator[Recipe]:
    """Set C at equal training time: the two-layer residual stacks of set B, each with the epochs of about 100 seconds.

    The seconds are those that set B's runs took on one core of an AVX-512 machine; each run records its own.
    """
    by_name = {recipe.name: recipe for recipe in depth_recipes()}
    for cell, epochs in {"rnn": 14, "gru": 9, "lstm": 24, "mingru": 21, "minlstm": 21}.items():
        recipe = by_name[f"depth-{cell}-2-residual"]
        yield replace(recipe, name=f"time-{cell}-2-residual", train=replace(recipe.train, epochs=epochs))


def data_recipes() -> Iterator[Recipe]:
    """Set D: one model, more and more text before it; the test is always the tail of *The Time Machine*.

    Each reads about 5.2 million characters, however often each of them, and keeps the best weights on the way.
    """
    model = stack("gru", 2, 256, dropout=0.2)
    book = 161_081
    sizes: dict[str, tuple[int | None, tuple[str, ...], int]] = {
        "10k": (10_000, (), 10_000),
        "50k": (50_000, (), 50_000),
        "book": (None, (), book),
        "wells-3": (None, WELLS[:2], 711_000),
        "wells-8": (None, WELLS, 2_582_000),
        "authors": (None, (*WELLS, *FIVE[1:]), 5_484_000),
    }
    for name, (limit, more, chars) in sizes.items():
        window = 64 if chars == 10_000 else 128
        train = modern_training(
            "time_machine",
            max(1, round(5_200_000 / chars)),
            more_texts=more,
            max_train_chars=limit,
            window=window,
            eval_every=max(1, round(160_000 / chars)),
            keep="best",
        )
        yield Recipe(name=f"data-{name}", model=model, train=train)


def author_recipes() -> Iterator[Recipe]:
    """Set E: one author or five, with or without a mark, scored on every author's held-out part.

    `author-`: every one trains on 465,000 characters, as many as the two Wells books give; `shelf-`: on all there is.
    """
    model = stack("gru", 2, 256, dropout=0.2)

    def recipe(name: str, texts: tuple[str, ...], limit: int | None, epochs: int = 6, **more: Any) -> Recipe:
        train = modern_training(
            texts[0],
            epochs,
            more_texts=texts[1:],
            score_on=FIVE,
            max_train_chars=limit,
            eval_lanes=8,
            **more,
        )
        return Recipe(name=name, model=model, train=train)

    def share(texts: tuple[str, ...]) -> int | None:
        return None if texts == AUTHORS["wells"] else 465_000 // len(texts)

    essays = ("time_machine", "federalist", "origin_of_species")
    for name, texts in AUTHORS.items():
        yield recipe(f"author-{name}", texts, share(texts))
    yield recipe("author-five", FIVE, share(FIVE))
    yield recipe("author-five-marked", FIVE, share(FIVE), mark_texts=True)
    yield recipe("author-cross-domain", essays, share(essays))
    for name, texts in AUTHORS.items():
        yield recipe(f"shelf-{name}", texts, None, epochs=4)
    yield recipe("shelf-five", tuple(itertools.chain(*AUTHORS.values())), None, epochs=4)


def ablation_recipes() -> Iterator[Recipe]:
    """What each part of the training buys: all of them, then all but one, on *The Time Machine*."""
    model = stack("gru", 2, 256, dropout=0.4)
    train = modern_training(
        "time_machine", 20, weight_drop=0.3, weight_decay=0.05, reset_rate=0.01, ema_decay=0.995, eval_every=4
    )
    base = Recipe(name="ablation-none", model=model, train=train)
    yield base
    for name, change in {
        "residual": {"residual": False},
        "layer-norm": {"layer_norm": False},
        "dropout": {"dropout": 0.0},
        "locked-dropout": {"locked_dropout": False},
    }.items():
        yield replace(base, name=f"ablation-{name}", model=replace(model, **change))  # type: ignore[arg-type]
    for name, setting in {
        "weight-drop": {"weight_drop": 0.0},
        "weight-decay": {"weight_decay": 0.0},
        "warm-up": {"warmup_fraction": 0.0},
        "cosine": {"schedule": "constant"},
        "averaging": {"ema_decay": 0.0},
        "random-offset": {"offset": "none"},
        "resets": {"reset_rate": 0.0},
        "bfloat16": {"precision": "float32"},
    }.items():
        yield replace(base, name=f"ablation-{name}", train=replace(train, **setting))  # type: ignore[arg-type]


def shakespeare_gru_3() -> Recipe:
    """Set F: tiny_shakespeare by nanoGPT's split; nothing is chosen by looking at its last tenth."""
    train = modern_training(
        "tiny_shakespeare",
        32,
        val_fraction=0.1,
        window=160,
        weight_drop=0.25,
        weight_decay=0.05,
        reset_rate=0.02,
        ema_decay=0.999,
        eval_every=4,
        eval_lanes=32,
    )
    model = stack("gru", 3, 384, dropout=0.35)
    return Recipe(name="shakespeare-gru-3", model=model, train=train, sample_prompt="ROMEO:\n")


def shakespeare_lstm_2() -> Recipe:
    """Set F again: a plain stack, whose every path is dropped, in place of the residual one."""
    recipe = shakespeare_gru_3()
    model = stack("lstm", 2, 512, residual=False, dropout=0.4)
    train = replace(recipe.train, epochs=24, window=192, weight_drop=0.3)
    return replace(recipe, name="shakespeare-lstm-2", model=replace(model, locked_dropout=False), train=train)


_RECIPES: tuple[Callable[[], Recipe], ...] = (
    note_rnn_2,
    note_lstm_2,
    note_gru_2,
    note_lstm_10,
    note_lstm_10_residual,
    note_rnn_2_shared,
    note_rnn_2_shared_updated,
    few_lstm_2,
    wells_lstm_2,
    journey_gru_2,
    shakespeare_gru_3,
    shakespeare_lstm_2,
    smoke,
)
_SETS: tuple[Callable[[], Iterator[Recipe]], ...] = (
    book_recipes,
    depth_recipes,
    rate_recipes,
    time_recipes,
    data_recipes,
    author_recipes,
    ablation_recipes,
)


def all_recipes() -> dict[str, Recipe]:
    """Every recipe by name."""
    singles = (make() for make in _RECIPES)
    return {recipe.name: recipe for recipe in itertools.chain(singles, *(make() for make in _SETS))}
