"""What each layer of a model does while it reads a text.

Knows: models, probes. Does not know: gradio, how it is shown.
"""

import functools
import math
from typing import Any

import torch
from torch import Tensor

from deeprnn.lm.decoder import BrokenWeightsError
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure import probes
from deeprnn.page.service.asked import RequestError, checked_names, checked_text
from deeprnn.page.service.models import broken_as_refusal, load
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import plain

MIN_LOOK_CHARS = 8
MAX_LOOK_CHARS = 400
MAX_DISTANCE = 40  # the largest distance in characters for echoes and gradients
WARM_UP = 20  # characters that are read before gradients are measured
SHOWN_UNITS = 24  # units of a layer that are shown


def look(registry: Registry, model: str, text: str) -> dict[str, Any]:
    """Return what each layer of a model does while it reads a text; see `probes`. Layers are listed from the bottom up.

    text: the text after `vocab.plain`, with one character for each column.
    change, gates: layers x characters.
    units: for each layer, the units that vary most, over time; see `_most_variable`.
    echo, gradients: layers x distances.
    without: the nats per character without each layer.
    lens: the head's predictions from each layer, for each character from the second.

    Raises:
        RequestError: the model does not exist, is broken, or its layers share a state; or the text is too short or too
            long, or has only one symbol.
    """
    (name,) = checked_names(registry, [model])
    text = plain(checked_text("text", text))
    if not MIN_LOOK_CHARS <= len(text) <= MAX_LOOK_CHARS:
        raise RequestError("error_text_look", n=len(text), least=MIN_LOOK_CHARS, most=MAX_LOOK_CHARS)
    return _look(registry, name, registry.info(name).weights_sha256, text)


@functools.lru_cache(maxsize=64)  # the same model and text again, in another language or beside another model
def _look(registry: Registry, name: str, weights: str, text: str) -> dict[str, Any]:  # noqa: ARG001
    lm = load(registry, name)
    if lm.config.wiring != "stack":
        raise RequestError("error_shared_state", name=name)
    ids = torch.tensor(lm.vocab.encode(text))
    if len(torch.unique(ids)) < 2:
        raise RequestError("error_text_one_symbol")
    with broken_as_refusal(lm):
        return {"text": text} | registry.readers.submit(_looked_at, lm, ids).result()


def forget() -> None:
    """Drop what is kept of earlier calls; an answer that comes later is kept under the hash of the old weights."""
    _look.cache_clear()


def _looked_at(lm: LanguageModel, ids: Tensor) -> dict[str, Any]:
    distance = min(MAX_DISTANCE, len(ids) // 2)
    traced, echo = probes.trace(lm.model, ids), probes.echo(lm.model, ids, distance)
    lens = probes.logit_lens(lm.model, ids)
    whole, without = probes.without_each_layer(lm.model, ids)
    if not math.isfinite(whole) or not all(torch.isfinite(hidden).all() for hidden in traced.hidden):
        raise BrokenWeightsError(lm.name)
    letters = traced.gates[0]
    return {
        "model": lm.name,
        "change": _rounded(probes.change(traced.hidden)),
        "gates": {
            letter: _rounded(torch.stack([gates[letter].mean(-1) for gates in traced.gates])) for letter in letters
        },
        "units": [_most_variable(hidden) for hidden in traced.hidden],
        "echo": _rounded(echo),
        "lifetime": [probes.lifetime(curve) for curve in echo],
        "nats": whole,
        "without": without,
        "lens": {
            "levels": lens.levels,
            "nats": _rounded(lens.nats),
            "said": [[lm.vocab.decode([i]) for i in level] for level in lens.likeliest.tolist()],
            "probability": _rounded(lens.probability),
        },
        "gradients": _short(probes.gradients(lm.model, ids, distance, min(WARM_UP, len(ids) - distance - 2))),
    }


def _most_variable(hidden: Tensor) -> list[str]:
    """Return the units of a layer's states (T, H) that vary most, in descending order; one letter per character.

    `a` is minus the layer's largest absolute value, `m` zero, `y` plus that value. Letters need a tenth of the bytes
    that numbers would need.
    """
    most = hidden.std(0).topk(min(SHOWN_UNITS, hidden.shape[1])).indices
    steps = (12 * hidden[:, most].T / hidden.abs().max().clamp_min(1e-12)).round().int() + ord("m")
    return ["".join(map(chr, unit)) for unit in steps.tolist()]


def _short(values: Tensor) -> list[list[float]]:
    """Return numbers of very different sizes with four digits each."""
    return [[float(f"{value:.4g}") for value in row] for row in values.tolist()]


def _rounded(values: Tensor) -> Any:
    return values.double().round(decimals=3).tolist()
