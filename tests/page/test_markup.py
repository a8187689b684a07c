"""No text that comes from outside is taken for markup: not on the page in real Chromium, not in files, not in cards."""

import csv
import html
import io
import json
import re
from urllib.parse import quote, urlencode

import gradio as gr
import httpx
import pytest
from markdown_it import MarkdownIt

from deeprnn.documents import has_surrogates
from deeprnn.page.compare import cards, export
from deeprnn.page.compare.cards import Board, Card
from deeprnn.page.links import VIEWS
from deeprnn.page.service import RequestError
from deeprnn.page.shared.widgets import refusal, refusing
from deeprnn.store import checkpoint
from deeprnn.store.card import model_card
from deeprnn.store.registry import Registry
from tests.conftest import WAIT, wait_until
from tests.page.conftest import FRAMES, Visit, free_port
from tests.page.payloads import PAYLOADS
from tests.page.server.test_process import started

MODEL = "note-rnn-2"
SAMPLE = PAYLOADS[::31]  # by default; `python -m pytest -m slow` tries them all
LIMITS = {"DEEPRNN_MAX_REQUESTS_A_MINUTE": "1000000"}
# What payloads would make: elements that the page never has or that hold just their word, attributes that run or fetch.
WRONG = """() => {
  const made = 'marquee, xss, x, iframe, frameset, object, embed, base:not([href="./"]), plaintext, math, dialog, set,'
    + 'animate, foreignObject, video, audio, image, noscript p, template img, meta[http-equiv=refresh], [autofocus]';
  const wrong = [...document.querySelectorAll(made)].map((one) => one.outerHTML.slice(0, 200));
  const names = /^(href|src|srcset|srcdoc|action|formaction|data|poster|background|xlink:href|style)$/i;
  for (const one of document.querySelectorAll('*')) {
    if (!one.children.length && one.textContent === 'harmed') wrong.push(one.outerHTML);
    for (const { name, value } of one.attributes) {
      const strange = /harmed|javascript:|vbscript:/i.test(value) && !/^(\\?|download\\/)/.test(value);
      const runs = /^on/i.test(name) || (names.test(name) && strange);
      if (runs) wrong.push(`${one.localName} ${name}=${value}`.slice(0, 200));
    }
  }
  if (globalThis.harmed !== undefined) wrong.push('it ran');
  return wrong;
}"""
IN_TABLES = ("table", "thead", "tbody", "tr", "th", "td", "code", "pre", "p")
GO = "(query) => deeprnn.address.go(query)"


def assert_plain(text, *elements):
    """As Markdown, with the HTML in it, a text makes no other elements than these, and links to nothing."""
    shown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    assert set(re.findall(r"<([a-zA-Z!?][\w-]*)", shown)) <= set(elements), shown
    assert not re.findall(r"<[^>]*(?:href|src|on\w+)=", shown), shown


def test_there_are_more_than_a_hundred_payloads():
    assert len(set(PAYLOADS)) == len(PAYLOADS) > 100


@pytest.fixture
def named(tmp_path, save_tiny):
    """A folder of checkpoints whose names and figures are payloads: `named(payloads)`."""

    def made(payloads):
        for index, payload in enumerate(payloads):
            usable = (
                payload.isprintable()
                and "/" not in payload
                and not payload.startswith((" ", "."))
                and payload.strip() == payload
            )
            folder = save_tiny(
                tmp_path / "models" / (payload if usable else f"model-{index}"), characters="abcdefgh <>=1\n"
            )
            file = folder / checkpoint.METRICS
            values = json.loads(file.read_text("utf-8"))
            line = (
                " ".join(payload.split()) if payload.isprintable() else payload.encode("unicode_escape").decode()
            ).strip()
            values["sample"] |= {"prompt": payload, "text": payload}
            values |= {"command": line, "device": line}
            values["text"]["name"] = line
            file.write_text(json.dumps(values), encoding="utf-8")
        return tmp_path / "models"

    return made


