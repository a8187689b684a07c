"""What each layer of a stack does: how fast it changes, how much the model needs it, how far its gradients reach.

Knows: models and ids. Does not know: text, files, the page.

Dimensions: L layers, T characters, H hidden size, K distances in characters.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from deeprnn.nn.model import CharRNN

FELT = 1e-6  # of the size of a state: the smallest change of it that counts, about what float32 can tell


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The activations of all layers while a text is read from a zero state.

    hidden: h of every layer after every character (L, T, H).
    gates: for each layer, the activations (T, H) of its gates by letter, without the candidate; see the cell's
        equations.
    handed_on: H^(0), the embedded characters, then the output of each layer (L + 1 tensors (T, E or H)).
    """

    hidden: Float[Tensor, "L T H"]
    gates: list[dict[str, Float[Tensor, "T H"]]]
    handed_on: list[Tensor]


@dataclass(frozen=True, kw_only=True)
class Lens:
    """The head's predictions from the output of each layer.

    levels: 0 for the embedding, l for layer l.
    nats: -ln p of each character after the first (levels, T - 1).
    likeliest, probability: the most probable id for each of these characters, and its probability (levels, T - 1).
    """

    levels: list[int]
    nats: Float[Tensor, "N T"]
    likeliest: Int[Tensor, "N T"]
    probability: Float[Tensor, "N T"]


@torch.no_grad()
def trace(model: CharRNN, ids: Int[Tensor, " T"]) -> Trace:
    """Read a text, and return the activations of all layers.

    Raises:
        ValueError: the model's layers share one state.
    """
    _require_stack(model)
    hidden, gates, handed_on = [], [], [model.embed(ids.unsqueeze(1))]
    state = model.initial_state(1)
    for layer, cell in enumerate(model.layers()):
        below = model.below(layer, handed_on[-1])
        outputs, _ = cell.fused(below, state[layer])
        before = torch.cat((state[layer, :1], outputs[:-1]))
        all_gates = cell.gates(cell.project(below), before)
        gates.append({name: values[:, 0] for name, values in all_gates.items() if name != cell.candidate})
        hidden.append(outputs[:, 0])
        handed_on.append(model.above(handed_on[-1], outputs))
    return Trace(hidden=torch.stack(hidden), gates=gates, handed_on=[x[:, 0] for x in handed_on])


def change(hidden: Float[Tensor, "L T H"]) -> Float[Tensor, "L T-1"]:
    """Return how much each layer's state changes at each character after the first, relative to its size.

        v_t = |h_t - h_{t-1}| / mean_t |h_t|     (Euclidean norms over the units)

    0 is no change; sqrt(2) is the distance of two unrelated states of equal size.
    """
    size: Tensor = hidden.norm(dim=-1).mean(dim=1, keepdim=True)
    step: Tensor = (hidden[:, 1:] - hidden[:, :-1]).norm(dim=-1)
    return step / size.clamp_min(1e-12)


@torch.no_grad()
def echo(
    model: CharRNN, ids: Int[Tensor, " T"], distance: int, changes: int = 12, seed: int = 0
) -> Float[Tensor, "L K"]:
    """Return how much each layer's state differs k = 0..distance characters after one character was replaced.

    The text is read once as it is, and once for each of `changes` places with the character there replaced by another
    of the same text:

        d_k = mean over the places p of |h'_{p+k} - h_{p+k}|,   divided by the largest d of the layer

    All d of a layer are 0 if none is `FELT` of the size of its states: it does not feel the change, and what is left is
    rounding.

    (Hermans & Schrauwen, "Training and Analysing Deep Recurrent Neural Networks", NIPS 2013; they insert a typing
    error and measure how long each layer remembers it.)

    Raises:
        ValueError: the layers share one state, the text is not longer than `distance`, or it has only one symbol.
    """
    _require_stack(model)
    symbols = torch.unique(ids)
    if not 0 < distance < len(ids) or len(symbols) < 2:
        raise ValueError(f"give a text of two symbols at least, longer than {distance} characters.")
    places = _spread(len(ids) - distance, changes)
    draws = torch.randint(1, len(symbols), (len(places),), generator=torch.Generator().manual_seed(seed))
    lanes = ids.repeat(len(places) + 1, 1)
    for lane, (place, draw) in enumerate(zip(places, draws, strict=True)):
        was = torch.searchsorted(symbols, ids[place])
        lanes[lane, place] = symbols[(was + draw) % len(symbols)]  # a draw is 1 or more, so the symbol changes
    curves = []
    x, state = model.embed(lanes.T), model.initial_state(len(lanes))
    for layer, cell in enumerate(model.layers()):
        outputs, _ = cell.fused(model.below(layer, x), state[layer])
        apart = (outputs[:, :-1] - outputs[:, -1:]).norm(dim=-1)
        curve = torch.stack([apart[p : p + distance + 1, lane] for lane, p in enumerate(places)]).mean(0)
        is_felt = curve.max() > FELT * outputs.norm(dim=-1).mean()
        curves.append(curve / curve.max() if is_felt else torch.zeros_like(curve))
        x = model.above(x, outputs)
    return torch.stack(curves)


