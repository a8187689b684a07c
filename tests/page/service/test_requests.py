"""Requests of the page and the API, without a page: limits, errors, answers."""

import copy
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from deeprnn import load
from deeprnn.lm.scheduler import CORES
from deeprnn.page import service
from deeprnn.page.compare import beside, export, runs
from deeprnn.page.compare.cards import NUMBERS, Board
from deeprnn.page.inside import view as inside
from deeprnn.page.score import view as score
from deeprnn.page.score.rows import parts
from deeprnn.page.service import RequestError
from deeprnn.page.service.kept import forget
from deeprnn.page.service.models import read_as_done
from deeprnn.page.shared.components import Drawing
from deeprnn.page.words import tr
from tests.conftest import SHIPPED, wait_until
from tests.page.conftest import spoken

ASK = {"prompt": "the time", "models": ["note-rnn-2", "note-gru-2"], "max_chars": 12, "temperature": 0.8}


def test_answers_come_in_the_order_asked_and_equal_the_library(registry):
    answers = service.generate(registry, **ASK | {"models": ["note-gru-2", "note-rnn-2"], "seed": 3})
    assert [answer["model"] for answer in answers] == ["note-gru-2", "note-rnn-2"]
    for answer in answers:
        assert answer["text"] == load(SHIPPED / answer["model"]).generate("the time", max_chars=12, seed=3)


def test_one_model_asked_twice_answers_twice(registry):
    one, two = service.generate(registry, **ASK | {"models": ["note-rnn-2", "note-rnn-2"]})
    assert one["text"] == two["text"]


def test_updates_grow_and_the_last_is_whole(registry):
    updates = list(service.stream(registry, **ASK | {"max_chars": 40}))
    lengths = [len(update[0].text) for update in updates]
    assert lengths == sorted(lengths)
    assert [(len(one.text), one.done) for one in updates[-1]] == [(40, True), (40, True)]