def test_a_payload_in_a_checkpoint_is_only_text_in_its_card_and_in_exported_files(named):
    folder = named(PAYLOADS)
    models = Registry(folder)
    assert not models.left_out
    for name, info in models.infos.items():
        model = checkpoint.load(info.path).model
        card = model_card(name, model, info.vocab, info.metrics).split("---\n", 2)[2]
        assert_plain(card, *IN_TABLES, "blockquote", "em", "h1", "strong")
        prompt = info.metrics.sample.prompt
        board = Board(prompt=prompt, seed=0, sampling=dict(cards.NUMBERS), cards=(_written(name, prompt),))
        told = export.export(models, board, "md")[1]
        assert_plain(told, *IN_TABLES)
        rows = list(csv.reader(io.StringIO(export.export(models, board, "csv")[1].removeprefix("\ufeff"))))
        assert not [cell for cell in rows[1] if cell.lstrip(" ").startswith(export.FORMULA)], rows
        assert export.reopen(models, export.export(models, board, "json")[1]).cards == board.cards


def _written(name, text):
    return Card(model=name, prompt=text, text=text, state="finished")


def test_a_payload_in_a_message_of_the_page_is_escaped_and_in_one_for_programs_as_it_is():
    error = RequestError("error_broken", name=PAYLOADS[6])
    with pytest.raises(gr.Error) as shown, refusing("en"):
        raise error
    assert "<" not in shown.value.message
    assert html.unescape(shown.value.message) == refusal(error, "en").message == error.message("en")


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """The address of a server that trains, and takes as many requests as come."""
    with started("--port", str(free_port()), TMPDIR=str(tmp_path_factory.mktemp("tmp")), **LIMITS) as (_, url, printed):
        yield f"{url}/"
    assert "Traceback" not in "".join(printed)
    assert "harmed" not in "".join(printed)


