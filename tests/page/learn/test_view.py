"""The Learn view: its code runs, its numbers are the results', its picture answers a touch, its terms are explained."""

import inspect
import json
import re
import shutil
from urllib.parse import parse_qsl

import pytest
import torch
import torch.nn.functional as F

from deeprnn.nn.cells import CELLS, Cell
from deeprnn.nn.model import CharRNN
from deeprnn.page import links
from deeprnn.page.learn import one_for_all, two_layers
from deeprnn.page.learn import view as learn
from deeprnn.page.words import WORDS
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from tests.conftest import SHIPPED


def section(value, key):
    (found,) = (one for one in value["sections"] if one["key"] == key)
    return found


def source(pieces):
    return "".join(text for _, text in pieces)


def test_its_texts_hold_no_marks_of_markdown_which_it_would_show():
    texts = [text for key, words in WORDS.items() if key.startswith("learn.") for text in words.values()]
    assert len(texts) > 100
    assert not [text for text in texts if "`" in text or "**" in text]


def test_the_code_in_the_fold_is_the_packages_own(registry):
    step, stack, wrong = (source(code) for _, code in section(learn.lesson(registry, "en"), "scratch")["fold"]["code"])
    assert "def recur(" in step
    assert "x = self.above(x, outputs)" in stack
    assert [line.strip() for line in wrong.splitlines()] == [
        line.strip() for line in inspect.getsource(CharRNN._shared).rstrip().splitlines()
    ]


def test_the_lesson_in_code_is_25_lines_and_its_words_are_marked(registry):
    ((_, pieces),) = section(learn.lesson(registry, "en"), "scratch")["code"]
    assert len(source(pieces).splitlines()) <= 25
    assert ["keyword", "def "] in pieces
    assert {kind for kind, _ in pieces} >= {"", "keyword", "string", "number", "defined"}


def test_the_mistake_raises_what_is_told_on_one_hot_characters_and_else_says_the_same_of_any_text(registry):
    symbols, hiddens, batch = 28, 256, 32
    of_character, of_state, bias, *_, head, head_bias = two_layers.get_params(symbols, hiddens)
    shared = [of_state, bias, head, head_bias]
    state = torch.zeros(batch, hiddens)
    told = section(learn.lesson(registry, "en"), "mistake")["text"]
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied") as raised:
        one_for_all.rnn_2(torch.zeros(1, batch, symbols), state, [of_character, *shared])
    assert str(raised.value) in told
    embedded = torch.randn(2, 3, batch, hiddens)
    said, states = zip(*(one_for_all.rnn_2(x, state, [of_state, *shared]) for x in embedded), strict=True)
    assert torch.equal(*said)
    assert all(one is state for one in states)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_term_that_a_text_marks_is_explained_and_every_explanation_is_used(registry, lang):
    value = learn.lesson(registry, lang)
    texts = [text for one in value["sections"] for text in (one["text"], one.get("fold", {}).get("text", ""))]
    assert set(re.findall(r"\[\[(\w+)", " ".join(texts))) == set(value["glossary"])


def test_every_exercise_has_links_to_what_the_page_shows(registry):
    (chapter, *asked) = section(learn.lesson(registry, "en"), "d2l")["exercises"]
    assert chapter["links"][0][1].startswith("https://d2l.ai/")
    for one in asked:
        assert one["links"], one["asked"]
        for _, address in one["links"]:
            query = dict(parse_qsl(address.removeprefix("?")))
            ask = links.parse(registry, query, "en")
            assert ask.view == query["view"]
            assert ask.preset == query.get("preset")


