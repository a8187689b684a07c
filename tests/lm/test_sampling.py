import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from deeprnn.config import ModelConfig
from deeprnn.lm.decoder import Decoder, stream
from deeprnn.lm.sampling import Sampling, distribution, draw, uniforms
from deeprnn.nn.model import CharRNN
from deeprnn.text.vocab import UNKNOWN_ID

V = 9
quick = settings(max_examples=60, derandomize=True, database=None)
tied_logits = st.lists(st.integers(-3, 3), min_size=2, max_size=12)  # whole numbers, so that many are equal
any_logits = st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=12)


def make_model(cell="gru", **config):
    model = CharRNN(ModelConfig(**({"cell": cell, "hidden_size": 6, "num_layers": 2} | config)), V)
    model.reset_parameters("uniform", torch.Generator().manual_seed(1))
    with torch.no_grad():  # far from uniform: choices must matter
        model.head.weight.mul_(8)
    return model


def make_uniform_model():
    model = make_model("rnn", num_layers=1)
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    return model


def ids(model, prompt=(1, 2, 3), max_chars=30, **values):
    return list(stream(Decoder(model), prompt, max_chars, Sampling(**values)))


def softmax_by_hand(logits, temperature=1.0):
    """What the draw should be without top-k and top-p: the unknown symbol has none."""
    top = max(logits[1:])
    weights = [0.0] + [math.exp((value - top) / temperature) for value in logits[1:]]
    return [weight / math.fsum(weights) for weight in weights]


def test_a_uniform_model_draws_every_symbol_alike_and_never_the_unknown_one():
    draws = 600
    drawn = ids(make_uniform_model(), max_chars=draws, temperature=1.0)
    counts = [drawn.count(i) for i in range(V)]
    assert counts[UNKNOWN_ID] == 0
    expected = draws / (V - 1)
    chi_square = sum((count - expected) ** 2 / expected for count in counts[1:])
    assert chi_square < 24.32  # the 99.9% quantile at 7 degrees of freedom


