"""The words of the page: each in both languages, each of them used, and none missing that is asked for."""

import ast
import re
import string
from typing import get_args

import pytest
import torch

from deeprnn.config import Form
from deeprnn.experiments.question import Budget, Highlight
from deeprnn.experiments.words import WORDS as OF_QUESTIONS
from deeprnn.nn.cells import CELLS
from deeprnn.page.compare.cards import NUMBERS, Reading, State
from deeprnn.page.learn.view import EXERCISES, lesson
from deeprnn.page.links import VIEWS
from deeprnn.page.score.examples import EXAMPLES, REAL
from deeprnn.page.shared.picker import FILTERS
from deeprnn.page.shared.poems import FREE, SHAPES
from deeprnn.page.shared.widgets import Joined, book, millions
from deeprnn.page.watch.moments import Story
from deeprnn.page.words import FILES, WORDS, tr
from deeprnn.text import python_docs
from deeprnn.text.catalogue import catalogue
from deeprnn.text.poem_form import REASONS
from deeprnn.words import Words
from tests.conftest import ROOT

PAGE = ROOT / "deeprnn/page"
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted(PAGE.rglob("*.py")))


def keys(*names):
    return {".".join(name) for name in names}


@pytest.fixture(scope="module")
def asked_by_name(registry):
    """The tables from which the page takes a word by the name of something, and the names of all such things."""
    ends = {"one", "even", "most"}
    return {
        "author": {entry.author for entry in catalogue().values()},
        "book": {*catalogue(), python_docs.NAME},
        "checkpoints.form": set(get_args(Form)),
        "checkpoints.part": {part for info in registry.infos.values() for part in info.metrics.final},
        "compare.quality": {"repetition", "distinct", "words"},
        "compare.reading": set(get_args(Reading)),
        "compare.shapes": {FREE, *SHAPES},
        "compare.state": {"recorded_after", *get_args(State)} - {"broken"},
        "equal": set(get_args(Budget)),
        "error_poem": set(REASONS),
        "field": {"prompt", "seed", *NUMBERS},
        "filter": set(FILTERS),
        "inside.say.change": ends,
        "inside.say.echo": ends,
        "inside.say.keep": ends,
        "learn.exercise": set(EXERCISES),
        "learn.fold": keys(*((fold, part) for fold in ("cells", "code") for part in ("title", "text"))),
        "learn.term": keys(
            *((term, part) for term in lesson(registry, "en")["glossary"] for part in ("name", "means"))
        ),
        "learn.section": keys(
            *((one["key"], part) for one in lesson(registry, "en")["sections"] for part in ("title", "text"))
        ),
        "learn.short": {"mistake", "ppl"},
        "score.about": set(EXAMPLES),
        "score.example": {*EXAMPLES, *REAL},
        "score.row": set(re.findall(r'_row\("(\w+)"', SOURCES)),
        "tab": set(VIEWS),
        "training.failed": {"diverged", "memory", "disk", "refused", "killed", "crashed"},
        "watch.story": set(get_args(Story)),
        "wiring": set(get_args(Joined)),
    }


# Tables that the scripts of a folder are given whole: the names in it that they put together.
GIVEN = {
    "chart": set(),
    "checkpoints.label": set(),
    "compare.label": {f"lens_{name}" for name in get_args(Highlight)},
    "compare.live": set(),
    "experiments.label": set(),
    "fetched": set(),
    "foot": set(),
    "inside.label": {"units"}
    | {
        f"gate_{letter}"
        for cell in CELLS.values()
        for letter in cell(1, 1).gates(torch.zeros(cell.num_gates), torch.zeros(1))
        if letter != cell.candidate
    },
    "learn.label": {f"{name}{part}" for name in ("right", "residual", "wrong") for part in ("", "_note")} | {"copy"},
    "training.label": {"stop", "resume", "keep"},
    "score.label": {"best", "best_sure", "only", "only_sure", "waiting", "stopped"},
    "watch.label": {"at_epoch", "at_chars", "at_seconds", "drawn", "greedy"},
}
# Tables that are shown whole, in their order, and those by gradio's names.
SHOWN = (
    *("checkpoints.column", "checkpoints.fact", "checkpoints.measured", "learn.shape", "learn.shape_head"),
    *("compare.form", "named", "gradio"),
)


