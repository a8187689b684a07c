"""Training on the page, in Chromium: a text is brought, a model learns, is stopped, goes on, and is used."""

import re
import zipfile
from io import BytesIO

import pytest

from deeprnn import load
from deeprnn.page.app import launch
from deeprnn.page.training.view import AT_HOME, form
from deeprnn.page.words import tr
from tests.conftest import wait_until
from tests.page.conftest import Visit

TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(60, 10, -1))
LONG = {"layers": "1", "width": "32", "epochs": "3000"}
SHIFTS = """
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
        .observe({ type: 'layout-shift', buffered: true });
"""


@pytest.fixture
def train(visit):
    """Open the view as `visit` does; what was started is removed at the end, so that the next test need not wait."""
    visits = []

    def opened(query="", **options):
        visits.append(visit(f"?view=training{query}", **options))
        visits[-1].page.locator(".text-part").wait_for()  # what it draws is fetched
        return visits[-1]

    yield opened
    for one in visits:
        found = one.page.request.get(f"{one.url}training/state").json().get("trainings", {})
        for key in found:
            one.page.request.post(f"{one.url}training/ask", data={"do": "remove", "key": key})


def choose(one, *, cell="gru", layers="", width="", wiring="", epochs=None):
    """Set what can be chosen."""
    selects = one.page.locator(".choices-part select")
    for index, value in enumerate((cell, layers, width, wiring)):
        selects.nth(index).select_option(value)
    if epochs:
        one.page.locator(".long select").select_option("epochs")
        one.page.locator(".long input").fill(epochs)


def bring(one, text=TEXT, **choices):
    """Paste a text and choose; wait for the estimate."""
    one.page.locator(".bring textarea").fill(text)
    choose(one, **choices)
    one.page.locator(".go:enabled").wait_for()


def start(one, **choices):
    bring(one, **choices)
    one.page.locator(".go").click()
    one.page.locator(".training-card").first.wait_for()


def until(one, state, index=0):
    one.page.locator(f".training-card[data-state={state}]").nth(index).wait_for()


def press(one, name, index=0):
    one.page.locator(".training-card").nth(index).get_by_role("button", name=re.compile(f"^{name}")).click()


def another(one, selector, before):
    """Wait until something is drawn differently, and return it."""
    read = "([selector, before]) => { const found = document.querySelector(selector);"
    read += " const now = found && (found.getAttribute('points') ?? found.textContent);"
    return one.page.wait_for_function(f"{read} return now && now !== before ? now : false; }}", arg=[selector, before])


def learn(one, times):
    """Wait until the curve and what the model writes have changed so often."""
    curve = sample = ""
    for _ in range(times):
        curve = another(one, ".race polyline.curve", curve).json_value()
        sample = another(one, ".sample", sample).json_value()


def test_a_model_learns_is_stopped_goes_on_and_is_used_as_others_are(train, url, tmp_path):
    one = train()
    bring(one, **LONG)
    estimate = one.page.locator(".estimate").text_content()
    assert re.search(r"3,000 epochs in \d+ minutes; 0\.0\d M weights, 32 units a layer; a 6-gram .* \d", estimate)
    line = "python train.py my-book --data book.txt --cell gru --layers 1 --hidden 32 --epochs 3000"
    assert one.page.locator(".ready code").text_content() == line
    one.page.locator(".go").click()
    until(one, "running")
    learn(one, 3)
    assert re.search(r"epoch \d+ of 3,000 · .* characters/s · .* s left", one.page.locator(".figures").text_content())
    press(one, "Stop")
    until(one, "stopped")
    assert one.page.locator(".state").text_content() == tr("training.stopped.asked", "en")

    one.page.reload()
    until(one, "stopped")
    before = one.page.locator(".training-card progress").evaluate("(bar) => bar.value")
    press(one, "Resume")
    one.page.wait_for_function(
        "(before) => document.querySelector('.training-card progress').value > before", arg=before
    )
    press(one, "Stop")
    until(one, "stopped")

    key = one.page.locator(".training-card").get_attribute("data-key")
    zipped = one.page.request.get(f"{url}download/mine-{key}.zip")
    with zipfile.ZipFile(BytesIO(zipped.body())) as archive:
        archive.extractall(tmp_path)
    (folder,) = {path.parent for path in tmp_path.rglob("config.json")}
    assert len(load(folder).generate("10 green", max_chars=20)) == 20

    one.page.locator(".training-card").get_by_role("link", name="Compare").click()
    one.card(f"mine-{key}").wait_for()
    one.card("data-book").wait_for()
    one.generate(prompt="10 green", length=30)
    one.choose("training")
    for label in ("Remove", "Really remove"):
        press(one, label)
    one.page.locator(".training-card").wait_for(state="detached")
    assert one.page.request.get(f"{url}download/mine-{key}.zip").status == 404


