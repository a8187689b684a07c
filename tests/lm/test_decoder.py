"""The compiled step and scan against the model's own."""

import copy
import math

import numpy as np
import pytest
import torch

from deeprnn.config import ModelConfig
from deeprnn.lm import kernels
from deeprnn.lm.decoder import BrokenWeightsError, DecodeBatch, Decoder, schedule_ids, stream
from deeprnn.lm.evaluation import nats_per_char
from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.sampling import Sampling, uniforms
from deeprnn.nn.activations import sigmoid, tanh
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store import checkpoint
from deeprnn.store.registry import load
from deeprnn.text.vocab import Vocab
from tests.conftest import shipped, tiny_metrics

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


def read_one(texts, tokens):
    """Read one character of each text."""
    buffers = kernels.new_buffers(texts.decoder.compiled[2], len(tokens))
    kernels.step(*texts.decoder.compiled, tokens, np.arange(len(tokens)), texts.states, texts.logits, buffers)


def assert_equal_steps(model, tokens):
    """Every step's logits and state, each from the model's own state."""
    texts, state = DecodeBatch(Decoder(copy.deepcopy(model)), len(tokens)), model.initial_state(len(tokens))
    with torch.inference_mode():
        for column in tokens.T:
            texts.states[:] = state.permute(2, 0, 1, 3)
            read_one(texts, column.numpy())
            logits, state = model.step(column, state)
            np.testing.assert_allclose(texts.logits, logits.numpy(), rtol=0, atol=1e-5)
            np.testing.assert_allclose(texts.states, state.permute(2, 0, 1, 3), rtol=0, atol=1e-5)


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
        {"embedding_size": 24, "residual": True, "pre_norm": False},
        {"embedding_size": 24, "pre_norm": True},
        {"embedding_size": 24, "residual": True, "tied": True},
        {"cell": "rnn", "embedding_size": 24, "wiring": "shared"},
        {"cell": "rnn", "embedding_size": 24, "wiring": "shared-updated", "layers": 3},
        {"cell": "lstm", "embedding_size": 24, "wiring": "shared-updated"},
    ],
)
def test_a_step_is_the_models_step_in_every_other_wiring(config):
    assert_equal_steps(make(**config), IDS)


@pytest.mark.parametrize("hidden", [24, 33])  # whole and broken vectors
@pytest.mark.parametrize("storage", ["float32", "int8"])
def test_a_text_is_the_same_to_the_last_bit_alone_and_beside_others(hidden, storage):
    model = make("lstm", 3, hidden, residual=True, embedding_size=hidden)
    model.load_state_dict(decode_weights(encode_weights(model.state_dict(), storage)))
    decoder, length = Decoder(model), 40
    settings = [Sampling(temperature=t, top_k=k, top_p=p) for t, k, p in ((1.0, 0, 1.0), (0.0, 3, 1.0), (0.7, 5, 0.9))]
    plans = [schedule_ids(row[: 5 + i].tolist(), uniforms(i, length - 5 - i)) for i, row in enumerate(IDS)]
    forced_ids, numbers = (np.stack(column) for column in zip(*plans, strict=True))
    together, slots = DecodeBatch(decoder, 5), [4, 1, 2]
    parts = (slice(0, 13), slice(13, length))
    written = np.concatenate(
        [together.write(slots, forced_ids[:, part], numbers[:, part], settings) for part in parts], axis=1
    )
    for i, slot in enumerate(slots):
        alone, own = DecodeBatch(decoder, 1), slice(i, i + 1)
        assert alone.write([0], forced_ids[own], numbers[own], settings[own])[0].tolist() == written[i].tolist()
        assert (alone.states[0] == together.states[slot]).all()
        assert (alone.logits[0] == together.logits[slot]).all()
    assert (written[forced_ids != SAMPLE] == forced_ids[forced_ids != SAMPLE]).all(), "what is forced is read as it is"
    assert (together.states[[0, 3]] == 0).all()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("residual", [False, True])
