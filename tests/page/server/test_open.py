"""Which addresses are open, and the headers of every answer, over real HTTP and in a real browser."""

import inspect
import re

import gradio
import httpx
import pytest

from deeprnn.page.server.open import HEADERS, OF_PAGES, is_open
from tests.conftest import WAIT

CLOSED = (
    "openapi.json",
    "docs",
    "gradio_api/openapi.json",
    "gradio_api/dev/reload",
    "gradio_api/file=/etc/passwd",
    "gradio_api/file/etc/passwd",
    "gradio_api/proxy=https://example.org",
    "gradio_api/upload_progress?upload_id=1",
    "gradio_api/runs",
    "gradio_api/token",
    "gradio_api/vibe-code/",
    "monitoring",
    "monitoring/summary",
    "user",
    "logout",
)


@pytest.mark.parametrize("path", CLOSED)
def test_what_nobody_needs_is_closed(url, path):
    assert httpx.get(url + path, timeout=WAIT).status_code == 404


@pytest.mark.parametrize("path", ["", "config", "gradio_api/info", "robots.txt", "favicon.ico", "healthz", "nothing"])
def test_every_answer_has_the_headers(url, path):
    told = httpx.get(url + path, timeout=WAIT).headers
    assert {name: told[name] for name in HEADERS} == HEADERS


def test_a_refusal_has_the_headers(url):
    answer = httpx.post(f"{url}gradio_api/upload", files={"files": b"x"}, timeout=WAIT)
    assert answer.status_code == 403
    assert HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("query", ["", "?view=nothing&lang=zh"])
def test_the_page_says_what_it_may_run_and_fetch(url, query):
    assert OF_PAGES.items() <= dict(httpx.get(url + query, timeout=WAIT).headers).items()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_closed(url, method):
    assert httpx.request(method, url, timeout=WAIT).status_code in (400, 404, 405)


def test_gradios_routes_that_change_something_are_closed_but_for_its_queue():
    paths = re.findall(r'\.post\(\s*"([^"]+)"', inspect.getsource(gradio.routes))
    assert len(paths) > 20
    named = {one.split("/")[1] for one in paths if is_open("POST", "/gradio_api" + re.sub("{[^}]*}", "x", one))}
    assert named == {"queue", "component_server", "cancel", "reset", "run", "api", "call"}
    assert not any(is_open("POST", re.sub("{[^}]*}", "x", one)) for one in paths)


def test_a_browser_sends_nothing_to_another_server(visit):
    shown = visit()
    blocked = shown.page.evaluate(
        """async () => {
          const seen = new Promise((told) => addEventListener('securitypolicyviolation', told));
          fetch('http://localhost:9/').catch(() => {});
          return (await seen).violatedDirective;
        }"""
    )
    assert blocked == "connect-src"
    shown.problems.clear()  # the browser reports it