def lifetime(curve: Float[Tensor, " K"]) -> int:
    """Return how many characters an echo lasts: 1 + the last distance at which it is at least 1/e of its maximum.

    It is 0 if nothing is felt.
    """
    return int(torch.nonzero(curve >= curve.max() / math.e).max()) + 1 if curve.any() else 0


@torch.no_grad()
def without_each_layer(model: CharRNN, ids: Int[Tensor, " T"]) -> tuple[float, list[float | None]]:
    """Return the nats per character of the whole model, and of the model without each layer in turn.

    A removed layer is replaced by the identity: H^(l) = H^(l-1). In a residual stack this removes exactly what the
    layer adds (Veit et al., "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 2016, section
    4.1); in a plain stack, the layer above gets an input for which it was not trained. The figure is None if the
    layer's input and output have different sizes, as for the first layer above one-hot characters.

    Raises:
        ValueError: the layers share one state, or there are fewer than two characters.
    """
    _require_two(ids)
    handed_on = [x.unsqueeze(1) for x in trace(model, ids[:-1]).handed_on]
    state = model.initial_state(1)

    def nats(x: Tensor, first: int) -> float:
        """Return the nats per character if the layers from `first` on read x."""
        for layer, cell in list(enumerate(model.layers()))[first:]:
            x = model.above(x, cell.fused(model.below(layer, x), state[layer])[0])
        return F.cross_entropy(model.read_out(x)[:, 0].double(), ids[1:]).item()

    num_layers = len(model.layers())
    fits = [x.shape[-1] == model.config.hidden_size for x in handed_on]
    without = [nats(handed_on[layer], layer + 1) if fits[layer] else None for layer in range(num_layers)]
    return nats(handed_on[-1], num_layers), without


@torch.no_grad()
def logit_lens(model: CharRNN, ids: Int[Tensor, " T"]) -> Lens:
    """Return the predictions of the last LayerNorm and the head from each layer's output, as if the stack ended there.

    The head was trained only above the top layer, so a lower layer may contain more information than this shows
    (nostalgebraist, "interpreting GPT: the logit lens", 2020). The figures of the top layer are exact. The embedding is
    included only for residual stacks, where it is a part of the sum that the head reads.

    Raises:
        ValueError: the layers share one state, or there are fewer than two characters.
    """
    _require_two(ids)
    found = trace(model, ids[:-1])
    first = 0 if model.config.residual else 1
    nats, likeliest, probability = [], [], []
    for x in found.handed_on[first:]:
        logs = F.log_softmax(model.read_out(x).double(), dim=-1)
        nats.append(-logs.gather(1, ids[1:].unsqueeze(1)).squeeze(1))
        best = logs.max(dim=-1)
        likeliest.append(best.indices)
        probability.append(best.values.exp())
    return Lens(
        levels=list(range(first, len(found.handed_on))),
        nats=torch.stack(nats),
        likeliest=torch.stack(likeliest),
        probability=torch.stack(probability),
    )


def gradients(
    model: CharRNN, ids: Int[Tensor, " T"], distance: int, warm_up: int = 0, windows: int = 8
) -> Float[Tensor, "L K"]:
    """Return how strongly the prediction of one character depends on each layer's state k = 0..distance steps before.

        g_k^(l) = mean over windows of |d(-ln p(x_{t+1})) / d s_{t-k}^(l)|

    s is the whole state of the layer (h and c of an LSTM); the norm is Euclidean. Every window is read from a zero
    state; its first `warm_up` characters are not measured, since there the zero state has an effect. Where g falls to
    zero with k or with depth, no gradient arrives, and nothing can be learned (Pascanu et al., "On the Difficulty of
    Training Recurrent Neural Networks", 2013, section 2).

    Raises:
        ValueError: the layers share one state, or the text has fewer than warm_up + distance + 2 characters.
    """
    _require_stack(model)
    length = warm_up + distance + 2
    if len(ids) < length:
        raise ValueError(f"give a text of {length} characters at least.")
    lanes = torch.stack([ids[start : start + length] for start in _spread(len(ids) - length + 1, windows)])
    x, state = model.embed(lanes[:, :-1].T).detach().requires_grad_(), model.initial_state(len(lanes))
    states: list[Tensor] = []
    for layer, cell in enumerate(model.layers()):
        new_state = state[layer]
        outputs = []
        for projected in cell.project(model.below(layer, x)).unbind(0):
            new_state = cell.recur(projected, new_state)
            states.append(new_state)
            outputs.append(new_state[0])
        x = model.above(x, torch.stack(outputs))
    loss = F.cross_entropy(model.read_out(x[-1]), lanes[:, -1], reduction="sum")  # lanes are independent
    norms = [grad.norm(dim=(0, 2)).mean() for grad in torch.autograd.grad(loss, states)]
    return torch.stack(norms).reshape(len(model.layers()), -1).flip(1)[:, : distance + 1]


def _spread(size: int, most: int) -> Int[Tensor, " N"]:
    """Return up to `most` of the numbers 0..size - 1, evenly spread, with the first and the last."""
    return torch.linspace(0, size - 1, min(most, size)).long()


def _require_stack(model: CharRNN) -> None:
    if model.config.wiring != "stack":
        raise ValueError(
            "its layers share one state: there is none to look into alone. Choose a plain or residual stack."
        )


def _require_two(ids: Tensor) -> None:
    if len(ids) < 2:
        raise ValueError("give two characters at least: the first is context for the second.")
