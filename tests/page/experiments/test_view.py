"""The Experiments view: charts that follow the results, sentences that follow them too, files that hold them."""

import json
import re
import shutil
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from deeprnn.experiments import authors, depth
from deeprnn.experiments.charts import curves
from deeprnn.page.experiments import view as experiments
from deeprnn.page.shared.figures import drawn
from deeprnn.page.shared.questions import answers
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE, Results
from tests.conftest import SHIPPED, with_every_recipe


@pytest.fixture(scope="module")
def results():
    return Results.read(SHIPPED)


@pytest.fixture
def changed(tmp_path):
    """A copy of the results that may be changed, with no checkpoints beside it."""
    shutil.copy(SHIPPED / FILE, tmp_path / FILE)

    def change(recipe, part, ppl):
        stored = json.loads((tmp_path / FILE).read_text())
        for run in stored["runs"].values():
            if run["recipe"] == recipe:  # in all its seeds
                run["final"][part]["ppl"] = ppl
        (tmp_path / FILE).write_text(json.dumps(stored))
        return experiments.sections(Registry(tmp_path), "en")

    return change


def answered(registry):
    """The questions of which the results have the runs: all but those of optional answers alone."""
    optional = {one.key for one in experiments.ANSWERED if all(answer.optional for answer in one.answers)}
    assert optional == {"mixing"}
    return [one for one in experiments.ANSWERED if one.key not in optional or one.answered(registry.results)]


def section(value, key):
    (found,) = (one for one in value["sections"] if one["key"] == key)
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_question_is_answered_with_a_figure_a_table_and_its_commands(registry, lang):
    value = experiments.sections(registry, lang)
    assert [one["key"] for one in value["sections"]] == [question.key for question in answered(registry)]
    for one, question in zip(value["sections"], answered(registry), strict=True):
        assert one["answers"]
        assert all(answer["claim"] and answer["sentence"] for answer in one["answers"])
        assert one["commands"]
        assert one["preset"] == (question.comparison or None)
        assert one["figures"]
        for charts in one["figures"]:
            assert charts
            for chart in charts:
                assert chart["title"]
                assert chart["table"]["rows"]
                assert len(chart["table"]["recipes"]) == len(chart["table"]["rows"])
                assert all(len(row) == len(chart["table"]["columns"]) for row in chart["table"]["rows"])


def test_another_result_is_another_answer_another_point_and_another_row(changed):
    value = changed("depth-gru-10-residual", "test", 9.876)
    depth = section(value, "depth")
    (answer,) = (one for one in depth["answers"] if "GRU 9.876" in one["sentence"])
    assert "about 113%" in answer["claim"]
    assert "at most 113%" in depth["figures"][0][0]["title"]
    (line,) = (one for one in depth["figures"][0][0]["series"] if one["name"] == "GRU, residual")
    assert line["points"][-1] == [10, pytest.approx(9.876), pytest.approx(0)]
    assert ["GRU", "residual"] in [row[:2] for row in depth["figures"][0][0]["table"]["rows"]]
    assert any("9.876 ± 0.000" in row for row in depth["figures"][0][0]["table"]["rows"])


def test_a_question_of_optional_answers_is_shown_with_the_runs_that_there_are_and_not_at_all_without_any(tmp_path):
    whole = with_every_recipe(Results.read(SHIPPED))
    models = Registry(tmp_path)

    def sections(*recipes):
        runs = {name: run for name, run in whole.runs.items() if run.experiment != "mixing" or run.recipe in recipes}
        models.results = replace(whole, runs=runs)
        experiments.sections.cache_clear()
        experiments._charts.cache_clear()
        answers.cache_clear()
        return experiments.sections(models, "en")

    none = sections()
    assert "mixing" not in {one["key"] for one in none["sections"]}
    assert none["note"] == ""
    some = section(sections("mixing-own-100", "mixing-own-25", "mixing-shuffled-75"), "mixing")
    assert len(some["answers"]) == 1
    assert "words in random order" in some["answers"][0]["sentence"]
    assert "mistyped" not in some["answers"][0]["sentence"]
    assert [[chart["name"] for chart in charts] for charts in some["figures"]] == [
        ["equal characters", "equal clean characters"],
    ]
    every = section(sections(*(run.recipe for run in whole.runs.values())), "mixing")
    assert len(every["answers"]) == len(every["figures"]) == 2