@pytest.mark.slow
def test_visitors_do_not_see_each_others_trainings_and_variants_race_in_one_chart(train):
    ann, bob = train(), train()
    start(ann, **LONG)
    press(ann, "Vary")
    ann.page.locator(".choices-part select").first.select_option("lstm")
    ann.page.get_by_role("button", name=tr("training.label.variant", "en")).and_(ann.page.locator(":enabled")).click()
    ann.page.locator(".training-card").nth(1).wait_for()
    until(ann, "waiting")
    assert "place 1" in ann.page.locator(".training-card[data-state=waiting] .state").text_content()
    learn(ann, 1)
    press(ann, "Stop", 0)
    ann.page.wait_for_function("() => document.querySelectorAll('.race .curve.thin').length >= 4")  # also in the legend
    colours = ann.page.locator(".training-card h4 svg").evaluate_all("(marks) => marks.map((one) => one.outerHTML)")
    assert len(set(colours)) == 2, "colour and shape"
    assert ann.page.locator(".group").count() == 1

    start(bob, epochs="1")
    assert bob.page.locator(".training-card").count() == 1
    bob.page.reload()
    bob.page.locator(".training-card").wait_for()
    assert bob.page.locator(".training-card").count() == 1
    press(ann, "Stop", 1)
    until(bob, "finished")


@pytest.mark.parametrize(
    ("width", "lang", "scheme"), [(390, "zh", "dark"), pytest.param(1280, "en", "light", marks=pytest.mark.slow)]
)
def test_nothing_moves_while_it_learns_and_nothing_is_hard_to_reach(train, width, lang, scheme):
    one = train(f"&lang={lang}", width=width, scheme=scheme, script=SHIFTS)
    start(one, **LONG)
    until(one, "running")
    learn(one, 1)
    one.page.evaluate("window.shift = 0")
    learn(one, 3)
    assert one.page.evaluate("window.shift") < 0.01
    assert one.serious() == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    chart = one.page.locator(".race .picture")
    chart.focus()
    said = chart.get_attribute("aria-valuetext")
    learn(one, 1)
    assert one.page.evaluate("document.activeElement.matches('.race .picture')"), "drawn again, it keeps the focus"
    assert chart.get_attribute("aria-valuetext") == said, "new figures are not read to whoever stays there"
    wait_until(lambda: one.page.keyboard.press("End") or chart.get_attribute("aria-valuetext") != said)
    one.page.locator(".training-card button").first.focus()
    one.page.keyboard.press("Enter")
    until(one, "stopped")
    assert one.serious() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("西游记里的猴子。\n".encode("gb18030") * 200, "GB18030"),
        ("\ufeff猴子\n".encode("utf-16-le") * 800, "UTF-16LE"),
        (bytes(range(256)) * 20, "no text that can be read"),
        (b"too short", "2,000 are needed"),
        (b"x" * 2_000_001, "at most 2,000,000"),
    ],
)
def test_a_file_is_read_in_the_browser_or_it_is_said_why_not(train, content, said):
    one = train()
    one.page.locator("input.file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": content})
    one.page.locator(".text-part .note", has_text=said).wait_for()
    if "UTF" in said or "GB" in said:
        one.page.locator(".go:enabled").wait_for()
        assert "猴子" in one.page.locator(".bring textarea").get_attribute("placeholder")
    else:
        assert one.page.locator(".go").is_disabled()


def test_a_file_too_large_is_refused_unread(train):
    one = train()
    one.page.evaluate("() => { File.prototype.arrayBuffer = () => { throw new Error('it is read'); }; }")
    large = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 4_000_001}
    one.page.locator("input.file").set_input_files(large)
    one.page.locator(".text-part .note", has_text="4,000,001 bytes; at most 2,000,000").wait_for()


