"""The requests of the Train view: texts, estimates, and a stream of what is new, each visitor's apart."""

import argparse
import asyncio
import contextlib
import json
import random
import re
import shlex
import sys
import threading

import httpx
import pytest
from starlette.responses import PlainTextResponse

from deeprnn.commands import own_text, run_options
from deeprnn.experiments.own import Options
from deeprnn.page.server.limits import Limits
from deeprnn.page.service.asked import RequestError
from deeprnn.page.training.answers import _OPTIONS, Answers, _options
from deeprnn.page.training.jobs import Trainings
from deeprnn.page.training.process import command
from deeprnn.page.training.record import Training
from deeprnn.page.training.requests import Requests, events
from deeprnn.page.training.state import MOST_LOSSES, estimated, fields, name_of
from deeprnn.page.training.texts import MOST_TEXTS
from deeprnn.page.visitor import COOKIE
from tests.conftest import WAIT, run

TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(60, 10, -1))
OPTIONS = {"cell": "gru", "layers": 1, "hidden": 8, "residual": None, "form": "full", "minutes": 1, "epochs": 3}
ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def answers(registry, tmp_path):
    with contextlib.closing(Trainings(10, registry=registry, place=tmp_path)) as trainings:
        books = {"time_machine": TEXT}
        yield Answers(registry, trainings, lambda info: books.get(info.metrics.text.name), local=True)


@pytest.fixture
def ask(answers):
    """Send a request as a visitor: `ask(ANN, "POST", "text", TEXT)`; return the answer."""
    rest = PlainTextResponse("the page")
    app = Limits(Requests(rest, answers), max_bytes=2_000_000, per_minute=100)

    def send(visitor, method, path, body=None, **headers):
        content = body if isinstance(body, str | bytes | None) else json.dumps(body)

        async def sent():
            cookies = {COOKIE: visitor} if visitor else {}
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page", cookies=cookies) as client:
                return await client.request(method, f"/training/{path}", content=content, headers=headers)

        return run(sent())

    return send


def about(ask, visitor, do, **values):
    return ask(visitor, "POST", "ask", {"do": do, **values}).json()


def start(ask, visitor, options=OPTIONS):
    source = ask(visitor, "POST", "text", TEXT).json()["source"]
    return about(ask, visitor, "start", source=source, title="bottles", options=options)["key"]


def test_a_text_is_sent_once_and_estimated_for_its_visitor_alone(ask):
    brought = ask(ANN, "POST", "text", TEXT).json()
    assert brought["chars"] == len(TEXT)
    asked = {"source": brought["source"], "title": "bottles", "options": OPTIONS}
    said = about(ask, ANN, "estimate", **asked)
    assert re.search(r"3 epochs in \d+ seconds; 0.00 M weights, 8 units a layer; a 6-gram .* [1-9]", said["said"]["en"])
    assert "6 元语法" in said["said"]["zh"]
    line = "python train.py my-book --data bottles --cell gru --layers 1 --hidden 8 --epochs 3"
    assert said["command"] == line
    assert about(ask, BOB, "estimate", **asked)["why"] == "training.refused.gone"
    assert about(ask, None, "estimate", **asked)["why"] == "training.refused.cookie"


def test_the_licence_in_a_book_of_project_gutenberg_is_not_trained_on(ask):
    start, end = (f"*** {part} OF THE PROJECT GUTENBERG EBOOK BOTTLES ***" for part in ("START", "END"))
    book = f"{start}\n{TEXT}\n{end}\n"
    assert ask(ANN, "POST", "text", book).json() == ask(ANN, "POST", "text", TEXT).json()


def test_a_text_that_is_at_hand_is_not_sent(ask):
    book = ask(None, "GET", "state").json()["books"][0]
    assert (book["name"], book["chars"], TEXT.startswith(book["opening"])) == ("time_machine", len(TEXT), True)
    said = about(ask, ANN, "estimate", source="time_machine", title="", options=OPTIONS)
    assert said["command"].startswith("python train.py my-book --data time_machine --cell gru")


def test_minutes_out_of_range_are_told_by_what_a_training_here_may_take(ask):
    source = ask(ANN, "POST", "text", TEXT).json()["source"]
    refused = about(ask, ANN, "estimate", source=source, title="", options=OPTIONS | {"minutes": 0})["refused"]
    assert refused["en"] == "A training here may take from 0.1 to 10 minutes, not 0."


