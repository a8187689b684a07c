"""The final figures of a trained model on the parts of its texts.

Knows: models, prepared texts, batches, checkpoints. Does not know: how a model is trained, the command line.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from deeprnn.config import TrainConfig
from deeprnn.lm.evaluation import Score, nats_per_char
from deeprnn.measure import metrics
from deeprnn.nn.model import CharRNN
from deeprnn.store import checkpoint
from deeprnn.text.batches import windows
from deeprnn.text.catalogue import is_poems
from deeprnn.text.splits import Data, prepare

Figures = dict[str, dict[str, float]]
TRAIN_CHARS = 50_000  # of the training part, which are measured at the end
COLD_WINDOW = 256
COLD_BATCH = 32
MOST_LOGITS = 1 << 24  # of a batch of cold windows: in two precisions 200 MB, with thousands of symbols, too
EVAL_WINDOW = 128


def measure(model: CharRNN, data: Data, config: TrainConfig) -> Figures:
    """Return nats, bits and perplexity per character of each part; the state is carried through the part.

    train: the first `TRAIN_CHARS` characters of the training part (more if a window is longer; of poems the last), read
        in lanes as in training, each from a zero state, and averaged over up to eight offsets. d2l's loop prints this
        figure for its last epoch; here it is that of the final weights.
    train_carried: the same characters, read as one text, like the held-out parts.
    val, test: the held-out parts.
    cold_256: the held-out part (`test`, or `val` if there is no test part) in windows of 256 characters, each from a
        zero state, as nanoGPT scores.
    """
    train = _measured_in_training(data, max(TRAIN_CHARS, 2 * config.window + 1))
    heldout = metrics.heldout(data.parts)
    batch_size = min(config.batch_size, max(1, (len(train) - config.window - 1) // config.window))
    count = max(1, min(8, 2 * TRAIN_CHARS // len(train)))
    offsets = torch.linspace(0, config.window, count).int().tolist()
    in_lanes = [lane_nats(model, train, data.marks, batch_size, config.window, offset) for offset in offsets]
    carried = {name: scored_nats(model, ids, data.marks) for name, ids in data.parts.items() if name != "train"}
    return {
        "train": _figures(torch.cat(in_lanes)),
        "train_carried": _figures(scored_nats(model, train, data.marks)),
        **{name: _figures(nats) for name, nats in carried.items()},
        "cold_256": _figures(cold_nats(model, heldout, data.marks)),
    }


def _measured_in_training(data: Data, most: int) -> Int[Tensor, " N"]:
    """Return what is measured of a training part: its start, or the end of poems, which start with many alike."""
    ids = data.parts["train"]
    return ids[: data.own_chars][-most:] if is_poems(data.sources[0].corpus.name) else ids[:most]


def val_nats_of(model: CharRNN, data: Data, lanes: int) -> float:
    """Return the nats per character of the validation part for the curve, read in `lanes` pieces, or fewer if short.

    In more than one piece, less than a window of each is left out: at most 8.5% of a part of the project's texts.
    """
    ids = data.parts["val"]
    lanes = min(lanes, max(1, (len(ids) - 1) // EVAL_WINDOW))
    nats = scored_nats(model, ids, data.marks) if lanes == 1 else lane_nats(model, ids, data.marks, lanes, EVAL_WINDOW)
    return nats.mean().item()


def measure_elsewhere(model: CharRNN, data: Data) -> Figures:
    """Return the figures on the held-out parts of other texts, by name."""
    return {name: _figures(scored_nats(model, ids, data.marks)) for name, ids in data.elsewhere.items()}


def rounding_ppl_ratio(model: CharRNN, rounded: CharRNN, data: Data) -> dict[str, float]:
    """Return the ratio of the rounded weights' perplexity to that of the exact weights, for each part.

    The first `TRAIN_CHARS` characters of each part are read in windows of 256, each from a zero state.
    """
    ratios = {}
    for name, ids in data.parts.items():
        exact, stored = (cold_nats(m, ids[:TRAIN_CHARS], data.marks).mean() for m in (model, rounded))
        ratios[name] = float((stored - exact).exp())
    return ratios


def scored_nats(model: CharRNN, ids: Int[Tensor, " N"], marks: Int[Tensor, " M"]) -> Float[Tensor, " K"]:
    """Return -ln p of each character after the first, without marks; the state is carried through the whole text."""
    return unmarked(nats_per_char(model, ids), ids[1:], marks)


@torch.inference_mode()
def cold_nats(model: CharRNN, ids: Int[Tensor, " N"], marks: Int[Tensor, " M"]) -> Float[Tensor, " K"]:
    """Return -ln p of each character after the first, without marks; the state is zero every 256 characters."""
    whole = (len(ids) - 1) // COLD_WINDOW * COLD_WINDOW
    inputs, targets = (ids[start : start + whole].view(-1, COLD_WINDOW) for start in (0, 1))
    size = max(1, min(COLD_BATCH, MOST_LOGITS // (COLD_WINDOW * model.vocab_size)))
    batches = [slice(start, start + size) for start in range(0, len(inputs), size)]
    pairs = [(inputs[rows], targets[rows]) for rows in batches]
    if whole < len(ids) - 1:
        pairs.append((ids[None, whole:-1], ids[None, whole + 1 :]))
    nats = [_nats(model(x, model.initial_state(len(x)))[0], y) for x, y in pairs]
    return unmarked(torch.cat(nats), ids[1:], marks)


@torch.inference_mode()
def lane_nats(
    model: CharRNN, ids: Int[Tensor, " N"], marks: Int[Tensor, " M"], batch_size: int, window: int, offset: int = 0
) -> Float[Tensor, " K"]:
    """Return -ln p of the characters of `windows(...)`, without marks; each lane begins with a zero state."""
    state = model.initial_state(batch_size)
    nats, read = [], []
    for inputs, targets in windows(ids, batch_size, window, offset):
        logits, state = model(inputs, state)
        nats.append(_nats(logits, targets))
        read.append(targets.flatten())
    return unmarked(torch.cat(nats), torch.cat(read), marks)


def _nats(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1).double(), targets.flatten(), reduction="none")


def unmarked(nats: Tensor, targets: Tensor, marks: Tensor) -> Tensor:
    """Return the nats without those of marks, on the CPU: the one time that a measurement waits for its device."""
    return nats.cpu()[~torch.isin(targets, marks).cpu()] if len(marks) else nats.cpu()


def _figures(nats: Tensor) -> dict[str, float]:
    values = nats.tolist()
    score = Score(nats=values, unknown=[], symbol_nats=values)
    return {"nats": score.mean_nats, "bpc": score.bpc, "ppl": score.ppl, "chars": score.symbols}


def remeasure(directory: Path, text: str | None = None) -> Figures:
    """Load a finished checkpoint, measure it again on its own texts, and return the figures of `final`.

    text: the file of the main text, if it is not in the catalogue.

    Raises:
        ValueError: the checkpoint is broken, or the text is not the one on which it was trained.
    """
    metrics = checkpoint.read_info(directory).metrics
    config = metrics.train_config
    data = prepare(replace(config, text=text or config.text, score_on=()), torch.device("cpu"))
    check_texts(data, metrics.texts, directory)
    lm = checkpoint.load(directory)
    if lm.vocab != data.vocab:
        raise ValueError(f"{directory} has another alphabet than its texts give; train it again.")
    return measure(lm.model, data, config)


def check_texts(data: Data, records: Sequence[metrics.TextRecord], directory: Path) -> None:
    """Check that texts are those that a run read, of which it keeps the hashes.

    Raises:
        ValueError: one is another text, such as the language reference of another Python.
    """
    for source, record in zip(data.sources, records, strict=True):
        if source.corpus.sha256 != record.sha256:
            raise ValueError(
                f"{source.corpus.name} is not the text {directory} was trained on; name that one with --data."
            )
