"""What a person does on the page, in a real Chromium against a real server."""

import json

import pytest

from deeprnn import load
from deeprnn.page.compare import recordings
from deeprnn.page.links import VIEWS
from tests.conftest import SHIPPED, WAIT, wait_until
from tests.page.conftest import ALL_ANALYSED, NOTES_WRITING

PROMPT = "the time traveller"  # of the first question
OPENING = ("note-lstm-2", "note-lstm-10", "note-lstm-10-residual")
SLOW = [
    "wells-lstm-2",
    "note-lstm-10",
    "note-lstm-10-residual",
    "journey-gru-2",
]  # still writing when something is done


def test_the_first_screen_shows_recorded_texts_and_both_perplexities(visit, registry):
    one = visit()
    for name in OPENING:
        metrics = registry.infos[name].metrics
        card = one.card(name)
        assert card.locator(".text").text_content() == recordings.read(registry)[PROMPT, name]
        train, heldout = (card.locator(f".dumbbell .v >> nth={i}").text_content() for i in (0, 1))
        assert float(train) == pytest.approx(metrics.final["train"].ppl, rel=5e-3)
        assert float(heldout) == pytest.approx(metrics.final["val"].ppl, rel=5e-3)


def test_a_recording_stands_after_the_prompt_it_continues_and_guessing_stands_on_the_card(visit, registry):
    """西游记 has 3,503 symbols and a prompt of its own."""
    one = visit()
    one.page.get_by_role("combobox", name="Models").fill("journey")
    one.page.get_by_role("option", name="journey").first.wait_for()
    one.page.keyboard.press("Enter")
    card = one.card("journey-gru-2")
    card.wait_for()
    for name in ("note-lstm-2", "journey-gru-2"):
        sample = registry.infos[name].metrics.sample
        assert one.card(name).locator(".prompt").text_content() == sample.prompt
        assert one.card(name).locator(".text").text_content() == sample.text
    card.locator(".facts summary").click()
    picture, label = one.boxes(
        ", ".join(f".model-card[data-model='journey-gru-2'] {at}" for at in (".dumbbell", ".dumbbell text"))
    )[:2]
    assert label["right"] <= picture["right"]
    places = ((".guess", "x1"), (".heldout", "cx"))
    guess, heldout = (float(card.locator(at).get_attribute(x).rstrip("%")) for at, x in places)
    assert guess > heldout + 15  # percent of the width: 3,503 beside 88, on a log scale


def test_generate_writes_what_the_library_writes_with_the_same_seed(visit):
    one = visit()
    one.generate(length=60)
    for name in OPENING:
        assert one.card(name).locator(".prompt").text_content() == PROMPT
        expected = load(SHIPPED / name).generate(PROMPT, max_chars=60, seed=7)
        assert one.card(name).locator(".text").text_content() == expected


def test_the_models_write_at_once(visit):
    one = visit(f"?models={','.join(SLOW)}")
    one.set("Length", 2000)
    _generate_and(one, "document.querySelector('#stop').click();")


def _generate_and(one, does, chars=5):
    """Click Generate, and run code in the page as soon as all models have written more than so many characters.

    All of it happens inside the page, at the change that shows it: on a busy machine 2,000 characters may be there
    before the next frame.
    """
    one.page.evaluate(
        """([does, chars, seconds]) => new Promise((done, failed) => {
          const cards = () => [...document.querySelectorAll('.model-card')];
          const said = (card, part) => card.querySelector(part).textContent;
          const asked = document.querySelector('#prompt textarea').value;
          const begun = (card) =>
            card.matches('.writing') && said(card, '.prompt') === asked && said(card, '.text').length > chars;
          const frame = () => new Promise(requestAnimationFrame);
          const observer = new MutationObserver(() => {
            if (!cards().every(begun)) return;
            observer.disconnect();
            eval(`(async () => { ${does} })()`).then(done, failed);
          });
          observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
          setTimeout(() => failed(new Error(cards().map((card) => said(card, '.status')).join())), 1000 * seconds);
          document.querySelector('#generate').click();
        })""",
        [does, chars, WAIT],
    )


ESCAPE = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));"


