"""Why ten plain layers do not learn: one change at a time, to ten that do not learn and to ten that do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments import depth
from deeprnn.experiments.question import Question
from deeprnn.experiments.recipes import note_stack

PLAIN = depth.at_equal_parameters("lstm", depth.DEEPEST, residual=False)
BOTH = depth.at_equal_parameters("lstm", depth.DEEPEST, residual=True)  # residual connections and LayerNorm
ALONE: dict[str, dict[str, Any]] = {
    "residual": {"residual": True, "pre_norm": False},
    "layer-norm": {"pre_norm": True},
}
TO_PLAIN: dict[str, dict[str, Any]] = {
    "longer": {"epochs": 4 * PLAIN.train.epochs},
    "slower": {"learning_rate": PLAIN.train.learning_rate / 4},
}
TO_BOTH: dict[str, dict[str, Any]] = {
    "uniform": {"init": "uniform"},
    "no-warm-up": {"warmup_fraction": 0.0},
    "sgd": {"optimizer": "sgd", "learning_rate": 2.0, "weight_decay": 0.0},
}


def recipes() -> Iterator[Recipe]:
    """Yield ten LSTM layers on *The Time Machine* with each change, then the note's ten layers with each."""
    for part, change in ALONE.items():
        yield _recipe(part, replace(PLAIN, model=replace(PLAIN.model, **change)))
    for base, changes in ((PLAIN, TO_PLAIN), (BOTH, TO_BOTH)):
        for part, change in changes.items():
            yield _recipe(part, replace(base, train=replace(base.train, **change)))
    yield from of_note()


def of_note() -> Iterator[Recipe]:
    """Yield the note's ten layers: all of its epochs; with an embedding as wide as they are; and one change to that."""
    plain = replace(depth.ten_plain(), experiment="ten-note")
    yield replace(plain, name=f"{plain.name}-500", train=note_stack("lstm", depth.DEEPEST).train)
    base = replace(plain, model=replace(plain.model, embedding_size=plain.model.hidden_size))
    models: dict[str, dict[str, Any]] = {"": {}, "-residual": ALONE["residual"], "-layer-norm": ALONE["layer-norm"]}
    for part, change in models.items():
        yield replace(base, name=f"{base.name}-embedding{part}", model=replace(base.model, **change))
    trains: dict[str, dict[str, Any]] = {
        "-orthogonal": {"init": "orthogonal"},
        "-adamw": {"optimizer": "adamw", "learning_rate": 1e-3},
        "-warm-up": {"warmup_fraction": 0.1},
    }
    for part, change in trains.items():
        yield replace(base, name=f"{base.name}-embedding{part}", train=replace(base.train, **change))


def _recipe(part: str, recipe: Recipe) -> Recipe:
    return replace(recipe, name=f"ten-{part}", experiment="ten")


QUESTION = Question(
    key="ten",
    recipes=recipes,
    commands=("python train.py 'ten-*' 'depth-lstm-10-*' --seeds 0 1 2",),
)