def test_the_two_layers_that_are_taught_say_what_note_rnn_2_says(registry):
    model = registry.get("note-rnn-2").model
    params = []
    for cell in model.layers():
        params += [cell.weight_ih.T, cell.weight_hh.T, cell.bias_ih + cell.bias_hh]
    params += [model.head.weight.T, model.head.bias]
    tokens = torch.randint(model.vocab_size, (2, 40), generator=torch.Generator().manual_seed(0))
    inputs = F.one_hot(tokens.T, model.vocab_size).float()
    zero = torch.zeros(2, model.config.hidden_size)
    with torch.no_grad():
        said, (h1, h2) = two_layers.rnn(inputs, [zero, zero], params)
        expected, state = model(tokens, model.initial_state(2))
    torch.testing.assert_close(said, expected.transpose(0, 1).flatten(0, 1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.stack((h1, h2)), state[:, 0], atol=1e-4, rtol=1e-4)


def test_the_shapes_that_are_taught_are_those_of_the_parameters(registry):
    params = two_layers.get_params(28, 256)
    named = dict(zip(("W_xh1", "W_hh1", "b_h1", "W_xh2", "W_hh2", "b_h2", "W_hq", "b_q"), params, strict=True))
    _, *rows = section(learn.lesson(registry, "en"), "scratch")["table"]
    taught = {name: shape for names, shape, _ in rows for name in names.split(", ")}
    assert {name: taught[name] for name in named} == {
        name: " × ".join(map(str, param.shape)) for name, param in named.items()
    }


@pytest.mark.parametrize("cell", CELLS)
def test_the_equations_are_those_at_the_head_of_the_cells_file(cell):
    lines = learn.equations(cell).splitlines()
    assert lines[-1].startswith("H_t = ")
    assert all(" = " in line for line in lines)
    assert lines[-1] in inspect.getsource(inspect.getmodule(CELLS[cell]))


def test_an_open_fold_stays_open_in_another_language(visit):
    one = visit("?view=learn")
    fold = one.page.locator("details.fold").first
    fold.locator("summary").click()
    one.page.get_by_text("中文", exact=True).click()
    one.page.wait_for_function("() => document.querySelector('.learn h2').textContent.match(/[一-鿿]/)")
    assert fold.evaluate("(one) => one.open")


def test_another_result_is_another_lesson(tmp_path):
    stored = json.loads((SHIPPED / FILE).read_text())
    stored["runs"]["note-lstm-2"]["final"]["val"]["ppl"] = 50.0
    for seed in ("", "-seed1", "-seed2"):
        stored["runs"][f"note-rnn-2-shared{seed}"]["final"]["train"]["ppl"] = 12.5
    (tmp_path / FILE).write_text(json.dumps(stored))
    value = learn.lesson(Registry(tmp_path), "en")
    assert "and 50.0 at once" in section(value, "ppl")["title"]
    assert "one in 2,500 would make 50.0" in section(value, "ppl")["text"]
    assert "to a perplexity of 12.5" in section(value, "mistake")["text"]


def test_without_results_the_rest_is_still_taught(tmp_path):
    shutil.copytree(SHIPPED / "few-lstm-2", tmp_path / "few-lstm-2")
    value = learn.lesson(Registry(tmp_path), "zh")
    assert [one["key"] for one in value["sections"]] == ["stack", "note", "scratch", "cells", "d2l"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_equations_write_the_weights_as_d2l_does(registry, lang):
    """The letters of d2l: X_t W_xh, not W_ih x_t."""
    for _, written in section(learn.lesson(registry, lang), "cells")["equations"]:
        assert "X_t W_x" in written
        assert "W_i" not in written


def test_the_cells_files_keep_to_the_same_letters():
    for cell in (Cell, *CELLS.values()):
        assert re.findall(r"\bW_i\w|\bb_i[rzfgon]\b", inspect.getsource(inspect.getmodule(cell))) == []


@pytest.mark.parametrize(("lang", "words"), [("en", "loops compiled"), ("zh", "编译好的循环")])
def test_the_code_is_called_the_definition_and_what_runs_is_named(registry, lang, words):
    text = section(learn.lesson(registry, lang), "scratch")["fold"]["text"]
    assert words in text


def test_picture_equation_and_sentence_name_the_same_states(visit):
    one = visit("?view=learn")
    one.page.get_by_role("button", name="residual", exact=True).click()
    one.page.get_by_role("button", name="S₃⁽²⁾").click()
    assert "S₃⁽²⁾ reads S₂⁽²⁾" in one.page.locator(".stack-picture .explain").text_content()
    assert one.page.locator(".stack-picture .unrolled .cell.before text").text_content() == "S₂⁽²⁾"
    one.page.get_by_role("button", name="the classic mistake").click()
    assert one.page.locator(".stack-picture .unrolled .cell.before text").text_content().startswith("H₀:")
    assert one.page.locator(".stack-picture .equation .before").first.text_content() == "H0"


def test_a_touched_cell_shows_its_two_inputs_in_the_picture_the_equation_and_a_sentence(visit):
    one = visit("?view=learn")
    cell = one.page.get_by_role("button", name="H₄⁽³⁾")
    cell.click()
    said = one.page.locator(".stack-picture .explain")
    assert (
        "H₄⁽³⁾ reads H₃⁽³⁾ (its own layer, one character ago) and H₄⁽²⁾ (the layer below, now)" in said.text_content()
    )
    assert one.page.locator(".stack-picture .unrolled .cell.before text").text_content() == "H₃⁽³⁾"
    assert one.page.locator(".stack-picture .unrolled .cell.below text").text_content() == "H₄⁽²⁾"
    assert one.page.locator(".stack-picture .equation .before").text_content() == "H(3)3"
    one.page.get_by_role("button", name="H₁⁽¹⁾").focus()
    one.page.keyboard.press("Enter")
    assert "H₀⁽¹⁾ (the zero state every text begins with) and X₁" in said.text_content()
    one.page.get_by_role("button", name="the classic mistake").click()
    assert "H₀ (the one state of all layers, never changed)" in said.text_content()


def test_the_lesson_is_taught_in_chinese(visit):
    one = visit("?view=learn&lang=zh")
    one.page.get_by_role("heading", name="常见的错误及其代价").wait_for()
    assert one.page.locator("#learn-mistake .chart").count() == 1
    one.page.get_by_text("English", exact=True).click()
    one.page.get_by_role("heading", name="The classic mistake and what it costs").wait_for()


def test_in_the_mistake_nothing_leads_into_the_state_and_nothing_from_the_cells_to_the_output(visit):
    one = visit("?view=learn")
    right, wrong = (one.page.locator("#learn-mistake .pair .figure").nth(at) for at in (0, 1))
    wrong.locator(".unrolled").wait_for()
    assert (right.locator(".lost").count(), wrong.locator(".lost").count()) == (0, 4)
    assert right.locator("path[marker-end]").count() == wrong.locator("path[marker-end]").count() == 20
    state, cells = wrong.evaluate(
        "(one) => [one.querySelector('.cell.before rect').getBoundingClientRect().bottom,"
        " [...one.querySelectorAll('g:not(.input).cell rect')].map((cell) => cell.getBoundingClientRect().y)]"
    )
    assert min(cells) > state, "the outputs are above the state, all cells below it"
    assert wrong.get_by_role("button").count() == 0


@pytest.mark.parametrize(
    ("lang", "term", "means"), [("en", "reset gate", "0 ignores it"), ("zh", "重置门", "完全不用")]
)
def test_a_term_is_explained_under_the_mouse_with_the_keyboard_and_at_a_tap(visit, lang, term, means):
    one = visit(f"?view=learn&section=cells&lang={lang}", width=390, touch=True)
    shown, note = one.page.get_by_role("button", name=term, exact=True), one.page.get_by_role("tooltip")
    shown.hover()
    assert means in note.text_content()
    box = note.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    one.page.mouse.move(0, 0)
    note.wait_for(state="detached")
    shown.focus()
    assert means in note.text_content()
    assert shown.get_attribute("aria-describedby") == note.get_attribute("id")
    one.page.keyboard.press("Escape")
    note.wait_for(state="detached")
    shown.blur()
    shown.tap()
    assert means in note.text_content()


def test_code_is_copied_as_it_is_shown(visit, registry):
    one = visit("?view=learn")
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    scratch = one.page.locator("#learn-scratch .shown")
    scratch.get_by_role("button", name="Copy the code").click()
    one.page.get_by_role("button", name="Copied", exact=True).wait_for()
    ((_, pieces),) = section(learn.lesson(registry, "en"), "scratch")["code"]
    assert one.page.evaluate("navigator.clipboard.readText()") == source(pieces)


def test_a_link_leads_to_a_section_of_the_lesson_and_to_an_answer_without_a_new_page(visit):
    one = visit("?view=learn&section=note")
    one.page.wait_for_function(
        "() => Math.abs(document.getElementById('learn-note')?.getBoundingClientRect().top) < 200"
    )
    one.page.evaluate("window.same = true")
    one.page.get_by_role("link", name="Compare: Which recurrent cell?").click()
    one.page.wait_for_selector(".model-card[data-model='depth-gru-2-residual']")
    assert one.page.evaluate("window.same")


def test_the_contents_lead_to_each_section_without_a_new_page(visit):
    one = visit("?view=learn")
    one.page.evaluate("window.same = true")
    links = one.page.locator(".learn .contents a")
    keys = []
    for index in (links.count() - 1, 1):
        links.nth(index).click()
        key = one.query()["section"]
        keys.append(key)
        one.page.wait_for_function(
            "(id) => { const { top } = document.getElementById(id).getBoundingClientRect();"
            " return top > -40 && top < innerHeight - 40; }",
            arg=f"learn-{key}",
        )
    for section in (keys[0], None):
        one.page.go_back()
        one.page.wait_for_function(
            "(section) => new URLSearchParams(location.search).get('section') === section", arg=section
        )
        assert one.query()["view"] == "learn"
    assert one.page.evaluate("window.same")


def test_back_from_a_section_of_the_lesson_returns_to_the_view_with_its_link(visit):
    one = visit("?view=learn")
    one.choose("compare")
    one.page.evaluate("deeprnn.address.go('?view=learn&section=note')")
    one.page.wait_for_function("() => document.getElementById('learn-note')?.offsetParent")
    one.page.go_back()
    one.page.locator(".model-card").first.wait_for()
    assert one.query()["view"] == "compare"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious_in_the_lesson(visit, scheme):
    one = visit("?view=learn", scheme=scheme)
    one.page.wait_for_selector(".unrolled")
    for fold in one.page.locator(".learn .fold summary").all():
        fold.click()
    one.page.get_by_role("button", name="reset gate").focus()
    one.page.get_by_role("tooltip").wait_for()
    assert one.serious() == []
