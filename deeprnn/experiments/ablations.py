"""How much each part of the training improves: with all parts, then without each, on *The Time Machine*."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments.charts import Cell, Column, Table
from deeprnn.experiments.question import OverviewTable, Question
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.results import Results

WHOLE = "ablation-none"
LIKE = "data-book"  # of the same size, trained on the same text, of several seeds
MODEL_CHANGES: dict[str, dict[str, Any]] = {
    "residual": {"residual": False},
    "layer-norm": {"pre_norm": False},
    "dropout": {"dropout": 0.0},
    "locked-dropout": {"locked_dropout": False},
}
TRAIN_CHANGES: dict[str, dict[str, Any]] = {
    "weight-drop": {"weight_drop": 0.0},
    "weight-decay": {"weight_decay": 0.0},
    "warm-up": {"warmup_fraction": 0.0},
    "cosine": {"schedule": "constant"},
    "averaging": {"ema_decay": 0.0},
    "random-offset": {"offset": "none"},
    "resets": {"reset_rate": 0.0},
    "bfloat16": {"precision": "float32"},
}


def without(part: str) -> str:
    """Return the name of the recipe without a part."""
    return f"ablation-{part}"


def recipes() -> Iterator[Recipe]:
    """Yield the recipe with all parts, then one without each part."""
    model = stack("gru", 2, 256, dropout=0.4)
    train = modern_training(
        "time_machine", 20, weight_drop=0.3, weight_decay=0.05, reset_rate=0.01, ema_decay=0.995, eval_every=4
    )
    whole = Recipe(name=WHOLE, experiment="ablation", model=model, train=train)
    yield whole
    for part, change in MODEL_CHANGES.items():
        yield replace(whole, name=without(part), model=replace(model, **change))
    for part, change in TRAIN_CHANGES.items():
        yield replace(whole, name=without(part), train=replace(train, **change))


def table(results: Results) -> Table | None:
    """Return the loss without each part, in nats per character of the test part, beside the loss with all parts.

    The last row is half of the interval (95%) of a difference between two single runs, from the seeds of `LIKE`:
    differences below it say nothing.
    """
    whole = results.where(recipe=WHOLE)
    if not whole:
        return None
    nats = whole.figure(unit="nats").mean
    rows: list[list[Cell]] = [["nothing", whole.reading("train"), whole.reading(), nats, ""]]
    for part in sorted(MODEL_CHANGES | TRAIN_CHANGES):
        runs = results.where(recipe=without(part))
        if runs.finished:
            lost = runs.figure(unit="nats").mean
            rows.append([part, runs.reading("train"), runs.reading(), lost, lost - nats])
        elif runs:
            rows.append([part, *(["diverged"] * 2), "", ""])
    like = results.where(recipe=LIKE).finished
    if like and (half_width := like.figure(unit="nats").half_width):
        between = half_width * math.sqrt(2 * len(like))  # that of a mean is narrower by the root of the runs
        rows.append([f"(two seeds of `{LIKE}`)", "", "", "", f"± {between:.4f}"])
    head = {"without": "", "train ppl": "", "test ppl": "", "test nats": ".4f", "difference": "+.4f"}
    return Table(columns=[Column(name=name, format=format) for name, format in head.items()], rows=rows)


QUESTION = Question(
    key="ablations",
    recipes=recipes,
    tables=(
        OverviewTable(
            heading="What each part of the training buys",
            about="Two GRU layers, twenty epochs of *The Time Machine*, one part left out at a time; above 0, the part "
            "pays. One seed each: the last row is how far two seeds of a like model differ (95%), and differences "
            "below it say nothing.",
            table=table,
        ),
    ),
)