def test_no_results_are_no_sections(tmp_path):
    value = experiments.sections(Registry(tmp_path), "en")
    assert (value["sections"], value["note"]) == ([], ""), "the script then draws the label `empty`"
    assert "No results" in tr("experiments.label.empty", "en")


def test_the_failures_are_drawn_with_the_rest(results):
    chart = drawn(depth.charts(results)[0][0], "en")
    names = [one["name"] for one in chart["series"]]
    assert {"LSTM, plain", "RNN, plain"} <= set(names)
    table = chart["table"]["rows"]
    assert any("never learned" in cell for row in table for cell in row)
    runs = drawn(curves(results, ("note-lstm-10",)), "en")
    assert min(y for *_, y, _ in runs["series"][1]["points"]) > 17


@pytest.mark.parametrize(("lang", "words"), [("en", "(never learned)"), ("zh", "（没有学会）")])
def test_no_table_on_the_page_holds_raw_markdown(registry, lang, words):
    sections = experiments.sections(registry, lang)["sections"]
    tables = [chart["table"] for one in sections for charts in one["figures"] for chart in charts]
    cells = [cell for table in tables for row in table["rows"] for cell in row]
    assert not [cell for cell in cells if "*" in cell]
    assert any(cell.endswith(words) for cell in cells)


def test_a_curve_has_a_point_for_each_look_by_epochs_characters_and_seconds(results):
    chart = drawn(curves(results, ("note-lstm-2",)), "en")
    curve = results.runs["note-lstm-2"].curve
    train, heldout = chart["series"]
    assert tuple(p[0] for p in train["points"]) == curve.epoch
    assert tuple(p[1] for p in train["points"]) == curve.chars
    assert tuple(p[2] for p in heldout["points"]) == curve.seconds
    assert heldout["points"][-1][3] == pytest.approx(curve.val_ppl[-1], abs=1e-4)
    assert chart["rules"] == [{"name": "guessing: 28", "y": 28}]


def test_an_authors_own_model_is_the_measure_of_the_others(results):
    chart = drawn(authors.chart(results, "author"), "en")
    own = authors.own_texts(results, "author")
    for column, name in enumerate(own):
        assert chart["cells"][column][column]["own"]
        assert chart["cells"][column][column]["text"] == "+0%"
        foreign = (column + 1) % len(own)
        best = authors.perplexity(results, "author", name, own[name]).mean
        other = authors.perplexity(results, "author", list(own)[foreign], own[name]).mean
        assert chart["cells"][foreign][column]["text"] == f"{round(100 * (other / best - 1)):+d}%"


def test_a_reader_sees_every_question_and_reads_a_figure(visit, registry):
    one = visit("?view=experiments")
    one.page.wait_for_selector(".experiment .chart")
    assert one.page.locator(".experiment").count() == len(answered(registry))
    figure = one.page.locator("#experiment-rote .figure")
    figure.scroll_into_view_if_needed()
    box = figure.locator(".chart").bounding_box()
    one.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    (read,) = (
        one
        for one in figure.locator(".legend > span").all_text_contents()
        if "GRU × 2 · 10,000 characters, held" in one
    )
    assert float(re.search(r"held-out([\d.]+)", read)[1]) > 1
    figure.locator(".chart").focus()
    before, place = figure.bounding_box(), figure.locator(".explain b").text_content()
    figure.locator(".chart").press("ArrowLeft")
    assert figure.locator(".explain b").text_content() != place
    assert figure.bounding_box() == before, "reading moves nothing"
    figure.get_by_role("button", name="seconds").click()
    assert "seconds" in figure.locator(".chart text").all_text_contents()


