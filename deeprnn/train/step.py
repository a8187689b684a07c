"""One step of the optimizer on one window: truncated back-propagation through time.

Knows: models, a run's state. Does not know: epochs, texts, files.
"""

import math
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from deeprnn.config import TrainConfig
from deeprnn.nn.model import CharRNN, dropout
from deeprnn.train.run import TrainState, hidden_weights


def train_window(run: TrainState, config: TrainConfig, inputs: Tensor, targets: Tensor) -> Tensor:
    """Make one step of the optimizer on one window; return the mean nats per character before the step.

    They are a number () on the device: to read it would wait until the device has made the step.
    """
    # 1. Set the learning rate.
    done = run.total_chars // targets.numel()
    for group in run.optimizer.param_groups:
        group["lr"] = config.learning_rate * _schedule(config, done, run.total_windows)
    # 2. Take the state of the window before, detached, so that gradients stop here; `reset_rate` clears some lanes.
    state = run.carried.detach()
    if config.reset_rate:
        kept = torch.rand(state.shape[2], generator=run.generator, device=state.device) >= config.reset_rate
        state = state * kept[:, None]
    # 3. Run the model with dropped weights, and compute the loss.
    weights = _dropped(run.model, config.weight_drop, run.generator)
    settings = {"kernel": config.kernel, "generator": run.generator}
    in_bfloat16 = config.precision == "bfloat16"
    with torch.autocast(inputs.device.type, torch.bfloat16) if in_bfloat16 else nullcontext():
        logits, state = torch.func.functional_call(run.model, weights, (inputs, state), settings)
    loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
    # 4. Back-propagate, clip the gradient, update the weights.
    run.optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimizer.step()
    # 5. Carry the state to the next window, and update the moving average; its decay is lower at first, so that the
    #    initial weights are soon forgotten.
    run.carried = state.detach().float()
    if config.ema_decay:
        _average(run, min(config.ema_decay, (1 + done) / (10 + done)))
    return loss.detach()


def _schedule(config: TrainConfig, done: int, total: int) -> float:
    """Return the factor of the learning rate: a linear warm-up, then constant, or half a cosine down to 0."""
    warmup = config.warmup_fraction * total
    if done < warmup:
        return (done + 1) / (warmup + 1)
    if config.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (total - warmup)))


def _dropped(model: CharRNN, rate: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the hidden-to-hidden weights after DropConnect, with one mask per window (arXiv 1708.02182, section 2)."""
    if not rate:
        return {}
    return {name: dropout(weight, rate, generator) for name, weight in hidden_weights(model).items()}


@torch.no_grad()
def _average(run: TrainState, decay: float) -> None:
    torch._foreach_lerp_(list(run.averaged.parameters()), list(run.model.parameters()), 1 - decay)
