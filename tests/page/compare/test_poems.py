"""Poems in Compare, by tiny models that claim to have read poems: handlers without a browser, then the served page."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest

from deeprnn import PoemForm, write_poem
from deeprnn.measure.lines import LineIndex
from deeprnn.measure.novelty import FINGERPRINTS, TextPart
from deeprnn.measure.verse import keeps_tones
from deeprnn.page import service
from deeprnn.page.compare import cards, export, runs
from deeprnn.page.compare.cards import NUMBERS, Board
from deeprnn.page.compare.controls import SETTINGS, settings
from deeprnn.page.compare.handlers import Handlers
from deeprnn.page.service import RequestError
from deeprnn.page.shared.components import Drawing
from deeprnn.page.shared.poems import rhyming_places, write_poems
from deeprnn.store.registry import Registry
from deeprnn.text.poem_form import BREAK, POEM_BEFORE, VERSE
from tests.conftest import SHIPPED
from tests.lm.test_poem import HAN, save_tiny_poets
from tests.page.conftest import serving, spoken

MODELS = ["poems-gru-2", "poems-lstm-10"]
VISITOR = SimpleNamespace(session_hash="someone")
LINK = "?models=" + ",".join(MODELS)
SPRING = "孤山寺北贾亭西，水面初平云脚低。\n几处早莺争暖树，谁家新燕啄春泥。"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of tiny models with the alphabet of poems."""
    folder = tmp_path_factory.mktemp("poems")
    save_tiny_poets(folder, MODELS)
    return folder


@pytest.fixture(scope="session")
def poets(folder):
    """The shipped models and these."""
    return Registry(SHIPPED, folder)


def order(poets, shape, acrostic="", regulated=False, *, prompt="", names=MODELS, seed=3):
    return runs.order_of(poets, None, None, prompt, names, 1.0, 0, 1.0, 300, seed, shape, acrostic, regulated)


def written(poets, asked):
    """The board that is drawn at the end."""
    *_, last = runs.write(poets, runs.RunControl(turn=1), asked, runs.updates_of(poets, asked))
    return Drawing.preprocess(None, last)


def expected(poets, **form):
    return [write_poem(poets.get(name), PoemForm(**form), temperature=1.0, seed=3) for name in MODELS]


def test_poems_are_offered_only_where_all_models_have_read_poems(poets):
    assert write_poems(poets, MODELS)
    assert not write_poems(poets, [])
    assert not write_poems(poets, [*MODELS, "journey-gru-2"])
    assert order(poets, "5x4", names=[*MODELS, "journey-gru-2"]).form is None
    assert order(poets, "free", "春夏秋冬").form is None


@pytest.mark.parametrize(("shape", "acrostic"), [("5x4", ""), ("7x4", "春夏秋冬"), ("7x8", HAN[:8])])
def test_a_board_of_poems_has_what_each_model_writes_alone_with_what_was_given_marked(poets, shape, acrostic):
    chars, lines = map(int, shape.split("x"))
    drawn = written(poets, order(poets, shape, acrostic, prompt="春"))
    texts = expected(poets, line_chars=chars, lines=lines, opening="春", acrostic=acrostic)
    assert [card["text"] for card in drawn["cards"]] == texts
    assert (drawn["poems"], drawn["shape"], drawn["acrostic"]) == (True, shape, acrostic)
    for card in drawn["cards"]:
        assert "".join(card["text"][at] for at in card["given"]) == (acrostic or "春")


def test_a_board_of_regulated_poems_says_so_and_keeps_tones_and_rhyme(poets):
    drawn = written(poets, order(poets, "7x8", regulated=True))
    assert drawn["regulated"]
    assert [card["text"] for card in drawn["cards"]] == expected(poets, line_chars=7, lines=8, regulated=True)
    assert all(len(card["rhymes"]) == 5 for card in drawn["cards"])
    assert all(keeps_tones(VERSE.findall(card["text"])) for card in drawn["cards"])


@pytest.mark.parametrize("regulated", [False, True])
def test_what_was_stopped_is_completed_and_what_is_whole_is_not_continued(poets, regulated):
    drawn = spoken(written(poets, order(poets, "5x4", "春夏秋冬", regulated)), "en")
    for card, length in zip(drawn["cards"], (3, 17), strict=True):
        card["text"], card["state"] = card["text"][:length], "stopped"
    again = written(poets, runs.Order.to_continue(Board.read(poets, drawn), 300))
    assert [card["text"] for card in again["cards"]] == expected(poets, acrostic="春夏秋冬", regulated=regulated)
    whole = runs.Order.to_continue(Board.read(poets, spoken(again, "en")), 300)
    with pytest.raises(RequestError, match="another seed"):
        runs.updates_of(poets, whole)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_cannot_be_written_is_refused_in_the_readers_language(poets, lang):
    with pytest.raises(RequestError) as refused:
        order(poets, "5x8", "春夏秋冬")
    assert {"en": "8, not 4", "zh": "要 8 个字，现在是 4 个"}[lang] in refused.value.message(lang)


