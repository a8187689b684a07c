"""Training and decoding speed compared with d2l's loop: `python benchmarks/against_d2l.py`.

Both sides have the same weights, read the same random characters and do the same work (d2l-zh 2.0, sections 8.5,
8.6 and 9.3): one-hot input, `nn.RNN`, `nn.GRU` or `nn.LSTM`, cross-entropy, clip 1, SGD; greedy prediction, one
character at a time.
Each round times one side and then the other, so that changes of the machine's speed affect both. The result is the
median over rounds of the ratio within a round, with its range. The limit of decoding is the time to read every weight
once per character, as float32.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from deeprnn.config import Kernel, ModelConfig, Storage, TrainConfig
from deeprnn.lm.decoder import DecodeBatch, Decoder, schedule_ids, stream
from deeprnn.lm.sampling import Sampling, uniforms
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.train.run import TrainState
from deeprnn.train.step import train_window

VOCAB, BATCH, WINDOW, PROMPT, TEXTS = 28, 32, 35, 20, 16
D2L_LAYERS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class D2LModel(nn.Module):
    """d2l's `RNNModel`: one-hot, a `torch.nn` recurrent layer, a dense layer; the state is passed along."""

    def __init__(self, cell: str, hidden_size: int, num_layers: int, vocab_size: int = VOCAB) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.rnn = D2L_LAYERS[cell](vocab_size, hidden_size, num_layers)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits of all steps, (T*B, V), and the state."""
        outputs, state = self.rnn(F.one_hot(inputs.T.long(), self.vocab_size).float(), state)
        return self.linear(outputs.reshape((-1, outputs.shape[-1]))), state


def d2l_train(model: D2LModel, batches: list[tuple[Tensor, Tensor]]) -> None:
    """`train_epoch_ch8` with sequential batches."""
    loss, updater = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.01)
    state: Any = None
    for inputs, targets in batches:
        if state is not None:
            state = state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)
        predicted, state = model(inputs, state)
        cost = loss(predicted, targets.T.reshape(-1).long()).mean()
        updater.zero_grad()
        torch.autograd.backward(cost)
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        norm = torch.sqrt(torch.stack([torch.sum(gradient**2) for gradient in gradients]).sum())
        if norm > 1:
            for gradient in gradients:
                gradient[:] *= 1 / norm
        updater.step()


@torch.no_grad()
def d2l_predict(model: D2LModel, prompt: list[int], length: int) -> list[int]:
    """`predict_ch8`: warm-up on the prompt, then the likeliest character, one forward pass each."""
    outputs = [prompt[0]]
    state: Any = None
    for token in prompt[1:]:
        _, state = model(torch.tensor([outputs[-1]]).reshape((1, 1)), state)
        outputs.append(token)
    for _ in range(length):
        predicted, state = model(torch.tensor([outputs[-1]]).reshape((1, 1)), state)
        outputs.append(int(predicted.argmax(dim=1).reshape(1)))
    return outputs[len(prompt) :]


def ours_train(model: CharRNN, batches: list[tuple[Tensor, Tensor]], kernel: Kernel) -> None:
    config = TrainConfig(text="none", form="d2l", epochs=1, learning_rate=0.01, kernel=kernel)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate)
    run = TrainState(
        model=model,
        averaged=model,
        optimizer=optimizer,
        generator=torch.Generator(),
        carried=model.initial_state(BATCH),
        windows=(len(batches),),
    )
    for inputs, targets in batches:
        train_window(run, config, inputs, targets)


def ours_predict(decoder: Decoder, prompt: list[int], length: int) -> list[int]:
    return list(stream(decoder, prompt, length, Sampling(temperature=0)))


def side_by_side(decoder: Decoder, length: int) -> tuple[int, float]:
    """Return the characters and the seconds of `TEXTS` texts that one model generates at once; the fastest of five."""
    plans = [schedule_ids([1], uniforms(seed, length)) for seed in range(TEXTS)]
    given, numbers = (np.stack(column) for column in zip(*plans, strict=True))
    seconds = []
    for _ in range(5):
        texts, started = DecodeBatch(decoder, TEXTS), time.perf_counter()
        texts.write(range(TEXTS), given, numbers, [Sampling()] * TEXTS)
        seconds.append(time.perf_counter() - started)
    return TEXTS * (length + 1), min(seconds)


def weights_of_a_step(model: CharRNN) -> NDArray[np.float32]:
    """Return all weights that a step reads, as one array: without the bottom layer's input weights (see `decoder`)."""
    parts = [weights for cell in model.layers() for name, weights in cell.named_parameters() if "bias" not in name]
    return np.concatenate([weights.detach().numpy().ravel() for weights in [*parts[1:], model.head.weight]])


