"""All recipes on the `meta` device, whose tensors have no numbers: what mixes devices or waits for one fails.

On a GPU the first is an error and the second costs time, so both are found here without one.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from deeprnn.config import Recipe, TrainConfig
from deeprnn.experiments.questions import all_recipes
from deeprnn.lm import evaluation
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.text.splits import Data
from deeprnn.text.vocab import Vocab
from deeprnn.train import measurement
from deeprnn.train import run as train_run
from deeprnn.train.measurement import cold_nats, lane_nats, scored_nats
from deeprnn.train.run import Job, has_bfloat16, new_run, with_supported_precision
from deeprnn.train.step import train_window

META = torch.device("meta")
VOCAB = Vocab(form="full", characters="abcdefgh \n")
WAITS = "meta tensor"  # what PyTorch says of an operation that needs numbers

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


class OneDevice(TorchDispatchMode):
    """Fails at an operation whose arguments and results are on several devices; single numbers may be anywhere."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [
            leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor) and leaf.dim()
        ]
        assert len({tensor.device for tensor in tensors}) <= 1, f"{function} has tensors on several devices"
        return result


def small(recipe: Recipe) -> Recipe:
    """The same operations on little: two layers of 8 units at most, two lanes, four steps, all rates 0 or a half."""

    def rates(config, *names):
        return {name: 0.5 if getattr(config, name) else 0.0 for name in names}

    embedding, layers = 8 if recipe.model.embedding_size else 0, min(recipe.model.num_layers, 2)
    sizes = {"hidden_size": 8, "embedding_size": embedding, "num_layers": layers}
    model = replace(recipe.model, **sizes, **rates(recipe.model, "dropout", "head_dropout"))
    choices = {name: getattr(recipe.train, name) for name in ("optimizer", "schedule", "kernel", "precision")}
    train = TrainConfig(
        **{"text": "", "form": "full", "epochs": 2, "batch_size": 2, "window": 4, "learning_rate": 0.1},
        **choices,
        **rates(recipe.train, "reset_rate", "weight_drop", "weight_decay", "ema_decay"),
    )
    return Recipe(name="small", model=model, train=train)


SMALL = {name: small(recipe) for name, recipe in all_recipes().items()}


def first_named(small):
    """The name of the first recipe that does the same, or has the same model."""
    return next(name for name, recipe in SMALL.items() if small in (recipe, recipe.model))


every_recipe = pytest.mark.parametrize("recipe", dict.fromkeys(SMALL.values()), ids=first_named)
every_model = pytest.mark.parametrize(
    "model", dict.fromkeys(recipe.model for recipe in SMALL.values()), ids=first_named
)


@pytest.fixture
def on_meta(monkeypatch):
    """Make runs on the meta device, which has no generator: that of the CPU draws shapes for it."""
    monkeypatch.setattr(train_run, "_generator", lambda _, seed: torch.Generator().manual_seed(seed))
    ids = torch.zeros(40, dtype=torch.long, device=META)
    data = Data(sources=(), vocab=VOCAB, parts={"train": ids}, elsewhere={}, marks=ids[:0], own_chars=len(ids))

    def make(recipe):
        job = with_supported_precision(Job(recipe=recipe, out=Path(), command=""), META)
        return new_run(job, data, META), job.recipe.train

    return make


@every_recipe
def test_a_step_of_any_recipe_stays_on_its_device_and_never_waits_for_it(recipe, on_meta):
    """The second step, too: it has the moments of the optimizer."""
    run, config = on_meta(recipe)
    ids = torch.zeros((2, 4), dtype=torch.long, device=META)
    with OneDevice():
        for _ in range(2):
            loss = train_window(run, config, ids, ids)
            run.total_chars += ids.numel()
    assert loss.shape == ()
    weights = [*run.model.parameters(), *run.averaged.parameters()]
    gradients = [weight.grad for weight in run.model.parameters() if weight.grad is not None]
    assert gradients
    assert {tensor.device for tensor in [loss, run.carried, *weights, *gradients]} == {META}


@every_model
def test_measuring_waits_for_the_device_only_when_all_is_read(model, monkeypatch):
    monkeypatch.setattr(evaluation, "CHUNK", 4)
    monkeypatch.setattr(measurement, "COLD_WINDOW", 4)
    monkeypatch.setattr(measurement, "COLD_BATCH", 1)
    network, passes = CharRNN(model, len(VOCAB)).to(META), []
    network.register_forward_pre_hook(lambda *_: passes.append(1))
    ids = torch.zeros(12, dtype=torch.long, device=META)
    for measure, expected in (
        (lambda: scored_nats(network, ids, ids[:1]), 3),
        (lambda: cold_nats(network, ids, ids[:1]), 3),
        (lambda: lane_nats(network, ids, ids[:1], 1, 4), 2),  # it leaves out the last three characters
    ):
        passes.clear()
        with pytest.raises(NotImplementedError, match=WAITS), OneDevice():
            measure()
        assert len(passes) == expected


class Kernels(TorchFunctionMode):
    """Notes the numbers' types that the kernels of torch's recurrent layers are given, and whether autocast is on."""

    def __init__(self):
        super().__init__()
        self.given = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function not in (torch.rnn_tanh, torch.gru, torch.lstm):
            return function(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
        self.given.append(({tensor.dtype for tensor in tensors}, torch.is_autocast_enabled("cuda")))
        x, state = args[:2]
        return (x, *state) if isinstance(state, tuple) else (x, state)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if cell.has_hidden_weights])
def test_on_cuda_the_kernels_of_recurrent_layers_run_in_float32_outside_autocast(name):
    """Inside, cuDNN would be given float16, whatever type is asked for. These tensors only say that they are there."""
    with FakeTensorMode(), torch.no_grad():
        with torch.device("cuda"):
            cell, x = CELLS[name](8, 8), torch.zeros(4, 2, 8, dtype=torch.bfloat16)
            state = torch.zeros(cell.num_states, 2, 8)
        torch.set_autocast_enabled("cuda", True)
        try:
            with Kernels() as kernels:
                outputs, last = cell.fused(x, state)
            assert torch.is_autocast_enabled("cuda")
        finally:
            torch.set_autocast_enabled("cuda", False)
    assert kernels.given == [({torch.float32}, False)]
    assert (outputs.shape, last.shape) == (x.shape, state.shape)


def test_a_gpu_that_only_emulates_bfloat16_trains_in_float32(monkeypatch):
    emulated = {True: True, False: False}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: emulated[including_emulation])
    assert not has_bfloat16(torch.device("cuda"))
