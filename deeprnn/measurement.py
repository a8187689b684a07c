"""The headline figures of a trained model over the parts of its corpus, measured once or again.

Knows: models, corpora, batches, checkpoints. Does not know: how a model is trained, the command line.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from deeprnn import checkpoint
from deeprnn.batches import windows
from deeprnn.corpora import load_corpus
from deeprnn.evaluation import Score, nats_per_char
from deeprnn.model import CharRNN


def measure(model: CharRNN, parts: dict[str, Tensor], batch_size: int, window: int) -> dict[str, dict[str, float]]:
    """The headline figures: nats, bits and perplexity per character of each part, the state carried through it.

    `train` is read as the training loop reads it, in `batch_size` lanes that each begin with a zero state, averaged
    over eight offsets: the figure that d2l's loop prints for its last epoch, here for the final weights.
    `train_carried` reads the training part as one text, as the held-out parts are read.
    """
    offsets = torch.linspace(0, window, 8).int().tolist()
    in_lanes = [_lane_nats(model, parts["train"], batch_size, window, offset) for offset in offsets]
    carried = {name: _figures(nats_per_char(model, ids)) for name, ids in parts.items()}
    return {"train": _figures(torch.cat(in_lanes)), "train_carried": carried.pop("train"), **carried}


@torch.inference_mode()
def _lane_nats(model: CharRNN, ids: Tensor, batch_size: int, window: int, offset: int) -> Tensor:
    state = model.initial_state(batch_size)
    nats = []
    for inputs, targets in windows(ids, batch_size, window, offset):
        logits, state = model(inputs, state)
        nats.append(F.cross_entropy(logits.flatten(0, 1).double(), targets.flatten(), reduction="none"))
    return torch.cat(nats).cpu()


def _figures(nats: Tensor) -> dict[str, float]:
    score = Score(nats=nats.tolist(), unknown=[])
    return {"nats": score.mean_nats, "bpc": score.bpc, "ppl": score.ppl, "chars": len(score.nats)}


def remeasure(directory: Path, text: str | None = None) -> dict[str, dict[str, float]]:
    """Load a finished checkpoint and measure it again on its own text: what `metrics.json` should say under `final`.

    text: where the text is, if it is not in the catalogue.

    Raises:
        ValueError: the checkpoint is broken, or the text is not the one it was trained on.
    """
    metrics = checkpoint.read_info(directory).metrics
    recorded = metrics["text"]
    corpus = load_corpus(text or recorded["name"], recorded["form"])
    if corpus.sha256 != recorded["sha256"]:
        raise ValueError(f"{corpus.name} is not the text {directory} was trained on; name that one with --data.")
    lm = checkpoint.load(directory)
    ranges = recorded["ranges"].items()
    parts = {name: torch.tensor(lm.vocab.encode(corpus.text[slice(*r)])) for name, r in ranges}
    config = metrics["train_config"]
    return measure(lm.model, parts, config["batch_size"], config["window"])