def _wait_until_all_say(one, word):
    one.page.wait_for_function(
        "(word) => [...document.querySelectorAll('.status')].every((status) => status.textContent.includes(word))",
        arg=word,
    )


def test_stop_keeps_what_is_written_and_generate_works_again(visit):
    one = visit(f"?models={','.join(SLOW)}")
    one.set("Length", 2000)
    one.watch_texts()
    _generate_and(one, ESCAPE, chars=20)
    one.page.wait_for_function(ALL_ANALYSED)
    states = one.page.evaluate("window.seen")
    kept = one.page.locator(".model-card .text").all_text_contents()
    assert [json.loads(state) for state in states] == [kept], "nothing moved after the click"
    statuses = one.page.locator(".status").all_text_contents()
    stopped = ["stopped" in status for status in statuses]
    assert any(stopped), "the test's models are so slow that none has written 2,000 characters by then"
    assert [len(text) < 2000 for text in kept] == stopped
    one.set("Length", 40)
    one.page.click("#continue")
    _wait_until_all_say(one, "finished")
    for name, before, after in zip(SLOW, kept, one.page.locator(".model-card .text").all_text_contents(), strict=True):
        assert after.startswith(before)
        assert after == load(SHIPPED / name).generate(**one.asked(), max_chars=len(before) + 40)
    one.generate(length=20)
    assert [len(text) for text in one.page.locator(".model-card .text").all_text_contents()] == [20] * 4


def test_stop_holds_what_is_shown_whatever_the_server_still_sends(visit):
    """The server hears of Stop only when it has sent all; still the text stays, and Continue goes on from it."""
    one = visit(f"?models={','.join(SLOW)}")
    one.set("Length", 2000)
    one.watch_texts()
    asked = []

    def hold(route):
        asked.append(route)
        if len(asked) == 1:  # the texts; what is asked later, as Stop, is held
            route.continue_()

    one.settle()
    one.page.route("**/queue/join*", hold)
    ended = []
    for event in ("requestfinished", "requestfailed"):  # gradio breaks the connection off when all has come
        one.page.on(event, lambda request: ended.append(request.url))
    _generate_and(one, ESCAPE)
    wait_until(lambda: one.page.title() and any("/queue/data" in address for address in ended))
    wait_until(lambda: one.page.title() and len(asked) > 1)  # Stop is held, too
    shown = one.page.locator(".model-card .text").all_text_contents()
    assert all("stopped" in status for status in one.page.locator(".status").all_text_contents())
    for route in asked[1:]:
        route.continue_()
    one.page.unroute("**/queue/join*")
    one.page.wait_for_function(ALL_ANALYSED)
    assert [json.loads(state) for state in one.page.evaluate("window.seen")] == [shown]
    assert all(len(text) < 2000 for text in shown)
    one.set("Length", 10)
    one.page.click("#continue")
    _wait_until_all_say(one, "finished")
    for name, before, after in zip(SLOW, shown, one.page.locator(".model-card .text").all_text_contents(), strict=True):
        assert after == load(SHIPPED / name).generate(**one.asked(), max_chars=len(before) + 10)


def test_generate_while_a_linked_comparison_is_written_takes_its_place(visit):
    one = visit(f"?models={','.join(SLOW)}&prompt=the%20machine&length=2000", script=NOTES_WRITING)
    one.page.wait_for_function("() => window.wrote")
    one.page.locator("#prompt textarea").fill("another")
    one.page.evaluate(
        """() => {
          window.prompts = [];
          const look = () => {
            const shown = document.querySelector('.prompt').textContent;
            if (shown !== window.prompts.at(-1)) window.prompts.push(shown);
          };
          const all = { subtree: true, childList: true, characterData: true };
          new MutationObserver(look).observe(document.querySelector('#board'), all);
        }"""
    )
    _generate_and(one, ESCAPE, chars=20)
    one.page.wait_for_function(ALL_ANALYSED)
    assert one.page.evaluate("window.prompts")[-1] == "another"
    assert one.page.evaluate("window.prompts").count("another") == 1


