"""Deep links are untrusted input: what is understood is kept, everything else is passed over."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.page.links import parse
from deeprnn.page.service import MAX_PROMPT_CHARS
from deeprnn.page.words import language
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED

REGISTRY = Registry(SHIPPED)


def ask(**query):
    return parse(REGISTRY, query, "en-US")


def test_what_an_address_says_is_kept():
    found = ask(view="score", models="note-lstm-2,note-lstm-10", prompt="the", seed="7", temperature="0.5", lang="zh")
    assert (found.view, found.models, found.prompt, found.lang) == (
        *("score", ("note-lstm-2", "note-lstm-10")),
        *("the", "zh"),
    )
    assert found.numbers == {"seed": 7, "temperature": 0.5}


def test_a_question_brings_what_it_holds_equal():
    assert (ask(preset="cells").preset, ask(preset="cells").budget) == ("cells", "parameters")
    assert ask(preset="cells", budget="nonsense").budget == "parameters"
    assert (ask(preset="nobody").preset, ask(preset="nobody", budget="width").budget) == (None, None)


@pytest.mark.parametrize(
    "query",
    [
        {"models": "nobody,../../etc/passwd,<script>"},
        {"view": "admin"},
        {"seed": "-1"},
        {"seed": "1.5"},
        {"seed": "nan"},
        {"temperature": "1e400"},
        {"temperature": "hot"},
        {"length": "100000"},
        {"top_p": "0"},
    ],
)
def test_what_makes_no_sense_is_passed_over(query):
    assert ask(**query) == ask()


def test_a_text_without_a_prompt_has_an_address_too():
    assert (ask(prompt="").prompt, ask().prompt) == ("", None)


def test_more_than_can_be_shown_is_kept_whole_so_that_whoever_shows_it_says_so():
    assert ask(models=",".join(REGISTRY.infos)).models == tuple(REGISTRY.infos)
    assert len(ask(prompt="a" * 10_000).prompt) == 10_000
    assert len(ask(text="好" * 15_000).text) == 15_000


def test_the_length_of_a_continued_text_is_read():
    assert ask(length="4000").numbers == {"length": 4_000}


@pytest.mark.parametrize(
    ("query", "accepted", "expected"),
    [({"lang": "zh"}, "en", "zh"), ({"lang": "en"}, "zh-CN", "en"), ({}, "zh-TW,zh;q=0.9", "zh"), ({}, "", "en")],
)
def test_the_address_then_the_browser_choose_the_language(query, accepted, expected):
    assert language(query, accepted) == expected


@given(st.dictionaries(st.sampled_from(["view", "models", "preset", "budget", "seed", "top_k", "prompt"]), st.text()))
def test_no_address_breaks_the_page(query):
    parse(REGISTRY, query, "")


@pytest.mark.browser
def test_the_longest_chinese_prompt_that_the_page_takes_is_opened_from_its_address(visit):
    prompt = "却说孙行者" * (MAX_PROMPT_CHARS // 5)
    one = visit("?" + urlencode({"models": "journey-gru-2", "prompt": prompt, "length": 5, "lang": "zh"}))
    one.page.wait_for_function("() => /完成/.test(document.querySelector('.status').textContent)")
    assert one.page.locator("#prompt textarea").input_value() == prompt
    assert one.card("journey-gru-2").locator(".prompt").text_content() == prompt