def test_one_text_is_always_at_hand_and_its_models_title_is_that_of_the_text(ask, answers):
    book = ask(None, "GET", "state").json()["books"][-1]
    assert book["title"] == {"en": "Python's language reference", "zh": "Python 语言参考手册"}
    asked = {"source": book["name"], "title": "", "options": OPTIONS}
    assert about(ask, ANN, "estimate", **asked)["command"].startswith("python train.py my-book --data python-docs ")
    about(ask, ANN, "start", **asked)
    ((training, _),) = answers.trainings.of(ANN)
    assert (training.text, name_of(training, "zh")) == ("python-docs", "Python 语言参考手册")


@pytest.mark.parametrize(
    "change", [{"form": "d2l"}, {"layers": 10, "hidden": 1024, "minutes": 0.1, "epochs": None}], ids=["form", "part"]
)
def test_the_n_gram_of_an_estimate_has_read_the_text_in_the_form_and_as_far_as_the_model_would(change, answers):
    chance = random.Random(0)
    letters = re.sub("[^a-z ]", "x", TEXT)  # as long in the form d2l, where no capital makes it harder to foretell
    text = "".join(chance.choice((letter, letter.upper())) for letter in letters)
    source = answers.bring(ANN, text.encode())["source"]
    options = [Options(**OPTIONS), Options(**OPTIONS | change)]
    plans = [answers.trainings.estimate(text, one) for one in options]
    assert plans[0].ngram["ppl"] != plans[1].ngram["ppl"]
    assert (plans[0].train_chars == plans[1].train_chars) == ("form" in change)
    for one, plan in zip(options, plans, strict=True):
        assert answers.estimate(ANN, source, "t", one) == estimated(plan, plan.ngram, one, "t")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("第一章\u3000开始", "第一章\u3000开始"),
        ("Bild\u202fschirm\u00a0foto", "Bild\u202fschirm\u00a0foto"),
        ("a \U0001f469\u200d\U0001f4bb book", "a \U0001f469 \U0001f4bb book"),
        ("cut in half \ud83d", "cut in half"),
        ("\n", "text"),
    ],
)
def test_any_name_of_a_file_is_a_title(ask, answers, title, shown):
    source = ask(ANN, "POST", "text", TEXT).json()["source"]
    key = about(ask, ANN, "start", source=source, title=title, options=OPTIONS)["key"]
    ((training, _),) = answers.trainings.of(ANN)
    assert (training.key, training.title) == (key, shown)


def test_where_nobody_may_train_no_text_is_taken_or_counted_in(registry, tmp_path):
    with contextlib.closing(Trainings(0, registry=registry, place=tmp_path)) as trainings:
        answers = Answers(registry, trainings, lambda _: TEXT, local=False)
        asked = {"do": "estimate", "source": "time_machine", "title": "", "options": OPTIONS}
        for act in (
            lambda: answers.bring(ANN, TEXT.encode()),
            lambda: answers.ask(ANN, json.dumps(asked).encode()),
            lambda: answers.ask(ANN, json.dumps(asked | {"do": "start"}).encode()),
        ):
            with pytest.raises(RequestError, match=r"trains no models|does not have this text"):
                act()
        assert not trainings._texts._kept


def test_what_a_text_takes_of_memory_is_its_length_in_bytes(answers):
    text = "x" * 50_000 + "\U0001f600"
    answers.bring(ANN, text.encode())
    (kept,) = answers.trainings._texts._kept.values()
    assert sys.getsizeof(kept) < 51_000 < sys.getsizeof(text)


@pytest.mark.process
def test_a_stream_that_waits_for_a_lock_keeps_nobody_else_waiting(ask, answers):
    start(ask, ANN)

    async def ticks():
        stream, held = events(answers, ANN), threading.Event()
        threading.Thread(target=hold, args=(held,), daemon=True).start()
        await asyncio.to_thread(held.wait)
        first = asyncio.ensure_future(anext(stream))
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert not first.done()
        released.set()
        await first
        await stream.aclose()

    released = threading.Event()

    def hold(held):
        with answers.trainings._changed:
            held.set()
            assert released.wait(WAIT), "the loop that should have gone on waited too"

    run(ticks())


