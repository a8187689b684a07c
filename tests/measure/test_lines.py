"""The index of lines of verse: what it finds, what it holds, and that a damaged file is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from deeprnn.measure.lines import LineIndex, filename
from deeprnn.measure.novelty import TextPart
from deeprnn.text.poem_form import BREAK

DEER = "空山不见人，但闻人语响。\n返景入深林，复照青苔上。"
NIGHT = "床前看月光，疑是地上霜。\n举头望山月，低头思故乡。"
LAST = "红豆生南国，秋来发几枝？\n愿君多采撷，此物最相思。"
TITLES = {DEER + BREAK: "王维《鹿柴》", NIGHT + BREAK: "李白《静夜思》", LAST + BREAK: "王维《相思》"}
TEXT = "".join(TITLES)
END = len(TEXT) - len(LAST + BREAK)
SOURCE = TextPart(name="tang_poems", form="full", chars=len(TEXT), sha256="0" * 64, start=0, end=END)


@pytest.fixture
def index():
    return LineIndex.build(SOURCE, TEXT, TITLES)


def test_each_line_is_found_with_its_poem_and_place_wherever_it_stands(index):
    text = "何处望神州，但闻人语响。\n疑是地上霜？人语响。"
    assert [(text[one.start : one.end], one.source) for one in index.found(text)] == [
        ("但闻人语响", "王维《鹿柴》"),
        ("疑是地上霜", "李白《静夜思》"),
    ]


def test_the_part_alone_is_in_it(index):
    assert len(index.hashes) == 8
    assert index.found(LAST) == []
    assert len(index.found(TEXT)) == 8


@pytest.mark.parametrize("text", ["", "，。", "\n\n", "人语响", "空山不见人但闻人语响", "abc"])
def test_what_has_no_known_line_has_none(index, text):
    assert index.found(text) == []


def test_a_line_of_two_poems_is_said_to_be_of_the_first():
    both = TITLES | {(other := NIGHT.replace("低头思故乡", "空山不见人") + BREAK): "无名氏《无题》"}
    text = TEXT + other
    source = TextPart.from_dict(SOURCE.to_dict() | {"chars": len(text), "end": len(text)})
    (line,) = LineIndex.build(source, text, both).found("空山不见人")
    assert line.source == "王维《鹿柴》"


def test_a_poem_without_a_title_is_named():
    with pytest.raises(ValueError, match="1 poems have no title, such as '床前看月光"):
        LineIndex.build(SOURCE, TEXT, {DEER + BREAK: "王维《鹿柴》"})


def test_a_file_is_read_as_it_was_and_is_the_same_each_time(index, tmp_path):
    path = index.save(tmp_path)
    assert path.name == filename(SOURCE) == f"tang_poems.full.0-{END}.lines"
    again = LineIndex.load(path, SOURCE)
    assert again.found(TEXT) == index.found(TEXT)
    assert again.to_bytes() == path.read_bytes() == index.to_bytes()


def test_an_index_of_another_part_is_refused(index, tmp_path):
    path = index.save(tmp_path)
    with pytest.raises(ValueError, match="another version, text or part"):
        LineIndex.load(path, TextPart.from_dict(SOURCE.to_dict() | {"end": END - 1}))


def damaged(path, change):
    """Write the file again with other tensors, and with the head of the present ones."""
    from safetensors import safe_open

    from deeprnn.measure.lines import digest

    with safe_open(path, framework="numpy") as file:
        head = json.loads(file.metadata()["lines"])
    tensors = change(load_file(path))
    save_file(tensors, path, {"lines": json.dumps(head | {"sha256": digest(tensors)})})


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"hashes": t["hashes"][::-1].copy()},
        lambda t: t | {"hashes": t["hashes"][:-1]},
        lambda t: t | {"hashes": t["hashes"].astype(np.int64)},
        lambda t: t | {"poems": t["poems"] + np.uint32(2)},
        lambda t: t | {"titles": t["titles"][:-4]},
        lambda t: t | {"titles": np.zeros(3, np.uint8)},
        lambda t: {key: t[key] for key in ("hashes", "poems")},
        lambda t: t | {"hashes": t["hashes"][:0], "poems": t["poems"][:0]},
    ],
)
def test_a_damaged_file_is_refused_by_its_name(index, tmp_path, change):
    path = index.save(tmp_path)
    damaged(path, change)
    with pytest.raises(ValueError, match="is no index of lines"):
        LineIndex.load(path, SOURCE)


@pytest.mark.parametrize("content", [b"", b"?", b"\0" * 100])
def test_what_is_no_index_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / filename(SOURCE)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no index of lines"):
        LineIndex.load(path, SOURCE)


def test_a_missing_file_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match="is no index of lines"):
        LineIndex.load(tmp_path / filename(SOURCE), SOURCE)
