"""Comparisons as files, and back: nothing is lost, nothing is believed."""

import csv
import io
import json

import httpx
import pytest

from deeprnn.page import service
from deeprnn.page.compare import beside, cards, export
from deeprnn.page.compare.cards import Board, Card
from deeprnn.page.service import RequestError
from deeprnn.page.shared.components import carried
from tests.conftest import WAIT
from tests.page.server.test_process import answers


@pytest.fixture
def board():
    texts = ('=1+1, "quoted"\nand a ``` fence', "bones and 骨头")
    written = tuple(
        Card(model=name, prompt="the time", text=text, state="finished", speed=12.5, unknown=0)
        for name, text in zip(("note-lstm-2", "few-lstm-2"), texts, strict=True)
    )
    return Board(
        prompt="the time", seed=9, sampling=dict(cards.NUMBERS), cards=written, preset="general", budget="recipe"
    )


def test_json_opens_again_as_it_was(registry, board):
    mime, text = export.export(registry, board, "json")
    assert mime == "application/json"
    assert export.reopen(registry, text) == board
    figures = json.loads(text)["cards"][0]["figures"]
    assert figures["heldout_ppl"] == registry.infos["note-lstm-2"].heldout_ppl
    assert len(figures["nats"]) == len(board.cards[0].text)


def test_csv_has_a_row_a_model_and_no_cell_that_a_spreadsheet_would_run(registry, board):
    _, text = export.export(registry, board, "csv")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["model"] for row in rows] == ["note-lstm-2", "few-lstm-2"]
    assert [row["text"] for row in rows] == ["'" + board.cards[0].text, board.cards[1].text]
    assert float(rows[1]["heldout_ppl"]) == registry.infos["few-lstm-2"].heldout_ppl


def test_csv_says_that_it_is_utf_8_so_that_excel_keeps_its_chinese(registry, board):
    assert export.export(registry, board, "csv")[1].encode().startswith(b"\xef\xbb\xbfmodel,title,")


def test_the_largest_comparison_opens_again(registry):
    names = [name for name, info in registry.infos.items() if info.vocab.form == "full"][:6]
    written = tuple(Card(model=name, prompt="The ", text='abc\n"' * 1_600, state="finished") for name in names)
    largest = Board(prompt="The ", seed=7, sampling=dict(cards.NUMBERS), cards=written)
    assert export.reopen(registry, export.export(registry, largest, "json")[1]).cards == written


def test_markdown_fences_what_holds_fences(registry, board):
    _, text = export.export(registry, board, "md")
    assert "| LSTM × 2 residual · 10,000 characters | `few-lstm-2` |" in text
    assert "````\nthe time⟶=1+1" in text


def test_markdown_is_in_the_readers_language(registry, board):
    head = "随机种子 9，温度 0.8，top-k 0，top-p 1，长度 300\n\n| 模型 | 名称 | 训练困惑度 | 留出文本困惑度 |"
    assert export.export(registry, board, "md", "zh")[1].startswith(head)
    served = beside.exported(registry, {"kind": "md", "value": cards.draw(registry, board), "lang": "zh"})
    assert served["text"].startswith(head)


def test_another_kind_of_file_is_refused(registry, board):
    with pytest.raises(RequestError):
        export.export(registry, board, "exe")


def changed(registry, board, **changes):
    value = json.loads(export.export(registry, board, "json")[1])
    value["cards"][0] |= changes.pop("card", {})
    return json.dumps(value | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"card": {"model": "nobody"}},
        {"card": {"text": "a" * 9_000}},
        {"card": {"text": "half \ud83d"}},
        {"card": {"state": "asleep"}},
        {"card": {"speed": "fast"}},
        {"prompt": 3},
        {"seed": -1},
        {"seed": 1e400},
        {"sampling": {}},
        {"cards": 7},
        {"cards": []} | {"sampling": None},
    ],
)
def test_a_file_that_nobody_saved_here_is_refused_with_the_remedy(registry, board, changes):
    with pytest.raises(RequestError, match="Choose a JSON file"):
        export.reopen(registry, changed(registry, board, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, None, "1" * 2_100_000])
def test_what_is_no_such_json_is_refused(registry, text):
    with pytest.raises(RequestError):
        export.reopen(registry, text)


@pytest.mark.parametrize("budget", [[], {}, 10**400, None])
def test_a_file_with_whatever_for_a_budget_opens_without_its_question(registry, board, budget):
    _, text = export.export(registry, board, "json")
    again = export.reopen(registry, json.dumps(json.loads(text) | {"budget": budget}))
    assert (again.preset, again.budget, again.names) == (None, None, board.names)


def test_an_unknown_question_in_a_file_is_passed_over(registry, board):
    again = export.reopen(registry, changed(registry, board, preset="nobody"))
    assert (again.preset, again.budget, again.cards) == (None, None, board.cards)


def test_the_largest_comparison_is_opened_over_http_and_going_on_is_refused_by_its_length(registry, url):
    """Six texts as long as they get, of letters that take most room in JSON in JSON, within what a request may hold."""
    names = [name for name, info in registry.infos.items() if info.vocab.form == "full"][:6]
    text = ('好"\n\\' * service.MAX_WRITTEN_CHARS)[: service.MAX_WRITTEN_CHARS]
    prompt = "好" * service.MAX_PROMPT_CHARS
    written = tuple(Card(model=name, prompt=prompt, text=text, state="finished") for name in names)
    largest = Board(prompt=prompt, seed=7, sampling=dict(cards.NUMBERS), cards=written)
    value = json.loads(export.export(registry, largest, "json")[1])
    for card in value["cards"]:
        del card["figures"]  # as cards.js does
    with httpx.Client(timeout=WAIT) as client:
        page = client.get(f"{url}config").json()
        elements = {one["props"].get("elem_id"): one["id"] for one in page["components"]}

        def asks(element, event):
            return next(one for one in page["dependencies"] if [elements[element], event] in one["targets"])

        opens, goes_on = asks("board", "upload"), asks("continue", "click")
        opening = {"data": [""] * len(opens["inputs"]), "fn_index": opens["id"], "trigger_id": elements["board"]}
        opening["data"][0] = "English"
        opening["event_data"] = {"text": json.dumps(value, ensure_ascii=False)}
        ((_, opened, said),) = answers(url.rstrip("/"), client, [opening], "opens")
        assert opened is True, said
        drawn = carried(cards.draw(registry, largest))
        going = {"data": ["English", drawn, 1], "fn_index": goes_on["id"], "trigger_id": elements["continue"]}
        ((_, _, said),) = answers(url.rstrip("/"), client, [going], "goes-on")
        assert f"{service.MAX_WRITTEN_CHARS:,}" in said or str(service.MAX_WRITTEN_CHARS) in said, said
