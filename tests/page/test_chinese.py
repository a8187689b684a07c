"""The page in Chinese: no English is left on it, from the first moment on, in any view."""

import json
import re

import httpx
import pytest

from deeprnn.nn.cells import CELLS
from deeprnn.page.links import VIEWS
from tests.conftest import wait_until

# What a Chinese page names as everybody does: models, methods, formats, libraries, keys, a message of PyTorch's.
NAMES = {cell.label for cell in CELLS.values()} | set(
    re.findall(
        r"\w+",
        "tanh LayerNorm AdamW SGD PyTorch Python NameError JSON CSV SVG PNG Markdown API SHA"
        " zip MB safetensors Hugging Face Gradio Top ppl Ctrl Esc bfloat16 Dropout logit lens cell cpu Apache BibTeX"
        " mat1 and mat2 shapes cannot be multiplied weight_ih weight_hh tiny Shakespeare English d2l x86_64 xh hh hq"
        " CPU exp W_xh1 W_xh2 W_hh1 W_hh2 b_h1 b_h2 W_hq b_q H1 H2 rnn_2 rnn_deep x256 sigmoid X_t H_t W_x W_h W_hn ln",
    )
)
# Where there are texts that models read and write, and code; gradio's own row of tabs, which nobody sees.
QUOTED = (
    "code, pre, textarea, .written, .out > .prompt, .out > .text, .learner .text, .heat, .strip, .inside .said,"
    " .choice, .examples button, .tab-wrapper"
)
# What gradio has in English only.
GRADIOS = r"queue: .*|processing \||Language · 语言"

DRAWN = {
    "compare": ".text span",
    "watch": ".watch .hint",
    "training": ".bring .go",
    "score": "#score",
    "experiments": ".experiment .verdict",
    "inside": ".inside .says",
    "learn": ".learn .text",
    "checkpoints": "#checkpoints .name",
}

READ = f"""
const read = (node) => {{
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  if (!element?.closest || element.closest('script, style, {QUOTED}')) return [];
  if (node.nodeType === Node.TEXT_NODE) return [node.textContent.trim()];
  return ['aria-label', 'title', 'placeholder', 'alt'].map((name) => element.getAttribute(name) || '');
}};
const readAll = (root) => {{
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  const found = read(root);
  while (walker.nextNode()) found.push(...read(walker.currentNode));
  return found;
}};
"""
SEEN = f"() => {{ {READ} return [document.title, ...new Set(readAll(document.body))].filter(Boolean); }}"
BLOCKS = f"""() => [...document.querySelectorAll('p, li, h3, h4, th, td')].filter((one) => !one.closest('{QUOTED}'))
  .map((one) => one.textContent)"""
WATCH = f"""(() => {{
  {READ}
  window.said = new Set();
  new MutationObserver((changes) => changes.forEach((change) => {{
    const nodes = change.type === 'childList' ? [...change.addedNodes] : [change.target];
    nodes.flatMap(readAll).forEach((text) => window.said.add(text));
    window.said.add(document.title);
  }})).observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
}})()"""


def english(text):
    """The words of a text that a Chinese page has no reason to show; recipes' and files' names are no words."""
    text = re.sub(r"\b[\w*]+(?:[-/.]\w+)+\*?|\b\w+/|https?://\S+", "", "" if re.fullmatch(GRADIOS, text) else text)
    return [word for word in re.findall(r"[A-Za-z][A-Za-z0-9_]+", text) if word not in NAMES]


def left(texts):
    return {text[:200]: words for text in texts if (words := english(text))}


def show_all(one, view):
    """Let a view show all that it can say."""
    if view == "compare":
        one.page.locator(".facts summary").first.click()
        one.page.locator(".text span").nth(5).click()
        one.page.wait_for_selector(".next-row")
        one.page.get_by_role("button", name="照抄原书").click()
    if view == "score":
        one.page.get_by_role("button", name="新写的中文").click()
        one.page.click("#score")
        one.page.wait_for_selector(".heat span")
        one.page.locator(".heat span").nth(5).hover()
    if view == "checkpoints":
        one.page.locator("#checkpoints .name").first.click()
        one.page.wait_for_selector("#model-card table")


def test_no_view_in_chinese_has_an_english_word(visit):
    one = visit("?lang=zh")
    for view in VIEWS:
        one.choose(view)
        one.page.wait_for_selector(DRAWN[view])
        show_all(one, view)
        assert left(one.page.evaluate(SEEN)) == {}, view
        assert [text for text in one.page.evaluate(BLOCKS) if re.search(r"[。，；：！？] ", text)] == [], view


def test_a_visitor_who_asks_for_chinese_never_sees_english(visit):
    one = visit(locale="zh-CN", script=WATCH)
    for view in VIEWS:
        one.choose(view)
        one.page.wait_for_selector(DRAWN[view])
    said = one.page.evaluate("[...window.said].filter(Boolean)")
    assert "循环神经网络要多深？" in said
    # gradio says these itself, a moment before they are named
    unnamed = re.compile("More tabs|Gradio footer navigation|(number input|range slider) for .*")
    assert left(text for text in said if not unnamed.fullmatch(text)) == {}
    assert one.page.evaluate("document.documentElement.lang") == "zh-CN"


