"""The named endpoints over real HTTP, through gradio's own client."""

import re

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import deeprnn
from deeprnn import load
from tests.conftest import SHIPPED


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False, analytics_enabled=False)


def test_only_the_five_endpoints_are_public(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/models",
        "/generate",
        "/poem",
        "/score",
        "/next_char",
    }


def test_models_lists_every_shipped_checkpoint(client, registry):
    models = client.predict(api_name="/models")
    assert [model["name"] for model in models] == list(registry.infos)
    ten = next(model for model in models if model["name"] == "note-lstm-10")
    assert (ten["cell"], ten["num_layers"], ten["num_symbols"]) == ("lstm", 10, 28)


def test_generate_has_defaults_and_answers_in_the_order_asked(client):
    names = ["note-gru-2", "note-rnn-2"]
    answers = client.predict("the time traveller", names, api_name="/generate")
    assert [answer["model"] for answer in answers] == names
    for answer in answers:
        assert answer["text"] == load(SHIPPED / answer["model"]).generate("the time traveller")


def test_a_poem_has_its_form_and_every_given_character_in_its_place(client):
    """A model of a novel knows the marks, too: what keeps the form is how it is asked."""
    (answer,) = client.predict(["journey-gru-2"], 7, 8, "", "东南西北金木水火", seed=3, api_name="/poem")
    lines = re.findall(r"(\S{7})[，。]", answer["text"])
    assert [line[0] for line in lines] == list("东南西北金木水火")
    form = deeprnn.PoemForm(line_chars=7, lines=8, acrostic="东南西北金木水火")
    assert answer["text"] == deeprnn.write_poem(load(SHIPPED / "journey-gru-2"), form, seed=3)


def test_a_regulated_poem_is_that_of_the_package(client):
    (answer,) = client.predict(["journey-gru-2"], seed=3, regulated=True, api_name="/poem")
    assert answer["text"] == deeprnn.write_poem(
        load(SHIPPED / "journey-gru-2"), deeprnn.PoemForm(regulated=True), seed=3
    )


def test_score_gives_a_value_for_each_predicted_character(client):
    (answer,) = client.predict("a tale", ["note-lstm-2"], api_name="/score")
    assert len(answer["nats"]) == 5
    assert answer["ppl"] == pytest.approx(load(SHIPPED / "note-lstm-2").score("a tale").ppl)
    assert answer["unknown"] == []


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/generate", ["a", ["nobody"]], "There is no model nobody"),
        ("/generate", ["a", []], "Choose at least one model"),
        ("/generate", ["a" * 3_000, ["note-rnn-2"]], "the limit is 2000"),
        ("/poem", [["note-rnn-2"]], "Choose models trained on poems"),
        ("/poem", [["journey-gru-2"], 5, 4, "", "春夏秋"], "as the poem has lines: 4, not 3"),
        ("/score", ["a" * 30_000, ["note-rnn-2"]], "the limit is 20000"),
        ("/score", ["a", ["note-rnn-2"]], "at least two characters"),
    ],
)
def test_a_bad_request_gets_a_clear_error(client, endpoint, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(*arguments, api_name=endpoint)