def test_a_text_of_2_mb_fits_into_the_limit_of_a_request_and_a_longer_one_is_refused(ask):
    assert ask(ANN, "POST", "text", "x" * 2_000_000).json()["chars"] == 2_000_000
    assert ask(ANN, "POST", "text", "x" * 2_000_001).status_code == 413


@pytest.mark.parametrize(
    ("body", "why"), [(b"\xff" * 3_000, "training.refused.text"), (b"short", "training.refused.size")]
)
def test_what_is_no_text_is_refused_in_both_languages(ask, body, why):
    said = ask(ANN, "POST", "text", body).json()
    assert said["why"] == why
    assert set(said["refused"]) == {"en", "zh"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("[", "error_request"),
        ([], "error_request"),
        ({}, "error_request"),
        ({"do": "leave"}, "error_request"),
        ({"do": "stop", "key": 1}, "error_request"),
        ({"do": "stop", "key": "x"}, "training.refused.unknown"),
        ({"do": "start", "source": "x", "title": "t", "options": OPTIONS}, "training.refused.gone"),
        ({"do": "start", "source": "x", "title": "t" * 81, "options": OPTIONS}, "error_request"),
        ({"do": "start", "source": "x", "title": "t"}, "error_request"),
        ({"do": "start", "source": "x", "options": OPTIONS | {"more": 1}}, "error_request"),
        ({"do": "start", "source": "x", "options": OPTIONS | {"residual": 1}}, "error_request"),
        ({"do": "start", "source": "x", "options": OPTIONS | {"layers": 11}}, "own.refused.layers"),
        ({"do": "start", "source": "x", "options": OPTIONS | {"cell": []}}, "own.refused.cell"),
        ({"do": "start", "source": "x", "options": OPTIONS | {"minutes": None}}, "training.refused.range"),
    ],
)
def test_requests_are_read_strictly(ask, asked, why):
    assert ask(ANN, "POST", "ask", asked).json()["why"] == why


