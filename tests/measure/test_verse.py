"""The form of poems: real ones that keep or break each rule, and changes to them that break just one."""

import dataclasses
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.measure.verse import (
    SHAPES,
    Known,
    common_rhymes,
    count,
    keeps_tones,
    patterns,
    split_lines,
    variants,
)
from deeprnn.text.corpora import load_corpus
from deeprnn.text.poem_form import BREAK
from deeprnn.text.rhymes import LEVEL, OBLIQUE, is_level, rhymes, tones

OUTSIDE_DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it
NOTHING = Known.of([])
# 登鹳雀楼 (王之涣), 早发白帝城 (李白), 春望 and 登高 (杜甫)
STORKS = "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。"
BAIDI = "朝辞白帝彩云间，千里江陵一日还。\n两岸猿声啼不住，轻舟已过万重山。"
SPRING = "国破山河在，城春草木深。\n感时花溅泪，恨别鸟惊心。\n烽火连三月，家书抵万金。\n白头搔更短，浑欲不胜簪。"
CLIMB = (
    "风急天高猿啸哀，渚清沙白鸟飞回。\n无边落木萧萧下，不尽长江滚滚来。\n"
    "万里悲秋常作客，百年多病独登台。\n艰难苦恨繁霜鬓，潦倒新停浊酒杯。"
)
SKY = (  # 天末怀李白 (杜甫): 凉风起天末 is 平平仄平仄
    "凉风起天末，君子意如何。\n鸿雁几时到，江湖秋水多。\n文章憎命达，魑魅喜人过。\n应共冤魂语，投诗赠汨罗。"
)
REGULATED = {"storks": STORKS, "baidi": BAIDI, "spring": SPRING, "climb": CLIMB, "sky": SKY}
NIGHT = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"  # 静夜思 (李白), an old-style quatrain
DAWN = "春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。"  # 春晓 (孟浩然) rhymes in the oblique tone
RULES = ("one_length", "four_or_eight", "marked", "shaped", "rhymed", "rhymed_level", "toned", "regulated")


def kept(poem):
    """The rules that a single poem keeps."""
    found = count([poem], NOTHING)
    return {name for name in RULES if getattr(found, name).kept}


@pytest.mark.parametrize("poem", REGULATED.values(), ids=REGULATED)
def test_a_regulated_poem_keeps_every_rule(poem):
    found = count([poem], NOTHING)
    assert kept(poem) == set(RULES)
    for lines in (found.couplets_rhymed, found.lines_alternating, found.couplets_opposed, found.couplets_joined):
        assert lines.kept == lines.of > 0


def test_an_old_style_quatrain_rhymes_and_breaks_the_tones():
    assert kept(NIGHT) == set(RULES) - {"toned", "regulated"}
    assert common_rhymes([line for line, _ in split_lines(NIGHT)]) == {"下平声七阳"}
    assert patterns("疑是地上霜") == patterns("低头思故乡") - {LEVEL} == set()


def test_a_poem_that_rhymes_in_the_oblique_tone_is_not_regulated():
    assert kept(DAWN) == set(RULES) - {"rhymed_level", "toned", "regulated"}


FORM = ("one_length", "four_or_eight", "marked", "shaped")
CHANGES = {  # to 登鹳雀楼 or 春望: what then is kept no more
    "a character more": (STORKS, "白日", "白白日", {"one_length"}),
    "a character less": (STORKS, "千里目", "千目", {"one_length"}),
    "a couplet less": (SPRING, "烽火连三月，家书抵万金。\n", "", {"four_or_eight"}),
    "a line less": (STORKS, "欲穷千里目，", "", {"four_or_eight", "marked"}),
    "marks swapped": (STORKS, "尽，黄河入海流。", "尽。黄河入海流，", {"marked"}),
    "another mark": (STORKS, "楼。", "楼？", {"marked"}),
    "no mark at the end": (STORKS, "楼。", "楼", {"marked"}),
    "a mark twice": (STORKS, "楼。", "楼。。", {"one_length", "four_or_eight", "marked"}),
}


@pytest.mark.parametrize(("poem", "old", "new", "broken"), CHANGES.values(), ids=CHANGES)
def test_one_change_of_shape_breaks_the_rule_of_that_and_no_other(poem, old, new, broken):
    assert poem.count(old) == 1
    assert kept(poem.replace(old, new)) == set(FORM) - broken - {"shaped"}


