import re
import string

import pytest

from deeprnn.ui.text import STRINGS, tr
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
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "deeprnn/ui").glob("*.py") if path.name != "text.py")
    quoted = set(re.findall(r"""["']([a-z_]+)["']""", source))
    started = tuple(re.findall(r"""f["']([a-z_]+_)\{""", source))  # keys that are put together
    assert {key for key in STRINGS if not key.startswith(started)} - quoted == set()
    assert set(re.findall(r"""tr\(["']([a-z_]+)["']""", source)) - set(STRINGS) == set()


def test_places_are_filled():
    assert tr("error_models_many", "zh", most=6, n=9) == "最多选择 6 个模型，现在是 9 个。"