def with_known_lines(poets, folder, lines):
    """A registry of the same models whose training text has these lines."""
    for name in MODELS:
        shutil.copytree(poets.info(name).path, folder / name)
    source, poem = TextPart.from_record(poets.info(MODELS[0]).metrics.text), "，".join(lines) + BREAK
    (folder / FINGERPRINTS).mkdir()
    LineIndex.build(source, poem, {poem: "王维《鹿柴》"}).save(folder / FINGERPRINTS)
    return Registry(folder)


def test_whole_lines_of_the_training_text_are_marked_with_their_poem_but_not_those_that_were_given(poets, tmp_path):
    poem = expected(poets)[0]
    lines = re.findall(f"[{HAN}]+", poem)
    here = with_known_lines(poets, tmp_path, lines[1:3])

    def first(**asked):
        card = spoken(written(here, order(here, "5x4", **asked)), "zh")["cards"][0]
        marked = [card["text"][start:end] for start, end, place in card["runs"] if place == "王维《鹿柴》"]
        return card["text"], marked, card["quality"][0]

    assert first() == (poem, lines[1:3], "整句照抄训练文本 2 句，出自王维《鹿柴》。")
    assert first(prompt="".join(lines[:2]))[1:] == (lines[2:3], "整句照抄训练文本 1 句，出自王维《鹿柴》。")
    assert first(prompt=poem)[1:] == ([], "没有整句照抄训练文本。")
    without = written(poets, order(poets, "5x4"))
    assert "照抄训练文本" not in str(without), "without an index nothing is said"
    assert [without["lines"], written(here, order(here, "5x4"))["lines"]] == [False, True]


def test_a_saved_file_opens_again_as_it_was(poets):
    board = Board.read(poets, spoken(written(poets, order(poets, "7x4", "春夏秋冬")), "en"))
    assert board.form == PoemForm(line_chars=7, acrostic="春夏秋冬")
    assert export.reopen(poets, export.export(poets, board, "json")[1]) == board
    assert f"```\n{board.cards[0].text}\n```" in export.export(poets, board, "md")[1]
    assert "诗体：七言绝句" in export.export(poets, board, "md", "zh")[1]
    assert ",7x4,春夏秋冬,False," in export.export(poets, board, "csv")[1]


def test_a_file_of_regulated_poems_opens_as_such_and_says_so_and_one_from_before_there_were_any_does_not(poets):
    board = Board.read(poets, spoken(written(poets, order(poets, "7x4", "春夏秋冬", regulated=True)), "en"))
    assert board.form == PoemForm(line_chars=7, acrostic="春夏秋冬", regulated=True)
    saved = export.export(poets, board, "json")[1]
    assert export.reopen(poets, saved) == board
    assert "诗体：七言绝句，平仄和押韵由本页保证" in export.export(poets, board, "md", "zh")[1]
    before = json.loads(saved)
    del before["regulated"]
    assert export.reopen(poets, json.dumps(before)).form == PoemForm(line_chars=7, acrostic="春夏秋冬")


def test_the_file_of_texts_without_a_form_does_not_say_that_they_keep_one_but_the_next_poem_is_to(poets):
    board = cards.recorded(poets, ["note-lstm-2"])
    saved = json.loads(export.export(poets, board, "json")[1])
    assert (saved["shape"], saved["regulated"]) == ("free", False)
    assert settings(board)[-3:] == ["free", "", True]


def test_a_board_of_no_question_has_no_recordings_to_go_back_to(poets):
    board = cards.draw(poets, cards.recorded(poets, ["note-lstm-2"]))
    answered = Handlers(poets).on_back(VISITOR, Drawing.preprocess(None, board), "English")
    assert len(answered) == 2 + SETTINGS == 2 + len(settings(cards.recorded(poets, ["note-lstm-2"])))


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": "6x4"},
        {"shape": ["5x4"]},
        {"shape": None},
        {"acrostic": "春"},
        {"acrostic": 4},
        {"regulated": 1},
        {"acrostic": "春" * 9_999},
        {"prompt": "<b>"},
    ],
    ids=lambda changed: str(changed)[:30],
)
def test_a_file_whose_form_is_none_is_refused(poets, changed):
    board = Board.read(poets, spoken(written(poets, order(poets, "5x4", "春夏秋冬")), "en"))
    value = json.loads(export.export(poets, board, "json")[1])
    with pytest.raises(RequestError) as refused:
        export.reopen(poets, json.dumps(value | changed))
    assert refused.value.key == "error_file"


