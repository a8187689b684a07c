"""What a reader does on the page beyond a first Generate: questions, lenses, branches, links, files; in Chromium."""

import pytest

from deeprnn import load
from deeprnn.page import service
from deeprnn.page.compare import recordings
from deeprnn.page.shared.questions import comparisons
from deeprnn.page.words import tr
from tests.conftest import SHIPPED, wait_until
from tests.page.conftest import NOTES_WRITING

TWO = "?models=note-lstm-2,few-lstm-2"


def texts(one):
    return one.page.locator(".model-card .text").all_text_contents()


LINE = 23  # pixels of a text's line


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_answer_prompt_and_texts_are_on_the_first_screen(visit, lang):
    one = visit(f"?lang={lang}")
    for width, height in ((1440, 900), (1280, 720), (390, 844)):
        one.resize(width, height)
        prompt, generate = one.boxes("#prompt textarea, #generate")
        assert min(abs(generate["y"] - prompt["bottom"]), abs(generate["x"] - prompt["right"])) < 40, "together"
        shown = [one.boxes(at)[0]["bottom"] for at in ("#actions", ".takeaway", ".measured")]
        shown.append(one.boxes(".text .copied")[0]["y"] + LINE)
        if width > 900:
            texts = {box["y"] for box in one.boxes(".out")}
            assert len(texts) == 1, "three texts side by side"
            assert one.boxes("#questions label")[-1]["bottom"] < height, "every question"
            shown.append(max(texts) + 4 * LINE)
        assert max(shown) <= height, width
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width


def test_between_a_phone_and_a_desk_two_cards_are_side_by_side(visit):
    one = visit()
    for width in (1024, 768):
        one.resize(width)
        left, right, *_ = one.boxes(".model-card")
        assert left["y"] == right["y"]
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_one_button_shows_the_question_and_opens_the_list(visit):
    one = visit(width=390, height=844)
    button = one.page.locator("#question button")
    assert button.text_content() == "Two layers or ten?"
    questions = one.page.locator("#questions")
    assert not questions.is_visible()
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    questions.get_by_text("One author or five?").click()
    one.shows("author-wells", "author-austen", "author-five")
    assert (button.text_content(), button.get_attribute("aria-expanded")) == ("One author or five?", "false")
    assert not questions.is_visible()


def test_on_a_phone_the_questions_are_reached_by_keys_and_the_language_is_the_readers(visit):
    one = visit("?lang=zh", width=390, height=844)
    button = one.page.locator("#question button")
    assert button.text_content() == "两层还是十层？"
    button.focus()
    for key in ("Enter", "Tab", "ArrowDown"):
        one.page.keyboard.press(key)
    one.shows("note-rnn-2", "note-gru-2", "note-lstm-2", "note-lstm-10")
    assert button.get_attribute("aria-expanded") == "true"
    one.page.keyboard.press("Escape")
    assert button.get_attribute("aria-expanded") == "false"
    assert one.page.evaluate("document.activeElement.textContent").startswith("困惑度 1.0")


STOPS = """() => [...document.querySelectorAll('a[href], button, input, textarea, select, summary, [tabindex]')]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && one.getClientRects().length)
    .filter((one) => one.type !== 'radio' || one.checked)
    .filter((one) => document.querySelector('.model-card').compareDocumentPosition(one)
        & Node.DOCUMENT_POSITION_PRECEDING).length"""


def test_few_tab_stops_are_before_the_first_card(visit):
    assert visit().page.evaluate(STOPS) <= 24


def test_the_figures_of_all_cards_unfold_together_and_stay_so_in_the_next_question(visit):
    one = visit()
    opened = "[...document.querySelectorAll('.facts')].map((one) => one.open)"
    assert one.page.evaluate(opened) == [False] * 3
    one.page.locator(".facts summary").nth(1).click()
    one.page.wait_for_function(f"() => {opened}.every(Boolean)")
    one.page.get_by_label("One author or five?").check()
    one.shows("author-wells", "author-austen", "author-five")
    assert one.page.evaluate(opened) == [True] * 3
    assert "start of the book" in one.page.locator(".rote").first.text_content()
    one.page.locator(".facts summary").first.click()
    one.page.wait_for_function(f"() => !{opened}.some(Boolean)")


