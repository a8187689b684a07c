"""The page: header, language switch, tabs, endpoints; and how it is served.

Knows: the views. Does not know: models, files.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from deeprnn import __version__
from deeprnn.lm.compiling import PACKAGE, can_cache, is_cached, remove_unused
from deeprnn.lm.decoder import warm_up
from deeprnn.page import links, service
from deeprnn.page.address import Addresses
from deeprnn.page.checkpoints import view as checkpoints
from deeprnn.page.compare import view as compare
from deeprnn.page.environment import env_limit
from deeprnn.page.experiments import view as experiments
from deeprnn.page.inside import view as inside
from deeprnn.page.learn import view as learn
from deeprnn.page.own import Own
from deeprnn.page.score import view as score
from deeprnn.page.score.examples import TextOf
from deeprnn.page.server import api
from deeprnn.page.server.downloads import Downloads
from deeprnn.page.server.faults import Page, log_error
from deeprnn.page.server.files import Files
from deeprnn.page.server.health import Health
from deeprnn.page.server.limits import Limits
from deeprnn.page.server.lost import LostSessions
from deeprnn.page.server.open import OnlyOpen, SafeHeaders
from deeprnn.page.server.preview import Preview
from deeprnn.page.server.requests import Requests
from deeprnn.page.server.serving import ShutdownSignal, ignore_forwarded_headers, proxies
from deeprnn.page.server.sessions import install_light_sessions
from deeprnn.page.server.spoken import CODES, Localize
from deeprnn.page.server.stored import Store
from deeprnn.page.shared.components import Drawing
from deeprnn.page.shared.scripts import addressed, calling
from deeprnn.page.shared.theme import ICON, panel, style_sheet, theme
from deeprnn.page.shared.widgets import QUIET, Translations, drawing
from deeprnn.page.training import view as training
from deeprnn.page.training.allowed import is_local, most_minutes
from deeprnn.page.training.answers import Answers
from deeprnn.page.training.jobs import Trainings
from deeprnn.page.training.requests import Requests as TrainingRequests
from deeprnn.page.visitor import Visits
from deeprnn.page.watch import view as watch
from deeprnn.page.words import LANGUAGES, NAMES, table, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

_SPOKEN = {
    name: {
        "language": lang,
        "code": CODES[lang],
        "title": tr("head.title", lang),
        "views": {view: tr(f"tab.{view}", lang) for view in links.VIEWS},
    }
    for name, lang in LANGUAGES.items()
}
_TOASTS = {"error": "error_title", "warning": "warning_title", "info": "warning_title"}
_NAMES = {
    CODES[lang]: table("named", lang) | table("gradio", lang) | {kind: tr(key, lang) for kind, key in _TOASTS.items()}
    for lang in LANGUAGES.values()
}
LOCAL = "127.0.0.1"  # where gradio listens if it is not told
LAUNCH: dict[str, Any] = {
    "show_error": False,
    "enable_monitoring": False,
    "run_history": False,
    "ssr_mode": False,
    "state_session_capacity": 500,  # sessions; the least recently seen one is evicted
    "footer_links": ["api"],
}


def build(
    registry: Registry,
    text_of: TextOf = score.no_text,
    look: Callable[[], object] = lambda: None,
    minutes: int = 0,
) -> Page:
    """Return the whole page for one folder of checkpoints.

    text_of: returns the texts that are on this machine. look: called when the page is opened; it adds to the registry
    what has come meanwhile. minutes: the most of a visitor's training; 0 if there is none.
    """
    words = Translations()
    registry.forgetting.append(service.forget)
    with Page(words, analytics_enabled=False) as page:
        language, bar = _head(words)
        addresses, own = Addresses(registry, page), Own(registry, page, look)
        with gr.Tabs() as tabs:
            with _tab("compare", words):
                compare.build(registry, addresses, language, words, own.board)
            with _tab("watch", words):
                watch.build(registry, words)
            with _tab("training", words):
                training.build(words, minutes)
            with _tab("score", words):
                score.build(registry, addresses, language, words, own.board, text_of)
            with _tab("experiments", words):
                experiments.build(registry, words)
            with _tab("inside", words):
                inside.build(registry, addresses, language, words, own.board)
            with _tab("learn", words):
                learn.build(registry, words)
            with _tab("checkpoints", words):
                checkpoints.build(registry, words)
        drawing(words, dict, '<div class="foot"></div>', "foot", _labels_of_foot, elem_id="foot")
        api.build(registry)
        private = QUIET | {"queue": False}
        # Not `change`, which also fires when the page sets the language: the page is sent in the visitor's language.
        said = json.dumps(words.updates(), ensure_ascii=False)
        language.input(None, language, words.components(), js=f"(chosen) => ({said})[chosen]", **private)

        selected = "() => ({ __type__: 'update', selected: deeprnn.address.opened() })"
        gr.on([page.load, bar.select], None, None, tabs, js=selected, **private)
        speak = calling("page", "speak", _SPOKEN)  # sets the document's title and language
        page.load(None, language, None, js=speak, **private)  # gradio set HTML's language to the browser's
        language.change(None, language, None, js=speak, **private)
    page.space_id = None  # in a Space, gradio would add a header, which sends requests to other hosts
    return page


def _tab(view: links.View, words: Translations) -> gr.Tab:
    tab = gr.Tab(tr(f"tab.{view}", "en"), id=view, elem_classes=panel(view))
    words.add(tab, "label", f"tab.{view}")
    return tab


def _head(words: Translations) -> tuple[gr.Radio, Drawing]:
    """Create the head of the page; return the switch of the language and the links to the views."""
    shown: dict[str, Any] = {"show_label": False, "container": False}
    with gr.Column(elem_id="frame"):
        with gr.Row(elem_id="head"):
            heading = gr.Markdown(elem_id="title")
            drawing(words, dict, '<div class="link"></div>', "link", _labels_of_link, elem_id="link")
            names = list(LANGUAGES)
            language = gr.Radio(names, value=names[0], label="Language · 语言", elem_id="language", **shown)
        answer = gr.Markdown(elem_id="answer")
        bar = drawing(words, _bar, '<nav class="views"></nav>', "views", lambda _: {}, elem_id="views")
    words.add_first(language, "value", NAMES.__getitem__)
    words.add_made(heading, "value", lambda lang: f"# {tr('head.title', lang)}")
    words.add(answer, "value", "head.answer")
    return language, bar


def _bar() -> Any:
    """Return what `views.js` draws: each view with its name."""
    return in_both(lambda lang: {"views": [{"view": view, "name": tr(f"tab.{view}", lang)} for view in links.VIEWS]})


def _labels_of_link(lang: Lang) -> dict[str, str]:
    without = {"copied_without_text": tr("head.copied_without_text", lang)}
    return {"copy": tr("head.copy_link", lang), "copied": tr("link_copied", lang)} | without


def _labels_of_foot(lang: Lang) -> dict[str, str]:
    about = {"title": tr("head.title", lang), "version": __version__}
    return table("foot", lang) | about | {"copied": tr("link_copied", lang)}


def prepare(registry: Registry, page: Page) -> None:
    """Compile the loops that models run, or load them from the cache; meanwhile the page shows recordings."""
    first = not is_cached()
    if first:
        print("First start: compiling the loops that write text. The page is there meanwhile.", flush=True)
    try:
        if first and can_cache():
            compile_apart()
        warm_up()
    finally:  # if compiling fails, a model raises the error when it is called
        registry.ready.set()
    page.rebuild_languages()  # the recordings on it can be analysed only now
    if first:
        print("Compiled: models write.", flush=True)
    remove_unused()


def compile_apart() -> None:
    """Compile in another process, so that the 75 MB that compilers leave in memory are freed when it ends."""
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); from deeprnn.lm.decoder import warm_up; warm_up()"
    with contextlib.suppress(OSError):  # the interpreter cannot be started again
        subprocess.run([sys.executable, "-c", code], check=False)  # if it fails, `warm_up` compiles here


def launch(
    registry: Registry, text_of: TextOf = score.no_text, look: Callable[[], object] = lambda: None, **options: Any
) -> tuple[Any, str, str]:
    """Serve the page; `options` are gradio's `launch` options, the others those of `build`."""
    blocking = not options.pop("prevent_thread_lock", False)
    ending = ShutdownSignal() if blocking else None
    ignore_forwarded_headers()
    registry.ready.clear()
    host = str(options.get("server_name") or os.environ.get("GRADIO_SERVER_NAME", LOCAL))
    trainings = Trainings(most_minutes(host), registry=registry)
    atexit.register(trainings.close)
    page = build(registry, text_of, look, trainings.minutes)
    page.queue(default_concurrency_limit=_at_once(), api_open=False)  # requests cannot bypass the queue
    requests = Requests(page)
    answers = Answers(registry, trainings, text_of, local=is_local(host))
    limits = _limits()
    layers = _layers(registry, page, requests, answers, limits, ending.requested if ending else lambda: False)
    # One of gradio's threads waits for each text that is being written; 32 more answer quick requests.
    options = {"app_kwargs": {"middleware": layers}, "max_threads": _at_once() + 32} | options
    served: tuple[Any, str, str] = page.launch(
        css=style_sheet(),
        theme=theme(),
        favicon_path=str(ICON),
        js=calling("page", "start", _NAMES),
        prevent_thread_lock=True,
        **(LAUNCH | options),
    )
    install_light_sessions(page)
    # Not before: gradio gives up starting if the first answer takes three seconds, and compiling takes a whole core.
    threading.Thread(target=prepare, args=(registry, page), name="preparing", daemon=True).start()
    if ending:
        print(summary(registry, limits, trainings.minutes), flush=True)
        ending.wait(lambda: requests.running() > 0)
        trainings.close()
        page.server.config.timeout_graceful_shutdown = 1  # seconds; every open page keeps a connection open
        page.close()
        sys.stdout.flush()
        os._exit(0)  # otherwise the process would wait for a long text that is still being read
    return served