def test_a_file_that_was_saved_before_there_were_poems_opens(poets):
    board = cards.recorded(poets, ["note-lstm-2"])
    value = json.loads(export.export(poets, board, "json")[1])
    del value["shape"], value["acrostic"], value["regulated"]
    assert export.reopen(poets, json.dumps(value)) == board


def test_a_model_that_writes_no_poems_ends_the_form_of_a_board(poets):
    board = Board.read(poets, spoken(written(poets, order(poets, "5x4")), "en"))
    assert cards.show(poets, MODELS[:1], board).form == board.form
    assert cards.show(poets, [*MODELS, "note-lstm-2"], board).form is None


def test_the_claim_of_a_question_is_not_made_of_poems(poets):
    board = cards.of_preset(poets, "rote", "recipe")
    finished = tuple(cards.replace(card, state="finished") for card in board.cards)
    assert cards.as_recorded(poets, cards.replace(board, cards=finished))
    assert not cards.as_recorded(poets, cards.replace(board, cards=finished, form=PoemForm()))


def test_an_order_in_a_question_writes_poems_side_by_side(poets):
    *_, last, _ = Handlers(poets).on_generate(VISITOR, "中文", None, None, "", MODELS, 1.0, 0, 1.0, 300, 3, "5x8", "")
    drawn = spoken(Drawing.preprocess(None, last), "zh")
    assert [card["text"] for card in drawn["cards"]] == expected(poets, lines=8)
    assert [card["state"] for card in drawn["cards"]] == ["finished"] * 2
    assert Board.read(poets, drawn).sampling == NUMBERS | {"temperature": 1.0}


def test_whole_poems_in_the_prompt_are_no_first_words(poets):
    prompt = POEM_BEFORE + HAN[:2]
    *_, last, _ = Handlers(poets).on_generate(
        VISITOR, "中文", None, None, prompt, MODELS, 1.0, 0, 1.0, 300, 3, "5x4", ""
    )
    drawn = spoken(Drawing.preprocess(None, last), "zh")
    assert all(card["text"].startswith(HAN[:2]) for card in drawn["cards"])
    assert Board.read(poets, drawn).form.opening == HAN[:2]


def test_what_rhymes_are_line_ends_of_one_poem():
    """西, 低 and 泥 are of 上平声八齐; 树 is not of it."""
    both = SPRING + BREAK + SPRING
    assert [both[at] for at in rhyming_places(both)] == ["西", "低", "泥"] * 2
    assert rhyming_places(SPRING.replace("低", "泥")) == [], "a character does not rhyme with itself"
    assert rhyming_places(SPRING.replace("泥", "水")) == []
    assert rhyming_places("") == rhyming_places("，。\n\n\n。") == rhyming_places("春") == []


@pytest.fixture(scope="session")
def poets_url(folder, tmp_path_factory):
    """The address of the page over the shipped models and these."""
    command = ["app.py", "--checkpoints", str(SHIPPED), str(folder)]
    with serving(command, tmp_path_factory.mktemp("app") / "log", "Traceback|ERROR") as (_, address):
        yield address


@pytest.fixture
def url(poets_url):
    """The page for `visit`."""
    return poets_url


