import pytest

from deeprnn.text.poem_form import BREAK, RHYME, VERSE, PoemForm, PoemFormError
from deeprnn.text.poems import as_text
from deeprnn.text.rhymes import LEVEL, OBLIQUE, tones


def printed(form, written="春"):
    return "".join(place or written for place in form.places())


@pytest.mark.parametrize("line_chars", [5, 7])
@pytest.mark.parametrize("lines", [4, 8])
def test_a_form_is_printed_as_the_poems_of_the_text_are(line_chars, lines):
    poem = ("春" * line_chars + "，" + "春" * line_chars + "。") * (lines // 2)
    assert printed(PoemForm(line_chars=line_chars, lines=lines)) + BREAK == as_text([[{"paragraphs": [poem]}]])


def test_first_words_go_on_in_the_next_lines_and_their_marks_and_spaces_are_left_out():
    form = PoemForm(opening=" 床前看月光，疑是 地上霜。\n举头")
    assert printed(form) == "床前看月光，疑是地上霜。\n举头春春春，春春春春春。"


@pytest.mark.parametrize("line_chars", [5, 7])
@pytest.mark.parametrize("acrostic", ["春夏秋冬", "一二三四五六七八"])
def test_each_character_of_an_acrostic_begins_a_line(line_chars, acrostic):
    form = PoemForm(line_chars=line_chars, lines=len(acrostic), acrostic=acrostic)
    lines = printed(form, "x").replace("\n", "").replace("，", "。").rstrip("。").split("。")
    assert [line[0] for line in lines] == list(acrostic)
    assert {len(line) for line in lines} == {line_chars}


def test_the_tones_that_are_due_are_those_of_the_four_kinds_of_line():
    by_hand = ["中仄中平仄", "平平中仄韵", "中平平仄仄", "中仄仄平韵"]
    printed = "".join(one or "中" for one in PoemForm(regulated=True).due(OBLIQUE))
    assert printed == f"{by_hand[0]}中{by_hand[1]}中中{by_hand[2]}中{by_hand[3]}中"


@pytest.mark.parametrize(
    ("second", "poem"),
    [
        (OBLIQUE, "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。"),
        (LEVEL, "朝辞白帝彩云间，千里江陵一日还。\n两岸猿声啼不住，轻舟已过万重山。"),
        (
            LEVEL,
            "空山新雨后，天气晚来秋。\n明月松间照，清泉石上流。",
        ),
    ],
)
def test_great_poems_have_the_tones_that_are_due(second, poem):
    verses = VERSE.findall(poem)
    form = PoemForm(line_chars=len(verses[0]), lines=len(verses))
    due = form.due(second)
    assert len(due) == len(poem)
    for character, tone in zip(poem, due, strict=True):
        assert tone is None or (LEVEL if tone == RHYME else tone) in tones(character), character


def test_first_words_may_agree_with_an_acrostic():
    assert printed(PoemForm(opening="春眠不觉晓夏", acrostic="春夏秋冬")).startswith("春眠不觉晓，夏")


@pytest.mark.parametrize(
    ("asked", "key", "message"),
    [
        ({"lines": 6}, "shape", "not 6 lines of 5"),
        ({"line_chars": 6}, "shape", "4 lines of 6"),
        ({"opening": "spring 春"}, "not_han", "not sprin"),
        ({"acrostic": "春夏a冬"}, "not_han", "not a"),
        ({"opening": "春" * 21}, "opening_long", "21 characters; a poem of this form has 20"),
        ({"acrostic": "春夏秋"}, "acrostic_count", "4; 3 were given"),
        ({"acrostic": "春夏秋冬", "lines": 8}, "acrostic_count", "8; 4 were given"),
        ({"opening": "秋风", "acrostic": "春夏秋冬"}, "contradiction", "line 1 cannot begin with both 秋 and 春"),
        ({"opening": "春" * 11, "acrostic": "春春秋冬"}, "contradiction", "line 3"),
    ],
)
def test_a_form_that_no_poem_has_is_refused_with_the_remedy(asked, key, message):
    with pytest.raises(PoemFormError, match=message) as refused:
        PoemForm(**asked)
    assert refused.value.key == key


def test_whether_a_poem_keeps_tones_and_rhyme_is_yes_or_no():
    with pytest.raises(TypeError, match="regulated must be True or False, not 'no'"):
        PoemForm(regulated="no")


@pytest.mark.parametrize("field", [{"lines": 4.0}, {"line_chars": 5.0}, {"line_chars": True}, {"acrostic": 5}])
def test_a_field_of_another_type_is_named(field):
    with pytest.raises(TypeError, match=next(iter(field))):
        PoemForm(**field)
