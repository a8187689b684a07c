"""The parts of the questions' recipes: stacks of a given width or size; the note's training, and a modern one.

Knows: configurations, the cells' sizes. Does not know: any one question, how a recipe is run.
"""

from typing import Any

from deeprnn.config import Init, Kernel, ModelConfig, Recipe, TrainConfig
from deeprnn.nn.cells import CELLS
from deeprnn.text import python_docs
from deeprnn.text.catalogue import language_of

WELLS = (
    "war_of_the_worlds",
    "invisible_man",
    "doctor_moreau",
    "first_men_in_the_moon",
    "sleeper_wakes",
    "food_of_the_gods",
    "war_in_the_air",
)  # the books by Wells other than The Time Machine
SYMBOLS = {"d2l": 28, "full": 72}  # alphabet sizes of The Time Machine; "equal parameters" are counted with 72
HANZI = 3_500  # roughly the number of characters that 西游记 uses more than twice


def num_params(model: ModelConfig, vocab_size: int) -> int:
    """Return the number of a stack's weights, computed from its configuration."""
    cell = CELLS[model.cell]
    hidden, first = model.hidden_size, model.embedding_size or vocab_size
    total = vocab_size * (model.embedding_size + 1 + (0 if model.tied else hidden))
    for layer in range(model.state_layers):
        total += cell.num_gates * hidden * ((first if layer == 0 else hidden) + 1)
        total += cell.num_gates * hidden * (hidden + 1) if cell.has_hidden_weights else 0
    if model.pre_norm:
        total += 2 * hidden * (model.num_layers + 1)
    return total


def expected_params(recipe: Recipe) -> int:
    """Return the expected number of a recipe's weights; the alphabet's size is estimated, the text is not read."""
    config = recipe.train
    return num_params(recipe.model, HANZI if language_of(config.text) == "zh" else SYMBOLS[config.form])


def stack(cell: str, num_layers: int, hidden_size: int, *, residual: bool = True, **more: Any) -> ModelConfig:
    """Return a stack with an embedding as wide as its layers."""
    settings: dict[str, Any] = {"locked_dropout": True}
    return ModelConfig(
        cell=cell,
        hidden_size=hidden_size,
        num_layers=num_layers,
        embedding_size=hidden_size,
        residual=residual,
        **(settings | more),
    )


def stack_of_size(
    cell: str, num_layers: int, budget: int, symbols: int = SYMBOLS["full"], *, residual: bool = True, **more: Any
) -> ModelConfig:
    """Return the widest stack, in steps of 4 units, that has at most `budget` weights with so many symbols."""

    def of_width(width: int) -> ModelConfig:
        return stack(cell, num_layers, width, residual=residual, **more)

    width = 4
    while num_params(of_width(width + 4), symbols) <= budget:
        width += 4
    return of_width(width)


def note_training(epochs: int, learning_rate: float, init: Init = "uniform", kernel: Kernel = "fused") -> TrainConfig:
    """Return the training of d2l-zh's `load_data_time_machine(32, 35)` and `train_ch8`; the last 10% are held out."""
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


def note_stack(cell: str, num_layers: int, epochs: int = 500) -> Recipe:
    """Return the note's plain stack of built-in layers with 256 units.

    It is stored as float16: int8 would move the perplexity of two layers on other text by more than 0.1%.
    """
    model = ModelConfig(cell=cell, hidden_size=256, num_layers=num_layers)
    name = f"note-{cell}-{num_layers}"
    return Recipe(name=name, experiment="note", model=model, train=note_training(epochs, 2.0), storage="float16")


def modern_training(text: str, epochs: int, **more: Any) -> TrainConfig:
    """Return a training unlike the note's: AdamW with warm-up and cosine, averaged weights, random offsets, bf16."""
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


def smoke() -> Recipe:
    """Return a recipe that takes some seconds, on text that comes with Python, to test an installation."""
    model = ModelConfig(cell="gru", hidden_size=96, num_layers=2, embedding_size=96, residual=True, dropout=0.1)
    train = TrainConfig(
        text=python_docs.NAME,
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
    return Recipe(name="smoke", experiment="smoke", model=model, train=train, sample_prompt="The for statement ")
