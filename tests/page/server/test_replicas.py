"""Several servers behind nginx, as docs/nginx.conf has it; and what becomes of a visitor whose session is elsewhere."""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import TimeoutError as NotInTime

import deeprnn
from deeprnn.page.server.lost import STREAM
from deeprnn.page.shared.scripts import addressed
from deeprnn.page.words import tr
from tests.conftest import ROOT, SHIPPED, WAIT, wait_until
from tests.page.conftest import Visit, free_port
from tests.page.server.test_process import started

pytestmark = pytest.mark.process
MODEL = "note-rnn-2"
CONF = (ROOT / "docs/nginx.conf").read_text()
AROUND = """
daemon off; pid {folder}/pid; {user}
events {{ }}
http {{
    log_format seen '$upstream_addr $upstream_cache_status $request_uri';
    access_log {folder}/seen seen;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/deeprnn.conf;
}}
"""


@pytest.fixture(scope="module")
def replicas():
    """The ports of two servers below a prefix, as docs/deploy.md starts them."""
    with contextlib.ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            environment = {"GRADIO_ROOT_PATH": "/deeprnn", "DEEPRNN_TRUSTED_PROXIES": "1"}
            _, url, _ = stack.enter_context(started("--port", str(port), **environment))
            wait_until(lambda url=url: httpx.get(f"{url}/healthz", timeout=WAIT).status_code == 200)
        yield ports


@pytest.fixture
def proxied(replicas, tmp_path):
    """nginx before the two servers: `proxied()` returns the page's address and the file of what nginx has seen.

    change: makes another configuration of that in docs.
    """
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        pytest.skip("no nginx on this machine: install Debian's packages nginx and openssl to test several servers")
    running = []

    def start(change=lambda conf: conf):
        port = free_port()
        key, certificate = tmp_path / "key", tmp_path / "certificate"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        conf = CONF.replace("listen 443", f"listen 127.0.0.1:{port}").replace("/var/cache", str(tmp_path))
        conf = conf.replace("/etc/ssl/certs/deeprnn.pem", str(certificate))
        conf = conf.replace("/etc/ssl/private/deeprnn.key", str(key))
        for shown, real in zip((7860, 7861), replicas, strict=True):
            conf = conf.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{real}")
        (tmp_path / "deeprnn.conf").write_text(change(conf))
        user = "user root;" if os.geteuid() == 0 else ""  # who else could not read this folder
        (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path, user=user))
        command = [nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "errors"]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        url = f"https://127.0.0.1:{port}/deeprnn/"
        wait_until(lambda: answers(url) or running[0].poll() is not None)
        assert running[0].poll() is None, running[0].stderr.read()
        return url, tmp_path / "seen"

    yield start
    for process in running:
        process.terminate()
        process.wait(WAIT)
        process.stderr.close()


def answers(url):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}healthz", verify=False, timeout=WAIT).status_code == 200
    return False


def generated(url):
    """What a new visitor gets who opens the page and generates 20 characters: the text, or the error's sentence."""
    with httpx.Client(verify=False, timeout=WAIT) as visitor:
        assert visitor.get(url).status_code == 200
        functions = visitor.get(f"{url}config").json()["dependencies"]
        function = next(one["id"] for one in functions if one["api_name"] == "generate")
        session = secrets.token_hex(8)
        ask = {"data": ["the time", [MODEL], 20, 0, 0, 1, 0], "fn_index": function, "session_hash": session}
        assert visitor.post(f"{url}gradio_api/queue/join", json=ask).status_code == 200
        with visitor.stream("GET", url.rstrip("/") + STREAM, params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {"msg": ""}
                if message["msg"] == "process_completed":
                    output = message["output"]
                    return output["data"][0][0]["text"] if message["success"] else output["error"]
    raise AssertionError("the stream ended without an answer")


@pytest.mark.slow
def test_behind_nginx_a_cookie_keeps_each_visitor_with_one_of_two_servers(proxied):
    url, seen = proxied()
    expected = deeprnn.load(SHIPPED / MODEL).generate("the time", 20, 0)
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(generated, [url] * 12))
    assert texts == [expected] * 12
    lines = [line.split() for line in seen.read_text().splitlines()]
    streams = [server for server, _, path in lines if STREAM in path]
    assert len(streams) == 12
    assert len(set(streams)) == 2, "all visitors came to one server"


