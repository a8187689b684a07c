"""The step in NumPy against the model's own."""

import numpy as np
import pytest
import torch

from deeprnn.cells import CELLS
from deeprnn.config import ModelConfig
from deeprnn.decoding import Decoder
from deeprnn.model import CharRNN
from deeprnn.registry import list_checkpoints, load
from tests.conftest import SHIPPED

V = 11
IDS = torch.randint(0, V, (3, 40), generator=torch.Generator().manual_seed(2))  # three texts


def make(cell="gru", layers=2, hidden=24, **config):
    model = CharRNN(ModelConfig(cell=cell, hidden_size=hidden, num_layers=layers, **config), V)
    model.reset_parameters("orthogonal", torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, parameter in model.named_parameters():  # no bias is zero, no norm does nothing
            if "bias" in name or "norm" in name:
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name))) * 0.3)
    return model


def assert_equal_steps(model, tokens):
    """Every step's logits and state, each from the model's own state."""
    decoder, state = Decoder(model), model.initial_state(len(tokens))
    with torch.inference_mode():
        for column in tokens.T:
            found, arrays = decoder.step(column.numpy(), [layer.numpy() for layer in state])
            logits, state = model.step(column, state)
            np.testing.assert_allclose(found, logits.numpy(), rtol=0, atol=1e-5)
            for layer, array in zip(state, arrays, strict=True):
                np.testing.assert_allclose(array, layer.numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 4, 10])
@pytest.mark.parametrize("residual", [False, True])
def test_a_step_is_the_models_step(cell, layers, residual):
    assert_equal_steps(make(cell, layers, residual=residual, embedding_size=24), IDS)


@pytest.mark.parametrize(
    "config",
    [
        {"embedding_size": 0},
        {"embedding_size": 7},
        {"embedding_size": 24, "residual": True, "layer_norm": False},
        {"cell": "rnn", "embedding_size": 24, "wiring": "shared"},
        {"cell": "rnn", "embedding_size": 24, "wiring": "shared-updated", "layers": 3},
    ],
)
def test_a_step_is_the_models_step_in_every_other_wiring(config):
    assert_equal_steps(make(**config), IDS)


def test_a_text_is_the_same_alone_and_beside_others():
    decoder = Decoder(make("lstm", 3, residual=True, embedding_size=24))
    together = [layer.numpy().copy() for layer in decoder.model.initial_state(3)]
    alone = [layer[:, 1:2] for layer in together]
    for column in IDS.T.numpy():
        both, together = decoder.step(column, together)
        one, alone = decoder.step(column[1:2], alone)
        np.testing.assert_allclose(one[0], both[1], rtol=0, atol=1e-5)


def test_a_prompt_is_read_as_steps_read_it():
    decoder = Decoder(make("gru", 2))
    logits, state = decoder.read(IDS[0].tolist())
    arrays = [layer.numpy().copy() for layer in decoder.model.initial_state(1)]
    for i in IDS[0].numpy():
        found, arrays = decoder.step(np.array([i]), arrays)
    np.testing.assert_allclose(logits, found[0], rtol=0, atol=1e-5)
    for one, other in zip(state, arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_step_changes_neither_the_state_it_is_given_nor_the_weights():
    decoder = Decoder(make("gru", 2, residual=True, embedding_size=24))
    _, state = decoder.read([1, 2, 3])
    kept, weights = [layer.copy() for layer in state], [p.clone() for p in decoder.model.parameters()]
    decoder.step(np.array([4]), state)
    assert all((a == b).all() for a, b in zip(kept, state, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(weights, decoder.model.parameters(), strict=True))


def test_large_inputs_saturate_without_a_warning():
    model = make("lstm", 1)
    with torch.no_grad():
        model.layers()[0].weight_ih.fill_(1e4)
    with np.errstate(all="raise"):
        logits, _ = Decoder(model).step(np.array([1]), [np.zeros((2, 1, 24), np.float32)])
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("info", list_checkpoints(SHIPPED), ids=lambda info: info.name)
def test_the_shipped_models_step_alike(info):
    lm = load(info.path)
    tokens = torch.randint(0, len(lm.vocab), (1, 20), generator=torch.Generator().manual_seed(0))
    assert_equal_steps(lm.model, tokens)