def members(name):
    return {key.removeprefix(f"{name}.") for key in WORDS if key.startswith(f"{name}.")}


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_it_with_the_same_places(key):
    assert all(said.strip() for said in WORDS[key].values())
    assert len({frozenset(places(said)) for said in WORDS[key].values()}) == 1


def test_every_table_has_a_word_for_everything_it_is_asked_for_and_no_other(asked_by_name):
    assert {name: members(name) for name in asked_by_name} == asked_by_name


@pytest.mark.parametrize("name", GIVEN)
def test_scripts_use_each_word_that_they_are_given(name):
    folder = PAGE / ("shared" if name in ("chart", "fetched", "foot") else name.split(".")[0])
    scripts = "\n".join(path.read_text("utf-8") for path in folder.glob("*.js"))
    assert members(name) - set(re.findall(r"\blabels\.(\w+)", scripts)) == GIVEN[name]


def test_every_word_is_used_and_every_used_word_exists(asked_by_name):
    """A key is written out in the code, or belongs to a table of which another test says that all of it is used.

    So do the words of questions: see tests/experiments/test_words.py.
    """
    tables = tuple(f"{name}." for name in (*asked_by_name, *GIVEN, *SHOWN))
    tree = ast.walk(ast.parse(SOURCES))
    written = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {key for key in WORDS if key not in OF_QUESTIONS and not key.startswith(tables)} - written == set()
    assert set(re.findall(r"""\b(?:tr|RequestError)\(["']([\w.]+)["']""", SOURCES)) - set(WORDS) == set()
    assert set(re.findall(r"""\btable\(["']([\w.]+)["']""", SOURCES)) <= {*asked_by_name, *GIVEN, *SHOWN}
    started = set(re.findall(r"""\bf["']([a-z_]+(?:\.[a-z_]+)*)\.\{""", SOURCES))
    tables = {name for key in asked_by_name for name in (key, key.rpartition(".")[0])}
    assert started - {"deeprnn"} <= tables, "all but where the scripts are"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[a]\nen = "A"', "'a' must be said in each of"),
        ('[a.b]\nen = "A"\nzh = "甲"\nfr = "A"', "'a.b' must be said in each of"),
        ('[a]\nen = "A"\nzh = 1', "'a' must be said in each of"),
        ("a = 1", "'a' must be a table"),
        ("[a", "Expected"),
    ],
)
def test_a_file_of_words_is_read_strictly(tmp_path, text, wrong):
    (tmp_path / "words.toml").write_text(text)
    with pytest.raises(ValueError, match=wrong):
        Words.read(tmp_path / "words.toml")


def test_no_two_files_say_something_by_one_key():
    assert len(WORDS) == sum(map(len, FILES))


def test_places_are_filled():
    assert tr("error_models_many", "zh", most=6, n=9) == "最多选择 6 个模型，现在是 9 个。"


HAN = "[\u4e00-\u9fff]"
SAID = {key: said["zh"] for key, said in WORDS.items()}
# The same in both languages.
LATIN = {"chart.svg", "chart.png", "chart.csv", "score.label.two_a", "score.label.two_b", "checkpoints.form.d2l"} | {
    "foot.chapter_address"
}


@pytest.mark.parametrize("key", SAID)
def test_chinese_is_written_in_chinese_with_its_own_punctuation_and_one_word_for_a_thing(key):
    said = SAID[key]
    assert key in LATIN or re.search(HAN, re.sub(r"\{.*?\}", "", said)) or "{" in said
    assert not re.search(rf"{HAN}[,.;:!?]|[,;]\s*{HAN}|[。，；：] +{HAN}", said)
    assert not re.search(
        r"乱猜|未见过|没见过的|新文本|随机失活|字母表|(?<!迭代)周期|\bnats\b|6-gram|one-hot|百万(?!分之)", said
    )
    if not key.startswith("inside."):
        assert not re.search(r"上一层|下一层|上层", said) or key == "scratch.method"


def test_numbers_are_counted_as_a_language_counts():
    assert (millions(490_119, "en"), millions(490_119, "zh")) == ("0.49 M", "49 万")
    assert book("time_machine", "zh") == "《时间机器》"
