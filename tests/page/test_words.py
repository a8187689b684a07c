import re
import string

import pytest

from deeprnn.experiments import findings
from deeprnn.page.shared.widgets import book, millions
from deeprnn.page.words import BOOKS, STRINGS, tr
from tests.conftest import ROOT


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", STRINGS)
def test_both_languages_say_it_with_the_same_places(key):
    english, chinese = STRINGS[key]
    assert english.strip()
    assert chinese.strip()
    assert places(english) == places(chinese)


def test_every_string_is_used_and_every_used_string_exists():
    source = "\n".join(
        path.read_text("utf-8") for path in (ROOT / "deeprnn/page").rglob("*.py") if path.name != "words.py"
    )
    quoted = set(re.findall(r"""["']([a-z_]+)["']""", source))
    started = tuple(re.findall(r"""f["']([a-z_]+_)\{""", source))  # keys that are put together
    assert {key for key in STRINGS if not key.startswith(started)} - quoted == set()
    assert set(re.findall(r"""tr\(["']([a-z_]+)["']""", source)) - set(STRINGS) == set()


def test_places_are_filled():
    assert tr("error_models_many", "zh", most=6, n=9) == "最多选择 6 个模型，现在是 9 个。"


HAN = "[\u4e00-\u9fff]"
SAID = {
    key: chinese for key, (_, chinese) in (STRINGS | {f"book_{name}": pair for name, pair in BOOKS.items()}).items()
}
SAID |= {f"answer_{key}": chinese for key, (_, chinese) in findings.SENTENCES.items()}
LATIN = {"exp_label_svg", "exp_label_png", "exp_label_csv", "two_a", "two_b", "form_d2l"}  # the same in both languages


@pytest.mark.parametrize("key", SAID)
def test_chinese_is_written_in_chinese_with_its_own_punctuation_and_one_word_for_a_thing(key):
    said = SAID[key]
    assert key in LATIN or re.search(HAN, re.sub(r"\{.*?\}", "", said)) or "{" in said
    assert not re.search(rf"{HAN}[,.;:!?]|[,;]\s*{HAN}|[。，；：]\s+{HAN}", said)
    assert not re.search(
        r"乱猜|未见过|没见过的|新文本|随机失活|字母表|(?<!迭代)周期|\bnats\b|6-gram|one-hot|百万(?!分之)", said
    )
    if not key.startswith("in_"):
        assert not re.search(r"上一层|下一层|上层", said) or key == "exp_scratch_method"


def test_numbers_are_counted_as_a_language_counts():
    assert (millions(490_119, "en"), millions(490_119, "zh")) == ("0.49 M", "49 万")
    assert book("time_machine", "zh") == "《时间机器》"