def test_the_unknown_symbol_is_not_drawn_even_where_it_is_most_probable():
    logits = np.zeros(V)
    logits[UNKNOWN_ID] = 50.0
    for values in ({}, {"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.1}, {"temperature": 100.0}):
        probabilities = distribution(logits, Sampling(**values))
        assert probabilities[UNKNOWN_ID] == 0
        assert probabilities.sum().item() == pytest.approx(1, abs=1e-12)


def test_one_uniform_number_a_character_is_looked_up_in_the_cumulative_distribution():
    uniforms = torch.rand(100, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    expected = [1 + int(u * (V - 1)) for u in uniforms.tolist()]
    assert ids(make_uniform_model(), max_chars=100, temperature=1.0, seed=5) == expected


@quick
@given(logits=any_logits, temperature=st.floats(0.05, 5))
def test_temperature_divides_the_logits(logits, temperature):
    probabilities = distribution(np.array(logits), Sampling(temperature=temperature))
    assert probabilities.tolist() == pytest.approx(softmax_by_hand(logits, temperature), rel=1e-9, abs=1e-12)


@quick
@given(logits=any_logits)
def test_temperature_zero_takes_the_most_probable_known_symbol(logits):
    probabilities = distribution(np.array(logits), Sampling(temperature=0.0)).tolist()
    best = probabilities.index(1.0)
    assert sum(probabilities) == 1
    assert best != UNKNOWN_ID
    assert logits[best] == max(logits[1:])


def test_temperature_zero_is_greedy_decoding_whatever_the_seed():
    model = make_model()
    greedy, state = [], model.initial_state(1)
    logits, state = model(torch.tensor([[1, 2, 3]]), state)
    logits = logits[:, -1]
    for _ in range(40):
        greedy.append(1 + int(logits[0, 1:].argmax()))
        logits, state = model.step(torch.tensor(greedy[-1:]), state)
    assert ids(model, max_chars=40, temperature=0.0, seed=1) == greedy
    assert ids(model, max_chars=40, temperature=0.0, seed=2) == greedy


def test_a_low_temperature_concentrates_the_draw():
    logits = np.linspace(-1, 1, V)
    most = [distribution(logits, Sampling(temperature=t)).max().item() for t in (5.0, 1.0, 0.3, 0.1)]
    assert most == sorted(most)
    assert most[-1] > 0.9


@pytest.mark.parametrize("temperature", [1e-6, 1e-300, 5e-324, 1e300])
def test_no_temperature_overflows(temperature):
    probabilities = distribution(np.array([9.0, 1.0, 60.0, -60.0, 59.0]), Sampling(temperature=temperature))
    assert np.isfinite(probabilities).all()
    expected = [0, 0, 1, 0, 0] if temperature < 1 else [0, 0.25, 0.25, 0.25, 0.25]
    assert probabilities.tolist() == pytest.approx(expected, abs=1e-12)


@quick
@given(logits=tied_logits, k=st.integers(1, 14))
def test_top_k_keeps_exactly_k_of_the_most_probable_even_with_ties(logits, k):
    probabilities = distribution(np.array(logits, dtype=np.float32), Sampling(temperature=1.0, top_k=k)).tolist()
    kept = {i for i, p in enumerate(probabilities) if p > 0}
    ranked = sorted(range(1, len(logits)), key=lambda i: (-logits[i], i))
    assert kept == set(ranked[:k])
    plain = softmax_by_hand(logits)
    mass = math.fsum(plain[i] for i in kept)
    assert probabilities == pytest.approx([p / mass if i in kept else 0 for i, p in enumerate(plain)], rel=1e-9)


@quick
@given(logits=st.one_of(any_logits, tied_logits), top_p=st.floats(1e-6, 1, exclude_max=True), k=st.integers(0, 6))
@example(logits=[0, 3, 3, 3, 3], top_p=0.4, k=0)
@example(logits=[0, 3, 3, 3, 3], top_p=0.4, k=3)
def test_top_p_keeps_the_smallest_sufficient_set_of_what_top_k_leaves(logits, top_p, k):
    logits = [float(value) for value in logits]
    plain = softmax_by_hand(logits)
    ranked = sorted(range(1, len(logits)), key=lambda i: (-logits[i], i))[: k or None]
    total = math.fsum(plain[i] for i in ranked)
    kept, mass = [], 0.0
    for i in ranked:
        kept.append(i)
        mass = math.fsum(plain[j] for j in kept) / total
        assume(abs(mass - top_p) > 1e-9)  # a tie with top_p itself is decided by rounding
        if mass >= top_p:
            break
    found = distribution(np.array(logits), Sampling(temperature=1.0, top_k=k, top_p=top_p)).tolist()
    expected = [plain[i] / (mass * total) if i in kept else 0.0 for i in range(len(logits))]
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


def test_top_p_that_a_set_reaches_exactly_needs_no_more():
    logits = np.array([0.0, 4.0, 4.0, 4.0, 4.0])
    assert distribution(logits, Sampling(top_p=0.5)).tolist() == [0, 0.5, 0.5, 0, 0]


def test_top_k_one_and_a_tiny_top_p_are_greedy():
    model = make_model()
    greedy = ids(model, temperature=0.0)
    assert ids(model, temperature=2.0, top_k=1, seed=3) == greedy
    assert ids(model, temperature=2.0, top_p=1e-9, seed=4) == greedy


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_seed_decides_the_text(cell):
    model = make_model(cell)
    assert ids(model, temperature=1.0, seed=1) == ids(model, temperature=1.0, seed=1)
    assert ids(model, temperature=1.0, seed=1) != ids(model, temperature=1.0, seed=2)


def test_a_shorter_text_is_the_beginning_of_a_longer_one():
    model = make_model()
    longest = ids(model, max_chars=50, temperature=1.0)
    for length in (0, 1, 7, 49):
        assert ids(model, max_chars=length, temperature=1.0) == longest[:length]


def test_the_text_depends_on_the_prompt():
    model = make_model()
    assert ids(model, (1, 2, 3), temperature=0.5) != ids(model, (4, 5, 6), temperature=0.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": math.nan}, "temperature must be 0 .* not nan"),
        ({"temperature": math.inf}, "temperature must be 0 .* not inf"),
        ({"temperature": -0.1}, "temperature must be 0 .* not -0.1"),
        ({"top_k": -1}, "top_k must be 0 .* not -1"),
        ({"top_p": 0.0}, "top_p must be above 0 .* not 0"),
        ({"top_p": 1.01}, "top_p must be above 0 and at most 1 .* not 1.01"),
        ({"top_p": math.nan}, "top_p must be above 0 .* not nan"),
        ({"seed": -1}, r"seed must be a whole number in \[0, 2\*\*63\), not -1"),
        ({"seed": 2**63}, "seed must be a whole number"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_range(values, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**values)


def test_there_is_a_uniform_number_for_each_character_whatever_was_skipped():
    one_by_one = torch.Generator().manual_seed(3)
    expected = [torch.rand(1, generator=one_by_one, dtype=torch.float64).item() for _ in range(60)]
    assert uniforms(3, 60).tolist() == expected
    assert uniforms(3, 40, skipped=20).tolist() == expected[20:]
    assert uniforms(3, 0, skipped=60).tolist() == []


@quick
@given(logits=any_logits, number=st.floats(0, 1, exclude_max=True), temperature=st.sampled_from([0.0, 0.5, 1.0]))
def test_a_draw_is_where_the_cumulative_distribution_passes_the_number(logits, number, temperature):
    values = np.array(logits, np.float32)
    cumulative = distribution(values, Sampling(temperature=temperature)).cumsum()
    found = draw(values, np.ones(len(values), bool), number, temperature, 0, 1.0)
    assert cumulative[found] > number * cumulative[-1] * (1 - 1e-12)
    assert found == 0 or cumulative[found - 1] <= number * cumulative[-1]
    assert values.tolist() == np.array(logits, np.float32).tolist()


def test_the_largest_seed_and_top_k_work():
    assert len(ids(make_model(), max_chars=3, seed=2**63 - 1, top_k=10**9)) == 3


def test_a_negative_length_is_refused_before_the_first_character_is_asked_for():
    with pytest.raises(ValueError, match="max_chars must be 0 or more, not -1"):
        stream(Decoder(make_model()), [1], -1, Sampling())


def test_sampling_leaves_the_global_random_state_alone():
    model = make_model(dropout=0.5)
    before = torch.get_rng_state()
    ids(model, temperature=1.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_random_state_does_not_touch_sampling():
    model = make_model()
    torch.manual_seed(0)
    first = ids(model, temperature=1.0)
    torch.manual_seed(99)
    assert ids(model, temperature=1.0) == first


def test_inference_mode_does_not_leak_to_the_caller_between_characters():
    characters = stream(Decoder(make_model()), [1, 2], 5, Sampling())
    for _ in characters:
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_streams_of_one_model_do_not_disturb_each_other():
    model = make_model()
    decoder, prompts = Decoder(model), {0: (1, 2), 1: (3, 4)}
    alone = [ids(model, prompt, temperature=1.0, seed=seed) for seed, prompt in prompts.items()]
    streams = [stream(decoder, prompt, 30, Sampling(temperature=1.0, seed=seed)) for seed, prompt in prompts.items()]
    interleaved = list(itertools.chain(*zip(*streams, strict=True)))
    assert [interleaved[0::2], interleaved[1::2]] == alone


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("chunk", [1, 7, 29, 30, 31])
def test_a_prompt_read_in_chunks_equals_one_pass(cell, chunk, monkeypatch):
    model = make_model(cell)
    prompt = torch.randint(V, (30,), generator=torch.Generator().manual_seed(3))
    whole, last = model(prompt[None], model.initial_state(1))
    monkeypatch.setattr("deeprnn.lm.decoder.PROMPT_CHUNK", chunk)
    logits, state = Decoder(model).read(prompt.tolist())
    np.testing.assert_allclose(logits, whole[0, -1].detach(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(state, last[:, :, 0].detach(), rtol=0, atol=1e-5)
