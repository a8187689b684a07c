"""What float16 would do to the gradients of recurrent layers: cuDNN computes in it under autocast (docs/gpu.md).

For recipes that train under autocast, the gradient of one window, at the initial weights and at the shipped ones:

- the share of the entries of dL/dh, the gradient by each layer's outputs at each step, that are smaller than float16's
  least normal number, and the share that float16 rounds to zero;
- how far the gradient of the layers' weights is from that in float32, as a share of its length, when everything that
  a layer reads, keeps and hands on is rounded to float16, forwards and backwards; the same with a mean loss over 16
  times as many lanes, whose gradients by each of them are as much smaller, with a scaled loss, with bfloat16, and with
  TF32, which is what cuDNN multiplies float32 in.

    python benchmarks/float16_gradients.py
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
import torch.nn.functional as F
from torch import Tensor

from deeprnn import load
from deeprnn.experiments.questions import all_recipes
from deeprnn.nn.model import CharRNN
from deeprnn.text.batches import windows
from deeprnn.text.splits import prepare

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
RECIPES = ("depth-rnn-2-residual", "depth-gru-2-residual", "depth-lstm-10-residual", "wells-lstm-2")
SCALE = 2.0**16  # where PyTorch's GradScaler begins
LEAST_NORMAL = torch.finfo(torch.float16).tiny
Rounding = Callable[[Tensor], Tensor]


def to_tf32(x: Tensor) -> Tensor:
    """Round float32 to the 10 bits of TF32's mantissa; its exponent is that of float32."""
    return ((x.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


ROUNDINGS: dict[str, tuple[Rounding, float]] = {
    "float16": (lambda x: x.half().float(), 1.0),
    "float16, 16 x the lanes": (lambda x: x.half().float(), 1 / 16),
    "float16, loss x 2^16": (lambda x: x.half().float(), SCALE),
    "bfloat16": (lambda x: x.bfloat16().float(), 1.0),
    "TF32": (to_tf32, 1.0),
}


class Round(torch.autograd.Function):
    """Rounds a value forwards and its gradient backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Rounding) -> Tensor:
        """Round x."""
        ctx.rounding = rounding
        return rounding(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Round its gradient."""
        return ctx.rounding(grad), None


def gradients(model: CharRNN, x: Tensor, y: Tensor, rounding: Rounding, scale: float) -> tuple[Tensor, Tensor]:
    """Return the gradient of the layers' weights, in one piece, and dL/dh of all layers and steps, times `scale`."""

    def rounded(value: Tensor) -> Tensor:
        return Round.apply(value, rounding)  # type: ignore[no-untyped-call, no-any-return]

    hidden = []

    def scan(layer: int, below: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        cell = model.layers()[layer]
        outputs = []
        for projected in rounded(cell.project(rounded(below))).unbind(0):
            state = rounded(cell.recur(projected, state))
            state.retain_grad()
            hidden.append(state)
            outputs.append(state[0])
        return torch.stack(outputs), state

    weights = {name: rounded(weight) for name, weight in model.named_parameters() if name.startswith("cells.")}
    state = model.initial_state(len(x))
    logits, _ = torch.func.functional_call(model, weights, (x, state), {"kernel": scan})
    model.zero_grad()
    torch.autograd.backward(scale * F.cross_entropy(logits.flatten(0, 1), y.flatten()))
    grads = [weight.grad for name, weight in model.named_parameters() if name.startswith("cells.")]
    return torch.cat([g.flatten() / scale for g in grads if g is not None]), torch.stack(
        [h.grad[0] for h in hidden if h.grad is not None]
    )


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print("| recipe, weights | below normal | zero in float16 |", " | ".join(ROUNDINGS), "|")
    print("| --- |", " --: |" * (2 + len(ROUNDINGS)))
    for name in RECIPES:
        recipe = all_recipes()[name]
        data = prepare(recipe.train, torch.device("cpu"))
        x, y = next(iter(windows(data.parts["train"], recipe.train.batch_size, recipe.train.window)))
        initial = CharRNN(recipe.model, len(data.vocab))
        initial.reset_parameters(recipe.train.init, torch.Generator().manual_seed(recipe.train.seed))
        models = {"initial": initial}
        if (CHECKPOINTS / name).is_dir():
            models["shipped"] = load(str(CHECKPOINTS / name)).model.requires_grad_()
        for which, model in models.items():
            exact, dh = gradients(model, x, y, lambda value: value, 1.0)
            size = dh.abs()
            cells = [f"{(size < LEAST_NORMAL).double().mean():.1%}", f"{(dh.half() == 0).double().mean():.1%}"]
            for rounding, scale in ROUNDINGS.values():
                found, _ = gradients(model, x, y, rounding, scale)
                cells.append(f"{float((found - exact).norm() / exact.norm()):.2%}")
            print(f"| {name}, {which} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
