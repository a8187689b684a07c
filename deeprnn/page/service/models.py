"""Describing and loading the models of a request; if one is broken, the others still answer.

Knows: the registry. Does not know: what is read or generated.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any

from deeprnn.lm.decoder import BrokenWeightsError
from deeprnn.lm.language_model import LanguageModel
from deeprnn.page.service.asked import RequestError
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry, UnknownModelError, for_log

LOG = logging.getLogger(__name__)


def describe(info: CheckpointInfo) -> dict[str, Any]:
    """Return the description of a checkpoint in the API's list."""
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
    """Return the descriptions of all models that everybody sees."""
    added = [one.info for one in registry.own(None)]
    return [describe(info) for info in (*registry.infos.values(), *added)]


def load_each(registry: Registry, names: Sequence[str]) -> tuple[dict[int, LanguageModel], dict[int, RequestError]]:
    """Load models; return those that could be loaded and the errors of the others, by their places in `names`."""
    loaded, faults = dict[int, LanguageModel](), dict[int, RequestError]()
    for i, name in enumerate(names):
        try:
            loaded[i] = load(registry, name)
        except RequestError as error:
            faults[i] = error
    return loaded, faults


def load(registry: Registry, name: str) -> LanguageModel:
    """Load a model.

    Raises:
        RequestError: the model is broken, or was a visitor's own and has just been removed.
    """
    try:
        return registry.get(name)
    except UnknownModelError as error:
        raise RequestError("error_model_gone", name=name) from error
    except ValueError as error:
        LOG.error("%s", for_log(name, error))
        raise RequestError("error_broken", name=name) from error


@contextlib.contextmanager
def broken_as_refusal(lm: LanguageModel) -> Generator[None, None, None]:
    """Log a BrokenWeightsError of a model, and raise it as a RequestError."""
    try:
        yield
    except BrokenWeightsError as error:
        LOG.error("%s", for_log(lm.name, error))
        raise RequestError("error_broken", name=lm.name) from error


def read_each(
    registry: Registry, names: Sequence[str], read: Callable[[LanguageModel], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the result of `read` for each model, in the order of `names`; for a broken one its name and the error.

    Raises:
        RequestError: all models are broken.
    """
    answers, faults = dict[int, dict[str, Any]](), dict[int, RequestError]()
    for i, one in read_as_done(registry, names, read):
        if isinstance(one, RequestError):
            faults[i] = one
        else:
            answers[i] = one
    return in_order(answers, faults)


def read_as_done(
    registry: Registry, names: Sequence[str], read: Callable[[LanguageModel], dict[str, Any]]
) -> Iterator[tuple[int, dict[str, Any] | RequestError]]:
    """Yield the place in `names` and the result of `read`, or the error, of each model as soon as it is there.

    The smallest model is read first. A model that is not being read yet when the iterator is closed is not read.
    """
    loaded, faults = load_each(registry, names)
    yield from faults.items()
    smallest_first = sorted(loaded, key=lambda i: loaded[i].model.num_params)
    places = {registry.readers.submit(read, loaded[i]): i for i in smallest_first}
    try:
        for reading in as_completed(places):
            try:
                yield places[reading], reading.result()
            except RequestError as error:
                yield places[reading], error
    finally:
        for reading in places:
            reading.cancel()


def in_order(answers: dict[int, dict[str, Any]], faults: dict[int, RequestError]) -> list[dict[str, Any]]:
    """Return answers and errors, given by their places, as one list in order.

    Raises:
        RequestError: there is no answer.
    """
    if not answers:
        raise faults[0]
    refused = {i: refused_answer(fault) for i, fault in faults.items()}
    return [one for _, one in sorted((answers | refused).items())]


def refused_answer(fault: RequestError) -> dict[str, Any]:
    """Return the answer of a broken model: its name and the error."""
    return {"model": fault.values["name"], "error": str(fault)}