def test_a_file_that_cannot_be_read_is_told(train):
    one = train()
    one.page.evaluate("() => { File.prototype.arrayBuffer = () => Promise.reject(new Error('gone')); }")
    one.page.locator("input.file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 4_000})
    one.page.locator(".text-part .note", has_text="no text that can be read").wait_for()


def test_the_focus_stays_at_start_and_goes_on_after_a_removal_which_is_no_alarm(train):
    one = train()
    bring(one, epochs="1", layers="1", width="32")
    one.page.locator(".go").focus()
    one.page.keyboard.press("Enter")
    one.page.locator(".training-card").wait_for()
    assert one.page.evaluate("document.activeElement.className") == "go"
    until(one, "finished")
    press(one, "Remove")
    one.page.locator(".training-card button", has_text="Really").press("Enter")
    one.page.locator(".training-card").wait_for(state="detached")
    one.settle()
    assert one.page.locator(".problem").text_content() == ""
    assert one.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_after_an_estimate_without_an_answer_start_asks_again(train):
    one = train()
    one.page.route("**/training/ask", lambda route: route.abort())
    one.page.locator(".bring textarea").fill(TEXT)
    one.page.locator(".estimate", has_text="did not answer").wait_for()
    one.page.unroute("**/training/ask")
    one.page.locator(".go:enabled").click()
    one.page.locator(".training-card").wait_for()
    one.problems.clear()  # the browser told of what was aborted


def test_trainings_and_texts_at_hand_come_when_the_server_answers_again(train):
    script = "window.fetched = 0; const ask = window.fetch; window.fetch = (...asked) =>"
    script += (
        " String(asked[0]) === 'training/state' && !window.fetched++ ? Promise.reject(Error('lost')) : ask(...asked);"
    )
    one = train(script=script)
    one.page.locator(".problem", has_text="did not answer").wait_for()
    one.page.wait_for_function("() => window.fetched > 1 && document.querySelector('.problem').textContent === ''")
    one.page.locator(".ways select option[value='python-docs']").wait_for(state="attached")


STAYS = """
    const set = window.setInterval;
    window.setInterval = (work, after, ...more) => {
        if (after === 600_000) window.stay = work;
        return set(work, after, ...more);
    };
"""


def test_variants_in_another_form_have_a_chart_of_their_own_and_a_page_that_stays_open_says_so(train):
    one = train(script=STAYS)
    start(one, layers="1", width="32", epochs="1")
    one.page.locator(".choices-part select").nth(4).select_option("d2l")
    one.page.locator(".go:enabled").click()
    for index in range(2):
        until(one, "finished", index)
    headings = one.page.locator(".group h3").all_text_contents()
    assert headings == ["Trained on pasted text · only a–z and spaces, as in d2l", "Trained on pasted text"]
    assert re.search(r", at the end: \d+\.\d\d \(6-gram \d\.\d\d\)$", one.page.locator(".figures").first.text_content())
    with one.page.expect_request("**/training/state"):
        one.page.evaluate("window.stay()")


def test_a_reader_without_a_text_takes_one_that_comes_with_python(train):
    one = train()
    one.page.locator(".ways select").select_option("python-docs")
    assert one.page.locator(".text-part textarea").get_attribute("placeholder").startswith('The "assert" statement')
    one.page.locator(".estimate", has_text="a 6-gram of this text is at 2.").wait_for()


def test_a_file_that_is_dropped_is_taken_and_kept_when_the_language_changes(train):
    one = train()
    one.page.evaluate(
        "(text) => { const data = new DataTransfer(); data.items.add(new File([text], 'bottles.txt'));"
        " document.querySelector('.text-part').dispatchEvent("
        "   new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); }",
        TEXT,
    )
    one.page.locator(".ready code", has_text="--data bottles.txt").wait_for()
    choose(one, cell="rnn", layers="3")
    one.page.locator(".ready code", has_text="--cell rnn --layers 3").wait_for()
    one.page.get_by_text("中文", exact=True).click()
    one.page.locator(".go:enabled", has_text=tr("training.label.start", "zh")).wait_for()
    assert (
        one.page.locator(".ready code").text_content().endswith("--data bottles.txt --cell rnn --layers 3 --minutes 3")
    )


def test_what_cannot_be_is_said_beside_the_button(train):
    one = train()
    bring(one)
    one.page.locator(".long input").fill("600")
    one.page.locator(".estimate", has_text="up to 10 minutes").wait_for()
    assert one.page.locator(".go").is_disabled()
    one.page.locator(".long input").fill("0.5")
    one.page.locator(".go:enabled").wait_for()


def test_where_visitors_may_not_train_it_is_said_how_to_do_it_at_home(chromium, registry, monkeypatch):
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", "0")
    _, url, _ = launch(registry, prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    one = Visit(chromium.new_page(), url).open("?view=training")
    shown = one.page.locator(".training")
    shown.get_by_text(tr("training.off", "en")).wait_for()
    line = "python train.py my-book --data book.txt --minutes 3"
    assert shown.locator("code").all_text_contents() == [*AT_HOME, line]
    assert shown.locator("form").count() == 0
    assert one.serious() == []
    one.page.close()
    assert one.problems == []


def test_the_form_offers_what_may_be_chosen():
    offered = form(2, "zh")
    assert (offered["minutes"], offered["start_minutes"], offered["off"]) == (2, 2, "")
    assert {name for name, _ in offered["cells"]} == {"rnn", "gru", "lstm", "mingru", "minlstm"}
    assert form(0, "en")["off"]