def test_a_prompt_is_read_as_steps_read_it(cell, residual):
    model = make(cell, 2, residual=residual, embedding_size=24)
    logits, state = Decoder(model).read(IDS[0].tolist())
    texts = DecodeBatch(Decoder(model), 1)
    for i in IDS[0].numpy():
        read_one(texts, np.array([i]))
    np.testing.assert_allclose(logits, texts.logits[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(state, texts.states[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("config", [{"layers": 1}, {"layers": 4, "residual": True, "embedding_size": 24}])
def test_a_text_is_scored_as_the_model_scores_it(cell, config):
    model = make(cell, **config)
    found, expected = nats_per_char(Decoder(model), IDS[0]), nats_per_char(model, IDS[0])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_text_is_the_same_whether_its_prompt_is_stepped_or_read_at_once(monkeypatch):
    decoder = Decoder(make("gru", 2))
    stepped = list(stream(decoder, IDS[0].tolist(), 30, Sampling()))
    monkeypatch.setattr("deeprnn.lm.decoder.STEPPED_CHARS", 5)
    assert list(stream(decoder, IDS[0].tolist(), 30, Sampling())) == stepped


def test_slots_that_are_added_leave_the_others_as_they_were():
    texts = DecodeBatch(Decoder(make()), 1)
    texts.logits[0], texts.states[0] = texts.decoder.read([1, 2])
    kept = texts.states[0].copy(), texts.logits[0].copy()
    texts.grow(3)
    assert (texts.states[0] == kept[0]).all()
    assert (texts.logits[0] == kept[1]).all()
    assert texts.states.shape[0] == texts.logits.shape[0] == 3


def test_writing_changes_neither_the_weights_nor_another_text():
    model = make("gru", 2, residual=True, embedding_size=24)
    weights, texts = [p.clone() for p in model.parameters()], DecodeBatch(Decoder(model), 2)
    texts.logits[1], texts.states[1] = texts.decoder.read([4])
    kept = texts.states[1].copy(), texts.logits[1].copy()
    forced_ids, numbers = schedule_ids([1, 2, 3], uniforms(0, 5))
    texts.write([0], forced_ids[None], numbers[None], [Sampling()])
    assert (texts.states[1] == kept[0]).all()
    assert (texts.logits[1] == kept[1]).all()
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))


def test_large_inputs_saturate():
    model = make("lstm", 1)
    with torch.no_grad():
        model.layers()[0].weight_ih.fill_(1e4)
    texts = DecodeBatch(Decoder(model), 1)
    read_one(texts, np.array([1]))
    assert np.isfinite(texts.logits).all()


def test_matrices_that_int8_stored_stay_int8_and_no_others():
    model = make("gru", 2)
    assert Decoder(model).compiled[2].hidden.raw.shape == (2, 24, 4 * 72)
    model.load_state_dict(decode_weights(encode_weights(model.state_dict(), "int8")))
    assert Decoder(model).compiled[2].hidden.raw.shape == (2, 24, 72)
    assert_equal_steps(model, IDS)


@pytest.mark.parametrize("cell", CELLS)
def test_a_decoder_leaves_its_model_as_it_is(cell):
    model = make(cell, 2, residual=True, embedding_size=24)
    before = {name: (weight.data_ptr(), weight.stride()) for name, weight in model.named_parameters()}
    Decoder(model)
    assert {name: (weight.data_ptr(), weight.stride()) for name, weight in model.named_parameters()} == before


def test_a_decoder_of_one_hot_characters_is_not_larger_than_its_model():
    symbols = 4_000
    model = CharRNN(ModelConfig(cell="rnn", hidden_size=4, num_layers=1), symbols)
    model.reset_parameters("uniform", torch.Generator().manual_seed(0))
    packed = Decoder(model).compiled[2]
    assert packed.embedded.size == 0
    np.testing.assert_allclose(
        packed.projected, (model.layers()[0].weight_ih.T + model.layers()[0].bias_ih).numpy(force=True)
    )


def test_weights_whose_sums_overflow_or_not_by_their_order_are_left_to_the_models_own_step():
    model = make("rnn", 2, 8)
    with torch.no_grad():
        model.layers()[1].weight_hh.copy_(torch.tensor([3e38, -3e38] * 32).view(8, 8))
    assert not Decoder(model).agrees, "and no warning: the cell is none that the loops do not know"
    with torch.no_grad():
        model.head.weight.fill_(3e38)
    with pytest.raises(BrokenWeightsError):
        list(stream(Decoder(model), [1, 2], 5, Sampling()))


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_weights_of_another_type_are_refused_with_the_remedy_and_stay_as_they_are(kind):
    model = make("gru", 2).to(kind)
    with pytest.raises(ValueError, match=rf"the model has weights of {kind}; .* make them float32 by model.float()"):
        Decoder(model)
    assert {weight.dtype for weight in model.parameters()} == {kind}
    assert Decoder(model.float()).agrees


def test_tanh_and_sigmoid_are_within_their_bounds():
    x = np.linspace(-20, 20, 20_001, dtype=np.float32)
    assert max(abs(float(tanh(value)) - math.tanh(value)) for value in x) < 4e-7
    assert max(abs(float(sigmoid(value)) - 1 / (1 + math.exp(-value))) for value in x) < 4e-7


@pytest.mark.parametrize("info", shipped(), ids=lambda info: info.name)
def test_the_shipped_models_step_alike(info):
    lm = load(info.path)
    tokens = torch.randint(0, len(lm.vocab), (1, 20), generator=torch.Generator().manual_seed(0))
    assert_equal_steps(lm.model, tokens)


class OwnCell(CELLS["gru"]):
    """A cell with a parameter that the compiled loops do not know."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.shift = torch.nn.Parameter(torch.full((hidden_size,), 0.5))

    def recur(self, projected, state):
        return super().recur(projected, state) + self.shift

    def fused(self, x, state):
        return self.scan(x, state)


class OwnProjection(CELLS["gru"]):
    """A cell whose gates read more than one linear map of what lies below."""

    def project(self, x):
        return super().project(x) + 0.3 * torch.sin(5 * x.sum(-1, keepdim=True))

    def fused(self, x, state):
        return self.scan(x, state)


def make_own(cell, monkeypatch):
    model = make("gru", 2)
    monkeypatch.setitem(CELLS, "gru", cell)
    own = CharRNN(model.config, V)
    own.load_state_dict(model.state_dict(), strict=False)
    return own


def test_a_cell_that_the_compiled_loops_do_not_know_is_told_when_it_is_saved_and_when_it_is_loaded(
    tmp_path, monkeypatch
):
    own = make_own(OwnCell, monkeypatch)
    before = {name: weight.clone() for name, weight in own.state_dict().items()}
    vocab = Vocab(form="full", characters="abcdefghij")
    with pytest.warns(UserWarning, match="OwnCell"):
        checkpoint.save(tmp_path / "own", own, vocab, tiny_metrics("own", own.num_params), "float32")
    assert all(torch.equal(weight, before[name]) for name, weight in own.state_dict().items())
    with pytest.warns(UserWarning, match="OwnCell"):
        load(tmp_path / "own").generate("abc", 5)


@pytest.mark.parametrize("cell", [OwnCell, OwnProjection])
def test_a_cell_that_the_compiled_loops_do_not_know_is_run_by_its_own_step(cell, monkeypatch):
    own = make_own(cell, monkeypatch)
    with pytest.warns(UserWarning, match=cell.__name__):
        decoder = Decoder(own)
    torch.testing.assert_close(nats_per_char(decoder, IDS[0]), nats_per_char(own, IDS[0]), rtol=0, atol=1e-5)
    ids = list(stream(decoder, IDS[0].tolist(), 20, Sampling(temperature=0.0)))
    with torch.inference_mode():
        logits, state = own(IDS[:1], own.initial_state(1))
        logits = logits[:, -1]
        for i in ids:
            logits[0, 0] = -math.inf
            assert int(logits[0].argmax()) == i
            logits, state = own.step(torch.tensor([i]), state)
