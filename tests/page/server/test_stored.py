"""What a visit transfers, over real HTTP: compressed once, the same for all visitors, not sent again to who has it."""

import asyncio
import re
from pathlib import Path

import gradio
import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from deeprnn.page.server import stored
from deeprnn.page.server.stored import Store
from deeprnn.page.words import tr
from tests.conftest import WAIT, run
from tests.page.conftest import Visit

ENCODINGS = ("br", "gzip", "identity")
PAGES = ("", "?lang=zh", "config")


def get(url, path="", **headers):
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url + path, headers={"accept-encoding": "br", "accept-language": "en"} | asked, timeout=WAIT)


def named(page):
    """The addresses of the scripts and style sheets that the HTML of a page names."""
    return re.findall(r'(?:src|href)="([^"#:]+\.(?:js|css))"', page)


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_the_same_however_it_is_compressed(url, path):
    whole = get(url, path, accept_encoding="identity")
    tags = set()
    for encoding in ENCODINGS:
        answer = get(url, path, accept_encoding=encoding)
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert answer.content == whole.content
        assert answer.headers["content-type"] == whole.headers["content-type"]
        assert "accept-encoding" in answer.headers["vary"].lower()
        tags.add(answer.headers["etag"])
    assert len(tags) == len(ENCODINGS)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_who_has_the_page_is_not_sent_it_again(url, path, encoding):
    first = get(url, path, accept_encoding=encoding)
    again = get(url, path, accept_encoding=encoding, if_none_match=f'"other", W/{first.headers["etag"]}')
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert get(url, path, accept_encoding=encoding, if_none_match='"other"').status_code == 200


def test_the_page_of_one_language_is_not_taken_for_that_of_the_other(url):
    english, chinese = (get(url, accept_language=lang) for lang in ("en", "zh-CN"))
    assert tr("head.title", "zh") in chinese.text
    assert english.headers["etag"] != chinese.headers["etag"]
    assert get(url, accept_language="zh", if_none_match=english.headers["etag"]).text == chinese.text
    assert get(url, "?lang=zh", accept_language="en").text == chinese.text


def test_the_page_is_the_same_for_every_visitor_and_every_question(url):
    page = get(url).text
    assert get(url, "?view=score&text=hello&deep_link=none&page=none", cookie="access-token=1").text == page


def test_the_page_is_sent_with_the_address_at_which_it_was_asked_for(url):
    hosts = ("one.example", "two.example")
    for host in hosts:
        page = get(url, x_forwarded_host=host, x_forwarded_proto="https").text
        assert f'"root":"https://{host}"' in page.replace(" ", "")
    assert not any(host in get(url).text for host in hosts)


def test_a_question_for_the_head_alone_is_answered_without_the_page(url):
    asked, head = get(url), httpx.head(url, headers={"accept-encoding": "br", "accept-language": "en"})
    assert head.content == b""
    assert head.headers["etag"] == asked.headers["etag"]


def test_gradios_own_files_are_kept_for_good_and_are_as_on_the_disk(url):
    files = [one for one in named(get(url).text) if "assets/" in one]
    assert files
    for file in files:
        content = (Path(gradio.__file__).parent / "templates" / "frontend" / file).read_bytes()
        for encoding in ENCODINGS:
            answer = get(url, file, accept_encoding=encoding)
            assert answer.headers.get("content-encoding", "identity") == encoding
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.content == content


@pytest.mark.parametrize(
    "path", ["assets/none.js", "assets/..%2findex.html", "assets/%2e%2e/index.html", "static/none"]
)
def test_what_is_not_there_is_not_kept(url, path):
    answer = get(url, path)
    assert answer.status_code >= 400
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_a_first_visit_transfers_less_than_450_kilobytes_and_the_next_one_less_than_60(chromium, url):
    context, sizes = chromium.new_context(locale="en-US"), []
    for _ in range(2):
        page, received = context.new_page(), []
        page.set_default_timeout(1_000 * WAIT)
        network = context.new_cdp_session(page)
        network.on("Network.loadingFinished", lambda event, to=received: to.append(event["encodedDataLength"]))
        network.send("Network.enable")
        Visit(page, url).open().settle()
        page.close()
        sizes.append(sum(received))
    context.close()
    assert 100_000 < sizes[0] < 450_000
    assert 0 < sizes[1] < 60_000


class Counted:
    """An application that counts how often it is asked, and answers with what it was asked."""

    def __init__(self):
        self.asked = 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        await asyncio.sleep(0)
        said = f"{scope['method']} {scope['path']} {scope['query_string']} {Headers(scope=scope)}"
        status = 404 if scope["path"].endswith("none.js") else 200
        await PlainTextResponse(said, status)(scope, receive, send)


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def client(counted):
    return TestClient(Store(counted, lambda: counted.revision))


def test_an_answer_is_made_once_until_the_page_changes(counted, client):
    counted.revision = 1
    texts = {client.get("/", params={"models": str(i)}, headers={"cookie": str(i)}).text for i in range(3)}
    assert (len(texts), counted.asked) == (1, 1)
    assert "cookie" not in texts.pop()
    counted.revision = 2
    client.get("/")
    assert counted.asked == 2


def test_many_first_visitors_wait_for_one_answer(counted):
    counted.revision = 1

    async def visits():
        transport = httpx.ASGITransport(Store(counted, lambda: 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await asyncio.gather(*(client.get("/") for _ in range(20)))

    assert {answer.status_code for answer in run(visits())} == {200}
    assert counted.asked == 1


def test_errors_and_other_requests_are_not_kept(counted, client):
    counted.revision = 1
    for _ in range(2):
        assert client.get("/assets/none.js").status_code == 404
        client.post("/")
        client.get("/gradio_api/queue/data")
    assert counted.asked == 6


def test_the_answer_that_was_asked_for_the_longest_ago_is_dropped(counted, client, monkeypatch):
    counted.revision = 1
    plain = {"accept-encoding": "identity"}
    monkeypatch.setattr(stored, "MOST_BYTES", 2 * len(client.get("/assets/a.js", headers=plain).content))
    for name in "baca":
        client.get(f"/assets/{name}.js", headers=plain)
    assert counted.asked == 3, "a was asked for after b"
    client.get("/assets/b.js", headers=plain)
    assert counted.asked == 4


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5,gzip", "br"),
        ("gzip;q=1.0, br; q=0", "gzip"),
        ("GZIP", "gzip"),
        ("deflate", None),
        ("", None),
        ("br;q=0.000", None),
        ("br;q=x;;,", "br"),
    ],
)
def test_it_is_compressed_as_the_browser_can_read_it(counted, client, accepted, encoding):
    counted.revision = 1
    assert client.get("/", headers={"accept-encoding": accepted}).headers.get("content-encoding") == encoding
