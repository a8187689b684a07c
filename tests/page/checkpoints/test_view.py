"""The Checkpoints view: the models by question, the card beside them, downloads that load."""

import re
import shutil
import zipfile

import pytest

from deeprnn import load
from deeprnn.experiments.questions import QUESTIONS
from deeprnn.page.checkpoints import view as checkpoints
from deeprnn.page.shared.widgets import titles
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED


def rows(value):
    return [row for group in value["groups"] for row in group["rows"]]


def test_every_model_is_listed_once_under_the_question_whose_recipe_it_is(registry):
    value = checkpoints.listing(registry, "en")
    assert sorted(row["name"] for row in rows(value)) == sorted(registry.infos)
    assert len(value["groups"]) <= len(QUESTIONS)
    groups = {row["name"]: group["title"] for group in value["groups"] for row in group["rows"]}
    assert groups["note-rnn-2-shared"] == "Two layers from scratch"
    assert groups["depth-gru-10-plain"] == "Depth"
    assert "Journey to the West" in groups["journey-gru-2"]


def test_a_model_of_no_question_is_in_the_last_group(tmp_path):
    for name, copied in (("note-lstm-2", "note-lstm-2"), ("note-rnn-2", "mine")):
        shutil.copytree(SHIPPED / name, tmp_path / copied)
    *_, last = checkpoints.listing(Registry(tmp_path), "zh")["groups"]
    assert (last["title"], [row["name"] for row in last["rows"]]) == ("其他模型", ["mine"])


def test_a_card_is_in_both_languages_and_needs_no_readme(registry, tmp_path):
    for name in registry.infos:
        card = checkpoints.card(registry, {"name": name})
        said = [value["zh"] for value in (card["title"], card["note"]) if isinstance(value, dict)]
        said += [
            text for fact in card["facts"] for one in fact for text in [one["zh"] if isinstance(one, dict) else one]
        ]
        assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", " ".join(said)), said
        assert "".join(text for _, text in card["code"]).startswith("import deeprnn\n")
    assert checkpoints.card(registry, {"name": "none"}) == checkpoints.card(registry, {}) == {}
    bare = shutil.ignore_patterns("README.md")
    shutil.copytree(SHIPPED / "few-lstm-2", tmp_path / "few-lstm-2", ignore=bare)
    ask = {"name": "few-lstm-2"}
    assert checkpoints.card(Registry(tmp_path), ask) == checkpoints.card(registry, ask)


def test_models_are_sorted_in_one_list_and_grouped_again(visit, registry):
    one = visit("?view=checkpoints")
    names, headings = one.page.locator(".checkpoints .name"), one.page.locator(".checkpoints .group")
    names.first.wait_for()
    assert names.count() == len(registry.infos)
    assert headings.count() > 5
    shown = titles(registry, "en")
    one.page.get_by_role("button", name="Parameters").click()
    by_size = sorted(registry.infos.values(), key=lambda info: info.num_params)
    assert names.first.text_content() == shown[by_size[0].name]
    assert headings.count() == 0
    one.page.get_by_role("button", name="Parameters").click()
    assert names.first.text_content() == shown[by_size[-1].name]
    one.page.get_by_role("button", name="By question again").click()
    assert headings.count() > 5


FOUND = {"note lstm": {"note-lstm-2", "note-lstm-10", "note-lstm-10-residual"}, "傲慢": {"author-austen"}}


def test_models_are_found_by_words_of_titles_names_and_texts_in_either_language(visit):
    one = visit("?view=checkpoints")
    for wanted, found in FOUND.items():
        one.page.get_by_label("Filter").last.fill(wanted)
        rows = one.page.locator("tr[data-model]").evaluate_all("all => all.map((row) => row.dataset.model)")
        assert set(rows) == found


def test_the_card_beside_the_table_says_what_the_files_are_and_they_load(visit, registry, tmp_path):
    one = visit("?view=checkpoints", width=1440)
    one.page.locator("tr[data-model='note-lstm-2'] .name").focus()
    one.page.keyboard.press("Enter")
    card = one.page.locator("#model-card")
    card.locator("h3").wait_for()
    table, beside = one.boxes(".checkpoints .models, #model-card")
    assert beside["x"] >= table["right"]
    assert abs(beside["y"] - table["y"]) < 2
    assert one.page.evaluate("document.activeElement.id") == "model-card", "not behind all other rows"
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.closest('#model-card') !== null")
    said = card.text_content()
    assert registry.infos["note-lstm-2"].weights_sha256 in said
    assert said.count("import deeprnn") == 1
    assert said.count(titles(registry, "en")["note-lstm-2"]) == 1
    hrefs = card.get_by_role("link").evaluate_all("all => all.map((link) => link.getAttribute('href'))")
    assert {"?view=compare&models=note-lstm-2", "?view=score&models=note-lstm-2"} <= set(hrefs)
    with one.page.expect_download() as download:
        one.page.get_by_role("link", name="Folder").click()
    assert download.value.suggested_filename == "note-lstm-2.zip"
    zipfile.ZipFile(download.value.path()).extractall(tmp_path)
    assert load(tmp_path / "note-lstm-2").score("the time") == load(SHIPPED / "note-lstm-2").score("the time")


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_on_a_phone_the_card_opens_below_its_row_and_rows_are_at_most_two_lines_tall(visit, lang):
    one = visit(f"?view=checkpoints&lang={lang}", width=390, touch=True)
    lines = one.page.locator("tr[data-model] .name").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight))"
    )
    assert max(lines) < 2.5
    row = one.page.locator("tr[data-model='data-book']")
    row.locator(".name").tap()
    one.page.locator("#model-card h3").wait_for()
    above, card = one.boxes("tr[data-model='data-book'], #model-card")
    assert 0 <= card["y"] - above["bottom"] < 3
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert one.page.locator(".checkpoints .models").evaluate("(one) => one.scrollHeight - one.clientHeight") == 0
    assert one.serious() == []
    row.locator(".name").tap()
    one.page.locator("#model-card").wait_for(state="hidden")


def test_an_address_opens_the_card_of_its_model_in_its_language(visit):
    one = visit("?view=checkpoints&models=few-lstm-2&lang=zh")
    one.page.locator("#model-card h3").wait_for()
    assert "《时间机器》" in one.page.locator("#model-card").text_content()
    one.page.get_by_text("English", exact=True).click()
    one.page.get_by_text("The Time Machine, 10,000 characters", exact=True).wait_for()


def test_on_a_phone_a_link_to_a_model_shows_its_row(visit):
    one = visit("?view=checkpoints&models=few-lstm-2", width=390, height=800)
    one.page.locator("#model-card h3").wait_for()
    one.page.wait_for_function(
        "() => { const { top, bottom } = document.querySelector('tr.chosen').getBoundingClientRect();"
        " return top >= 0 && bottom <= innerHeight; }"
    )


def test_the_address_names_the_model_whose_card_is_open_and_opens_another_without_a_new_page(visit):
    one = visit("?view=checkpoints")
    one.page.locator("tr[data-model='note-gru-2'] .name").click()
    one.page.wait_for_url("**/?view=checkpoints&lang=en&models=note-gru-2")
    one.page.evaluate("window.same = true")
    one.page.locator("#model-card").get_by_role("link", name="See it write").click()
    one.card("note-gru-2").wait_for()
    one.page.go_back()
    one.page.locator("#model-card h3").wait_for()
    assert one.page.evaluate("window.same")
    one.page.locator("#model-card").get_by_role("button", name="Close").click()
    one.page.wait_for_url("**/?view=checkpoints&lang=en")
