"""What the probes measure, on stacks whose answer is known."""

import math

import pytest
import torch

from deeprnn.config import ModelConfig
from deeprnn.lm.evaluation import nats_per_char
from deeprnn.measure import probes
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN

IDS = torch.randint(0, 9, (120,), generator=torch.Generator().manual_seed(3))


def stack(cell="gru", layers=3, *, residual=True, embedding=16, hidden=16, **more):
    config = ModelConfig(
        cell=cell, hidden_size=hidden, num_layers=layers, embedding_size=embedding, residual=residual, **more
    )
    model = CharRNN(config, 9)
    model.reset_parameters("orthogonal", torch.Generator().manual_seed(0))
    return model


def leaky(z, layers=1):
    """h_t = (1 - z) h_{t-1} + z n_t with one z for every unit and character: what is left after k steps is known."""
    model = stack("mingru", layers, residual=False)
    with torch.no_grad():
        for cell in model.layers():
            half = cell.hidden_size
            cell.weight_ih[:half] = 0
            cell.bias_ih[:half] = math.log(z / (1 - z))
    return model


@torch.no_grad()
def silence(model, layer):
    """A layer whose cell is always zero."""
    for parameter in model.layers()[layer].parameters():
        parameter.zero_()


STACKS = [
    pytest.param((cell, residual), id=f"{cell}-{'residual' if residual else 'plain'}")
    for cell in CELLS
    for residual in (False, True)
]


@pytest.mark.parametrize("made", STACKS)
def test_a_trace_holds_the_states_and_gates_of_the_equations(made):
    cell, residual = made
    model = stack(cell, residual=residual)
    found = probes.trace(model, IDS)
    state = model.initial_state(1)
    for t, token in enumerate(IDS[:6]):
        before = state
        logits, state = model.step(token.reshape(1), state)
        torch.testing.assert_close(found.hidden[:, t], state[:, 0, 0])
        torch.testing.assert_close(model.read_out(found.handed_on[-1][t]), logits[0])
        x = found.handed_on[0][t].reshape(1, 1, -1)
        bottom = model.layers()[0]
        gates = bottom.gates(bottom.project(model.below(0, x))[0], before[0, 0])
        for name, values in found.gates[0].items():
            torch.testing.assert_close(values[t], gates[name][0])
            assert 0 <= values[t].min() <= values[t].max() <= 1
    assert [set(g) for g in found.gates] == [set(gates) - {CELLS[cell].candidate}] * 3


def test_a_state_that_stands_still_has_no_change_and_one_that_turns_round_changes_by_twice_its_size():
    still, turning = torch.ones(4, 5), torch.ones(4, 5) * torch.tensor([1.0, -1.0, 1.0, -1.0]).unsqueeze(1)
    torch.testing.assert_close(probes.change(torch.stack([still, turning])), torch.tensor([[0.0] * 3, [2.0] * 3]))


@pytest.mark.parametrize("z", [0.5, 0.2, 0.05])
def test_an_echo_in_a_leaky_layer_dies_with_one_minus_z(z):
    (curve,) = probes.echo(leaky(z), IDS, 40)
    torch.testing.assert_close(curve, (1 - z) ** torch.arange(41.0), rtol=1e-3, atol=1e-5)
    assert probes.lifetime(curve) == math.floor(-1 / math.log(1 - z)) + 1


def test_a_slower_layer_keeps_an_echo_longer():
    fast, slow = (probes.lifetime(probes.echo(leaky(z), IDS, 40)[0]) for z in (0.5, 0.1))
    assert fast < slow


def test_a_layer_that_feels_no_change_has_no_echo_whatever_rounding_leaves():
    model = stack("lstm", 10, residual=False)
    for cell in model.layers():
        cell.bias_ih.data.add_(0.5)
    model.layers()[4].weight_ih.data.mul_(1e-7)
    lifetimes = [probes.lifetime(curve) for curve in probes.echo(model, IDS, 40)]
    assert min(lifetimes[:4]) > 0
    assert lifetimes[4:] == [0] * 6