def test_another_choice_of_models_while_they_write_stops_them_and_is_shown(visit):
    one = visit(f"?models={','.join(SLOW)}")
    one.set("Length", 2000)
    _generate_and(one, "document.querySelector('.token-remove').click();")
    one.page.wait_for_function("() => document.querySelectorAll('.model-card').length === 3")
    one.page.wait_for_function(ALL_ANALYSED)
    assert one.page.locator(".model-card").count() == 3
    assert one.card(SLOW[0]).count() == 0
    stopped = ["stopped" in status for status in one.page.locator(".status").all_text_contents()]
    assert any(stopped), "the test's models are so slow that none has written 2,000 characters by then"
    assert [len(text) < 2000 for text in one.page.locator(".model-card .text").all_text_contents()] == stopped


def test_another_language_while_they_write_is_spoken_at_once_and_to_the_end(visit):
    one = visit(f"?models={','.join(SLOW)}")
    one.set("Length", 2000)
    said = "document.querySelector('.status').textContent.includes('生成中')"
    chinese = "document.querySelector(`#language input[value='中文']`).click();"
    _generate_and(one, f"{chinese} while (!{said}) await frame(); {ESCAPE}")
    one.page.wait_for_function("() => document.querySelectorAll('.model-card.writing').length === 0")
    ended = one.page.locator(".status").all_text_contents()
    assert all("已停止" in status or "完成" in status for status in ended)


MARKUP = (
    '<img src=x onerror="window.harmed=1"> ${window.harmed=2} `+window.harmed+` {{value}} <script>harmed=3</script>'
)


def test_markup_in_a_prompt_is_shown_and_never_run(visit):
    one = visit()
    one.generate(prompt=MARKUP, length=10)
    assert one.card("note-lstm-2").locator(".prompt").text_content() == MARKUP
    assert one.page.evaluate("window.harmed") is None
    assert one.page.locator("#board img, #board script").count() == 0
    one.page.get_by_text("中文").click()
    one.page.wait_for_function("() => document.querySelector('.status').textContent.includes('完成')")
    assert one.card("note-lstm-2").locator(".prompt").text_content() == MARKUP
    assert one.page.evaluate("window.harmed") is None


def test_markup_in_a_scored_text_is_shown_and_never_run(visit):
    one = visit()
    one.choose("score")
    one.page.wait_for_selector(".score-result .verdict b")
    one.page.locator("#score-text textarea").fill(MARKUP)
    one.page.click("#score")
    one.page.wait_for_function("(text) => document.querySelector('.heat')?.textContent === text", arg=MARKUP)
    assert one.page.evaluate("window.harmed") is None
    assert one.page.locator("#scores img, #scores script").count() == 0


def test_score_shows_each_model_its_perplexity_and_each_character_its_surprise(visit):
    one = visit()
    one.choose("score")
    one.page.wait_for_selector(".score-result .verdict b")
    text = "The time 机 traveller"
    one.page.locator("#score-text textarea").fill(text)
    one.page.click("#score")
    one.page.wait_for_function("(text) => document.querySelector('.heat')?.textContent === text", arg=text)
    one.page.wait_for_function("(n) => document.querySelectorAll('.heat span').length === n", arg=len(text))
    unknown = "() => [...document.querySelectorAll('.heat .unknown')].map((span) => span.textContent).join() === '机'"
    one.page.wait_for_function(unknown)  # of the model that is shown when all have read it
    lm = load(SHIPPED / "note-lstm-2")
    shown = one.page.locator(".all-figures tbody tr").first.locator("td").all_text_contents()
    assert float(shown[1]) == pytest.approx(lm.score(text).bpc, abs=6e-4)
    assert shown[3] == "1"
    one.page.locator(".heat span").nth(5).hover()
    assert "nats" in one.page.locator(".explain").text_content()


def test_the_language_switch_changes_the_words_and_keeps_the_work(visit):
    one = visit()
    one.generate(length=30)
    written = one.card("note-lstm-2").locator(".text").text_content()
    one.page.get_by_text("中文").click()
    one.page.wait_for_function("() => document.querySelector('.reading').textContent.includes('训练文本')")
    one.page.get_by_role("heading", name="循环神经网络要多深").wait_for()
    one.page.get_by_role("button", name="生成", exact=True).wait_for()
    assert one.card("note-lstm-2").locator(".text").text_content() == written
    one.page.get_by_text("English").click()
    one.page.wait_for_function("() => document.querySelector('#generate').textContent.includes('Generate')")
    assert one.card("note-lstm-2").locator(".text").text_content() == written


