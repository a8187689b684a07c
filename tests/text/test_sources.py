"""A user's own texts become one UTF-8 file, whatever they are and however they are encoded."""

import io
from pathlib import Path

import pytest

from deeprnn.text.sources import as_one_file, decode

FRENCH = "Quelle journée admirable ! L'été s'achève où les élèves rêvent, ça et là, sous l'énorme platane.\n" * 8
CHINESE = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争，又并入于汉。\n" * 20
TRADITIONAL = "國破山河在，城春草木深。感時花濺淚，恨別鳥驚心。烽火連三月，家書抵萬金。\n" * 20
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n" * 8
POLISH = (
    "Litwo! Ojczyzno moja! ty jesteś jak zdrowie. Ile cię trzeba cenić, ten tylko się dowie, kto cię stracił. "
    "Dziś piękność twą w całej ozdobie widzę i opisuję, bo tęsknię po tobie.\n" * 6
)
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 8


def one_file(tmp_path, *places, stdin=b"", encoding=None):
    place, found = as_one_file([str(place) for place in places], tmp_path / "texts", io.BytesIO(stdin), encoding)
    return Path(place), found


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "utf-8"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "latin-1"),
        (FRENCH, "utf-32"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16-be"),
        (TRADITIONAL, "big5"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (POLISH, "cp1250"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
    ],
)
def test_the_encoding_of_a_text_is_found_out(text, encoding):
    assert decode(text.encode(encoding), "book.txt")[0] == text


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (bytes(range(256)) * 20, None, "name it with --encoding"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200), None, "name it with --encoding"),
        (FRENCH.encode("latin-1"), "utf-8", "leave --encoding away"),
        (FRENCH.encode(), "klingon", "try gb18030"),
    ],
)
def test_what_is_no_text_or_not_in_the_encoding_is_refused_with_the_remedy(data, encoding, said):
    with pytest.raises(ValueError, match=said):
        decode(data, "book.txt", encoding)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("the", ["THE", "THIS"])
def test_the_header_and_the_licence_of_a_book_of_project_gutenberg_are_left_out(tmp_path, line_end, the):
    around = (
        "Title: Emma\n\n*** START OF {} PROJECT GUTENBERG EBOOK EMMA ***\n\n",
        "\n\n*** END OF {} PROJECT GUTENBERG EBOOK EMMA ***\nSection 1. General Terms of Use\n",
    )
    start, end = (part.format(the) for part in around)
    book = tmp_path / "emma.txt"
    book.write_bytes((start + FRENCH + end).replace("\n", line_end).encode())
    path, (source,) = one_file(tmp_path, book)
    assert path.read_text("utf-8") == FRENCH
    assert source.left_out == len(start) + len(end) + 1 - len("\n")
    book.write_text(start + FRENCH, "utf-8")
    assert one_file(tmp_path, book) == (book, []), "a text that has only one of them may be about it"


def test_one_file_in_utf8_and_a_known_text_are_used_where_they_are(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text(CHINESE, encoding="utf-8")
    assert one_file(tmp_path, book) == (book, [])
    assert one_file(tmp_path, "python-docs") == (Path("python-docs"), [])
    assert not (tmp_path / "texts").exists()


def test_a_file_in_another_encoding_becomes_utf8_in_a_folder_named_by_its_hash(tmp_path):
    book = tmp_path / "三国.txt"
    book.write_bytes(CHINESE.replace("\n", "\r\n").encode("gb18030"))
    place, (source,) = one_file(tmp_path, book)
    assert place.read_text(encoding="utf-8") == CHINESE
    assert source.encoding.lower() == "gb18030"
    assert place.name == "三国.txt"
    assert one_file(tmp_path, book)[0] == place


def test_an_encoding_that_nobody_knows_is_refused_with_the_remedy(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("The end.")
    with pytest.raises(ValueError, match=r"--encoding nonsense: Python knows no such encoding; try gb18030"):
        one_file(tmp_path, book, encoding="nonsense")


def test_an_encoding_that_is_named_is_used(tmp_path):
    book = tmp_path / "short.txt"
    book.write_bytes("ça va".encode("cp850"))
    assert one_file(tmp_path, book, encoding="cp850")[0].read_text(encoding="utf-8") == "ça va\n"


def test_files_and_standard_input_are_joined_in_their_order(tmp_path):
    (tmp_path / "a.txt").write_bytes(FRENCH.encode("latin-1"))
    (tmp_path / "b.txt").write_text("The end.")
    place, found = one_file(tmp_path, tmp_path / "a.txt", "-", tmp_path / "b.txt", stdin=CHINESE.encode("utf-16"))
    assert place.read_text(encoding="utf-8") == f"{FRENCH}\n{CHINESE}\nThe end.\n"
    assert place.name == "a-and-2-more.txt"
    assert [source.place for source in found][1] == "standard input"


def test_a_folder_gives_its_texts_by_name_without_hidden_files_and_pictures(tmp_path):
    folder = tmp_path / "my books"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("Second.")
    (folder / "a.txt").write_text("First.")
    (folder / "deep" / "c.py").write_text("third = 3\n")
    (folder / ".secret").write_text("Never.")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    place, found = one_file(tmp_path, folder)
    assert place.read_text() == "First.\n\nSecond.\n\nthird = 3\n"
    assert place.name == "my-books.txt"
    assert len(found) == 3


def test_a_folder_without_texts_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no file with text"):
        one_file(tmp_path, tmp_path / "empty")
    with pytest.raises(ValueError, match="no file, no folder and no known text"):
        one_file(tmp_path, tmp_path / "gone.txt")