def test_a_figure_is_saved_as_svg_png_and_csv(visit, results):
    one = visit("?view=experiments")
    one.page.wait_for_selector("#experiment-depth .chart")
    files = {}
    for kind in ("SVG", "PNG", "CSV"):
        with one.page.expect_download() as saved:
            one.page.locator("#experiment-depth .figure").first.get_by_role("button", name=kind).click()
        files[kind] = saved.value.path()
        assert saved.value.suggested_filename == f"depth-1-1.{kind.lower()}"
    assert files["SVG"].read_text().startswith("<svg")
    assert 'stroke="rgb(' in files["SVG"].read_text()  # its own colours, without the page's style sheet
    assert files["PNG"].read_bytes().startswith(b"\x89PNG")
    titled, *rows = [line.split(",") for line in files["CSV"].read_text("utf-8-sig").splitlines()]
    title = one.page.locator("#experiment-depth figcaption").first.text_content()
    assert ",".join(titled).strip('"') == f"# {title}"
    value = results.where(recipe="depth-gru-10-residual").figure().mean
    assert ['"GRU', ' residual"', "10", str(round(value, 4))] in [row[:4] for row in rows]


def test_the_axis_of_shares_goes_from_none_to_all_at_most(visit):
    one = visit("?view=experiments&question=poems")
    chart = one.page.locator("#experiment-poems .chart").first
    chart.wait_for()
    marks = [text for text in chart.locator("text").all_text_contents() if text.isdigit()]
    assert "0" in marks
    assert max(map(int, marks)) <= 100, "an interval of few seeds does not go beyond all"
    assert "real poems" in chart.locator("text").all_text_contents()


def test_a_saved_picture_says_what_it_shows_and_keeps_no_line_of_the_pointer(visit):
    one = visit("?view=experiments")
    figure = one.page.locator("#experiment-rote .figure")
    figure.locator(".chart").hover()
    figure.locator(".explain b").wait_for()
    with one.page.expect_download() as saved:
        figure.get_by_role("button", name="SVG").click()
    picture = ElementTree.parse(saved.value.path())
    words = " ".join(" ".join(picture.getroot().itertext()).split())
    for told in ("#experiment-rote h2", "#experiment-rote figcaption"):
        assert one.page.locator(told).text_content() in words
    names = figure.locator(".legend i").all_text_contents()
    assert names
    assert [name for name in names if name not in words] == []
    assert picture.findall(".//*[@class='pointer']") == []
    assert picture.findall(".//*[@opacity='0.75']"), "the thin curves of charts.css"


def test_every_scale_has_three_ticks_and_every_line_is_read(visit):
    one = visit("?view=experiments")
    one.page.wait_for_selector("#experiment-rote .chart")
    ticks = "(all) => all.map((svg) => svg.querySelectorAll('.grid').length)"
    assert min(one.page.locator(".experiment svg.chart:has(.grid)").evaluate_all(ticks)) >= 3
    figure = one.page.locator("#experiment-rote .figure")
    figure.get_by_role("button", name="seconds").click()
    box = figure.locator(".chart").bounding_box()
    figure.locator(".chart").dispatch_event(
        "pointerdown", {"clientX": box["x"] + 0.6 * box["width"], "pointerType": "touch"}
    )
    values = figure.locator(".legend .value").all_text_contents()
    assert len(values) == figure.locator(".chart .curve").count()
    assert all(values)
    assert figure.locator(".pointer").get_attribute("visibility") == "visible"


def test_the_language_switch_draws_the_questions_again(visit):
    one = visit("?view=experiments")
    one.page.wait_for_selector(".experiment")
    one.page.get_by_text("中文").click()
    one.page.get_by_role("heading", name="更多数据").wait_for()
    see = one.page.locator("#experiment-depth .see")
    assert see.get_attribute("href") == "?preset=depth&lang=zh"
    see.click()
    one.page.wait_for_selector(".model-card[data-model='note-lstm-10-residual']")


