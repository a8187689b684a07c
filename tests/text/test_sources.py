"""A user's own texts become one UTF-8 file, whatever they are and however they are encoded."""

import re
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
CROATIAN = (
    "Čovječe, pazi da ne ideš malen ispod zvijezda! Pusti da cijelog tebe prođe blaga svjetlost, što žuri noću.\n" * 8
)
SPANISH = "¿Dónde está el niño? Mañana cantará una canción pequeña en español, según su señor padre.\n" * 8
PORTUGUESE = "Não há razão: a nação não põe à prova as suas ações, e o coração é são.\n" * 8
ITALIAN = "Perché la città è così? Però più giù c'è già la virtù, e ciò farà felicità.\n" * 8
HUNGARIAN = (
    "Nem sokáig ültünk a kocsiban, mert az út rossz volt. A fiú azt mondta, hogy menjünk gyalog. "
    "Később eső esett, mi pedig a fűzfák alá futottunk.\n" * 6
)
CZECH = (
    "Když jsem byl malý, žili jsme v domě u řeky. Večer přicházeli sousedé a vyprávěli příběhy o čarodějích. "
    "Děti seděly tiše, až usnuly.\n" * 6
)
SLOVAK = "Večer prichádzali susedia, deti sedeli ticho, počúvali a ľahko zaspali v teplej izbe.\n" * 8
SLOVENE = "Nekoč je živel človek, ki je bil še mlad. Čez reko je hodil v šolo in že zjutraj pel pesmi.\n" * 8
ROMANIAN = "Când eram mic, locuiam într-o casă lângă râu, iar seara veneau vecinii şi povesteau întâmplări.\n" * 8
TURKISH = (
    "Küçük köyün kıyısında yaşlı bir adam yaşardı. Herkes onu tanırdı; akşamları çocuklara masal anlatırdı. "
    "Güneş doğduğunda işe giderdi ve şarkı söylerdi. İstanbul'a hiç gitmedi.\n" * 6
)
GERMAN = "Als Gregor Samsa erwachte, fand er sich in seinem Bett; er hörte, wie es draußen regnete.\n" * 8
SWEDISH = "På kvällen kom grannarna och berättade sagor för barnen, och alla lyssnade tills de somnade.\n" * 8
ICELANDIC = "Það var einu sinni gamall maður sem bjó við ána, og þau hlýddu öll á sögurnar hans.\n" * 8
KOREAN = "하늘을 우러러 한 점 부끄럼이 없기를, 잎새에 이는 바람에도 나는 괴로워했다.\n" * 8
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 8


def one_file(tmp_path, *places, stdin=b"", encoding=None, out="runs"):
    place, found = as_one_file([str(place) for place in places], tmp_path / out, lambda: stdin, encoding)
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
        *((text, "cp1250") for text in (POLISH, CROATIAN, HUNGARIAN, CZECH, SLOVAK, SLOVENE, ROMANIAN)),
        (TURKISH, "cp1254"),
        *((text, encoding) for text in (SPANISH, PORTUGUESE, ITALIAN) for encoding in ("cp1252", "latin-1")),
        *((text, "cp1252") for text in (GERMAN, SWEDISH, ICELANDIC)),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "iso2022_kr"),
        (KOREAN, "euc_kr"),
    ],
)
def test_the_encoding_of_a_text_is_found_out(text, encoding):
    assert decode(text.encode(encoding), "book.txt")[0] == text


@pytest.mark.parametrize("sign", ["£", "¼", "³", "¥", "\N{RIGHT SINGLE QUOTATION MARK}", "é"])
def test_english_with_a_single_sign_beyond_ascii_keeps_it(sign):
    text = f"It had cost him {sign} more than he had thought, and he said so to the time traveller.\n" * 20
    assert decode(text.encode("cp1252"), "book.txt") == (text, "cp1252")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_named_encoding_of_wide_characters_needs_no_mark_at_the_start(encoding):
    assert decode(FRENCH.encode(f"{encoding}-le"), "book.txt", encoding)[0] == FRENCH


@pytest.mark.parametrize("cut", range(1, 8))
@pytest.mark.parametrize(("text", "encoding"), [(JAPANESE, "iso2022_jp"), (KOREAN, "iso2022_kr")])
def test_a_text_of_seven_bits_that_was_cut_is_no_other_text(text, encoding, cut):
    assert text.startswith(decode(text.encode(encoding)[:-cut], "book.txt")[0])


