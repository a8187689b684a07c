"""The models that a request names, described or loaded; a broken one does not take the others with it.

Knows: the registry. Does not know: what is read or written.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Sequence
from typing import Any

from deeprnn.lm.decoder import BrokenWeightsError
from deeprnn.lm.language_model import LanguageModel
from deeprnn.page.service.asked import RequestError
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)


def describe(info: CheckpointInfo) -> dict[str, Any]:
    """A checkpoint as the API lists it."""
    return {
        "name": info.name,
        "cell": info.config.cell,
        "num_layers": info.config.num_layers,
        "hidden_size": info.config.hidden_size,
        "residual": info.config.residual,
        "wiring": info.config.wiring,
        "num_params": info.num_params,
        "text": info.metrics.text.name,
        "form": info.vocab.form,
        "num_symbols": len(info.vocab),
        "train_chars": info.train_chars,
        "train_ppl": info.train_ppl,
        "heldout_ppl": info.heldout_ppl,
    }


def list_models(registry: Registry) -> list[dict[str, Any]]:
    """Every model there is."""
    return [describe(info) for info in registry.infos.values()]


def load_each(registry: Registry, names: Sequence[str]) -> tuple[dict[int, LanguageModel], dict[int, RequestError]]:
    """The models by their places, and the faults of those that cannot be loaded."""
    loaded, faults = dict[int, LanguageModel](), dict[int, RequestError]()
    for i, name in enumerate(names):
        try:
            loaded[i] = load(registry, name)
        except RequestError as error:
            faults[i] = error
    return loaded, faults


def load(registry: Registry, name: str) -> LanguageModel:
    """A model, ready to be asked.

    Raises:
        RequestError: it is broken.
    """
    try:
        return registry.get(name)
    except ValueError as error:
        LOG.error("%s", error)
        raise RequestError("error_broken", name=name) from error


@contextlib.contextmanager
def sound(lm: LanguageModel) -> Generator[None, None, None]:
    """A model whose weights overflow is said to be broken."""
    try:
        yield
    except BrokenWeightsError as error:
        LOG.error("%s", error)
        raise RequestError("error_broken", name=lm.name) from error


def read_each(
    registry: Registry, names: Sequence[str], read: Callable[[LanguageModel], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is read of each model, in the order asked; of a broken one its name and why.

    Raises:
        RequestError: all are broken.
    """
    loaded, faults = load_each(registry, names)
    largest_first = sorted(loaded, key=lambda i: loaded[i].model.num_params, reverse=True)
    reading = {i: registry.readers.submit(read, loaded[i]) for i in largest_first}
    answers = {}
    for i, one in reading.items():
        try:
            answers[i] = one.result()
        except RequestError as error:
            faults[i] = error
    return in_order(answers, faults)


def in_order(answers: dict[int, dict[str, Any]], faults: dict[int, RequestError]) -> list[dict[str, Any]]:
    """The answers and the faults by their places, as one list.

    Raises:
        RequestError: there is no answer.
    """
    if not answers:
        raise faults[0]
    told = {i: {"model": fault.values["name"], "error": str(fault)} for i, fault in faults.items()}
    return [one for _, one in sorted((answers | told).items())]