def _layers(
    registry: Registry,
    page: Page,
    requests: Requests,
    answers: Answers,
    limits: dict[str, Any],
    ending: Callable[[], bool],
) -> list[Middleware]:
    """Return what a request passes before it reaches gradio, the outermost first."""
    return [
        Middleware(SafeHeaders),
        Middleware(Limits, requests=requests, ending=ending, log_error=log_error, **limits),
        Middleware(Health, registry=registry, ending=ending),
        Middleware(Visits, seen=answers.trainings.seen),
        Middleware(Downloads, registry=registry),
        Middleware(TrainingRequests, answers=answers),
        Middleware(LostSessions, requests=requests),
        Middleware(Localize),
        Middleware(Store, revision=page.revision),
        Middleware(Files, files=ChainMap(addressed(), page.files)),
        Middleware(Preview),
        Middleware(OnlyOpen),
    ]


def _limits() -> dict[str, Any]:
    """Return the limits of all requests, as `Limits` takes them."""
    return {
        "max_bytes": env_limit("MAX_BODY_BYTES", 2_000_000),
        "per_minute": env_limit("MAX_REQUESTS_A_MINUTE", 600),
        "places": _at_once(),
        "max_waiting": env_limit("MAX_QUEUE", 200),
        "proxies": proxies(),
    }


def summary(registry: Registry, limits: dict[str, Any], minutes: int) -> str:
    """Return the line that the server prints when it has started: version, models, limits."""
    left_out = f" ({len(registry.left_out)} left out)" if registry.left_out else ""
    trainings = f"of up to {minutes} minutes" if minutes else "off"
    return (
        f"deeprnn {__version__} serves {len(registry.infos)} models{left_out}; limits: {limits['places']} written for "
        f"at once, {limits['max_waiting']} waiting, {limits['per_minute']} requests a minute from an address, "
        f"{limits['max_bytes']} bytes a request; trusted proxies: {limits['proxies']}; trainings: {trainings}."
    )


def _at_once() -> int:
    return env_limit("MAX_AT_ONCE", 200)
