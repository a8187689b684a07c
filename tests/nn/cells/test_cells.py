import inspect
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from deeprnn.nn.cells import CELLS, minimal

TWINS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATES = {name: cell.num_gates for name, cell in CELLS.items()}
T, B, E, H = 7, 3, 4, 5

every_cell = pytest.mark.parametrize("name", list(CELLS))
every_cell_with_a_twin = pytest.mark.parametrize("name", list(TWINS))
MINIMAL = [name for name, cell in CELLS.items() if issubclass(cell, minimal.MinimalCell)]
every_minimal_cell = pytest.mark.parametrize("name", MINIMAL)


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


def results(run, parameters, x, state):
    """The outputs, the last state, and the gradients of a random sum of both by x, by the state and by parameters."""
    leaves = [x.clone().requires_grad_(), state.clone().requires_grad_()]
    outputs, last = run(*leaves)
    output_cotangent = torch.randn(outputs.shape, dtype=x.dtype, generator=seeded(4))
    state_cotangent = torch.randn(last.shape, dtype=x.dtype, generator=seeded(5))
    total = (outputs * output_cotangent).sum() + (last * state_cotangent).sum()
    return outputs, last, torch.autograd.grad(total, [*leaves, *parameters])


@every_cell
def test_the_weights_have_the_names_and_the_order_of_torch_nn(name):
    hidden = ["hh"] if CELLS[name].has_hidden_weights else []
    names = [f"{kind}_{source}" for kind in ("weight", "bias") for source in ("ih", *hidden)]
    assert list(CELLS[name](E, H).state_dict()) == names


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


@every_cell_with_a_twin
@pytest.mark.parametrize("run", ["scan", "fused"])
def test_outputs_and_all_gradients_equal_those_of_the_torch_nn_twin(name, run):
    cell = make_cell(name)
    twin = make_twin(name, cell)
    x, state = make_inputs(cell)
    ours = results(getattr(cell, run), [p for _, p in cell.named_parameters()], x, state)
    names = [f"{weight}_l0" for weight, _ in cell.named_parameters()]
    theirs = results(lambda x, s: run_twin(twin, x, s), [getattr(twin, weight) for weight in names], x, state)
    assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    assert all(gradient.abs().max() > 1e-3 for gradient in ours[2])  # no gradient is trivially zero


@every_cell
def test_the_gradient_of_one_step_is_the_numerical_one(name):
    cell = make_cell(name, 2, 3)
    x, state = make_inputs(cell, 1, 2, 2)
    leaves = (x[0].clone().requires_grad_(), state.requires_grad_(), *cell.parameters())
    assert torch.autograd.gradcheck(lambda x, state, *_weights: cell.step(x, state), leaves)


@every_cell
@pytest.mark.parametrize("run", ["scan", "fused"])
@pytest.mark.parametrize("time", [1, 2, 3, 6])
def test_the_gradient_of_a_scan_is_the_numerical_one(name, run, time):
    cell = make_cell(name, 2, 2)
    x, state = make_inputs(cell, time, 2, 2)
    leaves = (x.requires_grad_(), state.requires_grad_(), *cell.parameters())
    assert torch.autograd.gradcheck(lambda x, state, *_weights: getattr(cell, run)(x, state), leaves)


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


def min_gru_by_hand(w, x, h):
    iz, n = (a * x + b for a, b in zip(w["ih"], w["bih"], strict=True))
    z = sigmoid(iz)
    return ((1 - z) * h + z * n,)


def min_lstm_by_hand(w, x, h):
    i_f, ii, n = (a * x + b for a, b in zip(w["ih"], w["bih"], strict=True))
    f, i = sigmoid(i_f), sigmoid(ii)
    return (f / (f + i) * h + i / (f + i) * n,)


BY_HAND = {
    "rnn": rnn_by_hand,
    "gru": gru_by_hand,
    "lstm": lstm_by_hand,
    "mingru": min_gru_by_hand,
    "minlstm": min_lstm_by_hand,
}


@every_cell
def test_a_single_unit_computes_the_equations_of_its_docstring(name):
    rows = {"ih": [0.7, -1.3, 0.4, 2.1], "hh": [-0.6, 0.9, 1.7, -0.2], "bih": [0.1, -0.4, 0.3, 0.8]}
    rows |= {"bhh": [-0.2, 0.5, -0.7, 0.6]}
    weights = {key: values[: GATES[name]] for key, values in rows.items()}
    cell = make_cell(name, 1, 1)
    named = {name.replace("weight_", "").replace("bias_", "b"): weight for name, weight in cell.named_parameters()}
    with torch.no_grad():
        for key, weight in named.items():
            weight.copy_(torch.tensor(weights[key]).view_as(weight))
    weights = {key: weight.flatten().tolist() for key, weight in named.items()}
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
    for name, parameter in cell.named_parameters():
        if "weight" in name:
            assert parameter.std().item() == pytest.approx(0.01, rel=0.05)
            assert abs(parameter.mean()) < 1e-3
        else:
            assert not parameter.any()