def test_other_settings_than_the_recordings_make_the_answer_one_of_the_recording_until_it_is_back(visit):
    one = visit()
    said = one.page.locator(".takeaway")
    recorded = texts(one)
    one.set("Temperature", 2)
    one.generate(length=30)
    assert said.text_content().startswith("In the recording: Two layers recite")
    assert "temperature 0.8, seed 7" in one.page.locator(".rest").text_content()
    one.page.get_by_role("button", name="Show the recording").click()
    one.page.wait_for_function("() => !document.querySelector('.takeaway.past')")
    assert texts(one) == recorded
    assert one.setting("Length").input_value() == "300"


def test_the_first_screen_says_what_is_to_be_seen_and_marks_what_is_copied(visit, registry):
    one = visit()
    verdict = one.page.locator(".verdict")
    assert "ten plain ones know only letter frequencies" in verdict.text_content()
    copied = one.card("note-lstm-2").locator(".text .copied")
    prompt = "the time traveller"
    text = recordings.read(registry)[prompt, "note-lstm-2"]
    runs = service.analyse(registry, "note-lstm-2", prompt, text)["runs"]
    marked = {at for run in runs for at in range(run["start"], run["end"])}
    assert copied.count() == len(marked) > 100
    copied.first.hover()
    assert "The Time Machine" in one.page.locator(".tip").text_content()
    assert one.card("note-lstm-10").locator(".text .copied").count() == 0
    assert "94% copied" in one.card("note-lstm-2").locator(".rote").text_content()


def test_a_question_brings_its_models_prompt_and_answer(visit):
    one = visit()
    one.page.get_by_label("One author or five?").check()
    one.shows("author-wells", "author-austen", "author-five")
    assert one.page.locator("#prompt textarea").input_value() == "It was a truth "
    assert "One model of five authors" in one.page.locator(".verdict").text_content()


def test_the_switch_compares_the_cells_at_equal_something_else(visit, registry):
    one = visit("?preset=cells")
    shown = comparisons(registry)["cells"].groups
    one.shows(*shown["parameters"])
    one.page.locator("#budget").get_by_label("training time").check()
    one.shows(*shown["time"])
    assert "seconds of training" in one.page.locator(".verdict").text_content()


def test_the_filters_shorten_the_list_and_keep_what_is_chosen(visit, registry):
    one = visit()
    one.page.get_by_role("button", name="Shorten the list").first.click()
    one.page.get_by_label("Cell", exact=True).first.click()
    one.page.get_by_role("option", name="minGRU").click()
    one.page.get_by_role("option").first.wait_for(state="detached")  # the list of cells has closed
    one.page.get_by_role("combobox", name="Models").first.click()
    one.page.get_by_role("option", name="minGRU").first.wait_for()
    one.page.get_by_role("option", name="journey").first.wait_for(state="detached")
    listed = one.page.get_by_role("option").all_text_contents()
    mingru = [info for info in registry.infos.values() if info.config.cell == "mingru"]
    assert len([text for text in listed if "minGRU" in text]) == len(mingru) > 0
    assert not [text for text in listed if "Shakespeare" in text or "journey" in text]
    assert one.page.locator(".model-card").count() == 3


def test_continue_goes_on_as_if_it_had_never_stopped(visit):
    one = visit(TWO)
    one.generate(prompt="the time", length=40)
    first = texts(one)
    one.page.click("#continue")
    one.page.wait_for_function(
        "() => [...document.querySelectorAll('.model-card .text')].every((t) => t.textContent.length === 80)"
    )
    for name, before, after in zip(("note-lstm-2", "few-lstm-2"), first, texts(one), strict=True):
        assert after.startswith(before)
        assert after == load(SHIPPED / name).generate(**one.asked(), max_chars=80)


def test_continue_before_anything_is_written_says_what_to_do(visit):
    one = visit()
    one.page.click("#continue")
    one.page.get_by_text("press Generate first").wait_for()


