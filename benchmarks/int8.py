"""What int8 storage would change in the shipped models: `python benchmarks/int8.py`.

For each model that is stored as float16: by how much its perplexity on held-out text moves if its weights are rounded
to int8, how many bytes that saves, and how many times as fast it then writes (the median of interleaved pairs).
"""

import copy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deeprnn.documents import read_object
from deeprnn.lm.language_model import LanguageModel
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store import checkpoint
from deeprnn.store.registry import list_checkpoints
from deeprnn.text.corpora import load_corpus

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
PAIRS, CHARS = 5, 2_000
MEGABYTE = 1_000_000


def as_int8(lm: LanguageModel) -> tuple[LanguageModel, int]:
    """Return a copy of a model with its weights rounded to int8, and the bytes that they take."""
    stored = encode_weights(lm.model.state_dict(), "int8")
    size = sum(tensor.numel() * tensor.element_size() for tensor in stored.values())
    model = copy.deepcopy(lm.model)
    model.load_state_dict(decode_weights(stored))
    return LanguageModel(name=lm.name, model=model, vocab=lm.vocab), size


def seconds(act: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def speed_ratio(old: LanguageModel, new: LanguageModel) -> float:
    """Return how many times as fast the second model writes as the first."""

    def write(lm: LanguageModel) -> float:
        return seconds(lambda: lm.generate("", CHARS, seed=0))

    write(old), write(new)  # the first time they are packed and compiled
    return statistics.median(write(old) / write(new) for _ in range(PAIRS))


def main() -> None:
    """Measure and print."""
    print("| model | perplexity | moved by int8 | MB | MB as int8 | speed |\n| --- | --- | --- | --- | --- | --- |")
    for info in list_checkpoints(CHECKPOINTS):
        if read_object(info.path / checkpoint.METRICS)["storage"] != "float16":
            continue
        source, lm = info.metrics.text, checkpoint.load(info.path)
        start, end = source.heldout
        text = load_corpus(source.name, source.form).text[start:end]
        rounded, size = as_int8(lm)
        before, after = lm.score(text).ppl, rounded.score(text).ppl
        sizes = f"{(info.path / checkpoint.WEIGHTS).stat().st_size / MEGABYTE:.2f} | {size / MEGABYTE:.2f}"
        moved, speed = 100 * (after / before - 1), speed_ratio(lm, rounded)
        print(f"| {info.name} | {before:.3f} | {moved:+.3f}% | {sizes} | {speed:.2f} |", flush=True)


if __name__ == "__main__":
    main()