@every_cell_with_a_twin
def test_orthogonal_init_gives_each_gate_an_orthogonal_hidden_matrix(name):
    cell = CELLS[name](40, 16)
    cell.reset_parameters("orthogonal", seeded())
    gates = cell.weight_hh.detach().double().chunk(GATES[name])
    for q in gates:
        assert_close(q.T @ q, torch.eye(16, dtype=torch.float64), rtol=0, atol=1e-6)
    assert all(not torch.equal(gates[0], other) for other in gates[1:])


@every_cell
def test_orthogonal_init_gives_each_gate_a_glorot_uniform_input_matrix(name):
    cell = CELLS[name](40, 16)
    cell.reset_parameters("orthogonal", seeded())
    bound = math.sqrt(6 / (40 + 16))  # Glorot & Bengio 2010, for one gate's matrix
    for gate in cell.weight_ih.chunk(GATES[name]):
        assert 0.9 * bound < gate.abs().max() <= bound


@every_cell
def test_orthogonal_init_sets_only_the_bias_of_a_forget_gate_to_one(name):
    cell = CELLS[name](4, 3)
    cell.reset_parameters("orthogonal", seeded())
    forget = {"lstm": 1, "minlstm": 0}.get(name)
    expected = [float(gate == forget) for gate in range(GATES[name]) for _ in range(3)]
    assert sum(p for weight, p in cell.named_parameters() if "bias" in weight).tolist() == expected


@every_cell_with_a_twin
@pytest.mark.parametrize("init", ["uniform", "normal", "orthogonal"])
def test_the_weights_are_drawn_in_a_fixed_order(name, init):
    """The order that the shipped checkpoints were drawn in: another gives every recipe other weights."""
    cell, drawn = CELLS[name](E, H), CELLS[name](E, H)
    cell.reset_parameters(init, seeded())
    generator, bound = seeded(), 1 / math.sqrt(H)
    drawing = {
        "uniform": lambda weight: weight.uniform_(-bound, bound, generator=generator),
        "normal": lambda weight: weight.normal_(0, 0.01, generator=generator),
        "weight_ih": lambda gate: nn.init.xavier_uniform_(gate, generator=generator),
        "weight_hh": lambda gate: nn.init.orthogonal_(gate, generator=generator),
    }
    biases = ("bias_ih", "bias_hh") if init == "uniform" else ()
    for weight in ("weight_ih", "weight_hh", *biases):
        for part in getattr(drawn, weight).data.chunk(GATES[name] if init == "orthogonal" else 1):
            drawing[weight if init == "orthogonal" else init](part)
        assert torch.equal(getattr(cell, weight), getattr(drawn, weight))


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


# A minimal cell has no twin in torch.nn: its two forms are held against a NumPy loop, and against each other.


def logistic(a):
    return 1 / (1 + np.exp(-a))


def min_gru_in_numpy(projected, h):
    z, n = np.split(projected, 2, axis=-1)
    z = logistic(z)
    return (1 - z) * h + z * n


def min_lstm_in_numpy(projected, h):
    f, i, n = np.split(projected, 3, axis=-1)
    f, i = logistic(f), logistic(i)
    return f / (f + i) * h + i / (f + i) * n


# One step of the paper's equations from W x + b (B, GH) on.
IN_NUMPY = {"mingru": min_gru_in_numpy, "minlstm": min_lstm_in_numpy}


def steps_in_numpy(name, projected, h):
    outputs = []
    for one in projected:
        h = IN_NUMPY[name](one, h)
        outputs.append(h)
    return torch.from_numpy(np.stack(outputs))


@every_minimal_cell
@pytest.mark.parametrize("run", ["scan", "fused"])
@pytest.mark.parametrize("time", [1, 2, 3, 7, 64, 257])
def test_a_minimal_cell_is_the_equations_of_the_paper_in_numpy(name, run, time):
    cell = make_cell(name)
    x, state = make_inputs(cell, time)
    projected = x.numpy() @ cell.weight_ih.detach().numpy().T + cell.bias_ih.detach().numpy()
    expected = steps_in_numpy(name, projected, state[0].numpy())
    outputs, last = getattr(cell, run)(x, state)
    assert_close(outputs, expected, rtol=0, atol=1e-14)
    assert_close(last, expected[-1:], rtol=0, atol=1e-14)


@every_minimal_cell
@pytest.mark.parametrize("time", [1, 2, 3, 7, 64, 257])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 4e-15)])
@pytest.mark.parametrize("bias", [0.0, 20.0, -20.0])
def test_the_parallel_form_of_a_minimal_cell_equals_its_steps_forward_and_backward(name, time, dtype, tolerance, bias):
    """Also where nearly all of the state is new, so that a few steps keep nothing of it, and where nearly none is."""
    cell = make_cell(name).to(dtype)
    with torch.no_grad():
        cell.bias_ih[:H] += bias
    x, state = (value.to(dtype) for value in make_inputs(cell, time))
    weights = list(cell.parameters())
    ours, steps = (results(run, weights, x, state) for run in (cell.fused, cell.scan))
    for value, expected in zip([*ours[:2], *ours[2]], [*steps[:2], *steps[2]], strict=True):
        assert_close(value, expected, rtol=0, atol=tolerance * max(1.0, expected.abs().max().item()))


