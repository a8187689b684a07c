import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.text.vocab import UNKNOWN_ID, UNKNOWN_MARK, Vocab, fold, normalize, plain, source_positions

LETTERS = "e taoinshrdlucmwfygpbvkxzqj"
ANY_TEXT = st.text() | st.sampled_from(
    ["👩‍🚀 👋🏽", "话说天下大势", "İstanbul", "ﬁn", "ß", "“so—”", "a\r\nb", "\ud800"]
)
FORMS = st.sampled_from(["d2l", "full"])


def d2l_zh(lines):
    """What d2l-zh 2.0 makes of the lines of a file: section 8.2 `read_time_machine`, 8.3 `load_corpus_time_machine`."""
    lines = [re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in lines]
    tokens = [list(line) for line in lines]
    return "".join([token for line in tokens for token in line])


@given(st.text(alphabet=LETTERS))
def test_a_text_of_the_alphabet_survives_encode_and_decode_in_d2l(text):
    vocab = Vocab(form="d2l", characters=LETTERS)
    assert vocab.decode(vocab.encode(text)) == text


@given(text=st.text(), form=FORMS)
def test_a_corpus_survives_encode_and_decode_with_its_own_vocabulary(text, form):
    corpus = normalize("a" + text, form)
    vocab = Vocab.from_text(corpus, form)
    ids = vocab.encode(corpus)
    assert vocab.decode(ids) == corpus
    assert UNKNOWN_ID not in ids
    assert set(ids) == set(range(1, len(vocab)))


@given(text=ANY_TEXT, form=FORMS)
def test_every_character_of_a_folded_text_has_one_id_and_the_unknown_ones_have_id_0(text, form):
    vocab = Vocab(form=form, characters="abc \n")
    ids = vocab.encode(text)
    assert len(ids) == len(fold(text, form))
    for character, i in zip(fold(text, form), ids, strict=True):
        assert i == (vocab.characters.index(character) + 1 if character in vocab.characters else UNKNOWN_ID)


def test_unknown_characters_are_marked_where_they_stand():
    vocab = Vocab(form="full", characters="ab")
    assert vocab.encode("aéb👋b") == [1, 0, 2, 0, 2]
    assert vocab.decode([1, 0, 2, 0, 2]) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}b"
    assert UNKNOWN_MARK == "\N{REPLACEMENT CHARACTER}"


def test_an_id_beyond_the_alphabet_is_an_error():
    with pytest.raises(IndexError):
        Vocab(form="full", characters="ab").decode([3])


@given(text=ANY_TEXT)
def test_folding_is_what_normalizing_does_to_line_ends_and_dashes(text):
    assert fold(text, "full") == normalize(text, "full")
    assert len(fold(text, "d2l")) == len(plain(text))


@given(text=ANY_TEXT | st.text(alphabet="a\r\n\N{EM DASH}"), form=FORMS)
def test_each_folded_character_is_owned_by_the_one_that_it_stands_for(text, form):
    places = source_positions(text)
    assert len(places) == len(fold(text, form))
    assert places == sorted(places)
    for place, read in zip(places, plain(text), strict=True):
        assert read == {"\r": "\n", "\N{EM DASH}": "-"}.get(text[place], text[place])
    unread = set(range(len(text))) - set(places)
    assert all(text[place - 1 : place + 1] == "\r\n" for place in unread)


@given(text=ANY_TEXT, form=FORMS)
def test_folding_twice_is_folding_once(text, form):
    assert fold(fold(text, form), form) == fold(text, form)


@given(text=st.text(), form=FORMS)
def test_a_normalized_corpus_is_left_as_it_is_by_folding(text, form):
    corpus = normalize(text, form)
    assert fold(corpus, form) == corpus


@given(text=st.text(), form=FORMS)
def test_normalizing_twice_is_normalizing_once(text, form):
    corpus = normalize(text, form)
    assert normalize(corpus, form) == corpus