def test_seven_bits_of_an_unknown_kind_are_refused():
    with pytest.raises(ValueError, match="name it with --encoding"):
        decode(b"\x1b$(Z!!!!" * 100, "book.txt")


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("text", "encoding"), [(CHINESE, "gb18030"), (TRADITIONAL, "big5"), (CHINESE, "utf-16-le"), (KOREAN, "euc_kr")]
)
def test_a_text_that_was_cut_within_a_character_is_read_without_it(text, encoding, named):
    data = text.rstrip().encode(encoding)[:-1]
    assert decode(data, "part.txt", encoding if named else None)[0] == text.rstrip()[:-1]


def test_what_cannot_be_looked_at_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be read \(File name too long\)"):
        one_file(tmp_path, "x" * 300)


def test_a_file_of_a_folder_that_cannot_be_read_is_left_out_as_one_that_is_no_text(tmp_path, monkeypatch):
    folder = tmp_path / "books"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(FRENCH)
    read = Path.read_bytes

    def refused(path):
        if path.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    _, found = one_file(tmp_path, folder)
    assert [bool(one.text) for one in found] == [True, False]
    assert "b.txt cannot be read (Permission denied)" in found[1].reason


def test_wrong_bytes_in_a_named_encoding_are_told_with_the_way_to_leave_them_out():
    data = CHINESE.encode("gb18030")
    with pytest.raises(
        ValueError, match=r"not in gb18030 .*leave --encoding away, or take out the wrong bytes, as iconv -c"
    ):
        decode(data[:100] + b"\xff" + data[100:], "book.txt", "gb18030")


@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, CHINESE, "\ufeff" + FRENCH])
def test_utf_8_that_was_cut_within_a_character_is_read_without_it(text, tmp_path):
    cut = next(end for end in range(len(text.encode()) - 9, 0, -1) if text.encode()[end] & 0xC0 == 0x80)
    (tmp_path / "part.txt").write_bytes(text.encode()[:cut])
    _, (found,) = one_file(tmp_path, tmp_path / "part.txt")
    assert found.encoding == "utf-8"
    assert found.text == text.encode()[:cut].decode("utf-8", "ignore").removeprefix("\ufeff")


def test_utf_8_with_a_wrong_byte_is_taken_for_nothing_else_and_the_remedy_is_told():
    data = FRENCH.encode()
    middle = data.index("é".encode(), len(data) // 2)
    with pytest.raises(
        ValueError, match=rf"in UTF-8 but for wrong bytes \(1\), the first after {middle:,} right ones: mend it, or"
    ):
        decode(data[:middle] + b"\xff" + data[middle:], "book.txt")


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_the_mark_at_the_start_of_a_text_is_no_part_of_it(encoding):
    assert decode(FRENCH.encode("utf-8-sig"), "book.txt", encoding)[0] == FRENCH


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (bytes(range(256)) * 20, None, "name it with --encoding"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200), None, "name it with --encoding"),
        (FRENCH.encode("latin-1"), "utf-8", r"is not in utf-8 \(.*\); leave --encoding away"),
        (b"a-99999999", "punycode", r"is not in punycode \(.*\); leave --encoding away"),
        (FRENCH.encode("utf-16"), "latin-1", "read as latin-1 holds zero characters.*, or leave --encoding away"),
        (FRENCH.encode() + b"\0", "utf-8", "read as utf-8 holds zero characters, as no text does; take them out"),
        (FRENCH.encode("ascii", "ignore") * 20 + b"\0", None, "holds zero characters, as no text does; take them out"),
        (FRENCH.encode() * 20 + b"\0" + FRENCH.encode(), None, "holds zero characters.*, or name its encoding with"),
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
    assert not (tmp_path / "runs").exists()


def test_a_file_in_another_encoding_becomes_utf8_in_a_folder_named_by_its_hash(tmp_path):
    book = tmp_path / "三国.txt"
    book.write_bytes(CHINESE.replace("\n", "\r\n").encode("gb18030"))
    place, (source,) = one_file(tmp_path, book)
    assert place.read_text(encoding="utf-8") == CHINESE
    assert source.encoding.lower() == "gb18030"
    assert place.name == "三国.txt"
    assert one_file(tmp_path, book)[0] == place