SOUND_CHANGES = {
    "another rhyme": ("层楼", "层台", {"rhymed", "rhymed_level", "regulated"}),
    "an oblique end": ("海流", "海去", {"rhymed", "rhymed_level", "regulated"}),
    "the same end twice": ("层楼", "层流", {"rhymed", "rhymed_level", "regulated"}),
    "a level end of the third line": ("里目", "里天", {"regulated"}),
    "character 2 in the wrong tone": ("白日", "白云", {"toned", "regulated"}),
    "character 4 in the wrong tone": ("一层", "一日", {"toned", "regulated"}),
    "couplets that do not join": ("欲穷千里目，更上一层楼", "更上一层目，欲穷千里楼", {"toned", "regulated"}),
}


@pytest.mark.parametrize(("old", "new", "broken"), SOUND_CHANGES.values(), ids=SOUND_CHANGES)
def test_one_change_of_sound_breaks_the_rule_of_that_and_no_other(old, new, broken):
    assert STORKS.count(old) == 1
    assert kept(STORKS.replace(old, new)) == set(RULES) - broken


@pytest.mark.parametrize(("old", "new"), [("白日", "红日"), ("依山", "沉山"), ("尽，", "落，")])
def test_characters_1_and_3_and_the_end_of_the_first_line_are_free(old, new):
    assert kept(STORKS.replace(old, new)) == set(RULES)


def test_neighbours_are_counted_by_what_they_break():
    """Lines are opposed within a couplet, and joined where two meet."""
    level_first, oblique_first = "黄河入海流", "白日依山尽"

    def found(*lines):
        one = count(["，".join(lines)], NOTHING)
        return [(c.kept, c.of) for c in (one.couplets_opposed, one.couplets_joined)]

    assert found(oblique_first, level_first) == [(1, 1), (0, 0)]
    assert found(level_first, level_first) == [(0, 1), (0, 0)]
    assert found(oblique_first, level_first, level_first, oblique_first) == [(2, 2), (1, 1)]
    assert found(oblique_first, level_first, oblique_first, level_first) == [(2, 2), (0, 1)]
    assert found(oblique_first, "风急天高猿啸哀") == [(0, 0), (0, 0)], "lines of two lengths are no couplet"
    assert found("疑是地上霜", level_first) == [(0, 1), (0, 0)], "a line that does not alternate is opposed to none"


def test_a_line_of_seven_alternates_at_three_places():
    assert patterns("两岸猿声啼不住") == {OBLIQUE}
    assert patterns("两岸猿声啼时住") == set()
    assert patterns("两岸猿日啼不住") == set()
    assert patterns("两时猿声啼不住") == set()


def test_the_permitted_exception_holds_for_the_whole_end_of_a_line():
    assert patterns("凉人起天末") == {LEVEL}
    assert patterns("人人凉人起天末") == set(), "character 2 is level, too"
    assert patterns("人在凉人起天末") == {OBLIQUE}
    for other in ("凉人起天高", "凉人天天末", "落人起天末"):
        assert patterns(other) == set()


def test_a_character_with_two_readings_keeps_a_rule_by_either():
    assert tones("看") == {LEVEL, OBLIQUE}
    assert "上平声十四寒" in rhymes()["看"]
    assert patterns("白看依山尽") == patterns("白日依山尽")
    assert patterns("黄看入海流") == patterns("黄河入海流")


def test_a_character_that_the_table_lacks_keeps_no_rule():
    assert tones("☃") == common_rhymes(["", "☃", "", "☂"]) == set()
    assert kept(STORKS.replace("层楼", "层☃")) == set(RULES) - {"rhymed", "rhymed_level", "regulated"}
    assert not keeps_tones(["白☃依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"])


def test_the_table_has_106_rhymes_30_of_them_level_and_each_holds_the_character_that_names_it():
    names = set().union(*rhymes().values())
    assert len(names) == 106
    assert sum(map(is_level, names)) == 30
    assert {name for name in names if name not in rhymes().get(name[-1], {name})} == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [("东", "冬"), ("江", "阳"), ("鱼", "虞"), ("真", "文"), ("寒", "删"), ("萧", "豪"), ("庚", "青"), ("麻", "佳")],
)
def test_neighbouring_rhymes_are_two(one, other):
    assert common_rhymes(["", one, "", other]) == set()


@pytest.mark.parametrize(
    ("poem", "lines"),
    [
        ("", []),
        ("\n\n", []),
        ("春。", [("春", "。")]),
        ("春", [("春", "")]),
        ("春\n夏，秋", [("春", ""), ("夏", "，"), ("秋", "")]),
        ("\n春，\n夏。\n", [("春", "，"), ("夏", "。")]),
        ("春，，夏", [("春", "，"), ("", "，"), ("夏", "")]),
    ],
)
def test_any_text_is_split_into_lines_and_marks(poem, lines):
    assert split_lines(poem) == lines


def test_no_text_is_no_poem_that_could_be_copied():
    known = Known.of([STORKS, "", "\n"])
    assert len(known.poems) == 1
    assert count(["", STORKS], known).poems_copied.kept == 1


