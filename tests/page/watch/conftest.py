"""Models that are really trained, for seconds, and record what they write; and the page over them."""

import dataclasses
import random

import pytest
import torch

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.experiments.rote import FEW, NOTE
from deeprnn.train.loop import train
from deeprnn.train.run import Job
from tests.page.conftest import serving

WORDS = ["the", "time", "traveller", "machine", "white", "sphinx", "little", "people", "of", "night", "came", "down"]
RUNS = {NOTE[-1]: (24, 6), FEW: (8, 2)}  # the models of one question: epochs, and epochs between measurements


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A folder of checkpoints: the two models of the question `general`, trained on a few hundred words."""
    folder = tmp_path_factory.mktemp("learned")
    book = folder / "book.txt"
    draw = random.Random(0)
    book.write_text(" ".join(draw.choice(WORDS) for _ in range(500)))
    config = TrainConfig(text=str(book), form="full", epochs=1, batch_size=4, window=25, learning_rate=0.02)
    config = dataclasses.replace(config, optimizer="adamw", init="orthogonal")
    model = ModelConfig(cell="gru", hidden_size=48, num_layers=1)
    for name, (epochs, every) in RUNS.items():
        run = dataclasses.replace(config, epochs=epochs, eval_every=every)
        recipe = Recipe(name=name, model=model, train=run, storage="float32")
        train(Job(recipe=recipe, out=folder, command=f"python train.py {name}"), device=torch.device("cpu"))
    return folder


@pytest.fixture(scope="session")
def learned_url(learned, tmp_path_factory):
    """The address of the page over these models."""
    command = ["app.py", "--checkpoints", str(learned)]
    with serving(command, tmp_path_factory.mktemp("app") / "log", "Traceback|ERROR") as (_, address):
        yield address
