"""The page over the shipped checkpoints, served on loopback, and a real browser to look at it with."""

import contextlib
import functools
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from benchmarks import browser
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.registry import Registry
from tests.conftest import ROOT, SHIPPED, WAIT, wait_until

STREAM_SECONDS = 10
UNREAD = r"\"nats\": null"  # in the page's configuration: of a card whose model was not ready when it was drawn
FETCHED = ("watch", "training", "experiments", "learn", "checkpoints")  # the views that are drawn when they are opened
RUNS = ".model-card.writing, .score-result tr.waiting"  # what a page draws while the server writes, or reads
# A script of a page: notes in `window.wrote` that a model has written, though it may have finished before a test looks.
NOTES_WRITING = """new MutationObserver(() => {
    window.wrote ||= document.querySelector('.model-card.writing') !== null;
}).observe(document, { subtree: true, childList: true, attributes: true });"""
LEFT = "AbortError|errored out"  # what gradio says when a page is left while it is being answered
STARTED = "() => document.documentElement.dataset.language"  # all parts are there, and ask for what the address says
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # two, drawn
ALL_ANALYSED = (
    "() => [...document.querySelectorAll('.model-card')].every((card) =>"
    " !card.matches('.writing') && (card.querySelector('.rote') || !card.querySelector('.text').textContent))"
)


# Ports of this process alone, below those that the system gives to whoever asks for any and above those that Chromium
# refuses: it is some time until a server listens at one, and meanwhile other processes of the tests choose theirs.
FIRST_PORT = 12_000 + 100 * (os.getpid() % 200)
PORTS = itertools.cycle(range(FIRST_PORT, FIRST_PORT + 100))


def free_port(family=socket.AF_INET, host="127.0.0.1"):
    """A port at which nothing listens, and that no other process of the tests takes."""
    for port in itertools.islice(PORTS, 100):
        with socket.socket(family) as trial, contextlib.suppress(OSError):
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just closed is free
            trial.bind((host, port))
            return port
    raise AssertionError("no port is free")


@functools.cache
def shipped():
    """The shipped checkpoints."""
    return Registry(SHIPPED)


@pytest.fixture(scope="session")
def registry():
    return shipped()


@pytest.fixture(scope="session", autouse=True)
def prompt_trainings():
    """Trainings of the page give way to all else; those of the tests must not wait for the other tests to end."""
    from deeprnn.page.training import process

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(process, "LOWEST_PRIORITY", 0)
        yield


@contextlib.contextmanager
def serving(command, log, unwanted):
    """The process of a server at a port of its own, and its address; its log matches no `unwanted` pattern."""
    port = free_port()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: "Running on local URL" in log.read_text() or server.poll() is not None, log.read_text)
        assert server.poll() is None, log.read_text()
        yield server, f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(WAIT)
    assert not re.search(unwanted, log.read_text())


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """The address of the page that `python app.py` serves, as a person starts it; its log holds no traceback."""
    with serving(["app.py"], tmp_path_factory.mktemp("app") / "log", "Traceback") as (_, address):
        wait_until(lambda: httpx.get(f"{address}healthz", timeout=WAIT).status_code == 200)
        wait_until(lambda: UNREAD not in httpx.get(address, timeout=WAIT).text)
        yield address


@pytest.fixture(scope="session")
def chromium():
    """A real Chromium, without a window; without one the browser tests are skipped."""
    with contextlib.ExitStack() as stack:
        try:
            started = stack.enter_context(browser.chromium())
        except FileNotFoundError as missing:
            pytest.skip(str(missing))
        yield started


def spoken(value, lang):
    """What a board's value says in a language: where its languages differ it has both."""
    if isinstance(value, list):
        return [spoken(one, lang) for one in value]
    if not isinstance(value, dict):
        return value
    return value[lang] if value.keys() == {"en", "zh"} else {key: spoken(one, lang) for key, one in value.items()}


def choose(page, view):
    """Open a view of a page, or of a frame, by its link, and wait until it is drawn."""
    page.locator(f".views a[href^='?view={view}&']").click()
    until_drawn(page, view)


def until_drawn(page, view):
    """Wait until a view is drawn whose script and values are fetched when it is opened; others come with the page."""
    if view in FETCHED:
        page.locator(f"#{view}[aria-busy=false], #{view} [aria-busy=false]").wait_for()