def read(weights: NDArray[np.float32], times: int) -> None:
    """Read every weight once per step, which is the least work that `times` steps need."""
    for _ in range(times):
        np.dot(weights, weights)  # by BLAS: NumPy's own sum or maximum takes longer than reading


def twins(cell: str, hidden_size: int, num_layers: int, storage: Storage) -> tuple[CharRNN, D2LModel]:
    """Return both models with the same weights, rounded as they are stored."""
    ours = CharRNN(ModelConfig(cell=cell, hidden_size=hidden_size, num_layers=num_layers), VOCAB)
    ours.reset_parameters("uniform", torch.Generator().manual_seed(0))
    ours.load_state_dict(decode_weights(encode_weights(ours.state_dict(), storage)))
    theirs = D2LModel(cell, hidden_size, num_layers)
    for layer, weights in enumerate(ours.cells):
        for name, parameter in weights.named_parameters():
            getattr(theirs.rnn, f"{name}_l{layer}").data.copy_(parameter.data)
    theirs.linear.load_state_dict(ours.head.state_dict())
    ours.head.bias.data[0] = theirs.linear.bias.data[0] = -1e4  # neither model may generate the unknown symbol
    return ours, theirs


def interleaved(rounds: int, *works: Callable[[], object]) -> tuple[list[float], ...]:
    """Return the seconds of each side in each round; a first round to warm up is not counted."""
    seconds: tuple[list[float], ...] = tuple([] for _ in works)
    for turn in range(rounds + 1):
        for side, work in zip(seconds, works, strict=True):
            started = time.perf_counter()
            work()
            if turn:
                side.append(time.perf_counter() - started)
    return seconds


def report(name: str, chars: int, ours: list[float], theirs: list[float], least: list[float] | None = None) -> None:
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    speeds = [chars / statistics.median(side) for side in (ours, theirs)]
    print(
        f"{name:34} {speeds[0]:>9,.0f} {speeds[1]:>9,.0f}   "
        f"{statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        + (
            f"   {statistics.median(b / a for a, b in zip(ours, least, strict=True)):4.0%} of the limit"
            if least
            else ""
        ),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--windows", type=int, default=4, help="training windows a round")
    parser.add_argument("--length", type=int, default=100, help="characters decoded a round")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    machine = f"torch {torch.__version__}, {platform.machine()}, {args.threads} thread(s)"
    print(f"{machine}, float32, batch {BATCH}, {WINDOW} steps")
    print(f"{'':34} {'ours':>9} {'d2l':>9}   ours / d2l, median (range); speeds in characters/s")
    generator = torch.Generator().manual_seed(1)
    text = torch.randint(1, VOCAB, (BATCH, args.windows * WINDOW + 1), generator=generator)
    batches = [
        (text[:, start : start + WINDOW], text[:, start + 1 : start + WINDOW + 1])
        for start in range(0, args.windows * WINDOW, WINDOW)
    ]
    prompt = text[0, :PROMPT].tolist()
    trained, decoded = args.windows * BATCH * WINDOW, args.length + PROMPT
    for cell, layers in (("rnn", 2), ("gru", 2), ("gru", 4), ("lstm", 1), ("lstm", 2), ("lstm", 4), ("lstm", 10)):
        storage: Storage = "int8" if layers == 10 else "float16"  # as such models are shipped
        ours, theirs = twins(cell, 256, layers, storage)
        decoder = Decoder(ours)
        assert ours_predict(decoder, prompt, args.length) == d2l_predict(theirs, prompt, args.length)
        sides = interleaved(
            args.rounds,
            partial(ours_predict, decoder, prompt, args.length),
            partial(d2l_predict, theirs, prompt, args.length),
            partial(read, weights_of_a_step(ours), decoded),
        )
        report(f"decode, {layers} x {cell} of 256, {storage}", decoded, *sides)
        together, seconds = side_by_side(decoder, args.length)
        print(f"{'':9}{TEXTS} texts side by side {together / seconds:>10,.0f} in all", flush=True)
        kernels: tuple[Kernel, ...] = ("fused", "scratch") if layers == 2 else ("fused",)
        for kernel in kernels:
            ours_work = partial(ours_train, ours, batches, kernel)
            sides = interleaved(args.rounds, ours_work, partial(d2l_train, theirs, batches))
            report(f"train, {layers} x {cell} of 256, {kernel}", trained, *sides)


if __name__ == "__main__":
    main()