def test_a_click_on_a_character_shows_every_models_next_ones_and_one_of_them_is_a_branch(visit, registry):
    one = visit(TWO)
    one.generate(prompt="the time", length=30)
    text = texts(one)[0]
    one.card("note-lstm-2").locator(".text span").nth(10).click()
    rows = one.page.locator(".next-row")
    rows.first.wait_for()
    context = "the time" + text[:10]
    expected = service.next_char(registry, prompt=context, models=["note-lstm-2", "few-lstm-2"])
    assert rows.count() == 2
    for index, answer in enumerate(expected):
        shown = rows.nth(index).locator(".choice b").all_text_contents()
        assert shown == [one["char"].replace(" ", "␣") for one in answer["candidates"]]
    picked = expected[1]["candidates"][2]["char"]
    rows.nth(1).locator(".choice").nth(2).click()
    one.page.wait_for_function(
        "(prompt) => [...document.querySelectorAll('.model-card')].every((card) =>"
        " card.querySelector('.prompt').textContent === prompt"
        " && /finished/.test(card.querySelector('.status').textContent))",
        arg=context + picked,
    )
    assert one.page.locator("#prompt textarea").input_value() == context + picked
    assert texts(one)[1] == load(SHIPPED / "few-lstm-2").generate(**one.asked(), max_chars=30)