@every_minimal_cell
@pytest.mark.parametrize("steps", [1, 2, 5, T - 1, T])
def test_the_blocks_that_a_minimal_cell_scans_at_once_do_not_show(name, steps, monkeypatch):
    cell = make_cell(name)
    x, state = make_inputs(cell)
    whole = results(cell.fused, cell.parameters(), x, state)
    monkeypatch.setattr(minimal, "BLOCK", steps * B * H)
    assert_close(results(cell.fused, cell.parameters(), x, state), whole, rtol=0, atol=1e-14)


@every_minimal_cell
@pytest.mark.parametrize("run", ["scan", "fused"])
def test_a_minimal_cell_rounds_its_products_under_autocast_but_not_its_state(name, run):
    cell = make_cell(name, 32, 16).float()
    x, state = (value.float() for value in make_inputs(cell, 257, B, 32))
    weight, bias = cell.weight_ih.bfloat16(), cell.bias_ih.bfloat16()
    projected = F.linear(x.bfloat16(), weight, bias).double().detach().numpy()
    expected = steps_in_numpy(name, projected, state[0].double().numpy()).float()
    with torch.autocast("cpu", torch.bfloat16):
        outputs, last, gradients = results(getattr(cell, run), list(cell.parameters()), x, state)
    assert_close(outputs, expected, rtol=0, atol=2e-6)
    assert_close(last, expected[-1:], rtol=0, atol=2e-6)
    exact = results(getattr(cell, run), list(cell.parameters()), x, state)[2]
    for gradient, whole in zip(gradients, exact, strict=True):
        assert gradient.dtype == torch.float32
        assert_close(gradient, whole, rtol=0, atol=0.02 * whole.abs().max().item())


@pytest.mark.parametrize("run", ["scan", "fused"])
def test_the_update_gate_of_a_min_gru_lets_the_new_value_in(run):
    cell = make_cell("mingru")
    x, state = make_inputs(cell)
    with torch.no_grad():
        cell.bias_ih[:H] = 60.0
    assert_close(getattr(cell, run)(x, state)[0], cell.project(x)[..., H:], rtol=0, atol=1e-12)
    with torch.no_grad():
        cell.bias_ih[:H] = -60.0
    assert_close(getattr(cell, run)(x, state)[1], state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("run", ["scan", "fused"])
def test_the_two_gates_of_a_min_lstm_share_one_whole_however_small_both_are(run):
    cell = make_cell("minlstm")
    x, state = make_inputs(cell)
    gates = cell.gates(cell.project(x[0]), state[0])
    assert_close(gates["f"] + gates["i"], torch.ones(B, H).double(), rtol=0, atol=1e-15)
    with torch.no_grad():
        cell.weight_ih[: 2 * H] = 0
        cell.bias_ih[:H], cell.bias_ih[H : 2 * H] = -1000.0, -1000.0 + math.log(3)  # both round to nothing
    expected = state[0] / 4 + 3 * cell.project(x[0])[..., 2 * H :] / 4
    assert_close(getattr(cell, run)(x[:1], state)[1][0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "i"), [(-100, -90), (-85, -82), (-90, -100), (-79, -81), (-300, 50), (50, -300), (3, -2)]
)
def test_the_compiled_step_of_a_min_lstm_shares_its_gates_out_however_small_both_are(f, i):
    cell = make_cell("minlstm").float()
    projected = torch.tensor([[f] * H + [i] * H + [1.0] * H])
    state = np.full((1, H), -1.0, np.float32)
    cell.recur_units(projected[0].numpy(), np.zeros(0, np.float32), state)
    share = cell.mixture(projected)[0][0].numpy()
    np.testing.assert_allclose(state[0], share - (1 - share), rtol=1e-5, atol=1e-6)


@every_cell
def test_a_cell_brings_all_that_the_page_and_the_recipes_ask_of_it(name):
    cell = CELLS[name]
    described = inspect.getmodule(cell).__doc__
    for said in (r"\(\d{4}\)", r"\n    H_t = ", "State: h", "Init: see"):  # the source's year, the equations
        assert re.search(said, described)
    assert cell.label not in {other.label for other in CELLS.values() if other is not cell}
    for ground in (0, 1):
        assert re.fullmatch("#[0-9a-f]{6}", cell.colours[ground])
        assert cell.colours[ground] not in {other.colours[ground] for other in CELLS.values() if other is not cell}
    made = make_cell(name)
    x, state = make_inputs(made)
    gates = made.gates(made.project(x[0]), state[0])
    assert len(gates) == cell.num_gates
    assert cell.candidate in gates
    for letter, values in gates.items():
        assert letter == cell.candidate or (values.min() > 0 and values.max() < 1)
    kept = cell.kept({letter: values.mean().item() for letter, values in gates.items()})
    assert (kept is None) == (cell.keeping is None)
    assert cell.keeping is None or (cell.keeping in gates and 0 < kept < 1)