class Guarded(Visit):
    """A visit that notes whatever a payload may do."""

    def __init__(self, page, url):
        super().__init__(page, url)
        self.did = []
        page.on("dialog", lambda dialog: (self.did.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: None if self.is_own(asked.url) else self.did.append(asked.url))
        page.on("popup", lambda other: self.did.append(f"popup {other.url}"))

    def is_own(self, asked):
        return asked.startswith((self.url, "data:image", "data:font", "blob:"))

    def check(self, payload):
        """Nothing has run, nothing was made or asked, and the page can be used."""
        assert self.page.evaluate(WRONG) == [], payload
        assert self.did == [], payload
        assert self.problems == [], payload
        self.page.locator(".views a[href^='?view=learn&']").click(trial=True)


@pytest.fixture
def guarded(chromium):
    """Open a page of a server: `guarded(url, query)`."""
    contexts = []

    def start(url, query=""):
        contexts.append(chromium.new_context(locale="en-US"))
        contexts[-1].set_default_timeout(1_000 * WAIT)
        return Guarded(contexts[-1].new_page(), url).open(query)

    yield start
    for context in contexts:
        context.close()


def written(one, prompt):
    one.page.locator("#prompt textarea").fill(prompt)
    one.page.locator("#generate").click()
    one.page.wait_for_function(
        "(prompt) => document.querySelector('.model-card .prompt').textContent === prompt"
        " && /finished/.test(document.querySelector('.model-card .status').textContent)",
        arg=prompt,
    )
    one.page.locator(".model-card .text span").first.click()
    one.page.locator(".next-row").first.wait_for()
    one.page.keyboard.press("Escape")


def opened(one, prompt):
    """Open a saved comparison."""
    card = {"model": MODEL, "prompt": prompt, "text": prompt, "state": "finished", "speed": 1, "unknown": 0}
    board = {"prompt": prompt, "seed": 0, "sampling": dict(cards.NUMBERS), "cards": [card], "preset": prompt}
    with one.page.expect_file_chooser() as chooser:
        one.page.locator(".menu summary").click()
        one.page.get_by_role("button", name="Open a saved one").click()
    file = {"name": "x.json", "mimeType": "application/json", "buffer": json.dumps(board).encode()}
    chooser.value.set_files(file)
    read = "(text) => [...document.querySelectorAll('.model-card .out')].some((one) => one.textContent === text + text)"
    one.page.wait_for_function(read, arg=prompt)


def scored(one, text):
    one.page.evaluate(GO, "?" + urlencode({"view": "score", "models": MODEL, "text": text}))
    one.page.wait_for_function(
        "(text) => document.querySelector('#score-text textarea').value === text"
        " && document.querySelector('#scores table')",
        arg=text,
    )


def looked(one, text):
    text += " and more of it"
    one.page.evaluate(GO, "?" + urlencode({"view": "inside", "models": MODEL, "text": text}))
    one.page.wait_for_function("(text) => document.querySelector('#inside-text textarea')?.value === text", arg=text)
    one.page.evaluate(FRAMES)


def try_all(guarded, url, payloads):
    """Send payloads by every path on which a page takes texts."""
    one = guarded(url, f"?models={MODEL}&lang=en")
    one.set("Length", 3)
    for path in (written, opened, scored, looked):
        for payload in payloads:
            path(one, payload)
            one.check(payload)
        one.choose("compare")
    for payload in payloads:
        query = urlencode(
            dict.fromkeys(("models", "preset", "seed", "budget", "text", "prompt", "lang", payload), payload)
        )
        one.open(f"?{query}&view={quote(payload)}&__theme={quote(payload)}#{quote(payload)}")
        one.check(payload)


def test_a_payload_that_is_typed_linked_scored_or_opened_is_only_text(guarded, exposed):
    try_all(guarded, exposed, SAMPLE)


@pytest.mark.slow
def test_every_payload_that_is_typed_linked_scored_or_opened_is_only_text(guarded, exposed):
    try_all(guarded, exposed, PAYLOADS)


@pytest.mark.slow
def test_a_text_of_payloads_in_a_file_called_by_one_trains_a_model_that_shows_them_as_text(guarded, exposed):
    one = guarded(exposed, "?view=training&lang=en")
    name, text = "<img src=x onerror=globalThis.harmed=1>.txt", "\n".join(p for p in PAYLOADS if "\0" not in p) * 2
    assert not has_surrogates(text)
    with one.page.expect_file_chooser() as chooser:
        one.page.locator(".bring button").first.click()
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": text.encode()})
    one.page.locator(".choices-part select").nth(1).select_option("1")
    one.page.locator(".choices-part select").nth(2).select_option("32")
    one.page.locator(".long select").select_option("epochs")
    one.page.locator(".long input").fill("3")
    one.page.locator(".go:enabled").click()
    one.page.locator(".training-card[data-state=finished]").wait_for()
    assert "<img src=x onerror=globalThis.harmed=1>" in one.page.locator("#training").text_content()
    one.check(name)
    one.page.locator(".training-card").get_by_role("link", name="Compare").click()
    one.page.locator(".model-card[data-model^=mine-]").wait_for()
    one.check(name)
    one.choose("score")
    one.choose("inside")
    one.check(name)


def try_checkpoints(guarded, folder, count, views):
    """Look at checkpoints that payloads name, in every view."""
    with started("--port", str(free_port()), "--checkpoints", str(folder), **LIMITS) as (_, url, printed):
        wait_until(lambda: httpx.get(f"{url}/healthz", timeout=WAIT).status_code == 200)
        one = guarded(f"{url}/", "?view=checkpoints&lang=en")
        assert one.page.locator("#checkpoints tr[data-model]").count() == count
        for row in one.page.locator("#checkpoints tr[data-model] .name").all():
            row.click()
            one.page.locator("#model-card h3").wait_for()
            one.check(row.text_content())
        names = [row.get_attribute("data-model") for row in one.page.locator("#checkpoints tr[data-model]").all()]
        for first in range(0, count, 6):
            listed = ",".join(quote(name, safe="") for name in names[first : first + 6])
            for view in views:
                one.open(f"?view={view}&models={quote(listed)}&text=abcabcabcabc&lang=en")
                one.settle()
                one.check(listed)
    assert "Traceback" not in "".join(printed)


@pytest.mark.browser
def test_a_checkpoint_that_is_called_by_a_payload_is_shown_as_text(guarded, named):
    payloads = [PAYLOADS[6], *SAMPLE[:3]]
    try_checkpoints(guarded, named(payloads), len(payloads), ("compare", "score"))


@pytest.mark.slow
@pytest.mark.browser
def test_all_checkpoints_that_are_called_by_payloads_are_shown_as_text(guarded, named):
    try_checkpoints(guarded, named(PAYLOADS), len(PAYLOADS), VIEWS)
