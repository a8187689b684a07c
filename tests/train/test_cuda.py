"""What only a GPU can show; `python -m pytest -m cuda`. docs/gpu.md says on which these have run so far."""

import json
from dataclasses import replace

import pytest
import torch

from deeprnn import load
from deeprnn.commands import train as command
from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.nn.cells import CELLS
from deeprnn.store import checkpoint
from deeprnn.text.batches import windows
from deeprnn.text.splits import prepare
from deeprnn.train import loop
from deeprnn.train.loop import train
from deeprnn.train.measurement import remeasure
from deeprnn.train.run import DivergedError, Job, Stopped, has_bfloat16, new_run
from deeprnn.train.step import train_window

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
TEXT = "The quick brown fox jumps over the lazy dog. " * 40
# How far a gradient may be from the CPU's in float32, as a share of its length. In float32 only the order of sums
# differs. TF32 has 11 bits, bfloat16 8: rounding moved the gradients of benchmarks/float16_gradients.py by up to 0.1%
# and 1% at initial weights.
TOLERANCES = {"float32": 1e-4, "TF32": 1e-2, "bfloat16": 5e-2}

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this PyTorch sees no GPU"),
    pytest.mark.usefixtures("unchecked_shapes"),
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous chunk"),  # docs/gpu.md
]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "book.txt"
    path.write_text(TEXT)
    return path


def recipe_of(book, cell="lstm", model=None, **train):
    """Two residual layers and AdamW."""
    model = {"hidden_size": 32, "num_layers": 2, "embedding_size": 32, "residual": True} | (model or {})
    settings = {"epochs": 4, "batch_size": 4, "window": 20, "learning_rate": 0.01, "optimizer": "adamw"} | train
    config = TrainConfig(text=str(book), form="full", init="orthogonal", **settings)
    return Recipe(name="tiny", model=ModelConfig(cell=cell, **model), train=config, storage="float32")


def job(recipe, out):
    return Job(recipe=recipe, out=out, command="python train.py tiny")


def metrics(directory):
    return json.loads((directory / checkpoint.METRICS).read_text("utf-8"))


