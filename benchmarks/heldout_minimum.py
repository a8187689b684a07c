"""The time to reach the d2l recipe's lowest held-out perplexity: `python benchmarks/heldout_minimum.py`.

d2l's best run here is its GRU (`note-gru-2`, SGD, rate 2), whose held-out perplexity is lowest at about epoch 80 of
500. `few-lstm-2` is trained on the same 10,000 characters and measured on the same last tenth of the book until it is
as good. Each round trains one and then the other; the time counts only training steps, not evaluation. Both use this
package's loop, which is as fast as d2l's (see `against_d2l.py`).
"""

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from deeprnn.config import Recipe
from deeprnn.experiments.questions import all_recipes
from deeprnn.train.loop import train
from deeprnn.train.run import Job

D2L_EPOCHS = 120  # its minimum is before this epoch


def curve(recipe: Recipe) -> list[dict[str, Any]]:
    """Train a recipe in a temporary folder, and return its curve."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(recipe=recipe, out=Path(folder), command="benchmark")
        directory = train(job, device=torch.device("cpu"))
        records: list[dict[str, Any]] = json.loads((directory / "metrics.json").read_text("utf-8"))["curve"]
        return records


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to the d2l recipe's lowest held-out perplexity.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipes = all_recipes()
    d2l, ours = recipes["note-gru-2"], recipes["few-lstm-2"]
    d2l = replace(d2l, train=replace(d2l.train, epochs=D2L_EPOCHS))
    config = replace(ours.train, train_fraction=0.9, val_fraction=0.1, eval_every=1, epochs=20, eval_lanes=1)
    ours = replace(ours, train=config)
    ratios = []
    for number in range(args.rounds):
        seeds = (replace(r, train=replace(r.train, seed=number)) for r in (d2l, ours))
        theirs, mine = map(curve, seeds)
        lowest = min(theirs, key=lambda record: record["val_ppl"])
        reached = next((record for record in mine if record["val_ppl"] <= lowest["val_ppl"]), None)
        if reached is None:
            print(f"round {number}: not reached; lowest {min(r['val_ppl'] for r in mine):.2f}")
            continue
        ratios.append(reached["seconds"] / lowest["seconds"])
        print(
            f"round {number}: d2l {lowest['val_ppl']:.2f} after {lowest['epoch']} epochs, {lowest['seconds']:.1f} s; "
            f"few-lstm-2 {reached['val_ppl']:.2f} after {reached['epoch']} epochs, {reached['seconds']:.1f} s"
        )
    if ratios:
        print(f"ours / d2l: median {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