SMALL = """() => {
  const shown = [...document.querySelectorAll('#experiments *')].filter((one) =>
    one.checkVisibility() && [...one.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
  const size = (one) => {
    const svg = one.closest('svg');
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return parseFloat(getComputedStyle(one).fontSize) * scale;
  };
  return [shown.length, shown.filter((one) => size(one) < 11.99).map((one) => one.textContent)];
}"""
OVERLAPPING = """(all) => {
  const boxes = all.map((one) => one.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom;
  return boxes.flatMap((a, index) => boxes.slice(index + 1).filter((b) => meet(a, b))).length;
}"""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_on_a_phone_all_text_is_large_enough_and_nothing_is_wider_than_the_page(visit, lang):
    one = visit(f"?view=experiments&lang={lang}", width=390, height=844, touch=True)
    one.page.wait_for_selector("#experiment-scratch .chart")
    shown, small = one.page.evaluate(SMALL)
    assert shown > 100
    assert small == []
    assert one.page.evaluate("document.documentElement.scrollWidth") == 390
    assert one.page.locator(".end").count() == 0, "the legend names the lines"


def test_each_line_has_its_name_at_its_end_and_no_two_of_them_overlap(visit):
    one = visit("?view=experiments", width=1440)
    one.page.wait_for_selector("#experiment-scratch .chart")
    for figure in one.page.locator(".figure:has(.curve)").all():
        names = figure.locator(".end text")
        assert names.count() == figure.locator(".chart .curve").count()
        assert names.evaluate_all(OVERLAPPING) == 0
        right = figure.locator(".chart").evaluate("(svg) => svg.getBoundingClientRect().right")
        assert max(names.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().right)")) <= right + 1


def test_the_claim_is_beside_its_figure_on_a_wide_page_and_above_it_on_a_phone(visit):
    wide, phone = (visit("?view=experiments", width=width) for width in (1440, 390))
    for one in (wide, phone):
        one.page.wait_for_selector("#experiment-depth .chart")
    parts = "#experiment-depth .answers, #experiment-depth .figure"
    said, figure = wide.boxes(parts)[:2]
    assert abs(said["y"] - figure["y"]) < 20
    assert said["x"] >= figure["right"]
    wide.page.locator("#experiment-depth .figure").nth(1).locator(".chart").scroll_into_view_if_needed()
    assert wide.page.locator("#experiment-depth .claim").first.is_visible()
    assert 0 < wide.boxes("#experiment-depth .answers")[0]["y"] < 100, "it stays in view"
    said, figure = phone.boxes(parts)[:2]
    assert said["bottom"] <= figure["y"]


def test_a_question_is_in_the_address_and_the_address_leads_to_it(visit):
    one = visit("?view=experiments&question=data")
    top = "(at) => Math.abs(document.getElementById('experiment-' + at)?.getBoundingClientRect().top) < 40"
    one.page.wait_for_function(top, arg="data")
    one.page.get_by_role("navigation", name="Questions").get_by_role("link", name="GRU for LSTM").click()
    one.page.wait_for_function(top, arg="gru")
    assert "question=gru" in one.page.url
    one.page.go_back()
    one.page.wait_for_function(top, arg="data")


def test_who_goes_back_from_a_question_copies_a_link_to_all_of_them(visit):
    one = visit("?view=experiments")
    one.page.get_by_role("navigation", name="Questions").get_by_role("link", name="GRU for LSTM").click()
    one.page.wait_for_function("() => deeprnn.address.shown().includes('question=gru')")
    one.page.go_back()
    one.page.wait_for_function("() => !deeprnn.address.shown().includes('question')")


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious_in_the_experiments(visit, scheme):
    one = visit("?view=experiments", scheme=scheme)
    one.page.wait_for_selector(".experiment")
    assert one.serious() == []
