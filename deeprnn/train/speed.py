"""How fast this machine trains a recipe: a second of its own windows, whose weights are thrown away.

Knows: runs, prepared texts, windows. Does not know: what the speed is used for.
"""

import time
from dataclasses import replace

import torch

from deeprnn.text.batches import windows
from deeprnn.text.splits import Data
from deeprnn.train.measurement import val_nats_of
from deeprnn.train.run import Job, new_run, with_supported_precision
from deeprnn.train.samples import continuations
from deeprnn.train.step import train_window

SECONDS, LEAST_WINDOWS = 1.5, 3
NO_RATE = 1e-12  # the weights stay as they are: at the rate of the run they might diverge, which is for the run to say


def measure_speed(job: Job, data: Data, device: torch.device) -> tuple[float, float]:
    """Return the characters a second in training, and the seconds that one measurement on held-out text takes."""
    job = with_supported_precision(job, device)
    config = replace(job.recipe.train, learning_rate=NO_RATE)
    job = replace(job, recipe=replace(job.recipe, train=config))
    run = new_run(job, data, device)
    batches = list(windows(data.parts["train"], config.batch_size, config.window))
    train_window(run, config, *batches[0]).item()  # the first window and the first continuation set things up
    continuations(run.averaged, job, data)
    started, trained = time.perf_counter(), 0
    while trained < LEAST_WINDOWS or time.perf_counter() - started < SECONDS:
        loss = train_window(run, config, *batches[trained % len(batches)])
        trained += 1
    loss.item()  # waits for the device
    in_training = time.perf_counter() - started
    started = time.perf_counter()
    val_nats_of(run.averaged, data, config.eval_lanes)
    continuations(run.averaged, job, data)
    return trained * config.batch_size * config.window / in_training, time.perf_counter() - started
