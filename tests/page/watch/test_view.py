"""The Watch view in a browser, over models that were really trained."""

import pytest

from deeprnn.experiments.rote import FEW, NOTE
from deeprnn.page.watch.moments import moments
from deeprnn.store.registry import Registry
from tests.conftest import WAIT
from tests.page.conftest import spoken

RECITER = NOTE[-1]
STILL = "?view=watch&question=general&epoch={}"
TEXT = f".learner[data-model='{RECITER}'] .text"


@pytest.fixture
def url(learned_url):
    """The page over the models that were trained for these tests."""
    return learned_url


@pytest.fixture(scope="module")
def reciter(learned):
    """What is shown of one of the models, in English."""
    return spoken(moments(Registry(learned), RECITER), "en")


@pytest.fixture
def watch(visit):
    def start(query="?view=watch", **options):
        one = visit(query, **options)
        one.page.wait_for_selector(".learner")
        return one

    return start


def present(one):
    return one.page.locator(".present").text_content()


def wait_for(one, name):
    one.page.wait_for_function("(name) => document.querySelector('.present').textContent === name", arg=name)


def settled(one, **wanted):
    """Wait until the address says this."""
    one.page.wait_for_function(
        "(wanted) => { const said = new URLSearchParams(location.search);"
        " return Object.entries(wanted).every(([name, value]) => said.get(name) === value); }",
        arg=wanted,
    )


def test_it_plays_when_it_is_opened_and_space_stops_it_and_goes_on(watch):
    one = watch()
    one.page.get_by_role("button", name="Pause").wait_for()
    one.page.wait_for_function("() => !['', 'epoch 1'].includes(document.querySelector('.present').textContent)")
    one.page.keyboard.press("Space")
    one.page.get_by_role("button", name="Play").wait_for()
    stopped = present(one)
    settled(one, question="general", epoch=stopped.removeprefix("epoch "))
    one.page.keyboard.press("Space")
    one.page.wait_for_function("(was) => document.querySelector('.present').textContent !== was", arg=stopped)


def test_where_it_has_played_to_the_end_the_address_says_so(watch):
    one = watch(STILL.format(1))
    one.page.keyboard.press("Space")
    one.page.get_by_role("button", name="Pause").wait_for()
    assert "epoch" not in one.page.evaluate("deeprnn.address.shown()"), "it plays: so does what a link leads to"
    one.page.get_by_role("button", name="Play").wait_for()
    assert present(one) != "epoch 1"
    settled(one, epoch=present(one).removeprefix("epoch "))


def test_who_asks_for_less_motion_sees_the_end_and_may_play(chromium, url):
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(1_000 * WAIT)
    page = context.new_page()
    page.goto(f"{url}?view=watch")
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator(".present").text_content() == "epoch 24"
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    context.close()


def test_an_address_leads_to_a_moment_and_each_model_shows_its_latest_measurement(watch, reciter):
    one = watch(STILL.format(20))
    assert present(one) == "epoch 18"
    text = reciter["prompt"] + reciter["texts"]["drawn"][reciter["epoch"].index(18)]
    assert one.page.locator(TEXT).text_content() == text
    epochs = [card.locator("dd").first.text_content() for card in one.page.locator(".learner").all()]
    assert epochs == ["18", "8"]
    assert one.page.get_by_role("button", name="Play").count() == 1, "it does not play"


def test_what_is_copied_is_marked_and_counted(watch, reciter):
    one = watch(STILL.format(24) + "&text=greedy")
    at, card = reciter["epoch"].index(24), one.page.locator(f".learner[data-model='{RECITER}']")
    text, spans = reciter["texts"]["greedy"][at], reciter["copied"]["greedy"][at]
    assert card.locator(".copied").all_text_contents() == [text[start:end] for start, end in spans]
    share = round(100 * sum(end - start for start, end in spans) / len(text))
    assert card.locator("dd").last.text_content() == f"{share}%"
    assert card.locator(".story").text_content() == reciter["story"]


def test_the_best_moment_is_one_click_away_and_marked_in_the_chart(watch, reciter):
    one = watch(STILL.format(1))
    best = reciter["epoch"][reciter["best"]]
    one.page.locator(f".learner[data-model='{RECITER}'] .go").click()
    wait_for(one, f"epoch {best}")
    assert one.page.locator(f".learner.at-best[data-model='{RECITER}']").count() == 1
    settled(one, epoch=str(best))
    assert one.page.locator(".chart .ring").count() == one.page.locator(".marks .mark").count() == 2


