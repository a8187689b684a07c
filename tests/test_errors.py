"""Errors go through pickle: a worker of a pool, or another machine, sends home what it raised."""

import pickle
from pathlib import Path

import pytest

from deeprnn.checks import KeyedError
from deeprnn.experiments.own import OwnTextError
from deeprnn.lm.decoder import BrokenWeightsError
from deeprnn.page.service.asked import RequestError
from deeprnn.store.checkpoint import ExistsError
from deeprnn.text.poem_form import PoemForm, PoemFormError
from deeprnn.train.run import DivergedError


def refused():
    with pytest.raises(PoemFormError) as raised:
        PoemForm(lines=3)
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        OwnTextError("own.refused.short", chars=3, least=2_000),
        RequestError("error_models_many", n=9, most=4),
        BrokenWeightsError("tiny"),
        ExistsError(Path("runs/tiny")),
        DivergedError("tiny: the loss became inf"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_comes_from_another_process_says_the_same(error):
    came = pickle.loads(pickle.dumps(error))
    assert type(came) is type(error)
    assert f"{came}" == f"{error}" != ""
    assert vars(came) == vars(error)
    assert not isinstance(error, KeyedError) or error.key not in f"{error}", "the sentence, not its key"