def test_without_the_cookie_whoever_reaches_two_servers_is_told_so(proxied):
    url, _ = proxied(lambda conf: conf.replace("hash $deeprnn_server consistent;", ""))
    sentence = tr("error_session", "en")
    found = {generated(url) for _ in range(12)}
    assert sentence in found
    assert found <= {sentence, deeprnn.load(SHIPPED / MODEL).generate("the time", 20, 0)}


def test_versioned_files_are_kept_by_nginx_and_pages_and_answers_are_not(proxied):
    url, seen = proxied()
    with httpx.Client(verify=False, timeout=WAIT) as one:
        script = next(iter(addressed()))
        bodies = [one.get(url + script, headers={"accept-encoding": kind}).content for kind in ("br", "gzip") * 2]
        assert len(set(bodies)) == 1, "each browser gets what it can read"
        assert bodies[0] == addressed()[script]
        one.get(url)
    kept = {path: [] for path in ("/deeprnn/", f"/deeprnn/{script}")}
    for _, status, path in map(str.split, seen.read_text().splitlines()):
        kept.setdefault(path, []).append(status)
    assert kept[f"/deeprnn/{script}"] == ["MISS", "MISS", "HIT", "HIT"]
    assert set(kept["/deeprnn/"]) == {"-"}


def test_below_a_prefix_over_tls_the_page_writes_while_it_is_watched_and_stops(proxied, chromium):
    url, _ = proxied()
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(1_000 * WAIT)
    one = Visit(context.new_page(), url).open(f"?models={MODEL}&lang=en")
    one.generate(prompt="the time", length=20)
    assert one.card(MODEL).locator(".text").text_content() == deeprnn.load(SHIPPED / MODEL).generate(
        **one.asked(), max_chars=20
    )
    one.choose("experiments")
    assert one.problems == []
    assert [asked for asked in one.requests if not asked.startswith((url, "data:", "blob:"))] == []
    (cookie,) = (cookie for cookie in context.cookies() if cookie["name"] == "deeprnn_server")
    assert (cookie["secure"], cookie["httpOnly"], cookie["path"]) == (True, True, "/deeprnn/")
    context.close()


def written(one, prompt):
    """Press Generate, in whatever language, and wait until the model has finished."""
    one.page.locator("#prompt textarea").fill(prompt)
    one.page.click("#generate")
    finished(one, prompt).wait_for()


def finished(one, prompt):
    """What says, in whatever language, that the model has finished a text after a prompt."""
    said = re.compile("finished|完成")
    return one.card(MODEL).filter(has_text=prompt).locator(".status").filter(has_text=said)


@pytest.mark.parametrize(("locale", "lang"), [("zh-CN", "zh"), pytest.param("en-US", "en", marks=pytest.mark.slow)])
def test_a_lost_session_is_a_sentence_on_a_page_that_stays_and_can_try_again(visit, locale, lang):
    one = visit(f"?models={MODEL}", locale=locale)
    elsewhere = re.compile(f"{STREAM}.*")
    one.page.route(elsewhere, lambda route: route.continue_(url=f"{one.url}{STREAM[1:]}?session_hash=elsewhere"))
    refused = one.page.get_by_text(tr("error_session", lang))
    for prompt in ("the tide", "the wave", "the wind"):  # a text may come, or not, through a stream left open: `settle`
        one.page.locator("#prompt textarea").fill(prompt)
        one.page.click("#generate")
        with contextlib.suppress(NotInTime):
            refused.or_(finished(one, prompt)).first.wait_for(timeout=250 * WAIT)
        if refused.is_visible():
            break
    assert refused.is_visible()
    one.page.unroute(elsewhere)
    assert one.page.locator("#prompt textarea").input_value() == prompt
    one.page.click(".toast-close")
    written(one, prompt)
