"""The mean of several models' probabilities, with and without a 6-gram of the same text.

    python benchmarks/ensembles.py checkpoints/A runs/B ...

The models must have one alphabet and one training text. The weight of the 6-gram is chosen on the validation part; the
test part (validation if there is no test part) is scored once.
"""

import argparse
import math
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from deeprnn.lm.evaluation import mixture, nats_per_char
from deeprnn.measure.baselines import ORDER, NGram
from deeprnn.store import checkpoint
from deeprnn.text.splits import prepare

WEIGHTS = [step / 20 for step in range(20)]


def main() -> None:
    """Print a line for each model, one for their mean, and one for the mean with the 6-gram."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    paths = parser.parse_args().checkpoints
    loaded = [checkpoint.load(path) for path in paths]
    infos = [checkpoint.read_info(path) for path in paths]
    if len({(info.vocab, str(info.metrics.text.ranges)) for info in infos}) > 1:
        raise SystemExit("these models differ in alphabet or text: give models of one text.")
    data = prepare(infos[0].metrics.train_config, torch.device("cpu"))
    ngram = NGram.build(data.parts["train"], len(data.vocab), ORDER)
    last = "test" if "test" in data.parts else "val"
    nats, counted = {}, {}
    for part in dict.fromkeys(("val", last)):
        ids = data.parts[part]
        nats[part] = torch.stack([nats_per_char(lm.model, ids) for lm in loaded])
        counted[part] = torch.cat([nats[part], ngram.nats(ids).unsqueeze(0)])
    for path, own in zip(paths, nats[last], strict=True):
        report(path.name, own.mean().item())
    report(f"{ORDER}-gram", counted[last][-1].mean().item())
    even = [1 / len(loaded)] * len(loaded)
    report("mean of the models", mixture(nats[last], even).mean().item())
    weight = min(WEIGHTS, key=lambda w: mixture(counted["val"], [(1 - w) * e for e in even] + [w]).mean().item())
    report(
        f"with {weight:.2f} of the {ORDER}-gram",
        mixture(counted[last], [(1 - weight) * e for e in even] + [weight]).mean().item(),
    )


def report(name: str, nats: float) -> None:
    """Print one line."""
    print(f"{name:32} {nats:.4f} nats  ppl {math.exp(nats):.3f}")


if __name__ == "__main__":
    main()