def test_fold_d2l_lowers_letters_and_makes_line_breaks_spaces():
    assert fold("The Time\r\nTraveller\t(for", "d2l") == "the time traveller (for"
    assert fold("a\N{NO-BREAK SPACE}b", "d2l") == "a b"
    assert fold("İÉ中", "d2l") == "İÉ中"  # no letter of the alphabet: stays, and is unknown


def test_fold_full_makes_typographic_quotes_and_dashes_ascii_and_keeps_the_rest():
    assert fold("“Don’t”–‘go’—now\N{NO-BREAK SPACE}É中", "full") == "\"Don't\"-'go'--now É中"
    assert fold("A\nb\tC", "full") == "A\nb\tC"


def test_the_alphabet_is_ordered_by_frequency_then_by_code_point():
    vocab = Vocab.from_text("zzbbaacccé", "full")
    assert vocab.characters == "cabzé"
    assert vocab.encode("cabzé") == [1, 2, 3, 4, 5]
    assert len(vocab) == 6


@pytest.mark.parametrize(("min_count", "characters"), [(1, "cabd"), (2, "cab"), (3, "c")])
def test_characters_rarer_than_min_count_are_unknown(min_count, characters):
    vocab = Vocab.from_text("cccaabbd", "full", min_count)
    assert vocab.characters == characters
    assert vocab.encode("d") == [4 if min_count == 1 else UNKNOWN_ID]


def test_a_text_with_no_frequent_character_is_refused():
    with pytest.raises(ValueError, match="at least one character"):
        Vocab.from_text("abc", "full", min_count=2)


def test_d2l_joins_lines_without_a_space():
    text = (
        "The Time Traveller (for so it will be convenient to speak of him)\n"
        "was expounding a recondite matter to us.\n"
        "\n"
        "   His pale grey eyes shone--and 'twinkled'!\n"
    )
    expected = (
        "the time traveller for so it will be convenient to speak of himwas expounding a recondite matter to us"
        "his pale grey eyes shone and twinkled"
    )
    assert normalize(text, "d2l") == expected == d2l_zh(text.splitlines(keepends=True))


@given(st.lists(st.text(alphabet="aZé-'\t 9中"), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_d2l_is_what_d2l_zh_makes_of_the_lines_of_a_file(lines, line_end):
    assert normalize(line_end.join(lines), "d2l") == d2l_zh([line + "\n" for line in lines])


def test_full_maps_quotes_dashes_and_line_ends():
    assert normalize("“Don’t”\r\n‘go’ – no — yes\rA\N{NO-BREAK SPACE}b\n", "full") == (
        "\"Don't\"\n'go' - no -- yes\nA b\n"
    )


@pytest.mark.parametrize(
    ("characters", "start"), [("ab\n ", "\n"), (" ab\n", "\n"), ("ab ", " "), ("ab", UNKNOWN_MARK)]
)
def test_a_text_starts_after_a_line_break_else_a_space_else_the_unknown_character(characters, start):
    vocab = Vocab(form="full", characters=characters)
    assert vocab.decode([vocab.start_id]) == start


def test_a_d2l_text_starts_after_a_space():
    vocab = Vocab(form="d2l", characters="ab ")
    assert vocab.decode([vocab.start_id]) == " "


@pytest.mark.parametrize(("characters", "complaint"), [("aba", "repeat"), ("", "at least one character")])
def test_an_alphabet_with_a_repeated_character_or_none_is_refused(characters, complaint):
    with pytest.raises(ValueError, match=complaint):
        Vocab(form="full", characters=characters)
    with pytest.raises(ValueError, match=complaint):
        Vocab.from_dict({"form": "full", "characters": characters})


def test_vocabularies_are_equal_if_their_form_and_characters_are():
    assert Vocab(form="full", characters="ab") == Vocab(form="full", characters="ab")
    assert Vocab(form="full", characters="ab") != Vocab(form="full", characters="ba")
    assert Vocab(form="full", characters="ab") != Vocab(form="d2l", characters="ab")
