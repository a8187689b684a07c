import threading

import pytest

from deeprnn.checks import listed, shortened, shown
from deeprnn.documents import MAX_JSON_VALUES, in_markdown, parse_object, printable, replace_file
from tests.conftest import file_limit


@pytest.mark.parametrize(
    "value", ["y" * 10**6, "\ud800" * 10**6, 10**4000, b"x" * 10**6, [[]] * 10**6, {"a": "b" * 10**6}]
)
def test_a_wrong_value_of_any_size_is_shown_in_few_characters(value):
    assert len(shown(value)) <= 60


def test_of_many_names_the_first_are_listed_and_the_others_counted():
    assert listed({"b", "a"}) == "['a', 'b']"
    assert listed({f"{n:04}" for n in range(1_004)}) == "['0000', '0001', '0002', '0003' and 1,000 more]"


def test_a_cause_is_shown_in_one_line_of_bounded_length():
    assert shortened("a\nb\u202ec") == "a b c"
    assert len(shortened("y\n" * 10**6)) <= 300
    assert len(printable("\n" * 10**6 + "y")) <= 255


def test_a_document_of_too_many_values_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="it holds more than 300,000 values"):
        parse_object(b'{"a": [' + b"{}," * MAX_JSON_VALUES + b"{}]}")


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path):
    path = tmp_path / "results.json"
    replace_file(path, b"old")
    with file_limit(1_000), pytest.raises(OSError, match="File too large"):
        replace_file(path, b"new" * 1_000)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("results.json", b"old")]


def test_a_file_that_many_write_at_once_is_that_of_one_of_them(tmp_path):
    path, contents = tmp_path / "results.json", [bytes([n]) * 10_000 for n in range(8)]
    threads = [threading.Thread(target=replace_file, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize("number", ["1", "12", "123", "999999999"])
@pytest.mark.parametrize("mark", [".", ")"])
def test_a_text_that_begins_like_an_item_of_a_list_becomes_none_in_markdown(number, mark):
    assert in_markdown(f"{number}{mark} one") == f"{number}\\{mark} one"
    assert in_markdown(f"in {number}{mark} one") == f"in {number}{mark} one"
