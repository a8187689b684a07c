"""The speed of this machine, measured before a run."""

from dataclasses import replace

import pytest
import torch

from deeprnn.experiments.recipes import smoke
from deeprnn.store import checkpoint
from deeprnn.text.splits import prepare
from deeprnn.train.loop import train
from deeprnn.train.run import Job
from deeprnn.train.speed import measure_speed

CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


def test_measuring_the_speed_leaves_no_trace_in_the_run_that_follows(tmp_path):
    recipe = replace(smoke(), train=replace(smoke().train, max_train_chars=5_000, epochs=1, batch_size=4))
    weights = []
    for out in (tmp_path / "measured", tmp_path / "not"):
        job = Job(recipe=recipe, out=out, command="python train.py smoke")
        if out.name == "measured":
            speed, seconds = measure_speed(job, prepare(recipe.train, CPU), CPU)
            assert min(speed, seconds) > 0
            assert not out.exists()
        weights.append((train(job, device=CPU) / checkpoint.WEIGHTS).read_bytes())
    assert weights[0] == weights[1]


def test_a_rate_at_which_the_run_would_diverge_does_not_hinder_measuring(tmp_path):
    recipe = replace(smoke(), train=replace(smoke().train, max_train_chars=5_000, batch_size=4, learning_rate=1e9))
    job = Job(recipe=recipe, out=tmp_path, command="python train.py smoke")
    assert measure_speed(job, prepare(recipe.train, CPU), CPU)[0] > 0
