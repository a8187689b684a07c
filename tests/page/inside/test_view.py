"""The Inside view: what the probes found, the sentences made of it, and the page that shows both."""

import math
import re

import pytest
import torch

from deeprnn.measure import probes
from deeprnn.page import service
from deeprnn.page.inside import view as inside
from deeprnn.page.service import MAX_LOOK_CHARS, RequestError
from deeprnn.page.shared.widgets import title_of, two_digits
from deeprnn.page.words import tr
from tests.page.conftest import spoken

TEXT = "The Time Traveller came back and sat down by the fire without a word."
PLAIN, RESIDUAL = inside.FIRST


@pytest.mark.parametrize("name", [PLAIN, RESIDUAL, "note-lstm-2", "depth-mingru-2-residual", "journey-gru-2"])
def test_a_look_has_a_row_for_each_layer_and_a_column_for_each_character(registry, name):
    found = service.look(registry, name, TEXT)
    layers, chars = registry.infos[name].config.num_layers, len(TEXT)
    assert [len(row) for row in found["change"]] == [chars - 1] * layers
    assert all([len(row) for row in rows] == [chars] * layers for rows in found["gates"].values())
    assert [{len(unit) for unit in units} for units in found["units"]] == [{chars}] * layers
    assert len(found["echo"]) == len(found["gradients"]) == len(found["without"]) == len(found["lifetime"]) == layers
    assert [len(row) for row in found["lens"]["said"]] == [chars - 1] * len(found["lens"]["levels"])


