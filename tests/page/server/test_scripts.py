"""The page's scripts over real HTTP: these files and nothing else, kept by browsers until they change."""

import re

import httpx
import pytest

from deeprnn.page.shared import scripts
from tests.conftest import ROOT, WAIT

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
    answer = get(url, f"scripts/{scripts.version()}/{path}")
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_no_script_is_at_the_address_of_another_version(url):
    assert get(url, f"scripts/{'0' * 16}/shared/dom.js").status_code == 404


def test_a_script_that_changes_is_at_another_address(monkeypatch):
    before = scripts.address("shared/dom.js")
    changed = scripts.scripts() | {"learn/learn.js": b"// another"}
    monkeypatch.setattr(scripts, "scripts", lambda: changed)
    scripts.version.cache_clear()
    try:
        assert scripts.address("shared/dom.js") != before
    finally:
        scripts.version.cache_clear()


def test_the_page_names_every_script_before_it_asks_for_one(url):
    head, _, first = get(url, "").text.partition("<script")
    assert set(re.findall(r'rel="modulepreload" href="(.*?)"', head)) == set(map(scripts.address, scripts.scripts()))
    assert first.startswith(f' type="module" src="{scripts.address("main.js")}"></script>')


def test_what_a_script_is_given_from_python_arrives(chromium):
    """Values that could end a string or a statement are only values."""
    told = ["</script>", "`${1}`", "\u2028", {"名": [1, None, True]}]
    page = chromium.new_page()
    page.evaluate("() => { globalThis.deeprnn = { page: { speak: (...values) => values } }; }")
    assert page.evaluate(scripts.calling("page", "speak", *told), "中文") == [*told, "中文"]
    page.close()
