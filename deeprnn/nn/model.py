"""A deep recurrent character model: embedding -> stack of cells (plain, residual or wrongly shared) -> head.

Knows: cells and depth. Does not know: text, files, training.

The model is a pure function (tokens, state) -> (logits, state): the state is an argument and a return value, never an
attribute. For layers l = 1..L, with H^(0) = X, a plain stack is the note's equation

    H_t^(l) = phi_l(H_t^(l-1) W_xh^(l) + H_{t-1}^(l) W_hh^(l) + b_h^(l))

and a residual stack is H^(l) = H^(l-1) + Dropout(cell_l(LayerNorm_l(H^(l-1)))), with a last LayerNorm before the head.
`pre_norm` gives a plain stack those LayerNorms, too, or takes them from a residual one.

Dimensions: B lanes, T characters, V symbols, E input size, H hidden size, L layers with a state, S state vectors per
layer (an LSTM has two).
"""

import math
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from deeprnn.config import Init, Kernel, ModelConfig
from deeprnn.nn.cells import CELLS, Cell

# Runs layer number 0, 1, ... from the bottom on inputs (T, B, E) from a state (S, B, H); returns outputs (T, B, H) and
# the new state.
LayerRunner = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]


def dropout(x: Tensor, rate: float, generator: torch.Generator | None, *, locked: bool = False) -> Tensor:
    """Return inverted dropout of x (T, ...), with a mask from `generator`; None, in evaluation, returns x.

    locked: whether all T steps share one mask.
    """
    if generator is None or rate == 0:
        return x
    shape = (1, *x.shape[1:]) if locked else x.shape
    keep = torch.rand(shape, generator=generator, device=x.device) >= rate
    return x * (keep / (1 - rate))


def _embedding(num_symbols: int, size: int) -> nn.Embedding:
    """Make an embedding without drawing weights: on the `meta` device that would import torch's compiler (3 s)."""
    return nn.Embedding(num_symbols, size, _weight=torch.empty(num_symbols, size))


class TiedHead(nn.Module):
    """A head that reads out with the embedding's matrix (Press & Wolf, arXiv 1608.05859); only its bias is its own."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self._shared = (embedding,)  # in a tuple, so that its matrix is registered, counted and saved once
        self.bias = nn.Parameter(torch.empty(embedding.num_embeddings))

    @property
    def weight(self) -> Tensor:
        """The embedding's matrix (V, H)."""
        return self._shared[0].weight

    def forward(self, x: Float[Tensor, "*N H"]) -> Float[Tensor, "*N V"]:
        """Return the logits."""
        return F.linear(x, self.weight, self.bias)