def test_a_message_in_chinese_has_no_english_title(visit):
    one = visit("?lang=zh")
    one.page.wait_for_selector(DRAWN["compare"])
    one.page.locator("#prompt textarea").fill("x" * 3000)
    one.page.locator("#generate").click()
    one.page.locator(".toast-title", has_text="无法完成").wait_for()
    assert left(one.page.evaluate(SEEN)) == {}


KEPT = """() => ({
  texts: [...document.querySelectorAll('.out, .score-result .heat, .strip')].map((one) => one.textContent),
  typed: [...document.querySelectorAll('textarea, input:not([role=listbox], [role=combobox], [type=radio])')]
    .map((one) => one.value),
  chosen: [...document.querySelectorAll('[type=radio]')].filter((one) => one.checked).map((one) => one.value)
    .filter((value) => !['English', '中文'].includes(value)),
  models: [...document.querySelectorAll('.picker .token')].length,
  pressed: [...document.querySelectorAll('button')].map((one) => one.ariaPressed === 'true'),
  open: [...document.querySelectorAll('details, [role=dialog], .next')].map((one) => one.open ?? one.hidden),
  sorted: [...document.querySelectorAll('th')].map((one) => one.ariaSort),
  rows: document.querySelectorAll('#checkpoints tbody tr').length,
  scrolled: [...document.querySelectorAll('.out')].map((one) => one.scrollTop),
})"""


def choose_all(one, view):
    """Write, score and choose what a view lets one choose, in English."""
    page = one.page
    if view == "compare":
        one.generate()
        page.locator(".text span").nth(5).click()
        page.wait_for_selector(".next-row")
        page.get_by_role("button", name="surprise").click()
        page.locator(".out").first.evaluate("(out) => { out.scrollTop = 40; }")
    if view == "watch" and page.locator(".learner").count():
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="greedy").click()
    if view == "score":
        page.click("#score")
        page.wait_for_selector(".heat span")
        page.get_by_role("button", name="A minus B").click()
        page.locator("#score-text textarea").fill("another text")
    if view == "experiments":
        first = page.locator("#experiment-gru .figure").first
        first.get_by_role("button", name="equal width").click()
        first.locator("summary").click()
        page.locator("#experiment-gru .method summary").click()
    if view == "inside":
        page.get_by_role("button", name="units of a layer").click()
    if view == "learn":
        page.get_by_role("button", name="residual").click()
    if view == "checkpoints":
        page.get_by_label("Filter").last.fill("lstm")
        page.get_by_role("button", name="Held-out").click()
        page.locator("#checkpoints .name").first.click()
        page.wait_for_selector("#model-card table")


@pytest.mark.parametrize("view", VIEWS)
def test_another_language_asks_the_server_nothing_and_leaves_all_that_was_made_and_chosen(visit, view):
    one = visit(f"?view={view}")
    one.page.wait_for_selector(DRAWN[view])
    choose_all(one, view)
    one.settle()
    one.page.evaluate("window.scrollTo(0, 200)")

    def seen():
        return set(one.page.evaluate(SEEN)) - {"finished", "Loading"}  # of gradio's spinner, which has gone

    kept, english_page, asked = one.page.evaluate(KEPT), seen(), len(one.requests)

    def speak(language, code):
        one.page.locator(f"input[type=radio][value='{language}']").dispatch_event("click")
        one.page.wait_for_function("(code) => document.documentElement.lang === code", arg=code)
        one.settle()

    speak("中文", "zh-CN")
    wait_until(lambda: left(seen()) == {}, lambda: left(seen()))
    assert abs(one.page.evaluate("window.scrollY") - 200) < 60, "what is above is longer or shorter by some lines"
    assert one.page.evaluate(KEPT) == kept
    speak("English", "en")
    wait_until(lambda: seen() == english_page, lambda: seen() ^ english_page)
    assert one.page.evaluate(KEPT) == kept
    one.settle()
    assert one.requests[asked:] == []


@pytest.mark.parametrize(
    ("query", "accept", "lang", "title"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "循环神经网络要多深？"),
        ("?lang=zh", "en-US", "zh-CN", "循环神经网络要多深？"),
        ("?lang=en", "zh-CN", "en", "How deep should a recurrent network be?"),
        ("", "", "en", "How deep should a recurrent network be?"),
    ],
)
def test_the_page_is_sent_in_the_language_that_is_asked_for(url, query, accept, lang, title):
    sent = httpx.get(url + query, headers={"accept-language": accept})
    config = json.loads(re.search(r"window\.gradio_config = (.*?);</script>", sent.text)[1])
    sent_with = {one["props"].get("elem_id"): one["props"].get("value") for one in config["components"]}
    assert config["title"] == title
    assert sent_with["generate"] == {"en": "Generate", "zh-CN": "生成"}[lang]
    assert re.search(r'<html\s+lang="([\w-]+)" data-language="(\w+)"', sent.text).groups() == (lang, lang[:2])
    assert f'<meta property="og:title" content="{title}" />' in sent.text
    assert set(re.findall(r"[\w-]+", sent.headers["vary"].lower())) == {"accept-language", "accept-encoding"}