def test_unknown_characters_of_a_prompt_are_counted(registry):
    assert service.generate(registry, **ASK | {"prompt": "a时间b!"})[0]["unknown"] == 3


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"models": []}, "error_models_none"),
        ({"models": None}, "error_models_none"),
        ({"models": "note-rnn-2"}, "error_models_none"),
        ({"models": ["note-rnn-2"] * 7}, "error_models_many"),
        ({"models": ["nobody"]}, "error_model_unknown"),
        ({"models": [3]}, "error_model_unknown"),
        ({"prompt": "x" * (service.MAX_PROMPT_CHARS + 1)}, "error_prompt_long"),
        ({"prompt": None}, "error_text_type"),
        ({"prompt": "half a pair \ud83d"}, "error_text_type"),
        ({"max_chars": 0}, "error_number"),
        ({"max_chars": service.MAX_NEW_CHARS + 1}, "error_number"),
        ({"max_chars": 1.5}, "error_number_whole"),
        ({"max_chars": None}, "error_number_none"),
        ({"temperature": -1}, "error_number"),
        ({"temperature": float("nan")}, "error_number"),
        ({"temperature": "hot"}, "error_number"),
        ({"top_k": -1}, "error_number"),
        ({"top_p": 0}, "error_number"),
        ({"seed": -1}, "error_number"),
        ({"seed": True}, "error_number"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_written(registry, change, key):
    with pytest.raises(RequestError) as refused:
        service.stream(registry, **ASK | change)
    assert refused.value.key == key
    assert refused.value.message("zh") != refused.value.message("en")


@pytest.mark.parametrize(
    ("text", "key"),
    [("", "error_text_short"), ("a", "error_text_short"), ("a" * 20_001, "error_text_long"), (7, "error_text_type")],
)
def test_a_text_that_cannot_be_scored_is_refused(registry, text, key):
    with pytest.raises(RequestError) as refused:
        service.score(registry, text=text, models=["note-rnn-2"])
    assert refused.value.key == key


def test_a_wrong_model_name_is_not_echoed_unless_it_is_a_name(registry):
    with pytest.raises(RequestError) as refused:
        service.score(registry, text="abc", models=["<img src=x>"])
    assert "<" not in str(refused.value)
    assert "note-rnn-2" in str(refused.value)


def test_scores_equal_the_library_and_have_a_value_for_each_predicted_character(registry):
    text = "The time traveller, 你好"
    (answer,) = service.score(registry, text=text, models=["note-lstm-2"])
    expected = load(SHIPPED / "note-lstm-2").score(text)
    assert answer["ppl"] == expected.ppl
    assert len(answer["nats"]) == len(text) - 1
    assert answer["unknown"] == [18, 20, 21]


def test_scores_stand_in_the_order_asked_whichever_was_read_first(registry):
    asked = ["note-rnn-2", "note-lstm-10", "note-rnn-2", "few-lstm-2"]
    assert [answer["model"] for answer in service.score(registry, text="the time", models=asked)] == asked


def test_a_model_that_cannot_be_loaded_is_named(save_tiny, tmp_path, caplog):
    from deeprnn.store.registry import Registry

    path = save_tiny(tmp_path / "tiny")
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(RequestError, match="tiny"):
        service.score(Registry(tmp_path), text="abc", models=["tiny"])
    assert "SHA-256" in caplog.text


@pytest.fixture(params=["overflows", "cannot be loaded"])
def broken(registry, monkeypatch, request):
    """A model of the shipped ones whose weights are broken, in one way or another."""
    name = "note-rnn-2"
    if request.param == "overflows":
        lm = copy.deepcopy(registry.get(name))
        with torch.no_grad():
            lm.model.head.weight.copy_(3e38 * lm.model.head.weight.sign())
            lm.model.head.bias.copy_(3e38 * lm.model.head.bias.sign())
        monkeypatch.setitem(registry._loaded, name, lm)
    else:
        monkeypatch.delitem(registry._loaded, name, raising=False)
        there = registry.infos[name]
        monkeypatch.setitem(registry.infos, name, replace(there, path=there.path.parent / "absent"))
    forget()
    yield name
    forget()


def test_a_broken_model_alone_is_said_to_be_broken(registry, broken):
    asks = [
        lambda: service.generate(registry, **ASK | {"models": [broken]}),
        lambda: service.score(registry, text="the time", models=[broken]),
        lambda: service.next_char(registry, prompt="the time", models=[broken]),
        lambda: service.analyse(registry, broken, "the time", " traveller it broke"),
        lambda: inside.pictures(registry, [broken], "the time traveller"),
    ]
    for ask in asks:
        with pytest.raises(RequestError) as caught:
            ask()
        assert (caught.value.key, caught.value.values) == ("error_broken", {"name": broken})


def test_beside_a_broken_model_the_others_are_served(registry, broken):
    models = [broken, "note-gru-2"]
    asks = [
        lambda models: service.generate(registry, **ASK | {"models": models}),
        lambda models: service.score(registry, text="the time", models=models),
        lambda models: service.next_char(registry, prompt="the time", models=models),
    ]
    for ask in asks:
        fault, answer = ask(models)
        assert (fault["model"], answer["model"]) == (broken, "note-gru-2")
        assert fault["error"] == str(RequestError("error_broken", name=broken))
        (alone,) = ask(["note-gru-2"])
        assert {key: alone[key] for key in alone if key != "chars_per_second"}.items() <= answer.items()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_view_says_which_model_is_broken_and_shows_the_other(registry, broken, lang):
    models, why = [broken, "note-gru-2"], tr("error_broken", lang, name=broken)
    drawn = score.written(1, [list(parts(registry, "the time", models))])
    fault, scored, mean, *_ = spoken(Drawing.preprocess(None, drawn), lang)["cards"]
    assert (fault["state"], fault["why"]) == ("broken", why)
    assert [scored["state"], mean["state"]] == ["done", "absent"]
    order = runs.Order(names=models, prompt="the time", seed=0, sampling=NUMBERS | {"max_chars": 5})
    *_, last = runs.write(registry, runs.RunControl(turn=1), order, runs.updates_of(registry, order))
    board = spoken(Drawing.preprocess(None, last), lang)
    assert [card["state"] for card in board["cards"]] == ["broken", "finished"]
    assert board["cards"][0]["status"] == why
    assert len(board["cards"][1]["text"]) == 5
    read = Board.read(registry, board)
    assert runs.can_continue(read)
    assert json.loads(export.export(registry, read, "json")[1])["cards"][1]["figures"]["nats"]
    rows = spoken(beside.next_chars(registry, {"context": "the time", "models": models}), lang)["rows"]
    assert (rows[0]["error"], len(rows[1]["candidates"])) == (why, 10)
    looked = spoken(inside.pictures(registry, models, "the time traveller"), lang)
    assert (looked["notes"], [one["model"] for one in looked["models"]]) == ([why], ["note-gru-2"])


def test_line_ends_and_dashes_change_no_figure_of_a_score_or_of_what_stands_beside_it(registry):
    given, plain = "one\r\ntwo\N{EM DASH}three", "one\ntwo--three"
    names = ["note-gru-2", "note-lstm-2", "data-book", "author-five"]

    def figures(text):
        answers = [answer for _, answer in sorted(service.score_as_done(registry, text=text, models=names))]
        means = service.averages(registry, text=text, answers=answers)
        assert means, "two of the models have one alphabet"
        rows = [*answers, *service.baselines(registry, text=text, models=names), *means]
        assert all(len(row["nats"]) == len(text) - 1 for row in rows)
        return [row["ppl"] for row in rows]

    assert figures(given) == pytest.approx(figures(plain), rel=1e-5)


def test_models_read_from_the_smallest_on_and_those_that_have_not_begun_when_the_reader_leaves_do_not(registry):
    names = ["note-lstm-2", "note-gru-2", "depth-lstm-10-residual", "depth-gru-10-residual", "note-rnn-2"]
    sizes = {name: registry.info(name).num_params for name in names}
    begun, may_end = [], threading.Semaphore(0)

    def read(lm):
        begun.append(lm.name)
        may_end.acquire()
        return {"model": lm.name}

    done = read_as_done(registry, names, read)
    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(next, done)
        try:
            wait_until(lambda: len(begun) == CORES)
            may_end.release()
            place, answer = first.result()
            wait_until(lambda: len(begun) == CORES + 1)
            done.close()
        finally:
            may_end.release(len(names))
    registry.readers.submit(str).result()  # whatever was to be read has been begun before this
    assert names[place] == answer["model"]
    assert set(begun) == set(sorted(names, key=sizes.__getitem__)[: CORES + 1])