def first_step(recipe, device):
    """The loss of the first window, the gradient by all weights in one piece, and the state it leaves."""
    data = prepare(recipe.train, device)
    run = new_run(job(recipe, None), data, device)
    ids = data.parts["train"]
    loss = train_window(run, recipe.train, *next(iter(windows(ids, recipe.train.batch_size, recipe.train.window))))
    gradient = torch.cat([weight.grad.flatten() for weight in run.model.parameters()])
    return loss.item(), gradient.cpu(), run.carried.cpu()


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("kernel", ["fused", "scratch"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_step_agrees_with_the_cpu(cell, kernel, precision, book):
    if precision == "bfloat16" and not has_bfloat16(CUDA):
        pytest.skip("this GPU has no bfloat16")
    recipe = recipe_of(book, cell, kernel=kernel)
    in_bfloat16 = replace(recipe, train=replace(recipe.train, precision="bfloat16"))
    loss, gradient, state = first_step(recipe, CPU)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=precision != "float32"):
        ours = first_step(in_bfloat16 if precision == "bfloat16" else recipe, CUDA)
    tolerance = TOLERANCES[precision]
    assert ours[0] == pytest.approx(loss, rel=tolerance)
    assert (ours[1] - gradient).norm() < tolerance * gradient.norm()
    assert (ours[2] - state).norm() < tolerance * state.norm()


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_layers_train_in_float32_under_autocast(cell, book):
    """So that no gradient can be too small for its type; see benchmarks/float16_gradients.py."""
    recipe = recipe_of(book, cell, precision="bfloat16")
    run = new_run(job(recipe, None), prepare(recipe.train, CUDA), CUDA)
    x, (layer, *_) = torch.zeros(20, 4, 32, device=CUDA), run.model.layers()
    with torch.autocast("cuda", torch.bfloat16):
        outputs, state = layer.fused(x, run.carried[0])
    assert outputs.dtype == state.dtype == torch.float32


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_never_waits_for_the_gpu(cell, book):
    drop = {} if cell.startswith("min") else {"weight_drop": 0.2}
    model = {"dropout": 0.2, "locked_dropout": True, "head_dropout": 0.2}
    recipe = recipe_of(book, cell, model, precision="bfloat16", ema_decay=0.9, reset_rate=0.1, **drop)
    data = prepare(recipe.train, CUDA)
    run = new_run(job(recipe, None), data, CUDA)
    pairs = list(windows(data.parts["train"], 4, 20))
    train_window(run, recipe.train, *pairs[0])  # the first one sets things up
    torch.cuda.set_sync_debug_mode("error")
    try:
        for pair in pairs[1:4]:
            train_window(run, recipe.train, *pair)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("cell", CELLS)
def test_a_run_that_was_stopped_goes_on_to_nearly_the_same_end(cell, book, tmp_path):
    """Nearly: cuDNN may add in another order each time. What is drawn is the same, since the generator is restored."""
    recipe = recipe_of(book, cell, {"dropout": 0.2}, offset="text")
    whole = metrics(train(job(recipe, tmp_path / "whole"), device=CUDA))["curve"]
    asked = iter(range(1, 10_000))
    with pytest.raises(Stopped):
        train(job(recipe, tmp_path / "two"), device=CUDA, should_stop=lambda: next(asked) == 30)
    parts = metrics(train(job(recipe, tmp_path / "two"), device=CUDA, resume=True))["curve"]
    assert [(record["epoch"], record["chars"]) for record in parts] == [(r["epoch"], r["chars"]) for r in whole]
    assert [record["val_nats"] for record in parts] == pytest.approx([r["val_nats"] for r in whole], rel=0.01)


def test_a_run_goes_on_on_the_other_device_and_says_so(book, tmp_path, capsys):
    for first, then in ((CUDA, CPU), (CPU, CUDA)):
        out, asked = tmp_path / first.type, iter(range(1, 10_000))
        with pytest.raises(Stopped):
            train(job(recipe_of(book), out), device=first, should_stop=lambda asked=asked: next(asked) == 30)
        assert metrics(train(job(recipe_of(book), out), device=then, resume=True))["device"].startswith(then.type)
        assert "saved on another kind of device" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_is_blamed_on_its_own_window(book, tmp_path):
    wild = recipe_of(book, "rnn", optimizer="sgd", learning_rate=1e37, clip_norm=1e37)
    assert loop.READ_EVERY["cuda"] > 2
    with pytest.raises(DivergedError, match="in epoch 1, window 2;"):
        train(job(wild, tmp_path), device=CUDA)
    assert metrics(tmp_path / "tiny")["outcome"]["status"] == "diverged"


def test_smoke_trains_on_the_gpu_and_its_checkpoint_works_on_the_cpu(tmp_path, capsys):
    assert command.main(["smoke", "--device", "cuda", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    found = metrics(tmp_path / "smoke")
    assert found["device"].startswith("cuda (")
    assert found["outcome"] == {"status": "learned"}
    lm = load(str(tmp_path / "smoke"))
    assert {weight.device for weight in lm.model.parameters()} == {CPU}
    assert lm.generate("The for statement ", 200, temperature=0.8, seed=0).endswith(found["sample"]["text"])
    measured = remeasure(tmp_path / "smoke")
    for part, figures in found["final"].items():
        assert measured[part]["nats"] == pytest.approx(figures["nats"], rel=1e-5)


def test_a_text_of_ones_own_trains_on_the_gpu(book, tmp_path, capsys):
    """Its recipe is made at the speed that is measured there."""
    arguments = ["my-book", "--data", str(book), "--epochs", "2", "--device", "cuda", "--out", str(tmp_path)]
    assert command.main(arguments) == 0, capsys.readouterr().err
    (directory,) = tmp_path.iterdir()
    assert metrics(directory)["device"].startswith("cuda (")