def test_keys_move_through_the_training_also_outside_the_slider(watch):
    one = watch(STILL.format(6))
    one.page.locator(".chart").focus()
    one.page.keyboard.press("ArrowRight")
    wait_for(one, "epoch 8")
    one.page.keyboard.press("ArrowLeft")
    one.page.keyboard.press("ArrowLeft")
    wait_for(one, "epoch 4")
    slider = one.page.get_by_role("slider")
    slider.focus()
    one.page.keyboard.press("End")
    wait_for(one, "epoch 24")
    assert slider.get_attribute("aria-valuetext") == "epoch 24"
    settled(one, epoch="24")


def test_a_finger_on_the_chart_goes_to_the_moment_under_it(watch):
    one = watch(STILL.format(1), width=390, touch=True)
    chart = one.page.locator(".chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    one.page.touchscreen.tap(box["x"] + box["width"] - 20, box["y"] + 100)
    wait_for(one, "epoch 24")


def test_the_axis_can_be_characters_or_seconds_and_the_moment_stays(watch, reciter):
    one = watch(STILL.format(12))
    at = reciter["epoch"].index(12)
    one.page.get_by_role("button", name="characters read").click()
    wait_for(one, f"{reciter['chars'][at]:,} characters read")
    settled(one, chars=str(reciter["chars"][at]))
    assert "epoch" not in one.query()
    one.page.get_by_role("button", name="seconds").click()
    wait_for(one, f"{reciter['seconds'][at]:g} seconds")


def test_back_and_forward_and_links_lead_to_moments_without_a_new_page(watch):
    one = watch(STILL.format(4))
    one.page.evaluate("window.kept = true")
    one.page.evaluate("deeprnn.address.go('?view=watch&question=general&epoch=18')")
    wait_for(one, "epoch 18")
    one.page.go_back()
    wait_for(one, "epoch 4")
    one.page.go_forward()
    wait_for(one, "epoch 18")
    one.choose("learn")
    one.page.wait_for_selector(".learn")
    one.choose("watch")
    assert one.query()["view"] == "watch"
    wait_for(one, "epoch 18")
    assert one.page.evaluate("window.kept === true")


def test_it_stops_when_another_view_is_opened(watch):
    one = watch()
    one.page.get_by_role("button", name="Pause").wait_for()
    one.choose("learn")
    one.page.wait_for_selector(".learn")
    assert one.page.locator(".play").text_content() == "Play"


def test_models_by_name_are_asked_of_the_server(watch):
    one = watch(f"?view=watch&models={FEW}&epoch=4")
    assert one.page.locator(".learner").evaluate_all("(all) => all.map((one) => one.dataset.model)") == [FEW]
    assert present(one) == "epoch 4"
    one.page.get_by_role("button", name="The same 10,000 characters").click()
    one.page.locator(f".learner[data-model='{RECITER}']").wait_for()
    settled(one, question="general")


def test_a_model_that_there_is_none_of_is_a_sentence(visit):
    one = visit("?view=watch&models=nobody")
    one.page.locator(".watch .empty", has_text="There is no model").wait_for()
    one.page.get_by_text("中文", exact=True).click()
    one.page.locator(".watch .empty", has_text="没有").wait_for()


def test_nothing_moves_from_one_moment_to_the_next(watch):
    places = "() => ['.learner .story', '.figure', '.rail'].map((one) => { const box ="
    places += " document.querySelector(one).getBoundingClientRect(); return [box.top, box.left, box.width]; })"
    one = watch(STILL.format(1), width=390)
    seen = set()
    one.page.locator(".chart").focus(timeout=5_000)
    one.page.evaluate("window.scrollTo(0, 0)")
    while present(one) != "epoch 24":
        seen.add(str(one.page.evaluate(places)))
        one.page.get_by_role("slider").press("ArrowRight")
    assert len(seen) == 1


def test_another_language_keeps_the_moment(watch):
    one = watch(STILL.format(18))
    one.page.get_by_text("中文").click()
    wait_for(one, "第 18 个迭代周期")
    assert one.page.get_by_role("button", name="播放").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), pytest.param(1280, "light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(watch, width, scheme):
    one = watch(STILL.format(18), scheme=scheme, width=width)
    assert one.serious() == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_are_12_pixels_or_more(watch):
    one = watch(STILL.format(18), width=390)
    sizes = one.page.locator(".watch *").evaluate_all(
        "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 11.95
