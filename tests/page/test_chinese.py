"""The page in Chinese: no English is left on it, from the first moment on, in any view."""

import json
import re

import httpx
import pytest

from deeprnn.nn.cells import CELLS
from deeprnn.page.links import VIEWS

# What a Chinese page names as everybody does: models, methods, formats, libraries, keys, a message of PyTorch's.
NAMES = {cell.label for cell in CELLS.values()} | set(
    re.findall(
        r"\w+",
        "tanh LayerNorm AdamW SGD PyTorch Python NameError JSON CSV SVG PNG Markdown API SHA"
        " zip MB safetensors Hugging Face Gradio Top ppl Ctrl Esc bfloat16 Dropout logit lens cell cpu"
        " mat1 and mat2 shapes cannot be multiplied weight_ih weight_hh tiny Shakespeare English d2l x86_64 xh hh"
        " W_xh1 W_xh2 W_hh1 W_hh2 b_h1 b_h2 W_hq b_q H1 H2",
    )
)
# Where there are texts that models read and write, and code.
QUOTED = (
    "code, pre, textarea, .prompt, .text, .heat, .strip, .reading-across .explain, .said, .choice, .examples button"
)
# What gradio has in English only.
GRADIOS = r"queue: .*|processing \||Language · 语言"

DRAWN = {
    "compare": ".model-card .rote",
    "score": "#score",
    "experiments": ".experiment .verdict",
    "inside": ".inside-model .says",
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


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_chinese_has_no_english_word(visit, view):
    one = visit(f"?view={view}&lang=zh")
    one.page.wait_for_selector(DRAWN[view])
    show_all(one, view)
    assert left(one.page.evaluate(SEEN)) == {}
    assert [text for text in one.page.evaluate(BLOCKS) if re.search(r"[。，；：！？] ", text)] == []


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
    for view, first in (("experiments", ("Two layers", "从零实现")), ("learn", ("One cell", "深度循环神经网络"))):
        section = json.loads(sent_with[view])["sections"][0]
        assert section["title"].startswith(first[lang == "zh-CN"])
    assert re.search(r'<html\s+lang="([\w-]+)"', sent.text)[1] == lang
    assert f'<meta property="og:title" content="{title}" />' in sent.text
    assert sent.headers["vary"].lower() == "accept-language"
