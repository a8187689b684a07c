import dataclasses
import hashlib
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.text.batches import split
from deeprnn.text.catalogue import CatalogueEntry, CatalogueFile, catalogue, language_of
from deeprnn.text.corpora import (
    Corpus,
    load_corpus,
    load_if_local,
    own_name,
)
from deeprnn.text.gutenberg import strip_gutenberg, without_gutenberg

BOOK = "\ufeffThe Pond\r\n\r\nIt was “deep”.\r\n".encode()
FOOTED = (
    "Header\n*** START OF THE PROJECT GUTENBERG EBOOK POND ***\n\nDeep.\n\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK POND ***\n"
)
OUTSIDE_DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it


class FileServer:
    """HTTP on loopback: `pages` by path, everything else a 404; `requests` in order of arrival.

    It hangs up in the middle of the pages at the paths in `cut`.
    """

    def __init__(self):
        self.pages, self.requests, self.cut = {}, [], set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                server.requests.append(self.path)
                body = server.pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write((body or b"")[: len(body) // 2 if self.path in server.cut else None])

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def stop(self):
        """Close the port: from here on a connection is refused."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def server():
    file_server = FileServer()
    yield file_server
    file_server.stop()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the user's cache or texts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DEEPRNN_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def pond(server, monkeypatch):
    """Enter a text of two addresses, none of which serves anything yet, into the catalogue."""
    server.pages.clear()
    server.requests.clear()
    server.cut.clear()
    entry = CatalogueEntry(
        name="pond",
        title="The Pond",
        author="A. Nobody",
        year=1900,
        language="en",
        format="text",
        encoding="utf-8-sig",
        files=(one_file(BOOK, server.url("/first"), server.url("/second")),),
        upstream="none",
    )
    monkeypatch.setitem(catalogue(), "pond", entry)
    return entry


def one_file(content, *urls, name="pond.txt"):
    """The entry of a file with this content."""
    return CatalogueFile(file=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), urls=list(urls))


@pytest.mark.usefixtures("pond")
def test_the_first_address_is_used_if_it_serves_the_right_bytes(server):
    server.pages = {"/first": BOOK, "/second": BOOK}
    corpus = load_corpus("pond", "full")
    assert corpus == Corpus(name="pond", form="full", text='The Pond\n\nIt was "deep".\n')
    assert server.requests == ["/first"]


@pytest.mark.usefixtures("pond")
@pytest.mark.parametrize("first", [None, b"", BOOK[:-1], BOOK + b"\n", b"<html>moved</html>"])
def test_the_second_address_is_used_if_the_first_is_missing_or_serves_other_bytes(server, first):
    server.pages = {"/second": BOOK} if first is None else {"/first": first, "/second": BOOK}
    assert load_corpus("pond", "d2l").text == "the pondit was deep"
    assert server.requests == ["/first", "/second"]


def test_no_right_bytes_anywhere_is_an_error_with_the_remedy_and_leaves_no_file(server, pond, own_cache):
    server.pages = {"/first": BOOK[::-1]}
    with pytest.raises(ValueError, match="DEEPRNN_DATA") as caught:
        load_corpus("pond", "full")
    message = str(caught.value)
    assert "The Pond (pond.txt)" in message
    assert all(url in message for url in pond.files[0].urls)
    assert server.requests == ["/first", "/second"]
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("pond")
def test_a_download_that_is_cut_in_the_middle_is_taken_from_the_next_address(server, own_cache):
    server.pages, server.cut = {"/first": BOOK, "/second": BOOK}, {"/first"}
    assert "deep" in load_corpus("pond", "full").text
    assert server.requests == ["/first", "/second"]
    assert [path.name for path in own_cache.rglob("*") if path.is_file()] == ["pond.txt"]


def test_downloads_that_are_all_cut_are_an_error_with_the_remedy_leave_no_file_and_the_next_try_works(
    server, pond, own_cache
):
    server.pages, server.cut = {"/first": BOOK, "/second": BOOK}, {"/first", "/second"}
    with pytest.raises(ValueError, match=r"The Pond \(pond.txt\): no address served it. Check the network") as caught:
        load_corpus("pond", "full")
    assert all(url in str(caught.value) for url in pond.files[0].urls)
    assert not [path for path in own_cache.rglob("*") if path.is_file()]
    server.cut.clear()
    assert "deep" in load_corpus("pond", "full").text


def test_no_network_is_an_error_with_the_remedy(pond, monkeypatch):
    closed = FileServer()
    closed.stop()
    nowhere = dataclasses.replace(pond, files=(one_file(BOOK, closed.url("/first")),))
    monkeypatch.setitem(catalogue(), "pond", nowhere)
    with pytest.raises(ValueError, match="Check the network, or put the file in a folder") as caught:
        load_corpus("pond", "full")
    assert closed.url("/first") in str(caught.value)


@pytest.mark.usefixtures("pond")
def test_a_downloaded_text_is_cached(server, own_cache):
    server.pages = {"/first": BOOK}
    first = load_corpus("pond", "full")
    server.pages.clear()
    assert load_corpus("pond", "full") == first
    assert server.requests == ["/first"]
    (cached,) = [path for path in own_cache.rglob("*") if path.is_file()]
    assert cached.name == "pond.txt"
    assert cached.read_bytes() == BOOK


@pytest.mark.usefixtures("pond")
def test_an_altered_cache_is_downloaded_again(server, own_cache):
    server.pages = {"/first": BOOK}
    first = load_corpus("pond", "full")
    (cached,) = [path for path in own_cache.rglob("*") if path.is_file()]
    cached.write_bytes(BOOK + b"x")
    assert load_corpus("pond", "full") == first
    assert server.requests == ["/first", "/first"]


@pytest.mark.usefixtures("pond")
def test_the_folder_in_deeprnn_data_comes_before_the_network(server, tmp_path, monkeypatch):
    server.pages = {"/first": BOOK}
    (tmp_path / "pond.txt").write_bytes(BOOK)
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    assert load_corpus("pond", "d2l").text == "the pondit was deep"
    assert server.requests == []


@pytest.mark.usefixtures("pond")
def test_a_text_that_is_not_at_hand_is_not_downloaded_for_the_asking(server, tmp_path, monkeypatch):
    server.pages = {"/first": BOOK}
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    assert load_if_local("pond", "full") is None
    assert load_if_local("nobody", "full") is None
    (tmp_path / "pond.txt").write_bytes(BOOK)
    assert load_if_local("pond", "full") == load_corpus("pond", "full")
    assert server.requests == []


@pytest.mark.usefixtures("pond")
def test_a_text_whose_cached_file_is_damaged_is_not_at_hand_and_not_downloaded_for_the_asking(server, own_cache):
    server.pages = {"/first": BOOK, "/second": BOOK}
    whole = load_corpus("pond", "full")
    (cached,) = [path for path in own_cache.rglob("*") if path.is_file()]
    cached.write_bytes(BOOK[:-1])
    server.requests.clear()
    assert load_if_local("pond", "full") is None
    assert server.requests == []
    assert cached.read_bytes() == BOOK[:-1]
    cached.write_bytes(BOOK)
    assert load_if_local("pond", "full") == whole
    assert server.requests == []


@pytest.mark.usefixtures("pond")
def test_a_wrong_file_in_deeprnn_data_is_refused_also_where_nothing_may_be_downloaded(server, tmp_path, monkeypatch):
    server.pages = {"/first": BOOK}
    (tmp_path / "pond.txt").write_bytes(BOOK + b"x")
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="is not the catalogued pond"):
        load_if_local("pond", "full")
    assert server.requests == []


def test_a_wrong_file_in_deeprnn_data_is_refused_by_name_and_not_replaced(server, pond, tmp_path, monkeypatch):
    server.pages = {"/first": BOOK}
    wrong = tmp_path / "pond.txt"
    wrong.write_bytes(BOOK + b"x")
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=re.escape(str(wrong))) as caught:
        load_corpus("pond", "full")
    assert pond.files[0].sha256 in str(caught.value)
    assert "unset DEEPRNN_DATA" in str(caught.value)
    assert wrong.read_bytes() == BOOK + b"x"
    assert server.requests == []


@pytest.mark.usefixtures("pond")
def test_a_text_that_deeprnn_data_lacks_is_downloaded(server, tmp_path, monkeypatch):
    server.pages = {"/first": BOOK}
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    assert load_corpus("pond", "d2l").text == "the pondit was deep"
    assert server.requests == ["/first"]


def test_a_text_of_several_files_is_read_from_all_of_them_each_checked(server, pond, tmp_path, monkeypatch):
    contents = [json.dumps([{"paragraphs": [poem]}]).encode() for poem in ("一二三四五，" * 4, "六七八九十。" * 4)]
    files = tuple(one_file(c, server.url(f"/{i}"), name=f"poems/{i}.json") for i, c in enumerate(contents))
    monkeypatch.setitem(catalogue(), "pond", dataclasses.replace(pond, format="poems", files=files))
    server.pages = {"/0": contents[0], "/1": contents[0]}
    with pytest.raises(ValueError, match=r"The Pond \(poems/1.json\)"):
        load_corpus("pond", "full")
    assert load_if_local("pond", "full") is None
    (tmp_path / "poems").mkdir()
    (tmp_path / "poems/1.json").write_bytes(contents[1])
    monkeypatch.setenv("DEEPRNN_DATA", str(tmp_path))
    assert load_corpus("pond", "full").text.count("\n\n") == 2
    assert load_if_local("pond", "full") == load_corpus("pond", "full")


def test_a_catalogued_book_loses_its_gutenberg_header(server, pond, monkeypatch):
    served = FOOTED.replace("\n", "\r\n").encode()
    entry = dataclasses.replace(pond, format="gutenberg", files=(one_file(served, server.url("/first")),))
    monkeypatch.setitem(catalogue(), "pond", entry)
    server.pages = {"/first": served}
    assert load_corpus("pond", "full").text == "Deep.\n"


def test_a_book_is_read_in_its_encoding(server, pond, monkeypatch):
    served = "西遊記".encode("gb18030")
    entry = dataclasses.replace(pond, encoding="gb18030", files=(one_file(served, server.url("/first")),))
    monkeypatch.setitem(catalogue(), "pond", entry)
    server.pages = {"/first": served}
    assert load_corpus("pond", "full").text == "西遊記"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_local_file_is_a_text_named_by_its_stem_and_its_bytes(tmp_path, mark):
    path = tmp_path / "my notes.txt"
    path.write_bytes(mark + "Écoute — “now”\r\n".encode())
    assert load_corpus(str(path), "full") == Corpus(name=own_name(path), form="full", text='Écoute -- "now"\n')


def test_two_files_called_alike_have_two_names_and_one_file_has_one(tmp_path):
    for folder, text in (("a", "one"), ("b", "two"), ("c", "one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "book.txt").write_text(text)
    one, two, again = (own_name(tmp_path / folder / "book.txt") for folder in "abc")
    assert one == again != two


@pytest.mark.parametrize("name", ['my book, "draft" (v1.2).txt', ".hidden", "---.txt", "紅樓夢" * 20 + ".txt"])
def test_whatever_a_file_is_called_its_texts_name_can_stand_in_a_files_name(tmp_path, name):
    (tmp_path / name).write_text("text")
    assert re.fullmatch(r"\w[\w-]*-[0-9a-f]{8}", own_name(tmp_path / name))
    assert len(own_name(tmp_path / name).encode()) < 160


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_refused_with_the_remedy(tmp_path, encoding):
    path = tmp_path / "wide.txt"
    path.write_bytes("plain English".encode(encoding))
    with pytest.raises(ValueError, match=r"wide.txt is not UTF-8 text .*UTF-16.* save it as UTF-8"):
        load_corpus(str(path), "full")


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8 text .*convert it first"):
        load_corpus(str(path), "full")


def test_a_missing_file_is_refused_with_the_names_that_there_are(tmp_path):
    path = tmp_path / "absent.txt"
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        load_corpus(str(path), "full")
    assert all(name in str(caught.value) for name in ["python-docs", *catalogue()])


def test_a_folder_is_refused_as_a_text(tmp_path):
    with pytest.raises(ValueError, match="neither a file nor one of"):
        load_corpus(str(tmp_path), "full")


@pytest.mark.parametrize(
    ("content", "form"), [("", "full"), (" \n\r\n\t", "full"), ("", "d2l"), ("西遊記 1592", "d2l")]
)
def test_a_file_without_text_in_its_form_is_refused_by_name(tmp_path, content, form):
    path = tmp_path / "empty.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"empty\.txt holds no text in the form '{form}'"):
        load_corpus(str(path), form)


def test_the_hash_of_a_corpus_is_that_of_its_text():
    corpus = Corpus(name="a", form="full", text="é\n")
    assert corpus.sha256 == hashlib.sha256("é\n".encode()).hexdigest()
    assert corpus.sha256 == dataclasses.replace(corpus, name="b").sha256
    assert corpus.sha256 != dataclasses.replace(corpus, text="e\n").sha256


@pytest.mark.parametrize("form", ["full", "d2l"])
def test_the_language_reference_needs_no_network_and_is_the_same_twice(form, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a request would fail
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    first, second = load_corpus("python-docs", form), load_corpus("python-docs", form)
    assert first.text == second.text
    assert first.name == "python-docs"
    assert len(first.text) > 100_000
    if form == "d2l":
        assert set(first.text) == set("abcdefghijklmnopqrstuvwxyz ")


@pytest.mark.parametrize(
    ("header", "footer"),
    [
        ("*** START OF THE PROJECT GUTENBERG EBOOK POND ***", "*** END OF THE PROJECT GUTENBERG EBOOK POND ***"),
        ("***START OF THE PROJECT GUTENBERG EBOOK POND***", "***END OF THE PROJECT GUTENBERG EBOOK POND***"),
        ("*** START OF THIS PROJECT GUTENBERG EBOOK POND ***", "*** END OF THIS PROJECT GUTENBERG EBOOK POND ***"),
        (
            "*** START OF THE PROJECT GUTENBERG EBOOK A LONG AND\nWINDING POND ***",
            "*** END OF THE PROJECT GUTENBERG EBOOK A",
        ),
        ("*** START OF THE PROJECT GUTENBERG EBOOK POND", "*** END OF THE PROJECT GUTENBERG EBOOK POND"),
        ("*** START OF THIS PROJECT GUTENBERG EBOOK POND ***", "End of the Project Gutenberg EBook of Pond"),
        ("*** START OF THIS PROJECT GUTENBERG EBOOK POND ***", "End of Project Gutenberg's Pond, by A. Nobody"),
    ],
)
def test_the_gutenberg_header_and_footer_are_cut_off(header, footer):
    text = f"The Project Gutenberg EBook of Pond\n{header}\n\n\nPOND\n\nIt was deep.\n\n\n{footer}\nlicence\n"
    assert strip_gutenberg(text) == "POND\n\nIt was deep.\n"


def test_the_first_of_two_footers_ends_the_text():
    text = (
        "*** START OF THIS PROJECT GUTENBERG EBOOK POND ***\nDeep.\n"
        "End of Project Gutenberg's Pond\n\n*** END OF THIS PROJECT GUTENBERG EBOOK POND ***\n"
    )
    assert strip_gutenberg(text) == "Deep.\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Deep.\n",
        "*** START OF THE PROJECT GUTENBERG EBOOK POND ***\nDeep.\n",
        "Deep.\n*** END OF THE PROJECT GUTENBERG EBOOK POND ***\n",
        "*** END OF THE PROJECT GUTENBERG EBOOK ***\nDeep.\n*** START OF THE PROJECT GUTENBERG EBOOK ***\n",
    ],
)
def test_a_text_without_gutenberg_header_or_footer_is_refused(text):
    with pytest.raises(ValueError, match="no Project Gutenberg header and footer"):
        strip_gutenberg(text)


def test_the_catalogue_names_18_texts_with_the_hash_of_each_file_and_https_addresses():
    books = catalogue()
    files = [one for book in books.values() for one in book.files]
    assert len(books) == 18
    assert len({one.sha256 for one in files}) == len({one.file for one in files}) == 17 + 58
    for name, book in books.items():
        assert book.name == name
        assert book.bytes > 100_000
        assert "".encode(book.encoding) in (b"", b"\xef\xbb\xbf")  # the codec exists
    for one in files:
        assert re.fullmatch("[0-9a-f]{64}", one.sha256)
        assert one.urls
        assert all(url.startswith("https://") for url in one.urls)


def test_a_text_is_in_the_language_that_the_catalogue_says_and_any_other_is_in_english():
    assert {name for name in catalogue() if language_of(name) == "zh"} == {"journey_to_the_west", "tang_poems"}
    assert language_of("python-docs") == "en"


@given(
    length=st.integers(0, 10**7),
    train=st.floats(0.01, 0.99),
    val_share=st.floats(0.01, 1.0),
)
def test_the_parts_of_a_split_touch_and_cover_the_text_in_its_order(length, train, val_share):
    ranges = split(length, train, val_share * (1 - train))
    assert list(ranges)[:2] == ["train", "val"]
    assert set(ranges) <= {"train", "val", "test"}
    end = 0
    for start, stop in ranges.values():
        assert start == end
        assert stop >= start
        end = stop
    assert end == length


def test_a_split_has_the_asked_sizes():
    assert split(1000, 0.9, 0.05) == {"train": (0, 900), "val": (900, 950), "test": (950, 1000)}


@pytest.mark.parametrize(("train", "val"), [(0.9, 0.1), (0.7, 0.3), (0.8, 0.2), (0.9, 0.1 - 1e-12)])
@pytest.mark.parametrize("length", [10, 999, 170_580])
def test_a_split_that_leaves_nothing_has_no_test_part(length, train, val):
    ranges = split(length, train, val)
    assert set(ranges) == {"train", "val"}
    assert ranges["val"][1] == length


@pytest.mark.skipif(
    not (OUTSIDE_DATA and (Path(OUTSIDE_DATA) / "time_machine.txt").is_file()),
    reason="DEEPRNN_DATA names no folder with time_machine.txt",
)
def test_the_time_machine_in_d2l_has_170580_characters_of_27_kinds(monkeypatch):
    monkeypatch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
    text = load_corpus("time_machine", "d2l").text
    assert len(text) == 170_580
    assert len(set(text)) == 27
    assert text.startswith("the time machine by h g wells")


@pytest.mark.skipif(
    not (
        OUTSIDE_DATA and all((Path(OUTSIDE_DATA) / one.file).is_file() for b in catalogue().values() for one in b.files)
    ),
    reason="DEEPRNN_DATA names no folder with all the texts",
)
@pytest.mark.parametrize("name", list(catalogue()))
def test_every_text_of_the_catalogue_is_clean(name, monkeypatch):
    monkeypatch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
    text = load_corpus(name, "full").text
    assert "\r" not in text
    assert "\ufeff" not in text
    assert "PROJECT GUTENBERG EBOOK" not in text
    book = catalogue()[name]
    assert 0.8 * book.chars < len(text) < 1.2 * book.chars  # header and footer are at most a fifth


def test_of_several_gutenberg_books_in_one_text_each_is_kept():
    books = [FOOTED, FOOTED.replace("Deep.", "Deeper still.")]
    assert without_gutenberg("".join(books)) == "Deep.\n\nDeeper still.\n"
