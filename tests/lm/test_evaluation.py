import math

import pytest
import torch
from torch.testing import assert_close

from deeprnn.config import ModelConfig
from deeprnn.lm import evaluation
from deeprnn.lm.evaluation import Score, nats_per_char, unigram_ppl
from deeprnn.nn.model import CharRNN

V, N = 9, 41


def make_model(cell="gru", **config):
    model = CharRNN(ModelConfig(**({"cell": cell, "hidden_size": 6, "num_layers": 2} | config)), V).double()
    model.reset_parameters("uniform", torch.Generator().manual_seed(1))
    return model


def make_ids(length=N):
    return torch.randint(V, (length,), generator=torch.Generator().manual_seed(2))


def nats_by_hand(model, ids):
    """-ln softmax, a step at a time, in plain Python."""
    state, nats = model.initial_state(1), []
    with torch.no_grad():
        for here, after in zip(ids.tolist(), ids.tolist()[1:], strict=False):
            logits, state = model.step(torch.tensor([here]), state)
            values = logits[0].tolist()
            nats.append(math.log(math.fsum(math.exp(v) for v in values)) - values[after])
    return nats


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_nats_equal_a_cross_entropy_by_hand(cell):
    model, ids = make_model(cell), make_ids()
    nats = nats_per_char(model, ids)
    by_hand = nats_by_hand(model, ids)
    assert nats.tolist() == pytest.approx(by_hand, rel=1e-12)
    assert nats.sum().item() == pytest.approx(math.fsum(by_hand), rel=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("chunk", [1, 2, 7, 20, N - 2, N - 1, N, N + 5])
def test_scoring_in_chunks_equals_one_pass(cell, chunk, monkeypatch):
    model, ids = make_model(cell), make_ids()
    whole = nats_per_char(model, ids)
    monkeypatch.setattr(evaluation, "CHUNK", chunk)
    assert_close(nats_per_char(model, ids), whole, rtol=0, atol=1e-12)


def test_a_model_that_knows_nothing_has_the_size_of_the_alphabet_as_perplexity():
    model = make_model()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    nats = nats_per_char(model, make_ids()).tolist()
    score = Score(nats=nats, unknown=[], symbol_nats=nats)
    assert score.ppl == pytest.approx(V, rel=1e-14)
    assert score.bpc == pytest.approx(math.log2(V), rel=1e-14)


@pytest.mark.parametrize("length", [2, 3, 1024, 1025, 1026])
def test_every_character_but_the_first_is_scored_once(length):
    nats = nats_per_char(make_model(hidden_size=2, num_layers=1), make_ids(length))
    assert nats.shape == (length - 1,)
    assert nats.dtype == torch.float64
    assert (nats > 0).all()


@pytest.mark.parametrize("length", [0, 1])
def test_fewer_than_two_characters_cannot_be_scored(length):
    with pytest.raises(ValueError, match="at least two characters"):
        nats_per_char(make_model(), make_ids(length))


def test_a_score_depends_on_nothing_that_comes_later():
    model, ids = make_model(), make_ids()
    assert_close(nats_per_char(model, ids[:20]), nats_per_char(model, ids)[:19], rtol=0, atol=1e-12)


def test_scoring_twice_gives_the_same_and_leaves_no_mode_behind():
    model, ids = make_model(dropout=0.5), make_ids()
    assert torch.equal(nats_per_char(model, ids), nats_per_char(model, ids))
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_bits_and_perplexity_are_the_mean_nats_in_other_units():
    score = Score(nats=[0.5, 1.0, 3.0], unknown=[], symbol_nats=[0.5, 1.0, 3.0])
    assert score.mean_nats == 1.5
    assert score.bpc == pytest.approx(1.5 / math.log(2), rel=1e-15)
    assert score.ppl == pytest.approx(math.exp(1.5), rel=1e-15)
    assert score.ppl == pytest.approx(2**score.bpc, rel=1e-14)
    # One division of the whole sum, and no mean of perplexities.
    assert score.ppl != pytest.approx(math.fsum(math.exp(n) for n in score.nats) / 3, rel=0.1)


def test_unigram_perplexity_is_that_of_the_smoothed_letter_frequencies():
    train, text = torch.tensor([1, 1, 1, 2, 2, 3]), torch.tensor([3, 1, 2, 0])
    # Of 6 + 4 smoothed counts: symbol 1 has 4, symbol 2 has 3, symbol 0 has 1; the first of the text is context.
    nats = [-math.log(4 / 10), -math.log(3 / 10), -math.log(1 / 10)]
    assert unigram_ppl(train, text, 4) == pytest.approx(math.exp(math.fsum(nats) / 3), rel=1e-12)


def test_unigram_perplexity_of_evenly_used_symbols_is_their_number():
    ids = torch.arange(V).repeat(50)
    assert unigram_ppl(ids, ids, V) == pytest.approx(V, rel=1e-12)