class Visit:
    """An open page, with what its console and its network said."""

    def __init__(self, page, url):
        self.page, self.url, self.problems, self.requests = page, url, [], []
        page.set_default_timeout(1_000 * WAIT)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self.under_way = set()
        page.on("request", lambda request: self.under_way.add(request))
        for ended in ("requestfinished", "requestfailed"):
            page.on(ended, lambda request: self.under_way.discard(request))

    def _hear(self, said):
        if said.type in ("error", "warning") and not re.search(LEFT, said.text):
            self.problems.append(said.text)

    def open(self, query=""):
        self.page.goto(self.url + query)
        self.page.wait_for_selector(".model-card", state="attached")
        self.page.wait_for_function(STARTED)
        if "view=" not in query and (models := self.linked(query)):
            self.shows(*models)
        if named := re.search(r"[?&]view=(\w+)", query):
            until_drawn(self.page, named[1])
        return self

    @staticmethod
    def linked(query):
        """The models that an address asks for, by name or by a question; the page comes with those of another."""
        asked = {name: values[0] for name, values in parse_qs(query.lstrip("?")).items()}
        if question := comparisons(shipped()).get(asked.get("preset", "")):
            return question.groups[asked.get("budget", question.budget)]
        return [name for name in asked.get("models", "").split(",") if re.fullmatch(r"[\w-]+", name)]

    def shows(self, *models):
        """Wait until Compare shows these models."""
        self.page.wait_for_function(
            "(names) => JSON.stringify(names) === JSON.stringify("
            "[...document.querySelectorAll('.model-card')].map((card) => card.dataset.model))",
            arg=list(models),
        )

    def settle(self):
        """Wait until nothing is asked of the server any more; the heartbeat of a page never ends.

        gradio 6.31 now and then leaves a stream of updates open that nothing comes through any more, when one event
        ends as another begins: such a stream is not waited for longer than `STREAM_SECONDS`, if the page draws no run.
        """
        updates = "/queue/data"
        wait_until(
            lambda: not self.has_asked() and all(updates in one for one in self.asked_still()),
            self.asked_still,
        )
        deadline = time.monotonic() + STREAM_SECONDS
        wait_until(
            lambda: (
                not self.has_asked()
                and (not self.asked_still() or (time.monotonic() > deadline and not self.page.locator(RUNS).count()))
            ),
            self.asked_still,
        )

    def has_asked(self):
        """Whether anything is newly asked of the server within two frames: one answer may lead to the next question."""
        before = len(self.requests)
        self.page.evaluate(FRAMES)
        return len(self.requests) > before

    def asked_still(self):
        """The addresses that are still asked of the server, the heartbeat apart."""
        return [one.url for one in self.under_way if "/heartbeat/" not in one.url]

    def card(self, model):
        return self.page.locator(f".model-card[data-model='{model}']")

    def asked(self):
        """The prompt and the seed in the controls: models that an address names bring those of their recordings."""
        prompt = self.page.locator("#prompt textarea").input_value()
        return {"prompt": prompt, "seed": int(self.setting("Seed").input_value())}

    def query(self):
        """The query of the address bar."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def setting(self, label):
        """The control of one of the settings, which are in a fold."""
        control = self.page.get_by_label(label).first  # the first of a slider's two
        if not control.is_visible():
            self.page.locator("#settings button.label-wrap").click()
            control.wait_for()
        return control

    def set(self, label, value):
        """Fill in one of the settings; a fold that has just opened may yet set it to what it was."""
        control = self.setting(label)

        def is_kept():
            control.fill(str(value))
            control.evaluate(FRAMES)
            return control.input_value() == str(value)

        wait_until(is_kept)

    def resize(self, width, height=900):
        """Give the window another size, and wait until all is drawn in it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("(size) => innerWidth === size[0] && innerHeight === size[1]", arg=[width, height])
        self.page.evaluate(FRAMES)

    def boxes(self, selector):
        """Where each element of the selector is in the window, all read at one moment: the page may yet move."""
        self.page.locator(selector).first.wait_for()
        return self.page.locator(selector).evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")

    def choose(self, view):
        choose(self.page, view)

    def serious(self):
        """What axe-core finds serious or worse: each rule with the elements that break it, colours at rest."""
        self.page.wait_for_function(
            "() => document.getAnimations().every((one) => one.playState !== 'running'"
            " || one.effect.getTiming().iterations === Infinity)"
        )
        found = Axe().run(self.page).response["violations"]
        bad = [one for one in found if one["impact"] in ("serious", "critical")]
        return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in bad]

    def watch_texts(self):
        """Keep in `window.seen` each state of the shown texts from the click on Stop on."""
        self.page.evaluate(
            "() => { const texts = () => JSON.stringify("
            "   [...document.querySelectorAll('.model-card .text')].map((text) => text.textContent));"
            " window.seen = []; let watched = false;"
            " new MutationObserver(() => { if (watched && texts() !== window.seen.at(-1)) window.seen.push(texts()); })"
            "   .observe(document.querySelector('#board'), { subtree: true, childList: true, characterData: true });"
            " document.addEventListener('click', (event) => { if (event.target.closest('#stop')) {"
            "   watched = true; window.seen.push(texts()); } }, true); }"
        )

    def stop(self):
        """Press Stop, and wait until the server has said what there is to say of what is there."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_function(ALL_ANALYSED)

    def generate(self, *, prompt=None, length=None):
        """Click Generate and wait until every model has finished."""
        if prompt is not None:
            self.page.locator("#prompt textarea").fill(prompt)
        if length is not None:
            self.set("Length", length)
        asked = [
            self.page.locator("#prompt textarea").input_value(),
            int(self.setting("Length").input_value()),
        ]
        self.page.click("#generate")
        self.page.wait_for_function(
            "([prompt, length]) => [...document.querySelectorAll('.model-card')].every((card) =>"
            " /finished|完成/.test(card.querySelector('.status').textContent)"
            " && card.querySelector('.prompt').textContent === prompt"
            " && Array.from(card.querySelector('.text').textContent).length === length)",
            arg=asked,
        )


@pytest.fixture
def visit(chromium, url):
    """Open a page: `visit(query, width=..., locale=...)`; its console and network are checked at the end.

    script: runs before the page's own.
    """
    contexts, visits = [], []

    def start(query="", *, width=1280, height=900, locale="en-US", scheme="light", touch=False, script=""):
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, locale=locale, color_scheme=scheme, has_touch=touch)
        context.add_init_script(script)
        contexts.append(context)
        visits.append(Visit(context.new_page(), url).open(query))
        return visits[-1]

    yield start
    for context in contexts:
        context.close()
    for one in visits:
        assert one.problems == []
        away = [r for r in one.requests if not r.startswith((url, "data:", "blob:"))]
        assert away == [], "the page asked another host"