@pytest.mark.parametrize(("query", "locale"), [("?lang=zh", "en-US"), ("", "zh-CN")])
def test_the_address_or_the_browser_chooses_chinese(visit, query, locale):
    one = visit(query, locale=locale)
    one.page.wait_for_function("() => document.querySelector('#generate').textContent.includes('生成')")
    assert "留出文本" in one.page.locator(".dumbbell").first.text_content()


def test_a_request_without_models_is_refused_in_the_readers_language(visit):
    one = visit("?lang=zh")
    one.page.wait_for_function("() => document.querySelector('#generate').textContent.includes('生成')")
    while one.page.locator(".model-card").count():
        before = one.page.locator(".model-card").count()
        one.page.locator("button[aria-label*='Remove'], .token-remove").first.click()
        one.page.wait_for_function(f"() => document.querySelectorAll('.model-card').length < {before}")
    one.page.click("#generate")
    one.page.get_by_text("请至少选择一个模型").wait_for()


NONE = {"en": "Choose a question or a model.", "zh": "请选一个问题或模型。"}
SEVENTH = {"en": "journey", "zh": "西游"}
FULL = {"en": "6 models at most", "zh": "最多同时选 6 个模型"}
REMOVE = {
    "en": ["Remove LSTM × 2 · 10,000 characters", "Remove all"],
    "zh": ["移除 2 层 LSTM · 10,000 个字符", "全部移除"],
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_cards_follow_the_list_of_models_however_it_is_emptied(visit, lang):
    one = visit(f"?lang={lang}&models=note-lstm-2,few-lstm-2")
    prompt = one.page.locator("#prompt textarea").input_value()
    crosses = one.page.locator(".picker").first.locator(".token-remove")
    for said in REMOVE[lang]:
        one.page.locator(f".picker [title='{said}']").first.wait_for()
    one.page.locator(".picker input").first.press("Backspace")
    one.card("few-lstm-2").wait_for(state="detached")
    assert one.card("note-lstm-2").count() == 1
    crosses.last.click()
    one.page.get_by_text(NONE[lang]).wait_for()
    assert one.page.locator(".model-card").count() == 0
    assert one.page.locator("#prompt textarea").input_value() == prompt


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_seventh_model_is_refused_aloud_and_six_stay(visit, lang):
    six = ["note-lstm-2", "few-lstm-2", "note-gru-2", "note-rnn-2", "note-lstm-10", "data-10k"]
    one = visit(f"?lang={lang}&models={','.join(six)}")
    one.page.locator(".picker input").first.fill(SEVENTH[lang])
    one.page.get_by_role("option", name=SEVENTH[lang]).first.wait_for()
    one.page.keyboard.press("Enter")
    one.page.get_by_text(FULL[lang]).wait_for()
    one.page.wait_for_function("() => document.querySelector('.picker').querySelectorAll('.token').length === 6")
    one.settle()
    assert one.page.locator(".model-card").evaluate_all("all => all.map((card) => card.dataset.model)") == six


def test_the_list_of_models_opens_beside_its_field_and_never_over_the_title(visit):
    one = visit()
    for width in (1440, 390):
        one.resize(width)
        one.page.locator(".picker input").first.click()
        one.page.get_by_role("option").first.wait_for()
        title, options = one.boxes("#head, .option-list")
        assert options["height"] < 261
        assert options["y"] >= title["bottom"]
        one.page.locator(".picker input").first.blur()


def test_a_phone_needs_no_sideways_scrolling(visit):
    one = visit(width=390, height=844)
    for view in VIEWS:
        one.choose(view)
        if view == "score":
            one.page.click("#score")
            one.page.wait_for_selector(".heat span")
        assert one.page.evaluate("document.documentElement.scrollWidth") <= 390, view