def test_what_stands_in_the_training_text_is_counted_by_poem_and_by_line():
    known = Known.of([STORKS, CLIMB])
    mixed = STORKS.split("\n")[0] + NIGHT.split("\n")[1]
    found = count([STORKS, mixed, NIGHT, STORKS.replace("楼", "台")], known)
    assert (found.poems_copied.kept, found.poems_copied.of) == (1, 4)
    assert (found.lines_copied.kept, found.lines_copied.of) == (4 + 2 + 0 + 3, 16)
    assert count([STORKS.replace("，", "。")], known).poems_copied.kept == 1, "words, not marks"


def test_repetition_is_counted_within_a_poem():
    twice = NIGHT.replace("低头思故乡", "举头望明月")
    found = count([NIGHT, twice], NOTHING)
    assert (found.repeating_a_line.kept, found.repeating_a_line.of) == (1, 2)
    once, again = len("明月头"), len("明月") + len("举头望明月")
    assert (found.characters_repeated.kept, found.characters_repeated.of) == (once + again, 40)


def test_different_characters_are_counted_in_windows_of_a_thousand():
    assert count([STORKS] * 49, NOTHING).distinct_characters is None
    assert count([STORKS] * 50, NOTHING).distinct_characters == len(set(STORKS) - set("，。\n"))
    varied = ["".join(map(chr, range(0x4E00 + 20 * i, 0x4E00 + 20 * i + 20))) for i in range(120)]
    assert count(varied, NOTHING).distinct_characters == 1_000


def test_the_shapes_of_poems_are_counted():
    found = count([*REGULATED.values(), NIGHT, STORKS + STORKS + STORKS], NOTHING)
    assert dict(zip(SHAPES, found.shapes, strict=True)) == {(5, 4): 2, (5, 8): 2, (7, 4): 1, (7, 8): 1}
    assert (found.shaped.kept, found.shaped.of) == (6, 7)


def test_a_variant_shares_at_least_half_of_its_lines_with_one_training_poem():
    training = Known.of([STORKS, NIGHT, SPRING])
    half = "白日依山尽，黄河入海流。\n春眠不觉晓，处处闻啼鸟。"
    of_two = "白日依山尽，疑是地上霜。\n春眠不觉晓，处处闻啼鸟。"  # a line each of two poems
    twice = "白日依山尽，白日依山尽。\n春眠不觉晓，处处闻啼鸟。"
    found = variants([STORKS, half, of_two, twice, DAWN], training)
    assert (found.kept, found.of) == (2, 5)


def test_no_poems_and_an_empty_poem_have_no_form():
    found = count([], NOTHING)
    assert {getattr(found, field.name).of for field in dataclasses.fields(found)[:-2]} == {0}
    assert kept("") == kept("\n") == set()


@given(st.lists(st.text("风月山水日云去来上下看，。？\nab☃", max_size=60), max_size=8), st.randoms())
def test_of_any_texts_no_more_keep_a_rule_than_there_are_and_their_order_is_the_same(poems, chance):
    found = count(poems, Known.of(poems[:3]))
    counts = [getattr(found, field.name) for field in dataclasses.fields(found)[:-2]]
    assert all(0 <= one.kept <= one.of for one in counts)
    assert found.shaped.of == len(poems)
    assert found.regulated.kept <= min(found.toned.kept, found.rhymed_level.kept) <= found.shaped.kept == found.toned.of
    known = Known.of(poems[:3])
    chance.shuffle(poems)
    assert count(poems, known) == found


@pytest.mark.skipif(
    not (OUTSIDE_DATA and (Path(OUTSIDE_DATA) / "tang").is_dir()), reason="DEEPRNN_DATA names no folder with the poems"
)
def test_real_poems_rhyme_and_those_that_keep_the_tones_nearly_always(monkeypatch):
    """If the table of rhymes were wrong they would not: random lines rhyme in 3 of 100 quatrains."""
    monkeypatch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
    poems = load_corpus("tang_poems", "full").text.split(BREAK)[-4_000:-1]
    lines = [[line for line, _ in split_lines(poem)] for poem in poems]
    toned = [poem for poem in lines if keeps_tones(poem)]
    found = count(poems, NOTHING)
    assert found.shaped.kept / found.shaped.of > 0.99
    assert found.rhymed.kept / found.rhymed.of > 0.94
    assert found.lines_alternating.kept / found.lines_alternating.of > 0.96
    assert sum(bool(common_rhymes(poem)) for poem in toned) / len(toned) > 0.975
    assert len(toned) / len(lines) > 0.79
    used = [character for poem in lines for line in poem for character in line]
    assert sum(character in rhymes() for character in used) / len(used) > 0.998
