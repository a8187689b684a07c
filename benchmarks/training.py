"""What a visitor's training costs those who let models write meanwhile: `python benchmarks/training.py`.

A training runs in its process as the page starts it, at the lowest priority. It is halted and continued in turn by
signals; in each round one text alone and four at once are written, by the threads that write on the page, with the
training halted and with it running. Prints the ratio of the times within each round; the goal is 1.5.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from deeprnn.experiments.own import Options
from deeprnn.page import service
from deeprnn.page.training.process import Limits, TrainingProcess
from deeprnn.store.registry import Registry

MODELS = ["note-rnn-2", "note-lstm-2", "note-gru-2", "depth-gru-2-residual"]
LETTERS = "etaoin shrdlu the and of to in\n"
MINUTES = 30.0


def training(folder: Path) -> TrainingProcess:
    """Start a training on 180,000 characters, as long as a short book; return it when it trains."""
    text = folder / "text.txt"
    text.write_text("".join(random.Random(0).choices(LETTERS, k=180_000)), "utf-8")
    limits = Limits(memory=3 * 10**9, file=10**9)
    process = TrainingProcess(str(text), folder, Options(minutes=MINUTES), limits, resume=False)
    events = process.events()
    for event in events:
        if event["event"] == "progress":
            break
    threading.Thread(target=lambda: list(events), daemon=True).start()
    return process


def written(registry: Registry, names: list[str], chars: int) -> float:
    """Return the seconds that models take to write."""
    started = time.perf_counter()
    for _ in service.stream(registry, prompt="the ", models=names, max_chars=chars, temperature=0.8, seed=0):
        pass
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--chars", type=int, default=2_000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    registry = Registry(ROOT / "checkpoints")
    ratios: dict[int, list[float]] = {1: [], len(MODELS): []}
    written(registry, MODELS, 10)  # loads and compiles
    with tempfile.TemporaryDirectory() as folder:
        process = training(Path(folder))
        try:
            for count in range(asked.rounds):
                for many in ratios:
                    seconds = {}
                    for name in (signal.SIGSTOP, signal.SIGCONT)[:: 1 if count % 2 else -1]:
                        os.kill(process.pid, name)
                        seconds[name] = written(registry, MODELS[:many], asked.chars)
                    ratios[many].append(seconds[signal.SIGCONT] / seconds[signal.SIGSTOP])
        finally:
            process.kill()
            process.close()
    for many, found in ratios.items():
        spread = f"{min(found):.2f} to {max(found):.2f}"
        print(f"{many} text(s): {statistics.median(found):.2f} times as long while one trains ({spread})")


if __name__ == "__main__":
    main()
