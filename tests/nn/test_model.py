import copy
import itertools
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from deeprnn.config import ModelConfig
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN, dropout

V, H, B, T = 7, 6, 3, 9
TWINS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
# Residual stacks add vectors of one width, so they have no one-hot form.
FORMS = {
    "one-hot": {},
    "embedding": {"embedding_size": 4},
    "residual": {"embedding_size": H, "residual": True},
    "tied": {"embedding_size": H, "tied": True},
}

every_cell = pytest.mark.parametrize("cell", CELLS)
every_model = pytest.mark.parametrize(
    ("cell", "form", "depth"), list(itertools.product(CELLS, FORMS, (1, 2, 10))), ids=lambda value: str(value)
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_model(**config):
    model = CharRNN(ModelConfig(**({"cell": "gru", "hidden_size": H, "num_layers": 2} | config)), V).double()
    model.reset_parameters("uniform", seeded(1))
    with torch.no_grad():  # LayerNorms begin as the identity; make them visible
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.add_(torch.randn(parameter.shape, generator=seeded(2)) * 0.3)
    return model


def make_inputs(model, lanes=B, time=T):
    tokens = torch.randint(V, (lanes, time), generator=seeded(3))
    shape = model.initial_state(lanes).shape
    return tokens, torch.randn(shape, dtype=torch.float64, generator=seeded(4)) * 0.5


@every_model
def test_carried_state_equals_whole_sequence(cell, form, depth):
    model = make_model(cell=cell, num_layers=depth, **FORMS[form])
    tokens, start = make_inputs(model)
    logits, last = model(tokens, start)
    assert logits.shape == (B, T, V)
    assert last.shape == (depth, CELLS[cell].num_states, B, H)
    for kernel, chunk in (("fused", 4), ("scratch", 2)):
        state, pieces = start, []
        for part in tokens.split(chunk, dim=1):
            piece, state = model(part, state, kernel=kernel)
            pieces.append(piece)
        assert_close(torch.cat(pieces, 1), logits, rtol=0, atol=1e-12)
        assert_close(state, last, rtol=0, atol=1e-12)


@every_model
def test_steps_equal_whole_sequence(cell, form, depth):
    model = make_model(cell=cell, num_layers=depth, **FORMS[form])
    tokens, state = make_inputs(model)
    logits, last = model(tokens, state)
    for t in range(T):
        step_logits, state = model.step(tokens[:, t], state)
        assert_close(step_logits, logits[:, t], rtol=0, atol=1e-12)
    assert_close(state, last, rtol=0, atol=1e-12)


@every_model
def test_scratch_equals_fused_forward_and_backward(cell, form, depth):
    model = make_model(cell=cell, num_layers=depth, **FORMS[form])
    tokens, state = make_inputs(model)
    results = {}
    for kernel in ("scratch", "fused"):
        logits, last = model(tokens, state, kernel=kernel)
        total = F.cross_entropy(logits.flatten(0, 1), tokens.flatten()) + last.square().sum()
        results[kernel] = (logits, last, torch.autograd.grad(total, list(model.parameters())))
    assert_close(results["scratch"], results["fused"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", TWINS)
@pytest.mark.parametrize("depth", [1, 3])
def test_a_plain_stack_is_the_torch_nn_module_of_that_depth_plus_the_head(cell, depth):
    model = make_model(cell=cell, num_layers=depth)
    twin = TWINS[cell](V, H, num_layers=depth).double()
    with torch.no_grad():
        for layer, ours in enumerate(model.cells):
            for name, value in ours.named_parameters():
                getattr(twin, f"{name}_l{layer}").copy_(value)
    tokens, state = make_inputs(model)
    logits, last = model(tokens, state)
    x = F.one_hot(tokens.T, V).double()
    if cell == "lstm":
        outputs, (h, c) = twin(x, (state[:, 0].contiguous(), state[:, 1].contiguous()))
        expected = torch.stack((h, c), dim=1)
    else:
        outputs, h = twin(x, state[:, 0].contiguous())
        expected = h.unsqueeze(1)
    expected_logits = outputs @ model.head.weight.T + model.head.bias
    assert_close(logits, expected_logits.transpose(0, 1), rtol=0, atol=1e-12)
    assert_close(last, expected, rtol=0, atol=1e-12)


@every_cell
@pytest.mark.parametrize("residual", [False, True])
def test_a_stack_with_layer_norms_is_its_equation_written_out(cell, residual):
    model = make_model(cell=cell, num_layers=3, **FORMS["residual"] | {"residual": residual, "pre_norm": True})
    tokens, start = make_inputs(model)
    logits, last = model(tokens, start)
    state = list(start)
    for t in range(T):
        x = model.embedding.weight[tokens[:, t]]
        for layer in range(3):
            norm = model.norms[layer]
            below = F.layer_norm(x, (H,), norm.weight, norm.bias)
            state[layer] = model.cells[layer].step(below, state[layer])
            x = x + state[layer][0] if residual else state[layer][0]
        x = F.layer_norm(x, (H,), model.final_norm.weight, model.final_norm.bias)
        assert_close(logits[:, t], x @ model.head.weight.T + model.head.bias, rtol=0, atol=1e-12)
    assert_close(last, torch.stack(state), rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kernel", ["scratch", "fused"])
def test_forward_keeps_nothing_and_changes_no_argument(form, kernel):
    model = make_model(cell="lstm", dropout=0.5, **FORMS[form])
    tokens, state = make_inputs(model)
    given = tokens.clone(), state.clone()

    def attributes():
        return {name: dict(vars(module)) for name, module in model.named_modules()}

    before, weights = attributes(), {name: value.clone() for name, value in model.state_dict().items()}
    first = model(tokens, state, kernel=kernel)
    second = model(tokens, state, kernel=kernel)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert attributes() == before
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert torch.equal(tokens, given[0])
    assert torch.equal(state, given[1])


@every_cell
@pytest.mark.parametrize("form", FORMS)
def test_lanes_do_not_influence_each_other(cell, form):
    model = make_model(cell=cell, **FORMS[form])
    tokens, state = make_inputs(model)
    logits, last = model(tokens, state)
    for b in range(B):
        alone, last_alone = model(tokens[b : b + 1], state[:, :, b : b + 1])
        assert_close(alone, logits[b : b + 1], rtol=0, atol=1e-13)
        assert_close(last_alone, last[:, :, b : b + 1], rtol=0, atol=1e-13)


@every_cell
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kernel", ["scratch", "fused"])
def test_a_character_changes_the_logits_at_its_time_and_after_but_none_before(cell, form, kernel):
    model = make_model(cell=cell, **FORMS[form])
    tokens, state = make_inputs(model)
    logits, _ = model(tokens, state, kernel=kernel)
    for t in range(T):
        changed = tokens.clone()
        changed[:, t] = (tokens[:, t] + 1) % V
        other, _ = model(changed, state, kernel=kernel)
        assert_close(other[:, :t], logits[:, :t], rtol=0, atol=1e-15)
        assert ((other[:, t:] - logits[:, t:]).abs().amax((0, 2)) > 1e-9).all()


@pytest.mark.parametrize("form", FORMS)
def test_dropout_is_off_without_a_generator(form):
    dropping, plain = make_model(dropout=0.5, **FORMS[form]), make_model(**FORMS[form])
    plain.load_state_dict(dropping.state_dict())
    tokens, state = make_inputs(plain)
    dropping.train()
    assert torch.equal(dropping(tokens, state)[0], plain(tokens, state)[0])
    assert not torch.equal(dropping(tokens, state, generator=seeded())[0], plain(tokens, state)[0])


@pytest.mark.parametrize("form", FORMS)
def test_dropout_draws_from_its_generator_alone(form):
    model = make_model(dropout=0.5, **FORMS[form])
    tokens, state = make_inputs(model)

    def logits(seed):
        return model(tokens, state, generator=seeded(seed))[0]

    before = torch.get_rng_state()
    assert torch.equal(logits(8), logits(8))
    assert not torch.equal(logits(8), logits(9))
    assert torch.equal(torch.get_rng_state(), before)
    model.eval()  # the mode plays no part; the generator does
    assert not torch.equal(logits(8), logits(9))


def test_dropout_spares_the_recurrent_path():
    model = make_model(num_layers=1, dropout=0.5)
    tokens, state = make_inputs(model)
    assert torch.equal(model(tokens, state, generator=seeded())[1], model(tokens, state)[1])


def test_dropout_zeroes_its_rate_and_scales_up_the_rest():
    dropped = dropout(torch.ones(100, 100), 0.2, seeded())
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert (dropped == 0).double().mean().item() == pytest.approx(0.2, abs=0.015)


@every_cell
@pytest.mark.parametrize("form", FORMS)
def test_num_params_counts_every_weight(cell, form):
    model = make_model(cell=cell, num_layers=3, **FORMS[form])
    width = FORMS[form].get("embedding_size", 0)
    hidden = H + 1 if CELLS[cell].has_hidden_weights else 0
    cells = sum(CELLS[cell].num_gates * H * (below + 1 + hidden) for below in (width or V, H, H))
    norms = 4 * 2 * H if form == "residual" else 0
    head = V if form == "tied" else V * (H + 1)
    assert model.num_params == V * width + cells + norms + head


def test_the_note_stack_has_the_known_number_of_weights():
    """d2l's two-layer LSTM of 256 units over 28 symbols."""
    model = CharRNN(ModelConfig(cell="lstm", hidden_size=256, num_layers=2), 28)
    assert model.num_params == 4 * 256 * (28 + 256 + 2) + 4 * 256 * (256 + 256 + 2) + 256 * 28 + 28


@pytest.mark.parametrize("init", ["uniform", "normal", "orthogonal"])
def test_the_generator_alone_decides_the_initial_weights(init):
    def weights(seed):
        model = CharRNN(ModelConfig(cell="lstm", hidden_size=H, num_layers=2, embedding_size=4), V)
        model.reset_parameters(init, seeded(seed))
        return nn.utils.parameters_to_vector(model.parameters())

    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))


@pytest.mark.parametrize(("init", "bound"), [("uniform", 1 / 4), ("orthogonal", 1 / 4)], ids=["uniform", "orthogonal"])
def test_the_head_is_uniform_within_one_over_root_hidden_size(init, bound):
    model = CharRNN(ModelConfig(cell="rnn", hidden_size=16, num_layers=1), 50)
    model.reset_parameters(init, seeded())
    assert 0.9 * bound < model.head.weight.abs().max() <= bound
    assert 0.8 * bound < model.head.bias.abs().max() <= bound


def test_normal_init_has_a_small_head_and_no_bias():
    model = CharRNN(ModelConfig(cell="rnn", hidden_size=64, num_layers=1), 50)
    model.reset_parameters("normal", seeded())
    assert model.head.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not model.head.bias.any()


def test_a_tied_head_reads_out_with_the_embeddings_matrix_which_is_one_weight():
    model = make_model(**FORMS["tied"])
    names = {name for name, _ in model.named_parameters()}
    assert names == set(model.state_dict())
    assert "head.weight" not in names
    x = torch.randn(B, H, dtype=torch.float64, generator=seeded(5))
    assert_close(model.read_out(x), x @ model.embedding.weight.T + model.head.bias)
    copied = copy.deepcopy(model)
    with torch.no_grad():
        copied.embedding.weight.zero_()
    assert torch.equal(copied.read_out(x), copied.head.bias.expand(B, V)), "a copy is tied to its own embedding"


def test_a_tied_matrix_begins_with_logits_of_about_one():
    model = CharRNN(ModelConfig(cell="rnn", hidden_size=64, num_layers=1, embedding_size=64, tied=True), 50)
    model.reset_parameters("orthogonal", seeded())
    assert model.head.weight.std().item() == pytest.approx(1 / 8, rel=0.05)
    assert not model.head.bias.any()


def test_the_initial_state_is_zero_and_one_for_each_layer():
    assert torch.equal(make_model(cell="lstm", num_layers=3).initial_state(2), torch.zeros(3, 2, 2, H).double())


def test_an_unknown_cell_names_the_choices():
    with pytest.raises(ValueError, match=re.escape(f"unknown cell 'gur'; choose one of {sorted(CELLS)}")):
        CharRNN(ModelConfig(cell="gur", hidden_size=4, num_layers=1), V)


# The note's wrong version: one set of weights and one state for all layers.


def make_shared(wiring, cell="rnn"):
    return make_model(cell=cell, embedding_size=H, wiring=wiring)


def note_weights(model):
    """The model's weights in the note's letters: W_xh, W_hh, b, W_hq, b_q."""
    (cell,) = model.cells
    return cell.weight_ih.T, cell.weight_hh.T, cell.bias_ih + cell.bias_hh, model.head.weight.T, model.head.bias


@every_cell
def test_shared_wiring_never_sees_its_input_and_its_state_stays_zero(cell):
    model = make_shared("shared", cell)
    tokens, _ = make_inputs(model)
    logits, state = model(tokens, model.initial_state(B))
    others, _ = model((tokens + 1) % V, model.initial_state(B))
    assert torch.equal(logits, others)
    assert not state.any()
    assert torch.equal(logits, model.head.bias.expand(B, T, V))


def test_shared_wiring_gives_a_gradient_to_the_bias_of_the_head_alone():
    model = make_shared("shared")
    tokens, _ = make_inputs(model)
    logits, _ = model(tokens[:, :-1], model.initial_state(B))
    torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()))
    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"head.bias"}