def test_a_look_is_what_the_probes_and_the_scores_say(registry):
    found = service.look(registry, RESIDUAL, TEXT)
    lm = registry.get(RESIDUAL)
    ids = torch.tensor(lm.vocab.encode(TEXT))
    assert found["nats"] == pytest.approx(lm.score(TEXT).mean_nats, abs=1e-5)
    assert found["lens"]["nats"][-1] == pytest.approx(lm.score(TEXT).nats, abs=1e-3)
    assert found["lifetime"] == [probes.lifetime(curve) for curve in probes.echo(lm.model, ids, len(TEXT) // 2)]
    units = found["units"][0]
    assert {letter for unit in units for letter in unit} <= set("abcdefghijklmnopqrstuvwxy")


def test_the_text_shown_is_the_text_as_it_is_read(registry):
    given = "He came\r\nback\N{EM DASH}and sat down."
    shown = inside.pictures(registry, [RESIDUAL, PLAIN], given)
    assert shown["text"] == "He came\nback--and sat down."
    for model in shown["models"]:
        assert {len(unit) for units in model["units"] for unit in units} == {len(shown["text"])}


def test_a_link_to_models_that_cannot_read_the_text_shows_one_that_they_wrote(registry):
    sample = registry.infos["journey-gru-2"].metrics.sample
    own = inside.readable(registry, ["journey-gru-2"], inside.TEXT)
    assert own == (sample.prompt + sample.text)[: len(own)]
    assert service.look(registry, "journey-gru-2", own)["nats"] > 0
    assert inside.readable(registry, ["journey-gru-2", PLAIN], inside.TEXT) == inside.TEXT
    assert inside.readable(registry, [PLAIN], TEXT) == TEXT


def test_the_sentences_name_the_layers_that_the_numbers_name(registry):
    found = service.look(registry, RESIDUAL, TEXT)
    said = inside.says(found, "lstm", True, "en")
    without = found["without"]
    most, least = without.index(max(without)) + 1, without.index(min(without)) + 1
    assert re.search(rf"without layer {most}, the most needed, .* without layer {least}, the least", said["without"])
    assert f"{math.exp(found['nats']):.3f}" in said["without"]
    kept = [sum(row) / len(row) for row in found["gates"]["f"]]
    assert f"{100 * max(kept):.0f}% of the old state in layer {kept.index(max(kept)) + 1}" in said["gates"]
    assert f"{two_digits(found['gradients'][0][0])} in the bottom layer" in said["gradients"]


def test_ten_plain_layers_stand_still_above_and_ten_residual_ones_do_not(registry):
    """What the view is there to show."""
    plain, residual = (service.look(registry, name, inside.TEXT) for name in (PLAIN, RESIDUAL))
    mean = [[sum(row) / len(row) for row in look["change"]] for look in (plain, residual)]
    assert mean[0][0] > 0.5 > 0.1 > mean[0][9]
    assert min(mean[1]) > 0.5
    assert plain["gradients"][0][0] < 1e-4 * plain["gradients"][9][0]
    assert residual["gradients"][0][0] > 0.5 * residual["gradients"][9][0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_tie_between_layers_is_said_as_one(lang):
    assert inside._ends("inside.say.echo", [4, 4, 4], "d", lang).count("4") == 1
    assert "3" in inside._ends("inside.say.echo", [4, 4, 4], "d", lang)


def test_of_a_plain_stack_only_the_top_is_read_out(registry):
    """Its layers share no basis with the output layer."""
    plain, residual = inside.pictures(registry, [PLAIN, RESIDUAL], TEXT)["models"]
    assert "largest step" not in plain["says"]["lens"]["en"]
    assert "largest step" in residual["says"]["lens"]["en"]
    assert plain["lens"]["levels"] == [10]
    assert residual["lens"]["levels"] == list(range(11))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (RESIDUAL, "short", "has 5 characters; give 8 to 400"),
        (RESIDUAL, "x" * (MAX_LOOK_CHARS + 1), "has 401 characters; give 8 to 400"),
        (RESIDUAL, "a" * 50, "one and the same symbol"),
        ("note-rnn-2-shared", TEXT, "share one state.*Choose another model"),
        ("no-such", TEXT, "There is no model no-such"),
    ],
)
def test_what_cannot_be_looked_into_is_refused_with_the_remedy(registry, name, text, message):
    with pytest.raises(RequestError, match=message):
        service.look(registry, name, text)


@pytest.mark.parametrize("name", ["note-lstm-2", "depth-gru-1-residual", "depth-rnn-2-residual"])
@pytest.mark.parametrize("text", [TEXT, "a bit of"])
def test_every_kind_of_stack_and_the_shortest_text_has_its_sentences(registry, name, text):
    for lang in ("en", "zh"):
        (one,) = spoken(inside.pictures(registry, [name], text), lang)["models"]
        assert all(one["says"].values())
        assert not any("{" in said for said in one["says"].values())


def test_a_reader_reads_across_the_layers_of_two_models(visit, registry):
    one = visit("?view=inside")
    one.page.wait_for_selector(".inside .figure")
    one.page.locator(".reading-across summary").click()
    one.page.locator(".strip span").nth(30).hover()
    table = one.page.locator(".across").nth(1)
    rows = table.locator("tbody tr")
    assert rows.count() == 11
    found = service.look(registry, RESIDUAL, inside.TEXT)
    top = rows.first.locator("td").all_text_contents()
    assert top[0] == f"{100 * found['change'][9][29]:.0f}%"
    assert float(top[-1]) == pytest.approx(found["lens"]["nats"][-1][30], abs=0.006)
    one.page.locator(".strip").focus()
    one.page.keyboard.press("ArrowRight")
    assert float(rows.first.locator("td").last.text_content()) == pytest.approx(
        found["lens"]["nats"][-1][31], abs=0.006
    )


def test_an_address_brings_its_models_and_its_text(visit):
    one = visit("?view=inside&models=depth-lstm-2-residual,depth-rnn-2-residual&text=A+text+of+its+own.")
    one.page.wait_for_selector(".inside .figure")
    one.settle()  # opening the tab is an event too: it draws nothing over it
    shown = one.page.locator(".pair .figure").evaluate_all("all => all.map((one) => one.dataset.model)")
    assert shown == ["depth-lstm-2-residual", "depth-rnn-2-residual"] * 5
    assert one.page.locator(".strip span").count() == len("A text of its own.")
    assert one.page.locator("#inside-text textarea").input_value() == "A text of its own."


def test_of_two_quick_choices_the_last_is_shown(visit, registry):
    one = visit("?view=inside&models=depth-lstm-2-residual&text=A+text+of+its+own.")
    one.page.wait_for_selector(".inside .figure")
    one.settle()
    first = one.page.get_by_label(tr("inside.first", "en"), exact=True)
    for model in ("depth-rnn-2-residual", "depth-gru-2-residual"):
        first.click()
        one.page.get_by_role("option", name=title_of(registry, model, "en"), exact=True).click()
    one.page.wait_for_selector(".pair .figure[data-model='depth-gru-2-residual']")
    one.settle()
    shown = one.page.locator(".pair .figure").evaluate_all("all => all.map((one) => one.dataset.model)")
    assert set(shown) == {"depth-gru-2-residual"}


def test_a_switch_that_is_pressed_keeps_the_focus(visit):
    one = visit("?view=inside&models=depth-lstm-2-residual&text=A+text+of+its+own.")
    pressed = one.page.get_by_role("button", name="forget gate f")
    pressed.focus()
    one.page.keyboard.press("Enter")
    one.page.wait_for_function(
        "() => document.activeElement.textContent === 'forget gate f'"
        " && document.activeElement.getAttribute('aria-pressed') === 'true'"
    )


def test_gates_are_called_by_their_names():
    labels = inside.labels("zh")
    named = {"r": "重置门 r", "z": "更新门 z", "f": "遗忘门 f", "i": "输入门 i", "o": "输出门 o"}
    assert {key.removeprefix("gate_"): label for key, label in labels.items() if key.startswith("gate_")} == named


def test_another_text_and_another_language_are_drawn(visit):
    one = visit()
    one.choose("inside")
    one.page.wait_for_selector(".inside .figure")
    one.page.locator("#inside-text textarea").fill("A new text, not long.")
    one.page.click("#look")
    one.page.wait_for_function("() => document.querySelectorAll('.strip span').length === 21")
    one.page.get_by_role("button", name="forget gate f").click()
    assert "keep" in one.page.locator(".inside .says").first.text_content()
    one.page.get_by_text("中文").click()
    one.page.get_by_role("heading", name="各层能记住多久").first.wait_for()
    assert one.page.locator(".strip span").count() == 21


def test_a_text_too_short_is_refused_on_the_page(visit):
    one = visit("?view=inside")
    one.page.wait_for_selector(".inside .figure")
    one.page.locator("#inside-text textarea").fill("no")
    one.page.click("#look")
    one.page.get_by_text("give 8 to 400").wait_for()
    assert one.page.locator(".pair").count() == 5


def test_an_address_with_a_text_too_short_is_refused_in_a_sentence(visit):
    one = visit("?view=inside&models=data-book&text=a")
    one.page.get_by_text("give 8 to 400").wait_for()


@pytest.mark.parametrize("scheme", ["dark"])
def test_axe_finds_nothing_serious_inside(visit, scheme):
    one = visit("?view=inside", scheme=scheme)
    one.page.wait_for_selector(".inside .figure")
    assert one.serious() == []


def test_every_layer_of_a_plain_stack_is_listed_at_a_character(visit):
    one = visit(f"?view=inside&models={PLAIN}")
    one.page.wait_for_selector(".across tbody tr", state="attached")
    changes = one.page.locator(".across tbody tr td:nth-child(2)").all_text_contents()
    assert len([change for change in changes if change.endswith("%")]) == 10


def test_only_the_gate_that_keeps_says_how_much_is_kept(visit):
    one = visit("?view=inside&models=note-lstm-2")
    one.page.wait_for_selector(".inside .figure")
    states = one.page.locator(".pair .figure").first
    for gate, keeps in (("forget gate f", True), ("input gate i", False), ("output gate o", False)):
        one.page.get_by_role("button", name=gate, exact=True).click()
        assert ("keep" in states.text_content()) == keeps, gate


@pytest.mark.parametrize(("lang", "own"), [("en", "of its own layer"), ("zh", "本层")])
def test_what_each_layer_is_scaled_by_is_said(lang, own):
    labels = inside.labels(lang)
    assert own in labels["scale_units"]
    assert own in labels["scale_echo"]


def test_two_models_are_drawn_on_one_scale_and_each_picture_has_its_own_sentence(visit):
    one = visit("?view=inside")
    one.page.wait_for_selector(".inside svg.chart")
    marks = "(all) => all.map((svg) => [...svg.querySelectorAll('text[text-anchor=middle]')].map((t) => t.textContent))"
    first, second = one.page.locator(".inside svg.chart").evaluate_all(marks)
    assert first == second
    assert one.page.locator(".inside svg.chart rect").count() == 0, "a log scale has no zero from which a bar may begin"
    one.page.get_by_role("button", name="units of a layer").click()
    assert "gates" not in one.page.locator(".pair .figure").first.text_content()


def test_a_touch_on_a_map_reads_across_there(visit):
    one = visit("?view=inside")
    one.page.wait_for_selector(".inside .figure")
    one.page.locator(".timed .frame").first.dispatch_event("pointerdown", {"clientX": 100_000, "pointerType": "touch"})
    last = one.page.locator(".strip span").count() - 1
    assert one.page.locator(".strip .at").get_attribute("data-index") == str(last)


def test_it_is_said_how_many_characters_of_the_text_a_model_does_not_know(registry):
    notes = [spoken(inside.pictures(registry, ["journey-gru-2", PLAIN], TEXT), lang)["notes"] for lang in ("en", "zh")]
    assert [len(one) for one in notes] == [1, 1]
    assert "does not know 56 of the 69 characters" in notes[0][0]
    assert "69 个字符中的 56 个" in notes[1][0]


def test_typing_into_the_list_of_models_leaves_its_title_alone(visit):
    one = visit("?view=inside")
    one.page.wait_for_selector(".inside .figure")
    field = one.page.get_by_label("Model", exact=True).first
    before = field.input_value()
    field.click()
    one.page.keyboard.type("shakes")
    assert field.input_value() == before


def looked(changes):
    return {"change": [[change] * 3 for change in changes], "nats": math.log(4.5)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([0.8, 0.2, *[0.05] * 8], "the upper 8 of its 10 layers hardly move"),
        ([0.8, 0.05], "the top one of its 2 layers hardly moves"),
        ([0.8, 0.05, 0.9], "1 of its 3 layers hardly move"),
        ([0.8, 0.9], "both layers move"),
        ([0.9], "its one layer moves"),
        ([0.9] * 4, "all 4 layers move"),
        ([0.01] * 4, "its layers hardly move at all"),
    ],
)
def test_the_headline_says_how_many_layers_move(changes, said):
    found = inside.headline([("this model", looked(changes))], "en")
    assert found["bold"].startswith(f"this model: {said}")
    assert "4.50" in found["rest"]
    assert inside.headline([("它", looked(changes))], "zh")["bold"].startswith("它：")