def poems(one, shape):
    """Wait until every card shows a finished poem of this shape; return the poems."""
    chars, lines = map(int, shape.split("x"))
    couplet = f"[{HAN}]{{{chars}}}，[{HAN}]{{{chars}}}。"
    found = one.page.wait_for_function(
        "(form) => { const cards = [...document.querySelectorAll('.model-card')];"
        " const texts = cards.map((card) => card.querySelector('.text').textContent);"
        " return cards.every((card) => /finished|完成/.test(card.querySelector('.status').textContent)"
        " && !card.matches('.writing')) && texts.every((text) => new RegExp(form).test(text)) && texts; }",
        arg="^" + "\n".join([couplet] * (lines // 2)) + "$",
    )
    return found.json_value()


def firsts(poem):
    return "".join(line[0] for line in re.findall(f"[{HAN}]+", poem))


def test_a_reader_writes_an_acrostic_goes_back_and_opens_the_link(visit):
    one = visit(LINK)
    one.page.locator("#prompt textarea").fill("")
    assert not one.page.locator("#regulated").is_visible(), "it says nothing of a text without a form"
    one.page.get_by_text("绝句 of 5", exact=True).click()
    free = poems(one, "5x4")
    assert len(set(free)) == len(MODELS)
    assert all(len(rhyming_places(poem)) >= 2 for poem in free), "as the box is checked at first"
    one.page.locator("#regulated input").uncheck()
    one.page.wait_for_function("() => !location.search.includes('regulated')")
    loose = poems(one, "5x4")
    assert loose != free
    one.page.locator("#regulated input").check()
    one.page.wait_for_url("**&regulated=1**")
    assert poems(one, "5x4") == free
    one.page.locator("#acrostic input").fill("春夏秋冬")
    one.page.get_by_text("绝句 of 7", exact=True).click()
    acrostic = poems(one, "7x4")
    assert [firsts(poem) for poem in acrostic] == ["春夏秋冬"] * 2
    given = one.card(MODELS[0]).locator(".given").all_text_contents()
    assert given == list("春夏秋冬")
    one.page.wait_for_url("**&form=7x4&acrostic=**&regulated=1**")
    link = one.page.url
    one.page.go_back()
    assert poems(one, "5x4") == free
    assert one.page.locator("#acrostic input").input_value() == ""
    one.page.go_forward()
    assert poems(one, "7x4") == acrostic
    again = visit(link.removeprefix(one.url), locale="zh-CN")
    assert poems(again, "7x4") == acrostic, "the same seed writes the same poem"
    assert again.page.locator("#acrostic input").input_value() == "春夏秋冬"
    assert again.page.locator("#regulated input").is_checked()
    again.page.locator("#generate").click()
    assert poems(again, "7x4") == acrostic


def test_a_character_that_no_model_knows_is_named_and_the_poems_stay(visit):
    one = visit(LINK + "&form=5x4&seed=2&lang=zh")
    before = poems(one, "5x4")
    one.page.locator("#acrostic input").fill("春夏秋龍")
    one.page.locator("#acrostic input").press("Enter")
    one.page.get_by_text("模型不认识“龍”").wait_for()
    assert poems(one, "5x4") == before


def test_another_character_begins_another_poem_of_the_same_form(visit):
    one = visit(LINK + "&form=5x4&seed=2&acrostic=春夏秋冬")
    poem = poems(one, "5x4")[0]
    one.card(MODELS[0]).locator(".text span").nth(3).click()
    choice = one.page.locator(".next .choice b").filter(has_text=re.compile(f"^[{HAN}]$")).first
    chosen = choice.text_content()
    choice.click()
    one.page.wait_for_function(
        "(start) => document.querySelector('.model-card .text').textContent.startsWith(start)", arg=poem[:3] + chosen
    )
    after = poems(one, "5x4")
    assert one.page.locator("#prompt textarea").input_value() == poem[:3] + chosen
    assert [firsts(one) for one in after] == ["春夏秋冬"] * 2


def test_other_models_offer_no_form_and_a_saved_file_brings_it_back(visit):
    one = visit(LINK + "&form=7x8&seed=4")
    before = poems(one, "7x8")
    one.page.locator(".menu summary").click()
    with one.page.expect_download() as download:
        one.page.get_by_role("button", name="JSON").click()
    saved = download.value.path().read_bytes()
    one.page.locator("#questions label").first.click()
    one.page.wait_for_function("() => !document.querySelector('.compare.poems')")
    assert not one.page.locator("#poem").is_visible()
    with one.page.expect_file_chooser() as chooser:
        one.page.locator(".menu summary").click()
        one.page.get_by_role("button", name="Open").click()
    chooser.value.set_files({"name": "poems.json", "mimeType": "application/json", "buffer": saved})
    assert poems(one, "7x8") == before
    assert one.page.locator("#shape input:checked").get_attribute("value") == "7x8"


def test_while_first_words_are_typed_the_next_characters_are_those_that_begin_a_poem(visit, poets):
    one = visit(LINK + "&form=5x4&seed=2")
    poems(one, "5x4")
    one.page.locator("#prompt textarea").fill("春")
    after = service.next_char(poets, prompt=POEM_BEFORE + "春", models=MODELS, k=6)
    alone = service.next_char(poets, prompt="春", models=MODELS, k=6)
    assert after != alone
    told = [[one["char"].replace(" ", "␣").replace("\n", "↵") for one in answer["candidates"]] for answer in after]
    one.page.wait_for_function(
        "(told) => JSON.stringify([...document.querySelectorAll('.live:not([hidden], .old) .live-row')].map((row) =>"
        " [...row.querySelectorAll('b')].map((letter) => letter.textContent))) === JSON.stringify(told)",
        arg=told,
    )


@pytest.mark.parametrize(
    ("width", "scheme", "lang"),
    [
        (390, "light", "zh"),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in ((390, "dark", "en"), (1280, "light", "zh"))),
    ],
)
def test_poems_fit_on_a_phone_and_can_be_read_by_everybody(visit, width, scheme, lang):
    one = visit(LINK + f"&form=7x8&acrostic={HAN[:8]}&lang={lang}", width=width, scheme=scheme)
    poems(one, "7x8")
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = (
        "[...document.querySelectorAll('.model-card')].map((card) => new Set("
        "[...card.querySelectorAll('.text span')].filter((one) => one.textContent.trim())"
        ".map((one) => Math.round(one.getBoundingClientRect().top))).size)"
    )
    assert one.page.evaluate(tops) == [4] * len(MODELS), "a couplet is one line"
    assert one.serious() == []
