import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from deeprnn.cells import CELLS

TWINS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
T, B, E, H = 7, 3, 4, 5

every_cell = pytest.mark.parametrize("name", list(CELLS))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_cell(name, input_size=E, hidden_size=H):
    cell = CELLS[name](input_size, hidden_size).double()
    cell.reset_parameters("uniform", seeded(1))
    return cell


def make_inputs(cell, time=T, lanes=B, input_size=E):
    x = torch.randn(time, lanes, input_size, dtype=torch.float64, generator=seeded(2))
    state = torch.randn(cell.num_states, lanes, cell.hidden_size, dtype=torch.float64, generator=seeded(3))
    return x, state


def make_twin(name, cell):
    twin = TWINS[name](E, H).double()
    with torch.no_grad():
        for weight, value in cell.named_parameters():
            getattr(twin, f"{weight}_l0").copy_(value)
    return twin


def run_twin(twin, x, state):
    """The twin in the cell's interface: the state (S, B, H) of one layer."""
    if isinstance(twin, nn.LSTM):
        outputs, last = twin(x, (state[:1], state[1:]))
        return outputs, torch.cat(last)
    return twin(x, state)


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def test_every_cell_has_a_twin_here():
    assert set(CELLS) == set(TWINS)


@every_cell
def test_steps_one_at_a_time_equal_a_scan_of_the_whole_sequence(name):
    cell = make_cell(name)
    x, state = make_inputs(cell)
    outputs, last = cell.scan(x, state)
    for t in range(T):
        state = cell.step(x[t], state)
        assert_close(outputs[t], state[0], rtol=0, atol=1e-13)
    assert_close(last, state, rtol=0, atol=1e-13)


@every_cell
@pytest.mark.parametrize("run", ["scan", "fused"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 6])
def test_chunks_with_a_carried_state_equal_the_whole_sequence(name, run, chunk):
    cell = make_cell(name)
    x, state = make_inputs(cell)
    outputs, last = getattr(cell, run)(x, state)
    pieces = []
    for part in x.split(chunk):
        piece, state = getattr(cell, run)(part, state)
        pieces.append(piece)
    assert_close(torch.cat(pieces), outputs, rtol=0, atol=1e-13)
    assert_close(state, last, rtol=0, atol=1e-13)


@every_cell
@pytest.mark.parametrize("run", ["scan", "fused"])
def test_outputs_and_all_gradients_equal_those_of_the_torch_nn_twin(name, run):
    cell = make_cell(name)
    twin = make_twin(name, cell)
    x, state = make_inputs(cell)
    output_cotangent = torch.randn(T, B, H, dtype=torch.float64, generator=seeded(4))
    state_cotangent = torch.randn(state.shape, dtype=torch.float64, generator=seeded(5))

    def results(forward, parameters):
        leaves = [x.clone().requires_grad_(), state.clone().requires_grad_()]
        outputs, last = forward(*leaves)
        total = (outputs * output_cotangent).sum() + (last * state_cotangent).sum()
        return outputs, last, torch.autograd.grad(total, [*leaves, *parameters])

    ours = results(getattr(cell, run), [p for _, p in cell.named_parameters()])
    names = [f"{weight}_l0" for weight, _ in cell.named_parameters()]
    theirs = results(lambda x, s: run_twin(twin, x, s), [getattr(twin, weight) for weight in names])
    assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    assert all(gradient.abs().max() > 1e-3 for gradient in ours[2])  # no gradient is trivially zero


@every_cell
def test_the_gradient_of_one_step_is_the_numerical_one(name):
    cell = make_cell(name, 2, 3)
    x, state = make_inputs(cell, 1, 2, 2)
    leaves = (x[0].clone().requires_grad_(), state.requires_grad_(), *cell.parameters())
    assert torch.autograd.gradcheck(lambda x, state, *_weights: cell.step(x, state), leaves)


@every_cell
def test_the_gradient_of_a_scan_is_the_numerical_one(name):
    cell = make_cell(name, 2, 2)
    x, state = make_inputs(cell, 3, 2, 2)
    leaves = (x.requires_grad_(), state.requires_grad_(), *cell.parameters())
    assert torch.autograd.gradcheck(lambda x, state, *_weights: cell.scan(x, state), leaves)


def rnn_by_hand(w, x, h):
    return (math.tanh(w["ih"][0] * x + w["bih"][0] + w["hh"][0] * h + w["bhh"][0]),)


def gru_by_hand(w, x, h):
    ir, iz, i_n = (a * x + b for a, b in zip(w["ih"], w["bih"], strict=True))
    hr, hz, hn = (a * h + b for a, b in zip(w["hh"], w["bhh"], strict=True))
    r, z = sigmoid(ir + hr), sigmoid(iz + hz)
    n = math.tanh(i_n + r * hn)
    return ((1 - z) * n + z * h,)


def lstm_by_hand(w, x, h, c):
    terms = zip(w["ih"], w["bih"], w["hh"], w["bhh"], strict=True)
    i, f, g, o = (a * x + b + u * h + v for a, b, u, v in terms)
    c = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
    return sigmoid(o) * math.tanh(c), c


