"""Models of several alphabets on one text: how much of it they do not know, also where the text is not at hand."""

import json
import shutil

import pytest

from deeprnn.commands.serve import text_of
from deeprnn.page.shared import alphabets
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.shared.widgets import alphabets_note
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED


def note(registry, *names, lang="en"):
    return alphabets_note(registry, [registry.infos[name] for name in names], lang)


def at_hand(info):
    if (text := text_of(info)) is None:
        pytest.skip("the text is not on this machine: python train.py data-book downloads it")
    return text


def test_the_question_on_data_says_how_much_of_the_test_text_a_model_does_not_know(registry):
    names = comparisons(registry)["data"].groups["recipe"]
    assert "of its 8,949 characters, 2 at most (0.02%) are unknown" in note(registry, *names)
    assert "共 8,949 个字符，其中任何一个模型不认识的都不超过 2 个（0.02%）" in note(registry, *names, lang="zh")


def test_where_each_model_knows_the_whole_text_that_is_what_is_said(registry):
    assert "every model knows all its 8,949 characters" in note(registry, "data-book", "data-wells-8")


def test_the_shipped_counts_are_those_of_the_text(registry):
    info = registry.infos["data-10k"]
    book = at_hand(info)
    start, end = info.metrics.text.heldout
    unknown = info.vocab.count_unknown(book[start:end])
    assert alphabets.most_unknown(registry, [info]) == (unknown, end - start)


@pytest.fixture
def folder(tmp_path):
    """Two models that read one text in two alphabets, and the counts."""
    for name in ("data-10k", "data-book"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    shutil.copy(SHIPPED / alphabets.FILE, tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", [None, "", "[]", '{"schema": 2, "texts": []}', '{"schema": 1, "texts": [{}]}'])
def test_without_counts_the_alphabets_are_said_to_differ(folder, text):
    (folder / alphabets.FILE).unlink()
    if text is not None:
        (folder / alphabets.FILE).write_text(text)
    said = note(Registry(folder), "data-10k", "data-book")
    assert said.startswith("All have the same held-out text. Their alphabets differ by ")


def test_what_is_shipped_is_counted_again(registry, folder):
    at_hand(registry.infos["data-10k"])
    shipped = json.loads((SHIPPED / alphabets.FILE).read_text(encoding="utf-8"))
    (folder / alphabets.FILE).unlink()
    alphabets.write(folder, text_of)
    assert json.loads((folder / alphabets.FILE).read_text(encoding="utf-8")) == shipped
