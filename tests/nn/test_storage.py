import pytest
import torch

from deeprnn.config import ModelConfig
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights


def test_int8_storage_keeps_rows_of_zeros_and_of_tiny_weights():
    weights = {"w": torch.tensor([[0.0, 0.0], [1e-36, -1e-36], [3e4, 1.0]])}
    decoded = decode_weights(encode_weights(weights, "int8"))
    assert torch.equal(decoded["w"][0], weights["w"][0])
    assert ((decoded["w"] - weights["w"]).abs() <= weights["w"].abs().amax(1, keepdim=True) / 253).all()


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_storing_what_was_stored_changes_nothing(storage):
    model = CharRNN(ModelConfig(cell="lstm", hidden_size=8, num_layers=2), 11)
    model.reset_parameters("uniform", torch.Generator().manual_seed(0))
    stored = decode_weights(encode_weights(model.state_dict(), storage))
    again = decode_weights(encode_weights(stored, storage))
    for name, weight in stored.items():
        torch.testing.assert_close(again[name], weight, rtol=1e-6, atol=0)
