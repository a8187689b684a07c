"""Writing to a template: exact, seeded, the same alone and beside others."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deeprnn.config import ModelConfig
from deeprnn.lm.decoder import DecodeBatch, Decoder, stream
from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.sampling import Sampling, distribution, uniforms
from deeprnn.lm.scheduler import Scheduler
from deeprnn.lm.template import Template
from deeprnn.nn.model import CharRNN
from deeprnn.text.vocab import UNKNOWN_ID
from tests.lm.test_scheduler import finish

V = 12
LOW, HIGH = np.arange(V) < 6, np.arange(V) >= 6
PLACES = [SAMPLE, SAMPLE - 1, 9, SAMPLE - 1, 3, SAMPLE] * 15  # longer than one call of `stream`
quick = settings(max_examples=60, derandomize=True, database=None)


@pytest.fixture(scope="module")
def decoder():
    model = CharRNN(ModelConfig(cell="gru", hidden_size=16, num_layers=2), V)
    model.reset_parameters("uniform", torch.Generator().manual_seed(1))
    with torch.no_grad():  # far from uniform: choices must matter
        model.head.weight.mul_(8)
    return Decoder(model)


def template(places=PLACES, choices=(LOW, HIGH)):
    return Template(places=np.array(places), choices=np.array(choices))


def by_hand(decoder, prompt, form, sampling):
    """The text by the model's own step, the public distribution and one number for each place."""
    written, numbers = [], uniforms(sampling.seed, len(form))
    logits, state = decoder.model(torch.tensor([prompt]), decoder.model.initial_state(1))
    logits = logits[:, -1]
    for place, number in zip(form.places, numbers, strict=True):
        token = int(place)
        if place <= SAMPLE:
            cumulative = distribution(logits[0].detach().numpy(), sampling, form.choices[SAMPLE - place]).cumsum()
            token = int(np.flatnonzero(cumulative > number * cumulative[-1])[0])
        written.append(token)
        logits, state = decoder.model.step(torch.tensor([token]), state)
    return written


@pytest.mark.parametrize(
    "values", [{"temperature": 1.0}, {"temperature": 0.0}, {"top_k": 3, "seed": 4}, {"top_p": 0.6, "seed": 5}]
)
def test_a_text_is_what_the_restricted_distributions_say_place_by_place(decoder, values):
    form, sampling = template(), Sampling(**values)
    written = list(stream(decoder, [1, 2], len(form), sampling, template=form))
    assert written == by_hand(decoder, [1, 2], form, sampling)
    for place, i in zip(PLACES, written, strict=True):
        assert i == place if place > SAMPLE else form.choices[SAMPLE - place][i]


@quick
@given(
    logits=st.lists(st.floats(-20, 20, width=32), min_size=V, max_size=V),
    allowed=st.lists(st.booleans(), min_size=V, max_size=V),
    temperature=st.floats(0.05, 5),
)
def test_the_restricted_distribution_is_the_models_renormalized(logits, allowed, temperature):
    assume(any(allowed[1:]))
    values, sampling = np.array(logits), Sampling(temperature=temperature)
    found = distribution(values, sampling, np.array(allowed))
    assert found[UNKNOWN_ID] == 0
    assert not found[~np.array(allowed)].any()
    scaled = np.where(allowed, values / temperature, -np.inf)[1:]
    expected = np.exp(scaled - scaled.max())
    np.testing.assert_allclose(found[1:], expected / expected.sum(), rtol=1e-9, atol=1e-12)


def test_the_unknown_symbol_is_not_drawn_even_if_its_set_has_it(decoder):
    form = template([SAMPLE] * 50, [np.arange(V) < 2])
    assert set(stream(decoder, [2], 50, Sampling(), template=form)) == {1}


def test_a_set_of_all_symbols_changes_nothing(decoder):
    form = template([SAMPLE] * 80, [np.ones(V, bool)])
    assert list(stream(decoder, [1], 80, Sampling(), template=form)) == list(stream(decoder, [1], 80, Sampling()))


