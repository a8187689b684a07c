"""Poems: whether depth helps to keep the form of a Tang poem, which can be counted.

All stacks have about two million weights. The alphabet has 3,692 symbols, so the head reads out with the embedding's
matrix: otherwise most weights would be outside the layers, of which depth is made.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from deeprnn.config import ModelConfig, Recipe
from deeprnn.experiments.depth import DEEPEST, WIRINGS, name
from deeprnn.experiments.question import Question
from deeprnn.experiments.recipes import modern_training, stack, stack_of_size

TEXT = "tang_poems"
SYMBOLS = 3_692  # characters that occur ten times or more in the training part, and the unknown symbol
BUDGET = 2_000_000
DEPTHS = (1, 2, 4, DEEPEST)
CELLS = ("lstm", "gru")
BEST = "poems-lstm-2-wide"
PROMPT = "明月"


def recipes() -> Iterator[Recipe]:
    """Yield stacks of equal parameters by depth, plain and residual; then the best model, wider than those."""
    for cell, residual, layers in itertools.product(CELLS, reversed(WIRINGS), DEPTHS):
        model = stack_of_size(cell, layers, BUDGET, SYMBOLS, residual=residual, tied=True, dropout=0.2)
        yield _recipe(name("poems", cell, layers, residual=residual), "poems", model, epochs=4)
    model = stack("lstm", 2, 448, tied=True, dropout=0.3, head_dropout=0.3)
    yield _recipe(BEST, "poems-best", model, epochs=12, weight_drop=0.2, weight_decay=0.05)


def _recipe(called: str, experiment: str, model: ModelConfig, epochs: int, **more: Any) -> Recipe:
    train = modern_training(TEXT, epochs, min_count=10, window=96, ema_decay=0.998, keep="best", eval_lanes=8, **more)
    return Recipe(name=called, experiment=experiment, model=model, train=train, storage="int8", sample_prompt=PROMPT)


QUESTION = Question(key="poems", recipes=recipes)
