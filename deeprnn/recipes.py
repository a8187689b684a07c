"""The named experiments: functions that return a recipe. A recipe's name is its checkpoint's name.

Knows: configurations. Does not know: how they are run.
"""

from collections.abc import Callable
from dataclasses import replace

from deeprnn.config import Init, Kernel, ModelConfig, Recipe, TrainConfig


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


_RECIPES: tuple[Callable[[], Recipe], ...] = (
    note_rnn_2,
    note_lstm_2,
    note_gru_2,
    note_lstm_10,
    note_lstm_10_residual,
    note_rnn_2_shared,
    note_rnn_2_shared_updated,
    smoke,
)


def all_recipes() -> dict[str, Recipe]:
    """Every recipe by name."""
    return {recipe.name: recipe for recipe in (make() for make in _RECIPES)}