def test_characters_are_reached_and_asked_by_keys_alone(visit):
    one = visit()
    one.card("note-lstm-2").locator(".out").focus()
    for _ in range(3):
        one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("Enter")
    one.page.locator(".next-row").first.wait_for()
    focused = "document.activeElement === document.querySelectorAll('.next-row')[{}].querySelectorAll('.choice')[{}]"
    for key, place in (("Tab", (0, 0)), ("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("Home", (1, 0))):
        one.page.keyboard.press(key)
        assert one.page.evaluate(focused.format(*place)), key
    one.page.keyboard.press("Tab")
    assert not one.page.evaluate("document.querySelector('.next').contains(document.activeElement)"), "one stop"
    one.page.keyboard.press("Escape")
    assert not one.page.locator(".next").is_visible()
    assert one.page.evaluate("document.activeElement.className") == "out"


def test_arrow_keys_begin_after_the_prompt_whatever_its_characters(visit):
    one = visit("?models=note-gru-2&prompt=%F0%9F%98%80%F0%9F%98%80+the&length=20")
    one.page.wait_for_function("() => /finished/.test(document.querySelector('.status').textContent)")
    one.card("note-gru-2").locator(".out").focus()
    one.page.keyboard.press("ArrowRight")
    assert one.card("note-gru-2").locator(".out .at").get_attribute("data-at") == str(len("😀😀 the"))


def test_an_answer_about_another_place_or_text_is_not_shown(visit):
    one = visit(TWO, script=NOTES_WRITING)
    one.generate(prompt="the time", length=30)
    held = []
    one.page.route("**/component_server**", lambda route: held.append(route))
    spans = one.card("note-lstm-2").locator(".text span")
    spans.nth(10).click()
    spans.nth(20).click()
    wait_until(lambda: one.page.title() and len(held) == 2)
    held[1].continue_()
    one.page.locator(".next-row").first.wait_for()
    shown = one.page.locator(".next h3").text_content()
    held[0].continue_()
    one.settle()
    assert one.page.locator(".next h3").text_content() == shown
    one.page.keyboard.press("Escape")
    spans.nth(5).click()
    wait_until(lambda: one.page.title() and len(held) == 3)
    one.set("Length", 2000)
    one.page.evaluate("() => { window.wrote = false; document.querySelector('#generate').click(); }")
    one.page.wait_for_function("() => window.wrote")
    held[2].continue_()
    one.settle()
    assert not one.page.locator(".next").is_visible()


def test_the_next_characters_go_with_the_text_and_the_view_that_they_stood_in(visit):
    one = visit(TWO)
    one.generate(prompt="the time", length=30)
    sheet = one.page.locator(".next")
    character = one.card("note-lstm-2").locator(".text span").nth(10)
    character.click()
    one.page.locator(".next-row").first.wait_for()
    one.page.get_by_text("中文", exact=True).click()
    one.page.get_by_role("heading", name="以下文字之后可能出现什么").wait_for()
    assert not sheet.evaluate("(one) => one.contains(document.activeElement)"), "the focus stays at the language"
    one.choose("learn")
    one.choose("compare")
    assert not sheet.is_visible()
    assert one.page.evaluate("document.body.style.paddingBottom") == ""
    character.click()
    one.page.locator(".next-row").first.wait_for()
    one.page.locator("#prompt textarea").fill("another")
    one.page.click("#generate")
    sheet.wait_for(state="hidden")


def test_a_server_that_does_not_answer_is_said_beside_the_character(visit):
    one = visit(TWO)
    one.page.route("**/component_server**", lambda route: route.abort())
    one.card("note-lstm-2").locator(".text span").nth(10).click()
    one.page.get_by_text(tr("compare.label.failed", "en")).wait_for()
    one.problems.clear()


def test_a_lens_that_is_pressed_keeps_the_focus(visit):
    one = visit()
    one.page.get_by_role("button", name="surprise").focus()
    one.page.keyboard.press("Enter")
    assert one.page.evaluate("document.activeElement.textContent") == "surprise"


def test_another_lens_is_only_another_style(visit):
    one = visit()
    before = texts(one)
    one.page.get_by_role("button", name="surprise").click()
    background = "(span) => getComputedStyle(span).backgroundColor"
    span = one.card("note-lstm-10").locator(".text span").nth(3)
    assert span.evaluate(background) != "rgba(0, 0, 0, 0)"
    one.page.get_by_role("button", name="plain", exact=True).click()
    assert span.evaluate(background) == "rgba(0, 0, 0, 0)"
    assert texts(one) == before


def test_a_copied_link_shows_another_reader_the_same_texts(visit):
    one = visit(TWO)
    one.generate(prompt="the machine", length=50)
    one.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    one.page.get_by_role("button", name="Copy link").click()
    one.page.wait_for_function("() => window.copied")
    link = one.page.evaluate("window.copied")
    other = visit(link.removeprefix(one.url))
    other.page.wait_for_function(
        "() => [...document.querySelectorAll('.model-card .status')].every((s) => /finished/.test(s.textContent))"
    )
    assert texts(other) == texts(one)


def test_a_hostile_link_is_only_text(visit):
    one = visit("?models=note-lstm-2,%3Cimg%3E&prompt=%3Cimg%20src=x%20onerror=harmed=1%3E%60%24%7Bharmed=2%7D&lang=zz")
    one.page.wait_for_function("() => /finished/.test(document.querySelector('.status').textContent)")
    assert one.card("note-lstm-2").locator(".prompt").text_content() == "<img src=x onerror=harmed=1>`${harmed=2}"
    assert one.page.evaluate("window.harmed") is None


def test_what_is_saved_opens_again(visit, tmp_path):
    one = visit(TWO)
    one.generate(prompt="the time", length=40)
    with one.page.expect_download() as download:
        one.page.locator(".menu summary").click()
        one.page.get_by_role("button", name="JSON").click()
    path = tmp_path / "comparison.json"
    download.value.save_as(path)
    other = visit()
    with other.page.expect_file_chooser() as chooser:
        other.page.locator(".menu summary").click()
        other.page.get_by_role("button", name="Open a saved one").click()
    chooser.value.set_files(path)
    other.shows("note-lstm-2", "few-lstm-2")
    assert texts(other) == texts(one)
    assert other.page.locator("#prompt textarea").input_value() == "the time"


def test_a_file_that_is_no_comparison_is_refused_and_nothing_is_lost(visit, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"cards": "none"}')
    one = visit()
    before = texts(one)
    with one.page.expect_file_chooser() as chooser:
        one.page.locator(".menu summary").click()
        one.page.get_by_role("button", name="Open a saved one").click()
    chooser.value.set_files(path)
    one.page.get_by_text("Choose a JSON file").wait_for()
    assert texts(one) == before


def test_nothing_moves_while_models_write(visit):
    one = visit(TWO)
    one.page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {"
        " if (!entry.hadRecentInput) window.shift += entry.value; })).observe({ type: 'layout-shift' }); }"
    )
    one.set("Length", 600)
    one.page.keyboard.press("Tab")
    one.generate()
    assert one.page.evaluate("window.shift") < 0.05  # half of what web.dev's Core Web Vitals call good


def test_score_compares_two_models_character_by_character(visit):
    one = visit()
    one.choose("score")
    one.page.wait_for_selector(".heat span")
    rows = one.page.locator(".score-result .scores").first.locator("tbody th").all_text_contents()
    assert any("6-gram of The Time Machine" in row for row in rows)
    assert any("Guessing among 28 symbols" in row for row in rows)
    one.page.get_by_role("button", name="A minus B").click()
    kinds = one.page.locator(".heat span").evaluate_all("(spans) => spans.map((s) => s.className)")
    assert any(kind.endswith(" less") for kind in kinds)
    assert "" in kinds
    one.page.wait_for_selector(".running .curve")  # drawn when all are there
    assert one.page.locator(".running .curve").count() == len(rows)


def test_a_link_to_a_score_is_scored(visit):
    one = visit("?view=score&models=few-lstm-2&text=the%20time%20machine")
    one.page.wait_for_selector(".heat span")
    assert one.page.locator(".heat").text_content() == "the time machine"


def test_an_example_is_continued_at_once_by_models_that_can_read_it(visit):
    one = visit()
    one.page.get_by_role("button", name="却说孙行者").click()
    one.shows("journey-gru-2")
    one.page.wait_for_function("() => /finished/.test(document.querySelector('.status').textContent)")
    assert one.page.locator("#prompt textarea").input_value() == "却说孙行者"
    assert texts(one) == [load(SHIPPED / "journey-gru-2").generate(**one.asked(), max_chars=300)]


def test_scores_of_a_changed_text_are_marked_until_it_is_scored(visit):
    one = visit("?view=score&models=few-lstm-2&text=the%20time%20machine")
    one.page.wait_for_selector(".heat span")
    said = one.page.locator(".outdated", has_text="from before you changed")
    assert said.count() == 0
    field = one.page.locator("#score-text textarea")
    field.fill("the time traveller")
    said.wait_for()
    assert one.page.locator(".score-result.stale .heat").count() == 1
    field.fill("the time machine")
    said.wait_for(state="detached")
    field.fill("the time machines")
    said.wait_for()
    one.page.get_by_text("中文", exact=True).click()
    one.page.locator(".outdated", has_text="改动之前").wait_for()
    one.page.click("#score")
    one.page.locator(".outdated", has_text="改动之前").wait_for(state="detached")
    assert one.page.locator(".score-result .heat").text_content() == "the time machines"
    one.page.get_by_role("button", name="同风格的新句子").click()
    one.page.wait_for_function("() => document.querySelector('.heat').textContent.includes('old clockmaker')")
    one.page.locator(".outdated", has_text="改动之前").wait_for(state="detached")


def test_the_lines_of_a_running_plot_reach_any_perplexity(visit):
    one = visit("?view=score&models=note-lstm-2&text=" + "qzxjqzxjvkqz" * 3)
    one.page.wait_for_selector(".running")
    words = one.page.locator(".running .grid + text").all_text_contents()
    assert len(words) >= 3
    cells = one.page.locator(".all-figures tbody tr").first.locator("td").all_text_contents()
    assert float(words[-1].replace(",", "").replace(" k", "e3").replace(" M", "e6")) > float(cells[0]) / 30


@pytest.mark.parametrize(
    ("lang", "scheme"),
    [
        ("zh", "dark"),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("en", "light"), ("en", "dark"), ("zh", "light"))),
    ],
)
@pytest.mark.parametrize("view", ["compare", "score", "checkpoints"])
def test_axe_finds_nothing_serious(visit, view, lang, scheme):
    query = f"?view={view}&lang={lang}"
    one = visit(query + ("&text=the%20time" if view == "score" else ""), scheme=scheme)
    one.settle()
    if view == "score":
        one.page.wait_for_selector(".heat span")
    if view == "checkpoints":
        one.page.locator(".checkpoints .name").first.click()
        one.page.locator("#model-card h3").wait_for()
    if view == "compare":
        one.card("note-lstm-2").locator(".text span").nth(3).click()
        one.page.locator(".next-row").first.wait_for()
    assert one.serious() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_link_in_either_language_shows_its_own_models_and_keeps_them(visit, lang):
    one = visit(f"?preset=general&lang={lang}", locale="en-US" if lang == "zh" else "zh-CN")
    one.shows("note-lstm-2", "few-lstm-2")
    one.settle()
    one.shows("note-lstm-2", "few-lstm-2")
    word = {"en": "learned by rote", "zh": "背下来了"}[lang]
    assert word in one.page.locator("#questions").text_content()
    assert ("层" in one.page.locator(".model-card h3").first.text_content()) == (lang == "zh")