def test_the_pair_that_opens_the_view_shows_its_point(registry):
    shown = inside.headline([(name, service.look(registry, name, inside.TEXT)) for name in inside.FIRST], "en")
    assert f"{PLAIN}: the upper 8 of its 10 layers hardly move." in shown["bold"]
    assert f"{RESIDUAL}: all 10 layers move at every character." in shown["bold"]


def test_what_the_view_opens_with_is_computed_once_for_all_visitors(registry):
    assert inside.found(registry, inside.FIRST, inside.TEXT) is inside.found(registry, inside.FIRST, inside.TEXT)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_view_opens_with_its_headline_and_its_first_pictures_on_the_screen(visit, lang):
    one = visit(f"?lang={lang}")
    one.choose("inside")
    one.page.wait_for_selector(".inside .figure")
    for width, height in ((1440, 900), (1280, 720)):
        one.resize(width, height)
        for first in (".headline b", ".pair .layers >> nth=0", ".pair .layers >> nth=1"):
            box = one.page.locator(f".inside {first}").bounding_box()
            assert box["y"] + box["height"] < height, (first, width)
    fold = one.page.locator(".reading-across")
    assert fold.evaluate("(fold) => fold.open") is False
    *pairs, fold = one.boxes(".pair, .reading-across")
    assert fold["y"] > max(pair["y"] for pair in pairs)


def test_each_picture_is_beside_the_same_picture_of_the_other_model(visit):
    one = visit("?view=inside", width=1440)
    figures = one.boxes(".pair .figure")
    assert len(figures) == 2 * one.page.locator(".pair").count()
    for left, right in zip(figures[::2], figures[1::2], strict=True):
        assert left["y"] == right["y"]
        assert left["right"] < right["x"]
