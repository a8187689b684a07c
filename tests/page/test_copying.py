"""What is copied where a page has no right to the clipboard: over plain http, and in another site's frame."""

import html
import http.server
import socket
import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.conftest import WAIT
from tests.page.conftest import choose
from tests.page.server.test_process import free_port, started

QUERY = "?models=note-lstm-2,few-lstm-2&lang=en"


def own_address():
    """An address of this machine that other machines reach it at, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))  # nothing is sent
            address = route.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    return None if address.startswith("127.") else address


@pytest.fixture
def page(chromium):
    context = chromium.new_context(locale="en-US")
    context.set_default_timeout(1_000 * WAIT)
    yield context.new_page()
    context.close()


@pytest.fixture
def framing():
    """Another site, and a secure one: the address of its page that holds a given one in a frame."""

    class Outer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            framed = parse_qs(urlsplit(self.path).query)["framed"][0]
            self.wfile.write(f'<iframe src="{html.escape(framed)}" width="1200" height="700"></iframe>'.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield lambda framed: f"http://localhost:{server.server_port}/?{urlencode({'framed': framed})}"
        server.shutdown()
        thread.join()


def assert_copies(frame):
    """Both kinds of copy are in the clipboard, as a reader finds who pastes them."""
    frame.locator(".model-card[data-model='few-lstm-2']").wait_for()
    prompt = frame.locator("#prompt textarea")
    frame.get_by_role("button", name="Copy link").click()
    frame.locator("#link").get_by_role("button", name="Copied").wait_for()
    button = frame.locator("#link button")  # it is called so for some seconds only
    assert button.evaluate("(one) => one === document.activeElement"), "the focus stays"
    button.click()
    frame.locator("#link").get_by_role("button", name="Copy link").wait_for()
    prompt.fill("")
    prompt.press("Control+V")
    assert "/?view=compare&lang=en&models=note-lstm-2%2Cfew-lstm-2" in prompt.input_value()
    choose(frame, "checkpoints")
    frame.locator(".checkpoints .name").first.click()
    frame.get_by_role("button", name="Copy the code").click()
    frame.locator("button.copy", has_text="Copied").wait_for()
    choose(frame, "compare")
    prompt.fill("")
    prompt.press("Control+V")
    assert prompt.input_value().startswith("import deeprnn")


def test_link_and_code_are_copied_over_plain_http_in_a_local_network(page):
    host = own_address()
    if host is None:
        pytest.skip("this machine has no address but its loopback: a page there is a secure one")
    with started("--host", host, "--port", str(free_port(host=host))) as (_, url, _):
        page.goto(f"{url}/{QUERY}")
        assert page.evaluate("[window.isSecureContext, navigator.clipboard === undefined]") == [False, True]
        assert_copies(page)


def test_link_and_code_are_copied_in_a_frame_without_the_right_to_the_clipboard(page, url, framing):
    page.goto(framing(f"{url}{QUERY}"))
    frame = page.frame_locator("iframe")
    frame.locator(".model-card").first.wait_for()
    refused = "navigator.clipboard.writeText('x').then(() => false, (error) => error.name)"
    assert page.frames[1].evaluate(refused) == "NotAllowedError"
    assert_copies(frame)
