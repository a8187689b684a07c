"""What a GPU would have to do for the recipes, counted without one (docs/gpu.md).

How much is read, in how many windows, for one seed of every recipe; how many steps of a layer follow one another in
training, forwards, and in the measurements for the curves; and how many operations one window is where no kernel does
all time steps at once: each is at least one launch on a GPU.

    python benchmarks/gpu_work.py
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from deeprnn.config import Kernel, Recipe, TrainConfig
from deeprnn.experiments.questions import all_recipes
from deeprnn.text.batches import windows
from deeprnn.text.splits import Data, prepare
from deeprnn.train.run import Job, new_run, windows_of
from deeprnn.train.step import train_window

CPU = torch.device("cpu")
OF_TEXT = (  # what of a training configuration decides which text is read, besides `text` and `form`
    "more_texts",
    "mark_texts",
    "train_fraction",
    "val_fraction",
    "max_train_chars",
    "max_more_chars",
    "noisy_chars",
    "noise",
    "min_count",
)
WITHOUT_A_KERNEL: tuple[tuple[str, Kernel], ...] = (
    ("note-rnn-2-shared-updated", "scratch"),
    ("note-gru-2", "scratch"),
    ("note-lstm-2", "scratch"),
    ("depth-mingru-2-residual", "fused"),
    ("depth-mingru-10-residual", "fused"),
)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that compute something: those whose result shares no memory with an argument."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count: int = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the operation and count it."""
        is_view = any(a.alias_info and not a.alias_info.is_write for a in function._schema.arguments)
        self.count += not is_view and function is not torch.ops.aten._unsafe_view.default
        return function(*args, **(kwargs or {}))


def operations(recipe: Recipe) -> int:
    """Return how many operations the second window of a recipe is; their number does not depend on the units."""
    data = prepare(recipe.train, CPU)
    sizes: dict[str, Any] = {"hidden_size": 8, "embedding_size": 8 if recipe.model.embedding_size else 0}
    job = Job(recipe=replace(recipe, model=replace(recipe.model, **sizes)), out=Path(), command="benchmark")
    run = new_run(job, data, CPU)
    pairs = windows(data.parts["train"], recipe.train.batch_size, recipe.train.window)
    train_window(run, recipe.train, *next(pairs))
    with Operations() as counted:
        train_window(run, recipe.train, *next(pairs))
    return int(counted.count)


def measurements(config: TrainConfig) -> int:
    """Return how often a run is measured for its curve."""
    epochs = range(1, config.epochs + 1)
    every = config.eval_every
    return sum(e % every == 0 or e == config.epochs or (e < every and e.bit_count() == 1) for e in epochs)


def main() -> None:
    """Print what there is to do."""
    texts: dict[TrainConfig, Data] = {}
    read = made = in_training = in_measurements = 0
    recipes = all_recipes()
    for recipe in recipes.values():
        config, layers = recipe.train, recipe.model.num_layers
        same_text = replace(
            TrainConfig(text=config.text, form=config.form, epochs=1, batch_size=1, window=1, learning_rate=1.0),
            **{name: getattr(config, name) for name in OF_TEXT},
        )
        if same_text not in texts:
            texts[same_text] = prepare(same_text, CPU)
        data = texts[same_text]
        count = sum(windows_of(config, data))
        made += count
        read += count * config.batch_size * config.window
        in_training += count * config.window * layers
        in_measurements += measurements(config) * len(data.parts["val"]) // config.eval_lanes * layers
    print(f"{len(recipes)} recipes: {made:,} windows, {read:,} characters")
    print(f"steps of a layer, one after the other: {in_training:,} in training, {in_measurements:,} in measurements")
    for name, kernel in WITHOUT_A_KERNEL:
        recipe = recipes[name]
        config = replace(recipe.train, kernel=kernel, precision="float32")
        print(f"{name}, {kernel}, {config.window} steps: {operations(replace(recipe, train=config)):,} operations")


if __name__ == "__main__":
    main()