@pytest.mark.parametrize("made", STACKS)
def test_the_whole_model_of_the_ablation_is_the_model(made):
    model = stack(made[0], residual=made[1])
    whole, without = probes.without_each_layer(model, IDS)
    assert whole == pytest.approx(nats_per_char(model, IDS).mean().item(), abs=1e-5)
    assert all(nats is not None and nats != whole for nats in without)


def test_leaving_out_a_layer_that_adds_nothing_changes_nothing_and_the_others_are_a_smaller_stack():
    model = stack("rnn", 2)
    silence(model, 1)
    whole, (without_first, without_second) = probes.without_each_layer(model, IDS)
    assert without_second == whole
    silence(model, 0)
    assert without_first == pytest.approx(nats_per_char(model, IDS).mean().item(), abs=1e-5)


def test_a_plain_layer_above_one_hot_characters_cannot_be_left_out():
    _, without = probes.without_each_layer(stack("lstm", 2, residual=False, embedding=0), IDS)
    assert without[0] is None
    assert without[1] is not None


@pytest.mark.parametrize("made", STACKS)
def test_the_lens_is_exact_at_the_top(made):
    model = stack(made[0], residual=made[1])
    lens = probes.logit_lens(model, IDS)
    assert lens.levels == ([0, 1, 2, 3] if made[1] else [1, 2, 3])
    torch.testing.assert_close(lens.nats[-1], nats_per_char(model, IDS), rtol=1e-4, atol=1e-5)


def test_the_lens_sees_no_difference_across_a_layer_that_adds_nothing():
    model = stack("gru", 3)
    silence(model, 1)
    lens = probes.logit_lens(model, IDS)
    torch.testing.assert_close(lens.nats[1], lens.nats[2])
    assert not torch.allclose(lens.nats[0], lens.nats[1])
    logits = model.read_out(probes.trace(model, IDS).handed_on[1][:-1]).softmax(-1)
    torch.testing.assert_close(lens.probability[1].float(), logits.amax(-1))
    torch.testing.assert_close(lens.likeliest[1], logits.argmax(-1))


@pytest.mark.parametrize("z", [0.5, 0.1])
def test_gradients_through_a_leaky_layer_shrink_by_one_minus_z_a_step(z):
    (norms,) = probes.gradients(leaky(z), IDS, 20)
    torch.testing.assert_close(norms[1:] / norms[:-1], torch.full((20,), 1 - z), rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_model():
    """Against automatic differentiation of the model itself by the state it starts from.

    Of the top layer, whose state after the window's first character nothing else reads.
    """
    model = stack("lstm", 2)
    window = IDS[:12]
    norms = probes.gradients(model, window, 10, windows=1)
    _, after_one = model(window[:1].unsqueeze(0), model.initial_state(1))
    state = after_one.detach().requires_grad_()
    logits, _ = model(window[1:-1].unsqueeze(0), state, kernel="scratch")
    torch.nn.functional.cross_entropy(logits[0, -1], window[-1]).backward()
    torch.testing.assert_close(norms[1, 10], state.grad[1].norm())


def test_a_warm_up_is_read_and_not_shown():
    model = stack("gru", 2)
    whole, later = probes.gradients(model, IDS[:30], 28, windows=1), probes.gradients(model, IDS[:30], 8, 20, windows=1)
    torch.testing.assert_close(later, whole[:, :9])


def test_gradients_leave_the_weights_alone():
    model = stack().requires_grad_(requires_grad=False)
    assert probes.gradients(model, IDS, 5).shape == (3, 6)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("probe", [probes.trace, probes.without_each_layer, probes.logit_lens])
def test_layers_that_share_a_state_are_refused_with_the_remedy(probe):
    with pytest.raises(ValueError, match=r"share one state.*Choose a plain or residual stack"):
        probe(stack("rnn", 2, residual=False, wiring="shared"), IDS)


def test_a_text_too_short_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="longer than 200 characters"):
        probes.echo(stack(), IDS, 200)
    with pytest.raises(ValueError, match="two symbols at least"):
        probes.echo(stack(), torch.ones(50, dtype=torch.long), 10)
    with pytest.raises(ValueError, match="122 characters at least"):
        probes.gradients(stack(), IDS, 120)
    with pytest.raises(ValueError, match="two characters at least"):
        probes.without_each_layer(stack(), IDS[:1])