@pytest.mark.parametrize("at", [0, 1, 30])
def test_giving_the_symbol_that_would_have_been_drawn_changes_nothing(decoder, at):
    free = list(stream(decoder, [1], 60, Sampling(temperature=1.0, seed=9)))
    form = template([i if n == at else SAMPLE for n, i in enumerate(free)], [np.ones(V, bool)])
    assert list(stream(decoder, [1], 60, Sampling(temperature=1.0, seed=9), template=form)) == free


@pytest.mark.parametrize("cut", [1, 3, 64, 89])
def test_a_text_goes_on_as_if_it_had_not_been_interrupted(decoder, cut):
    form, sampling = template(), Sampling(seed=2)
    whole = list(stream(decoder, [1], 1_000, sampling, template=form))
    assert len(whole) == len(form), "the text ends with its template"
    assert list(stream(decoder, [1], cut, sampling, template=form)) == whole[:cut]
    assert list(stream(decoder, [1, *whole[:cut]], 1_000, sampling, cut, form)) == whole[cut:]


def test_a_text_is_the_same_to_the_last_bit_alone_and_beside_others(decoder):
    form, other = template(), template([SAMPLE - 1, SAMPLE, 7] * 30, [HIGH, LOW])
    asks = [form, None, other, form, None]
    samplings = [Sampling(temperature=1.0, seed=seed) for seed in range(len(asks))]
    scheduler = Scheduler(2)
    prompts = [[1] * (3 + 40 * (i % 3)) for i in range(len(asks))]  # the last ones are read at once
    begun = [
        scheduler.begin(decoder, prompt, 90, sampling, template=ask)
        for prompt, ask, sampling in zip(prompts, asks, samplings, strict=True)
    ]
    for generation, prompt, ask, sampling in zip(begun, prompts, asks, samplings, strict=True):
        assert finish(generation, 90) == list(stream(decoder, prompt, 90, sampling, template=ask))
    forced, numbers = np.tile(PLACES, (3, 1)), np.stack([uniforms(seed, 90) for seed in range(3)])
    choices = [form.choices, None, form.choices[::-1]]
    forced[1] = np.maximum(forced[1], SAMPLE)
    together = DecodeBatch(decoder, 3)
    written = together.write([2, 0, 1], forced, numbers, samplings[:3], choices)
    for i, slot in enumerate([2, 0, 1]):
        alone, own = DecodeBatch(decoder, 1), slice(i, i + 1)
        assert (alone.write([0], forced[own], numbers[own], samplings[own], choices[own])[0] == written[i]).all()
        assert (alone.logits[0] == together.logits[slot]).all()


def test_the_models_own_step_writes_the_same(decoder):
    form = template()
    slow = Decoder(decoder.model)
    slow.agrees = False
    fast = list(stream(decoder, [3], 90, Sampling(), template=form))
    assert list(stream(slow, [3], 90, Sampling(), template=form)) == fast


@pytest.mark.parametrize(
    ("places", "choices", "message"),
    [
        ([V], [LOW], "one of 12 symbols"),
        ([UNKNOWN_ID], [LOW], "one of 12 symbols"),
        ([SAMPLE - 1], [LOW], "for set k of 1"),
        ([SAMPLE], [np.zeros(V, bool)], "can be drawn"),
        ([SAMPLE], [np.arange(V) == UNKNOWN_ID], "can be drawn"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(places, choices, message):
    with pytest.raises(ValueError, match=message):
        template(places, choices)


def test_a_template_of_another_alphabet_is_refused_before_the_first_character(decoder):
    form = template([SAMPLE], [np.ones(V + 1, bool)])
    for begin in (stream, Scheduler(1).begin):
        with pytest.raises(ValueError, match="alphabet of 13 symbols, the model's has 12"):
            begin(decoder, [1], 5, Sampling(), template=form)