class CharRNN(nn.Module):
    """Next-character logits from a stack of recurrent cells.

    Raises:
        ValueError: the cell's name is not in `CELLS`.
    """

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        if config.cell not in CELLS:
            raise ValueError(f"unknown cell {config.cell!r}; choose one of {sorted(CELLS)}.")
        cell_class = CELLS[config.cell]
        self.config = config
        self.vocab_size = vocab_size
        self.num_states = cell_class.num_states
        hidden = config.hidden_size
        input_size = config.embedding_size or vocab_size
        self.embedding = _embedding(vocab_size, config.embedding_size) if config.embedding_size else None
        self.cells = nn.ModuleList(
            cell_class(input_size if layer == 0 else hidden, hidden) for layer in range(config.state_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(config.num_layers if config.pre_norm else 0))
        self.final_norm = nn.LayerNorm(hidden) if config.pre_norm else None
        self.head: nn.Linear | TiedHead = nn.Linear(hidden, vocab_size)
        if config.tied and self.embedding is not None:
            self.head = TiedHead(self.embedding)

    @property
    def num_params(self) -> int:
        """The number of weights."""
        return sum(p.numel() for p in self.parameters())

    @torch.no_grad()
    def reset_parameters(self, init: Init, generator: torch.Generator) -> None:
        """Draw all weights from `generator`; those of the cells by `Cell.reset_parameters`.

        The embedding is N(0, 1). The head is U(-1/sqrt(H), 1/sqrt(H)), or for `normal` N(0, 0.01^2) with zero bias. If
        they are tied, their matrix is N(0, 1/H), so that logits begin at about 1, and the bias is zero.
        """
        if self.embedding is not None:
            std = 1 / math.sqrt(self.config.hidden_size) if self.config.tied else 1
            self.embedding.weight.normal_(0, std, generator=generator)
        for cell in self.layers():
            cell.reset_parameters(init, generator)
        if self.config.tied:
            self.head.bias.zero_()
        elif init == "normal":
            self.head.weight.normal_(0, 0.01, generator=generator)
            self.head.bias.zero_()
        else:
            bound = 1 / math.sqrt(self.config.hidden_size)
            self.head.weight.uniform_(-bound, bound, generator=generator)
            self.head.bias.uniform_(-bound, bound, generator=generator)

    def initial_state(self, batch_size: int) -> Float[Tensor, "L S B H"]:
        """Return the zero state, with which every text begins."""
        shape = (self.config.state_layers, self.num_states, batch_size, self.config.hidden_size)
        return self.head.weight.new_zeros(shape)

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        state: Float[Tensor, "L S B H"],
        *,
        kernel: Kernel | LayerRunner = "fused",
        generator: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, "L S B H"]]:
        """Read T characters in every lane; return the logits after each of them and the state after the last.

        kernel: `scratch` runs the cells' equations, `fused` their fast form (`Cell.fused`); a function runs one layer
            over all steps. All give the same numbers. A shared wiring always runs the equations.
        generator: draws the dropout masks; None turns dropout off.
        """
        x = self.embed(tokens.T)
        if self.config.wiring == "stack":
            x, state = self._stack(x, state, kernel, generator)
        else:
            x, state = self._shared(x, state)
        return self.head(x).transpose(0, 1), state

    def step(
        self, tokens: Int[Tensor, " B"], state: Float[Tensor, "L S B H"]
    ) -> tuple[Float[Tensor, "B V"], Float[Tensor, "L S B H"]]:
        """Read one character in every lane with the cells' equations."""
        logits, state = self(tokens.unsqueeze(1), state, kernel="scratch")
        return logits.squeeze(1), state

    def layers(self) -> list[Cell]:
        """Return the cells from the bottom up; a shared wiring has one."""
        return cast(list[Cell], list(self.cells))

    def embed(self, tokens: Int[Tensor, "T B"]) -> Float[Tensor, "T B E"]:
        """Return H^(0): the embedding of each character, or its one-hot vector if there is no embedding."""
        if self.embedding is None:
            return F.one_hot(tokens, self.vocab_size).to(self.head.weight.dtype)
        embedded: Tensor = self.embedding(tokens)
        return embedded

    def below(self, layer: int, x: Float[Tensor, "T B E"]) -> Float[Tensor, "T B E"]:
        """Return the input of a layer's cell: the output of the layer below, after LayerNorm if the model has it."""
        normalized: Tensor = self.norms[layer](x) if self.norms else x
        return normalized

    def above(self, x: Float[Tensor, "T B E"], outputs: Float[Tensor, "T B H"]) -> Float[Tensor, "T B H"]:
        """Return the output of a layer: its cell's outputs, plus the layer's input x in a residual stack."""
        return x + outputs if self.config.residual else outputs

    def read_out(self, x: Float[Tensor, "*N H"]) -> Float[Tensor, "*N V"]:
        """Return the logits from the output of the top layer."""
        logits: Tensor = self.head(self._finish(x))
        return logits

    def _finish(self, x: Float[Tensor, "*N H"]) -> Float[Tensor, "*N H"]:
        finished: Tensor = x if self.final_norm is None else self.final_norm(x)
        return finished

    def _stack(
        self, x: Tensor, state: Tensor, kernel: Kernel | LayerRunner, generator: torch.Generator | None
    ) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "L S B H"]]:
        states = []
        for layer, cell in enumerate(self.layers()):
            below = self.below(layer, x)
            if isinstance(kernel, str):
                outputs, new_state = (cell.fused if kernel == "fused" else cell.scan)(below, state[layer])
            else:
                outputs, new_state = kernel(layer, below, state[layer])
            outputs = dropout(outputs, self.config.dropout, generator, locked=self.config.locked_dropout)
            x = self.above(x, outputs)
            states.append(new_state)
        x = dropout(self._finish(x), self.config.head_dropout, generator, locked=self.config.locked_dropout)
        return x, torch.stack(states)

    def _shared(self, x: Tensor, state: Tensor) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "L S B H"]]:
        """Run the note's mistake: all layers use one cell and one state.

            H_1 = tanh(X W_xh + H W_hh + b);  H_2 = tanh(H_1 W_xh + H W_hh + b);  Y = H W_hq + b_q

        `shared` is the code as written: H is returned unchanged, so Y does not depend on the input. `shared-updated`
        returns H_2 as the new H and computes Y from it.
        """
        (cell,) = self.layers()
        outputs = []
        for below in x.unbind(0):
            new_state = state[0]
            for _ in range(self.config.num_layers):
                new_state = cell.step(below, state[0])
                below = new_state[0]
            if self.config.wiring == "shared-updated":
                state = new_state.unsqueeze(0)
            outputs.append(state[0, 0])
        return torch.stack(outputs), state