BY_HAND = {"rnn": rnn_by_hand, "gru": gru_by_hand, "lstm": lstm_by_hand}


@every_cell
def test_a_single_unit_computes_the_equations_of_its_docstring(name):
    rows = {"ih": [0.7, -1.3, 0.4, 2.1], "hh": [-0.6, 0.9, 1.7, -0.2], "bih": [0.1, -0.4, 0.3, 0.8]}
    rows |= {"bhh": [-0.2, 0.5, -0.7, 0.6]}
    weights = {key: values[: GATES[name]] for key, values in rows.items()}
    cell = make_cell(name, 1, 1)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(weights["ih"])[:, None])
        cell.weight_hh.copy_(torch.tensor(weights["hh"])[:, None])
        cell.bias_ih.copy_(torch.tensor(weights["bih"]))
        cell.bias_hh.copy_(torch.tensor(weights["bhh"]))
    weights = {"ih": cell.weight_ih, "hh": cell.weight_hh, "bih": cell.bias_ih, "bhh": cell.bias_hh}
    weights = {key: value.flatten().tolist() for key, value in weights.items()}
    by_hand = (0.25, -0.8)[: cell.num_states]
    state = torch.tensor(by_hand, dtype=torch.float64).view(-1, 1, 1)
    for x in (1.5, -0.3, 0.0):
        by_hand = BY_HAND[name](weights, x, *by_hand)
        state = cell.step(torch.tensor([[x]], dtype=torch.float64), state)
        assert state.flatten().tolist() == pytest.approx(by_hand, rel=1e-14, abs=1e-15)


def test_an_open_update_gate_keeps_the_old_state_of_a_gru():
    cell = make_cell("gru")
    x, state = make_inputs(cell)
    with torch.no_grad():
        cell.bias_ih[H : 2 * H] = 60.0
    assert_close(cell.step(x[0], state), state, rtol=0, atol=1e-12)


@every_cell
def test_uniform_init_fills_the_range_of_one_over_root_hidden_size(name):
    cell = CELLS[name](40, 64)
    cell.reset_parameters("uniform", seeded())
    for parameter in cell.parameters():
        assert parameter.abs().max() <= 1 / 8
        assert parameter.max() > 0.9 / 8
        assert parameter.min() < -0.9 / 8
        assert abs(parameter.mean()) < 0.2 / 8


@every_cell
def test_normal_init_has_a_deviation_of_one_hundredth_and_zero_biases(name):
    cell = CELLS[name](40, 64)
    cell.reset_parameters("normal", seeded())
    for weight in (cell.weight_ih, cell.weight_hh):
        assert weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert abs(weight.mean()) < 1e-3
    assert not cell.bias_ih.any()
    assert not cell.bias_hh.any()


@every_cell
def test_orthogonal_init_gives_each_gate_an_orthogonal_hidden_matrix(name):
    cell = CELLS[name](40, 16)
    cell.reset_parameters("orthogonal", seeded())
    gates = cell.weight_hh.detach().double().chunk(GATES[name])
    for q in gates:
        assert_close(q.T @ q, torch.eye(16, dtype=torch.float64), rtol=0, atol=1e-6)
    assert all(not torch.equal(gates[0], other) for other in gates[1:])
    bound = math.sqrt(6 / (40 + 16))  # Glorot & Bengio 2010, for one gate's matrix
    for gate in cell.weight_ih.chunk(GATES[name]):
        assert 0.9 * bound < gate.abs().max() <= bound


@every_cell
def test_orthogonal_init_sets_only_an_lstm_forget_bias_to_one(name):
    cell = CELLS[name](4, 3)
    cell.reset_parameters("orthogonal", seeded())
    expected = [0.0] * 3 + [1.0] * 3 + [0.0] * 6 if name == "lstm" else [0.0] * 3 * GATES[name]
    assert (cell.bias_ih + cell.bias_hh).tolist() == expected


@every_cell
@pytest.mark.parametrize("init", ["uniform", "normal", "orthogonal"])
def test_the_generator_alone_decides_the_initial_weights(name, init):
    def weights(seed):
        cell = CELLS[name](E, H)
        cell.reset_parameters(init, seeded(seed))
        return nn.utils.parameters_to_vector(cell.parameters())

    before = torch.get_rng_state()
    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))
    assert torch.equal(torch.get_rng_state(), before)


@every_cell
@pytest.mark.parametrize("run", ["step", "scan", "fused"])
def test_a_cell_leaves_its_arguments_and_itself_unchanged(name, run):
    cell = make_cell(name)
    x, state = make_inputs(cell)
    given = (x.clone(), state.clone())
    attributes = set(vars(cell))
    weights = nn.utils.parameters_to_vector(cell.parameters()).clone()
    getattr(cell, run)(x[0] if run == "step" else x, state)
    assert torch.equal(x, given[0])
    assert torch.equal(state, given[1])
    assert set(vars(cell)) == attributes
    assert torch.equal(nn.utils.parameters_to_vector(cell.parameters()), weights)