@pytest.mark.parametrize("wiring", ["shared", "shared-updated"])
def test_shared_wirings_equal_the_equations_of_the_note(wiring):
    model = make_shared(wiring)
    tokens, start = make_inputs(model)
    logits, last = model(tokens, start)
    w_xh, w_hh, b, w_hq, b_q = note_weights(model)
    hidden = start[0, 0]
    for t in range(T):
        x = model.embedding.weight[tokens[:, t]]
        hidden_1 = torch.tanh(x @ w_xh + hidden @ w_hh + b)
        hidden_2 = torch.tanh(hidden_1 @ w_xh + hidden @ w_hh + b)
        if wiring == "shared-updated":
            hidden = hidden_2
        assert_close(logits[:, t], hidden @ w_hq + b_q, rtol=0, atol=1e-13)
    assert_close(last, hidden[None, None], rtol=0, atol=1e-13)
    assert torch.equal(last, start) == (wiring == "shared")  # H returned as it came


def test_shared_updated_wiring_has_one_state_and_depends_on_its_input():
    model = make_shared("shared-updated")
    tokens, _ = make_inputs(model)
    state = model.initial_state(B)
    assert state.shape == (1, 1, B, H)
    assert len(model.cells) == 1
    logits, last = model(tokens, state)
    others, _ = model((tokens + 1) % V, state)
    assert last.shape == state.shape
    assert ((logits - others).abs().amax(-1) > 1e-9).all()


def test_shared_updated_wiring_carries_its_state():
    model = make_shared("shared-updated")
    tokens, start = make_inputs(model)
    logits, last = model(tokens, start)
    first, state = model(tokens[:, :4], start)
    second, state = model(tokens[:, 4:], state)
    assert_close(torch.cat((first, second), 1), logits, rtol=0, atol=1e-13)
    assert_close(state, last, rtol=0, atol=1e-13)


def test_the_right_two_layer_model_has_two_weight_sets_two_states_and_sees_its_input():
    model = make_model(cell="rnn", embedding_size=H)
    lower, upper = model.cells
    assert not {p.data_ptr() for p in lower.parameters()} & {p.data_ptr() for p in upper.parameters()}
    assert not torch.equal(lower.weight_hh, upper.weight_hh)
    state = model.initial_state(B)
    assert state.shape == (2, 1, B, H)
    tokens, _ = make_inputs(model)
    logits, last = model(tokens, state)
    others, _ = model((tokens + 1) % V, state)
    assert ((logits - others).abs().amax(-1) > 1e-9).all()
    assert not torch.allclose(last[0], last[1])
    torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), tokens.flatten()))
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