@pytest.mark.parametrize("encoding", ["nonsense", "rot13", "zlib", "undefined"])
@pytest.mark.parametrize("place", ["books/book.txt", "books", "empty", "-", "python-docs"])
def test_what_is_no_encoding_of_text_is_refused_with_the_remedy_before_anything_is_read(tmp_path, place, encoding):
    (tmp_path / "empty").mkdir()
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "book.txt").write_text("The end.")
    place = place if place in ("-", "python-docs") else tmp_path / place
    with pytest.raises(ValueError, match=f"--encoding {encoding}: Python knows no such encoding of text; try gb18030"):
        one_file(tmp_path, place, encoding=encoding)


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


def test_a_file_of_a_folder_that_is_not_in_the_named_encoding_is_named(tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text(FRENCH, "utf-8")
    (tmp_path / "books" / "b.txt").write_text(FRENCH, "latin-1")
    with pytest.raises(ValueError, match=r"b\.txt is not in utf-8"):
        one_file(tmp_path, tmp_path / "books", encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-be", "latin-1"])
def test_a_folder_gives_its_texts_in_the_named_encoding_without_pictures(tmp_path, encoding):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text(FRENCH, encoding)
    if encoding == "latin-1":  # every picture is text in it
        (tmp_path / "books" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert one_file(tmp_path, tmp_path / "books", encoding=encoding)[0].read_text("utf-8") == FRENCH


def test_a_file_of_a_folder_that_is_no_text_is_left_out_and_the_reason_is_said(tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text(FRENCH, "utf-8")
    (tmp_path / "books" / "b.txt").write_bytes(FRENCH.encode() * 20 + b"\0")
    (tmp_path / "books" / "c.txt").write_bytes(FRENCH.encode() * 20 + b"\xff" + FRENCH.encode())
    place, found = one_file(tmp_path, tmp_path / "books")
    assert place.read_text("utf-8") == FRENCH
    assert [(one.text, one.reason) for one in found[:1]] == [(FRENCH, "")]
    assert [(Path(one.place).name, one.text) for one in found[1:]] == [("b.txt", ""), ("c.txt", "")]
    assert "b.txt read as utf_8 holds zero characters" in found[1].reason
    assert re.search(r"c\.txt is in UTF-8 but for wrong bytes \(1\).* iconv -c", found[2].reason)
    (tmp_path / "books" / "a.txt").unlink()
    with pytest.raises(ValueError, match=r"holds no file with text\. .*b\.txt read as utf_8"):
        one_file(tmp_path, tmp_path / "books")


@pytest.fixture
def around(tmp_path):
    """A folder with a text, and what an earlier training on it has left in its folder `runs`."""
    folder = tmp_path / "around"
    for place in ("runs/my-book-1/README.md", "runs/texts/12345678/around.txt", "runs/mine/b.txt", "a.txt"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(f"{place}\n")
    return folder


def test_of_a_folder_that_holds_the_runs_their_folder_is_left_out(tmp_path, around, monkeypatch):
    place, (source,) = one_file(tmp_path, around, out="around/runs")
    assert (place.read_text(), Path(source.place)) == ("a.txt\n", around / "a.txt")
    assert one_file(tmp_path, around, out="around/runs")[0] == place, "and it is the same text the second time"
    monkeypatch.chdir(around)
    assert as_one_file(["."], Path("runs"), bytes, None)[1][0].place == "a.txt"


def test_a_folder_among_the_runs_is_read_if_it_is_named(tmp_path, around):
    assert one_file(tmp_path, around / "runs" / "mine", out="around/runs")[0].read_text() == "runs/mine/b.txt\n"
    assert one_file(tmp_path, around / "runs" / "mine", out="around")[0].read_text() == "runs/mine/b.txt\n"


@pytest.mark.parametrize("named", ["runs", "runs/texts", "runs/texts/12345678"])
def test_the_folder_into_which_the_text_would_be_written_is_refused_with_the_remedy(tmp_path, around, named):
    with pytest.raises(ValueError, match="is where training writes: name files of it, or another --out"):
        one_file(tmp_path, around / named, out="around/runs")


def test_a_file_among_the_runs_is_read_if_it_is_named(tmp_path, around):
    kept, other = around / "runs" / "texts" / "12345678" / "around.txt", around / "a.txt"
    assert one_file(tmp_path, kept, out="around/runs") == (kept, [])
    assert one_file(tmp_path, kept, other, out="around/runs")[0].read_text() == f"{kept.relative_to(around)}\n\na.txt\n"
