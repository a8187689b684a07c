"""The page's scripts and boards over real HTTP: these files and nothing else, kept by browsers until they change."""

import json
import re
import urllib.error
import urllib.request

import httpx
import pytest

from deeprnn.page.shared import scripts
from deeprnn.page.shared.widgets import Translations, drawing
from deeprnn.page.words import tr
from tests.conftest import ROOT, WAIT
from tests.page.conftest import Visit

FOLDER = ROOT / "deeprnn" / "page"


def get(url, path, **headers):
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url + path, headers=asked, timeout=WAIT)


def test_every_script_of_the_package_is_served_as_it_is_and_kept_for_good(url):
    assert scripts.scripts() == {
        str(path.relative_to(FOLDER).as_posix()): path.read_bytes() for path in FOLDER.rglob("*.js")
    }
    for name, content in scripts.scripts().items():
        answer = get(url, scripts.address(name))
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_script_is_the_same_however_it_is_compressed(url):
    """Each browser asks for it as it can."""
    for encoding in ("gzip", "br", "identity", "gzip"):
        answer = get(url, scripts.address("shared/dom.js"), accept_encoding=encoding)
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert answer.content == scripts.scripts()["shared/dom.js"]


def boards(url, query=""):
    """The address of each view's board that is fetched, as the page names it."""
    page = get(url, query).text
    return {view: file for file, view in re.findall(r"(boards/[0-9a-f]{16}/(\w+)\.json)", page)}


def test_boards_that_are_the_same_for_everyone_are_files_in_both_languages(url):
    assert boards(url).keys() == {"training", "watch", "experiments", "learn", "checkpoints"}
    assert boards(url, "?lang=en") == boards(url, "?lang=zh")
    for view, file in boards(url).items():
        answer = get(url, file)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file == scripts.board_address(view, answer.content)
    title = json.loads(get(url, boards(url)["learn"]).content)["value"]["sections"][0]["title"]
    assert title["zh"].startswith("深度循环神经网络")
    assert title["en"].startswith("One cell")


def test_a_board_that_changes_is_at_another_address():
    words, told = Translations(), {"n": 1}
    board = drawing(words, lambda: told, "<div></div>", "learn", lambda _: {}, fixed=True)
    words.draw()
    words.draw()
    (before,) = words.files
    told["n"] = 2
    words.draw()
    assert [json.loads(content)["value"] for content in words.files.values()] == [{"n": 1}, {"n": 2}]
    assert before in words.files, "a page that is open may still ask for it"
    assert list(words.files)[1] in board.get_config()["js_on_load"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "shared/",
            "shared/base.css",
            "shared/theme.py",
            "compare/cards.html",
            "shared/dom.js/",
            "shared/none.js",
        ),
        *("../scripts/shared/dom.js", "../../app.py", "..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "shared/../app.py"),
    ],
)
def test_nothing_else_is_served(url, path):
    for folder in (f"scripts/{scripts.version()}", boards(url)["learn"].rpartition("/")[0]):
        with pytest.raises(urllib.error.HTTPError) as refused:  # httpx would leave out the dots before it asks
            urllib.request.urlopen(f"{url}{folder}/{path}", timeout=WAIT)
        with refused.value as answer:
            assert answer.code == 404
            assert b"import" not in answer.read()


def test_nothing_is_at_the_address_of_another_version(url):
    for file in ("scripts/{}/shared/dom.js", "boards/{}/learn.json"):
        answer = get(url, file.format("0" * 16))
        assert (answer.status_code, answer.text) == (404, "There is no such file. Load the page again.")
        assert "cache-control" not in answer.headers


def test_a_script_that_changes_is_at_another_address(monkeypatch):
    before = scripts.address("shared/dom.js")
    changed = scripts.scripts() | {"learn/learn.js": b"// another"}
    monkeypatch.setattr(scripts, "scripts", lambda: changed)
    scripts.version.cache_clear()
    try:
        assert scripts.address("shared/dom.js") != before
    finally:
        scripts.version.cache_clear()


def test_the_page_names_every_script_that_it_needs_at_once_before_it_asks_for_one(url):
    head, _, first = get(url, "").text.partition("<script")
    named = re.findall(r'rel="modulepreload" href="(.*?)"', head)
    assert named == [scripts.address(script) for script in scripts.loaded_first()]
    assert first.startswith(f' type="module" src="{scripts.address("main.js")}"></script>')


def test_a_page_asks_for_no_script_that_it_does_not_name_until_a_view_is_opened(chromium, url):
    page = chromium.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
    shown = Visit(page, url).open()
    shown.settle()
    first = {script for script in asked if script.startswith(scripts.FOLDER)}
    assert first == set(map(scripts.address, scripts.loaded_first()))
    asked.clear()
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_text("One cell").first.wait_for()
    assert scripts.address("learn/learn.js") in asked
    page.close()


def test_what_a_script_is_given_from_python_arrives(chromium):
    """Values that could end a string or a statement are only values."""
    told = ["</script>", "`${1}`", "\u2028", {"名": [1, None, True]}]
    page = chromium.new_page()
    page.evaluate("() => { globalThis.deeprnn = { page: { speak: (...values) => values } }; }")
    assert page.evaluate(scripts.calling("page", "speak", *told), "中文") == [*told, "中文"]
    page.close()


def test_a_view_that_cannot_be_fetched_says_so_in_the_readers_language_and_can_be_fetched_again(chromium, url):
    page = chromium.new_page()
    page.set_default_timeout(1_000 * WAIT)
    page.route("**/boards/**", lambda route: route.abort())
    page.goto(f"{url}?view=learn&lang=zh")
    again = page.get_by_role("button", name=tr("fetched.again", "zh"))
    again.wait_for()
    assert "请检查网络后重试" in page.get_by_role("status").filter(has=again).text_content()
    page.unroute("**/boards/**")
    again.click()
    page.locator("#learn-stack").wait_for()
    assert again.count() == 0
    page.close()
