"""Poems as a text; `tests/text/test_corpora.py` has what is in the catalogue."""

import os
from pathlib import Path

import pytest
import torch

from deeprnn.experiments.recipes import modern_training
from deeprnn.text.corpora import load_corpus
from deeprnn.text.poem_form import BREAK
from deeprnn.text.poems import as_text, titles, verses
from deeprnn.text.splits import prepare

FOUR = "秦川雄帝宅，函谷壯皇居。綺殿千尋起，離宮百雉餘。"
OUTSIDE_DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it


def poem(first, shape=(5, 4)):
    """A poem with this first line."""
    length, lines = shape
    return first + "，" + ("春" * length + "。") * (lines - 1)


def file(*poems):
    return [
        {"paragraphs": [one[: len(one) // 2], one[len(one) // 2 :]], "title": "無", "author": "無"} for one in poems
    ]


@pytest.mark.parametrize("shape", [(5, 4), (5, 8), (7, 4), (7, 8)])
def test_a_regulated_poem_has_four_or_eight_lines_of_five_or_seven_characters(shape):
    assert [len(line) for line in verses(poem("山" * shape[0], shape))] == [shape[0]] * shape[1]


@pytest.mark.parametrize(
    "other",
    [
        "",
        FOUR[:-1],  # a line without its mark
        FOUR + "綺殿千尋起，",
        FOUR.replace("秦", "秦秦"),
        FOUR.replace("秦", "□"),
        FOUR.replace("秦", "\ue829"),
        FOUR.replace("秦", "a"),
        "綺殿千尋起，離宮百雉餘。" + "綺殿千尋起入山，離宮百雉餘入山。",
        poem("山" * 6, (6, 4)),
        poem("山" * 5, (5, 6)),
    ],
)
def test_what_has_another_shape_is_no_regulated_poem(other):
    assert verses(other) is None
    assert as_text([file(other, FOUR)]) == as_text([file(FOUR)])


def test_a_poem_is_simplified_and_printed_with_two_lines_of_verse_on_a_line():
    assert as_text([file(FOUR)]) == "秦川雄帝宅，函谷壮皇居。\n绮殿千寻起，离宫百雉余。" + BREAK


def test_the_order_of_files_and_poems_makes_no_difference_and_each_poem_is_there_once():
    poems = [poem(first * 5) for first in "山水風雲月日"]
    text = as_text([file(*poems)])
    assert text == as_text([file(*poems[3:]), file(*poems[::-1])])
    assert text.count(BREAK) == len(poems)
    assert text != as_text([file(*poems[:1])]) + as_text([file(*poems[1:])])  # they are not in the order of the files


def test_poems_that_share_their_first_line_are_at_the_start_beside_each_other():
    alone = [poem(first * 5) for first in "山水風雲月日"]
    shared = [poem("人" * 5), poem("人" * 5).replace("春", "秋")]
    found = as_text([file(*alone, *shared)]).split(BREAK)
    assert sorted(one[:5] for one in found[:2]) == ["人" * 5] * 2


def test_each_poem_of_the_text_has_its_author_and_title_simplified():
    poems = [poem(first * 5) for first in "山水風雲月日"]
    files = [[{"paragraphs": [one], "author": "王維", "title": f"詩\n {n}"}] for n, one in enumerate([*poems, "春。"])]
    found = titles(files)
    assert sorted(found.values()) == [f"王维《诗 {n}》" for n in range(len(poems))]
    assert set(found) == {one + BREAK for one in as_text(files).split(BREAK)[:-1]}
    again = [{"paragraphs": [poems[0]], "author": "無", "title": "無"}]
    assert titles([*files, again]) == found, "of poems that are there twice the first title is kept"
    with pytest.raises(ValueError, match="authors and titles"):
        titles([[{"paragraphs": [FOUR], "author": "王維"}]])


def test_what_is_no_list_of_poems_is_refused():
    with pytest.raises(ValueError, match="poems"):
        as_text([{"title": "無"}])


@pytest.mark.skipif(
    not (OUTSIDE_DATA and (Path(OUTSIDE_DATA) / "tang").is_dir()), reason="DEEPRNN_DATA names no folder with the poems"
)
def test_the_poems_of_the_tang_are_36299_and_no_part_cuts_one_or_shares_a_first_line(monkeypatch):
    monkeypatch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
    corpus = load_corpus("tang_poems", "full")
    assert corpus.sha256 == "e7867af80496739526e91a57f465ca7ae25d28969eeb4bfeb414f75919e46ade"
    poems = corpus.text.split(BREAK)[:-1]
    assert len(poems) == 36_299
    assert all(verses(one.replace("\n", "")) for one in poems)
    (source,) = prepare(modern_training("tang_poems", 1, min_count=10), torch.device("cpu")).sources
    parts = [source.cut(part) for part in ("train", "val", "test")]
    assert "".join(parts) == corpus.text
    whole = [{one.split("，")[0] for one in part.split(BREAK)[:-1]} for part in parts]
    assert all(part.endswith(BREAK) for part in parts)
    assert not whole[0] & (whole[1] | whole[2])
    assert not whole[1] & whole[2]