def test_another_site_is_not_answered_and_other_addresses_are_the_pages(ask):
    for method, path in (("GET", "state"), ("GET", "events"), ("POST", "ask")):
        assert ask(ANN, method, path, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert ask(ANN, "GET", "text").status_code == 404
    assert ask(ANN, "GET", "../").text == "the page"


def test_requests_count_against_the_limit_of_a_minute(ask):
    answers = [ask(ANN, "POST", "ask", {"do": "stop", "key": "x"}).status_code for _ in range(101)]
    assert (set(answers[:100]), answers[100]) == ({200}, 429)


def together(stream):
    """What a page has put together from the messages of a stream, and the messages."""
    found, messages = {}, []

    async def read():
        said = [message.removeprefix("data: ") async for message in stream]
        messages.extend(json.loads(message) for message in said if message.startswith("{"))

    run(read())
    for said in messages:
        for key, change in said.get("trainings", {}).items():
            before = {} if change.pop("anew", False) else found.get(key, {})
            points = {name: before.get(name, []) + change.pop(name, []) for name in ("curve", "losses")}
            found[key] = found.get(key, {}) | change | points
        for key in said.get("gone", ()):
            del found[key]
    return found, messages


@pytest.mark.process
def test_a_stream_tells_only_what_is_new_and_ends_when_nothing_runs(ask, answers):
    key = start(ask, ANN, OPTIONS | {"epochs": 40})
    found, messages = together(events(answers, ANN))
    assert messages[0]["whole"]
    assert messages[-1]["over"]
    assert all("whole" not in one and "over" not in one for one in messages[1:-1])
    (training,) = (one for one, _ in answers.trainings.of(ANN))
    assert training.state == "finished"
    now = answers.news().changed([(training, 0)])["trainings"][key]
    assert found[key].items() >= json.loads(json.dumps(fields(training, 0))).items()
    assert found[key]["curve"] == now["curve"]
    assert len(found[key]["losses"]) == len(training.losses)
    assert (found[key]["model"], found[key]["beside"]) == (training.name, "data-book")
    titles = [one for one in messages if "title" in one.get("trainings", {}).get(key, {})]
    assert len(titles) <= 2, "at the start, and when the process has planned"
    assert ask(BOB, "GET", "state").json()["active"] is False
    assert "trainings" not in ask(BOB, "GET", "state").json()
    assert list(ask(ANN, "GET", "state").json()["trainings"]) == [key]


@pytest.fixture
def training(answers, tmp_path):
    """A training that has reported nothing yet."""
    options = Options(**OPTIONS)
    planned = answers.trainings.estimate(TEXT, options).figures
    return Training(
        key="k", visitor=ANN, title="t", options=options, text="t", source="t", folder=tmp_path, planned=planned
    )


def progress(training, epoch):
    """The training reports that it has come so far; return the point of its loss."""
    rest = {"chars_per_second": 1_000, "seconds_left": 1.0}
    training.hear({"event": "progress", "epoch": epoch, "seconds": 2 * epoch, "loss": 0.0, **rest})
    return [epoch, 2 * epoch, 1.0]


def test_losses_of_a_training_that_goes_on_from_an_earlier_snapshot_are_sent_anew(answers, training):
    news = answers.news()

    def told():
        found = news.changed([(training, 0)])["trainings"]["k"]
        return found.get("anew", False), found["losses"]

    first, second = progress(training, 0.5), progress(training, 1)
    assert told() == (True, [first, second])
    third = progress(training, 1.5)
    assert told() == (False, [third])
    again = progress(training, 0.75)
    assert told() == (True, [first, again])
    last = progress(training, 1.25)
    assert told() == (False, [last])


def test_of_many_losses_some_from_all_over_the_training_are_sent_and_then_each_new_one(answers, training):
    points = [progress(training, epoch) for epoch in range(1, 10 * MOST_LOSSES)]
    news = answers.news()
    sent = news.changed([(training, 0)])["trainings"]["k"]["losses"]
    assert MOST_LOSSES / 2 < len(sent) <= MOST_LOSSES
    assert sent[0] == points[0]
    assert sent[-1] in points[-10:]
    last = progress(training, len(points) + 1)
    assert news.changed([(training, 0)])["trainings"]["k"]["losses"] == [last]


@pytest.mark.process
def test_trainings_are_stopped_resumed_and_removed_by_their_visitor(ask, answers):
    key = start(ask, ANN, OPTIONS | {"epochs": 5_000})
    assert about(ask, BOB, "stop", key=key)["why"] == "training.refused.unknown"
    assert about(ask, ANN, "stop", key=key) == {}
    found, _ = together(events(answers, ANN))
    assert found[key]["state"] == "stopped"
    assert found[key]["reason"]["en"].startswith(("Stopped", "Taken out"))
    assert found[key]["resumable"]
    assert about(ask, ANN, "resume", key=key) == {}
    assert about(ask, ANN, "remove", key=key) == {}
    assert together(events(answers, ANN))[0] == {}


def test_a_text_is_found_beside_its_training_when_it_is_kept_no_more(ask, answers):
    key = start(ask, ANN)
    source = answers.trainings.of(ANN)[0][0].source
    for number in range(MOST_TEXTS):
        answers.trainings.bring(BOB, f"{number} {TEXT}")
    assert answers.trainings.text_of(ANN, source) == TEXT
    about(ask, ANN, "remove", key=key)
    assert about(ask, ANN, "estimate", source=source, title="", options=OPTIONS)["why"] == "training.refused.gone"


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(minutes=3),
        Options(cell="gru", layers=2, residual=False, minutes=0.5),
        Options(hidden=64, residual=True, form="d2l", epochs=12, seed=3),
    ],
)
def test_the_line_for_the_terminal_trains_with_the_same_options(options):
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--seeds", type=int, default=0)
    run_options.add_options(parser)
    own_text.add_options(parser)
    read = vars(parser.parse_args(shlex.split(command(options, "a book.txt"))[3:]))
    assert read["data"] == "a book.txt"
    given = {name: value for name in _OPTIONS - {"seed"} if (value := read[name]) is not None}
    assert Options(**given, seed=read["seeds"]) == options


@pytest.mark.parametrize("name", ["lr", "batch", "window", "max_chars", "prompt"])
def test_what_only_a_command_line_may_ask_for_is_refused(name):
    with pytest.raises(RequestError) as refused:
        _options({"cell": "gru", name: 1}, 10)
    assert refused.value.key == "error_request"


def test_a_visitor_without_trainings_has_an_empty_stream(answers):
    assert together(events(answers, BOB))[1] == [{"whole": True, "over": True}]
