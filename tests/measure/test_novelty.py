import functools
import json
import lzma
import os
import random
import string
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from deeprnn.documents import Node
from deeprnn.measure import novelty
from deeprnn.measure.metrics import TextRecord
from deeprnn.measure.novelty import (
    BITS,
    HASHED,
    MIN_RUN,
    CopiedSpan,
    Fingerprint,
    TextPart,
    copied_share,
    dictionary_share,
    distinct_n,
    is_unspaced,
    load_all,
    maximal,
    measure,
    repetition,
    split_words,
)
from deeprnn.text.batches import split
from deeprnn.text.corpora import catalogue, load_corpus
from tests.conftest import ROOT

POEM = "The sea is calm to-night.\nThe tide is full, the moon lies fair\nUpon the straits; don't go.\n"
CHINESE = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争，又并入于汉。"
ASTRAL = "".join(map(chr, range(0x1F600, 0x1F640))) + "".join(map(chr, range(0x20000, 0x20040)))
# A busy machine is no failure.
books = pytest.mark.skipif("DEEPRNN_DATA" not in os.environ, reason="DEEPRNN_DATA names no folder with the books")


@functools.cache
def halves(name="python-docs", form="full"):
    """A text to fingerprint and another to look up, of one author."""
    text = load_corpus(name, form).text
    return text[: len(text) // 2], text[len(text) // 2 :]


@functools.cache
def fingerprint(form="full"):
    return Fingerprint.build("docs", form, halves(form=form)[0])


def spans(runs):
    return [(run.start, run.end) for run in runs]


def window_starts(runs):
    """Where the windows of 20 characters start that lie in a run."""
    return {start for run in runs for start in range(run.start, run.end - MIN_RUN + 1)}


def copied_windows(text, book, size=MIN_RUN):
    """By definition: where the windows start that occur in the book itself."""
    known = {book[i : i + size] for i in range(len(book) - size + 1)}
    return {i for i in range(len(text) - size + 1) if text[i : i + size] in known}


def naive_runs(text, book):
    """By definition: the maximal spans of 20 or more characters of a text that occur in the book."""
    runs = []
    for start in range(len(text)):
        end = start
        while end < len(text) and text[start : end + 1] in book:
            end += 1
        if end - start >= MIN_RUN and not (runs and end <= runs[-1][1]):
            runs.append((start, end))
    return runs


def naive_runs_of_codes(text, book):
    """The same over codes in place of characters: bytes are searched by Python."""
    codes, known = (bytes(novelty._codes(t)) for t in (text, book))
    runs = []
    for start in range(len(codes)):
        end = start
        while end < len(codes) and codes[start : end + 1] in known:
            end += 1
        run = (start, end + HASHED - 1, known.find(codes[start:end]))
        if run[1] - run[0] >= MIN_RUN and not (runs and run[1] <= runs[-1][1]):
            runs.append(run)
    return runs


@st.composite
def books_and_texts(draw):
    """A short book over few characters and a text patched together from pieces of it."""
    alphabet = draw(
        st.sampled_from(["ab", "a b\n", "etaoin shr", string.printable, "äöüß éÿ", "天下大势合分\U0001f600"])
    )
    book = draw(st.text(alphabet, min_size=1, max_size=150))
    cut = st.tuples(st.integers(0, len(book)), st.integers(0, len(book))).map(lambda ends: book[min(ends) : max(ends)])
    return book, "".join(draw(st.lists(st.text(alphabet, max_size=30) | cut, max_size=6)))


@given(books_and_texts())
def test_the_runs_are_those_of_a_search_for_the_codes_one_by_one(drawn):
    book, text = drawn
    found = Fingerprint.build("x", "full", book).runs(text)
    assert [(run.start, run.end, run.offset) for run in found] == naive_runs_of_codes(text, book)


@given(books_and_texts())
def test_every_run_of_the_text_itself_is_reported(drawn):
    book, text = drawn
    found = spans(Fingerprint.build("x", "full", book).runs(text))
    assert all(any(a <= start and end <= b for a, b in found) for start, end in naive_runs(text, book))


def check_against_exact_search(train, heldout, form):
    """No copied window is missed; what is reported beyond is as much as codes of 3 bits make of near misses."""
    runs = Fingerprint.build("x", form, train).runs(heldout)
    true, found = copied_windows(heldout, train), window_starts(runs)
    assert true <= found
    extra = found - true
    inner = MIN_RUN - 8  # characters of 20 that no end of up to 8 wrong ones touches
    near = copied_windows(heldout, train, inner)
    assert all(any(start + i in near for i in range(9)) for start in extra)  # none is out of nowhere
    novel = len(heldout) - MIN_RUN + 1 - len(true)
    print(f"\n{len(true)} copied windows, none missed; {len(extra)} of {novel} others reported")
    assert len(extra) <= 0.015 * novel
    # However far out the ends lie, what is between them is at the place that is named. (All codes of one character over
    # and over, a ruling, are the same one: they say no more than 3 bits.)
    between = [(run, heldout[run.start + 8 : run.end - 8]) for run in runs]
    assert all(
        text == train[run.offset + 8 : run.offset + 8 + len(text)] for run, text in between if len(set(text)) > 1
    )


@pytest.mark.parametrize("form", ["full", "d2l"])
def test_of_held_out_text_every_copied_window_is_reported_and_few_others(form):
    train, heldout = halves(form=form)
    check_against_exact_search(train, heldout[:60_000], form)


@books
@pytest.mark.parametrize("form", ["full", "d2l"])
def test_of_a_held_out_part_of_a_book_every_copied_window_is_reported_and_few_others(form):
    text = load_corpus("time_machine", form).text
    end = split(len(text), 0.9, 0.05)["train"][1]
    check_against_exact_search(text[:end], text[end:], form)


@books
@pytest.mark.slow
@pytest.mark.parametrize("name", list(catalogue()))
def test_of_every_book_no_copied_character_is_missed(name):
    """With -s it prints the shares that the module's docstring tells of."""
    text = load_corpus(name, "full").text
    end = split(len(text), 0.9, 0.05)["train"][1]
    heldout = text[end:]
    found = Fingerprint.build(name, "full", text, 0, end).runs(heldout)
    starts = copied_windows(heldout, text[:end])
    true = [run(i, i + MIN_RUN) for i in sorted(starts)]
    shares = copied_share(true, len(heldout)), copied_share(found, len(heldout))
    print(f"\n{name}: {shares[0]:.4f} copied, {shares[1]:.4f} reported")
    assert starts <= window_starts(found)
    assert shares[1] - shares[0] < 0.025


@pytest.mark.parametrize("form", ["full", "d2l"])
@pytest.mark.parametrize(("length", "found"), [(19, 0), (20, 1), (21, 1)])
def test_runs_count_from_20_characters(form, length, found):
    """Beyond either end a code agrees by chance one time in 8: a quarter of the runs of 19 characters pass for 20."""
    book, counted, trials = halves(form=form)[0], 0, 400
    rng = random.Random(0)
    for _ in range(trials):
        place = rng.randrange(len(book) - 100)
        counted += bool(fingerprint(form).runs(f"\0\1\2{book[place : place + length]}\3\4\5"))
    chance = 1 if found else 1 - (7 / 8) ** 2
    assert abs(counted - trials * chance) <= 4 * (trials * chance * (1 - chance)) ** 0.5


def test_an_end_lies_too_far_out_by_chance_one_time_in_8_and_never_too_far_in():
    book, trials = halves()[0], 1000
    rng = random.Random(0)
    over = []
    for _ in range(trials):
        place = rng.randrange(len(book) - 100)
        runs = fingerprint().runs("\0" * 10 + book[place : place + 60] + "\0" * 10)
        run = max(runs, key=lambda run: run.end - run.start)
        over += [10 - run.start, run.end - 70]
    assert min(over) == 0
    # Texts repeat: of several places the one that agrees further is taken, which makes it a little more.
    assert 2 * trials / 8 * 0.8 < sum(o >= 1 for o in over) < 2 * trials / 8 * 1.5
    assert sum(o >= 3 for o in over) < 2 * trials / 8**3 * 4


def unique_passage(book, length, seed):
    """A passage whose every window occurs once in the book."""
    rng = random.Random(seed)
    while True:
        place = rng.randrange(len(book) - length)
        passage = book[place : place + length]
        if all(book.count(passage[i : i + MIN_RUN]) == 1 for i in range(0, length - MIN_RUN + 1, 5)):
            return place, passage


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_copy_is_found_at_its_place(seed):
    book = halves()[0]
    place, passage = unique_passage(book, 100, seed)
    (run,) = fingerprint().runs("\0" * 5 + passage + "\0" * 5)
    assert run.text == "docs"
    assert run.offset - place == run.start - 5  # its place goes with its start, however far out that lies
    assert -5 < run.start - 5 <= 0 <= run.end - 105 < 5
    assert run.fraction == run.offset / len(book)


@pytest.mark.parametrize("at", [0, 10, 19, 20, 30, 45, 59])
def test_one_changed_character_parts_a_run(at):
    place, passage = unique_passage(halves()[0], 60, seed=3)
    other = "\N{SNOWMAN}"
    runs = fingerprint().runs(passage[:at] + other + passage[at + 1 :])
    expected = [(a, b) for a, b in ((0, at), (at + 1, 60)) if b - a >= MIN_RUN]
    found = [(run.start, run.end) for run in runs]
    assert len(found) == len(expected)
    for (a, b), (c, d) in zip(expected, found, strict=True):
        assert a - 3 <= c <= a
        assert b <= d <= b + 3
    assert all(run.offset == place + run.start for run in runs)


def test_a_copy_that_leads_into_and_out_of_a_frequent_ruling_is_found_whole():
    ruling = "-" * 30
    book = f"{ruling}\n" * 100 + f"This is the first table\n{ruling}\nand its caption\n" + f"{ruling}\n" * 3
    copy = book[book.index("This") : book.index("caption")]
    runs = Fingerprint.build("x", "full", book).runs(f"\0\1{copy}\2\3")
    assert any(run.start <= 2 and run.end >= 2 + len(copy) for run in runs)


def test_a_text_of_one_repeated_character_ends_in_reasonable_time_and_is_all_copied():
    runs = Fingerprint.build("rule", "full", "-" * 50_000).runs("-" * 2_000)
    assert copied_share(runs, 2_000) == 1


def test_codes_are_even_and_those_of_different_text_agree_by_chance_only():
    rng = random.Random(0)
    letters = "".join(rng.choices(string.ascii_lowercase + " ", k=60_000))
    codes = novelty._codes(letters)
    share = np.bincount(codes, minlength=2**BITS) / len(codes)
    assert abs(share - 2**-BITS).max() < 5 * (2**-BITS / len(codes)) ** 0.5
    rows = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int64), 8) @ 8 ** np.arange(8)  # of 24 bits
    counts = np.unique(rows, return_counts=True)[1]
    pairs, expected = int((counts * (counts - 1) // 2).sum()), len(rows) ** 2 / 2 / 2**24
    assert abs(pairs - expected) < 5 * expected**0.5


def test_of_a_million_windows_of_random_letters_no_more_are_found_than_chance_has_it():
    letters = "".join(random.Random(0).choices(string.ascii_lowercase + "    .,\n", k=1_000_000))
    # Expected: 1,000,000 windows times 230,000 places times 2^-39 = 0.4.
    assert len(window_starts(fingerprint().runs(letters))) <= 4


@pytest.mark.parametrize("text", [CHINESE, ASTRAL, "äöü ßéÿ" * 10 + "Übermaß und größer, gänzlich", "\ud800a" * 30])
def test_a_copy_is_found_in_any_script(text):
    book = text.replace("\ud800", "\ud7ff")
    print_ = Fingerprint.build("x", "full", book)
    assert spans(print_.runs(book)) == [(0, len(book))]
    assert print_.runs(text) == [] or text == book  # lone surrogates in a sample are no error
    shifted = "".join(chr(ord(c) ^ 1) for c in book)
    assert print_.runs(shifted) == []


@pytest.mark.parametrize("book", ["a", POEM[:7], POEM[:8], POEM[: MIN_RUN - 1], POEM])
@pytest.mark.parametrize("text", ["", "a", POEM[1:8], POEM[1:9], POEM[1:MIN_RUN], "\ud800" * 30])
def test_short_texts_and_samples_have_no_runs(book, text):
    assert Fingerprint.build("x", "full", book).runs(text) == []


def test_only_the_trained_range_is_fingerprinted_with_offsets_in_the_whole_text():
    text = halves()[0][:3_000]
    part = Fingerprint.build("x", "full", text, 1_000, 2_000)
    (run,) = part.runs("\0\1\2" + text[1_000:2_000])
    assert run.offset - 1_000 == run.start - 3 == 0
    assert run.fraction == run.offset / 3_000
    assert part.source.chars == 3_000
    _, heldout = unique_passage(text[2_000:], 200, seed=0)
    assert copied_share(part.runs(heldout), 200) == len(copied_windows(heldout, text[1_000:2_000])) == 0
    poem = Fingerprint.build("poem", "full", POEM, 0, 40)
    assert dictionary_share(["sea", "straits"], [poem]) == 0.5


@pytest.mark.parametrize(
    ("name", "text", "start", "end"),
    [
        ("x", "", 0, None),
        ("x", "abc", 0, 0),
        ("x", "abc", 0, 4),
        ("x", "abc", -1, 2),
        ("x", "abc", 2, 2),
        ("a\nb", "abc", 0, 3),
        ("", "abc", 0, 3),
    ],
)
def test_a_range_or_name_that_is_none_is_refused(name, text, start, end):
    with pytest.raises(ValueError, match=r"must hold|needs a name"):
        Fingerprint.build(name, "full", text, start, end)


@pytest.mark.parametrize("text", [POEM, CHINESE, ASTRAL, "a", "1", "abcdefgh", POEM * 7, "Oh"])
def test_a_fingerprint_survives_its_file(text, tmp_path):
    built = Fingerprint.build("x-y", "full", text)
    path = built.save(tmp_path)
    assert path.name == f"x-y.full.0-{len(text)}.fp"
    read = Fingerprint.load(path)
    assert read.source == built.source
    np.testing.assert_array_equal(read.codes, built.codes)
    assert (read.words is None) == (built.words is None) == (text in (CHINESE, ASTRAL))
    if built.words is not None:
        np.testing.assert_array_equal(read.words, built.words)
    assert read.runs(text) == built.runs(text)
    assert measure(text, [read]) == measure(text, [built])


@pytest.mark.parametrize(
    "name", ['my book, "draft" (v1.2)', ".hidden", "../x", "a/b", "红楼梦，上", "a" * 255, "？" * 200]
)
def test_a_text_of_any_name_has_a_fingerprint_and_no_other_texts_file(tmp_path, name):
    path = Fingerprint.build(name, "full", POEM).save(tmp_path)
    assert path.parent == tmp_path
    assert path.is_file()
    assert Fingerprint.load(path).source.name == name
    assert path != Fingerprint.build(name[:-1] + "!", "full", POEM).save(tmp_path)


@pytest.mark.process
def test_the_file_does_not_depend_on_the_process(tmp_path):
    code = (
        "import sys\nfrom deeprnn.measure.novelty import Fingerprint\n"
        "Fingerprint.build('poem', 'full', sys.argv[1]).save(sys.argv[2])"
    )
    (tmp_path / "other").mkdir()
    command = [sys.executable, "-c", code, POEM, str(tmp_path / "other")]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "1"}, check=True)
    path = Fingerprint.build("poem", "full", POEM).save(tmp_path)
    assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_the_codes_of_this_version_are_these():
    assert novelty._codes(POEM[:24]).tolist() == [6, 6, 2, 2, 6, 4, 2, 7, 3, 3, 5, 5, 4, 2, 1, 0, 6]


def test_codes_take_3_bits_a_character_and_do_not_hold_the_text(tmp_path):
    built = fingerprint()
    path = built.save(tmp_path)
    packed = load_file(path)["codes"].tobytes()
    text = halves()[0]
    assert len(packed) == -(-3 * (len(text) - HASHED + 1) // 8)
    # Where text packs to a quarter or so, its codes do not pack at all: nothing of its letters or order shows,
    # but where whole passages repeat.
    unrepeated = "".join(random.Random(1).sample(text.split("\n"), 500))
    own = novelty._packed(novelty._codes(unrepeated)).tobytes()
    assert len(lzma.compress(unrepeated.encode())) < 0.5 * len(unrepeated)
    assert len(lzma.compress(own)) > 0.85 * len(own)
    assert all(word.encode() not in path.read_bytes() for word in set(split_words(text)) if len(word) > 7)
    # Two texts have the same codes at a given place one time in eight, whatever they say.
    assert abs((novelty._codes(text[:50_000]) == novelty._codes(halves()[1][:50_000])).mean() - 1 / 8) < 0.01


def write(tmp_path, tensors=(), **changes):
    """A fingerprint's file of the poem with these tensors and these keys of its header in place of its own."""
    built = Fingerprint.build("poem", "full", POEM)
    own = {"codes": novelty._packed(built.codes), "words": built.words} | dict(tensors)
    own = {key: value for key, value in own.items() if value is not None}
    head = {"version": 1, "bits": 3, "sha256": novelty.digest(own), "source": built.source.to_dict()} | changes
    path = tmp_path / "broken.fp"
    save_file(own, path, {"fingerprint": json.dumps({k: v for k, v in head.items() if v is not None})})
    return path


SOURCE = Fingerprint.build("poem", "full", POEM).source.to_dict()


def test_well_formed_parts_are_read(tmp_path):
    assert Fingerprint.load(write(tmp_path)).runs(POEM)
    assert Fingerprint.load(write(tmp_path, {"words": None})).words is None


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"version": 2}, id="a later version"),
        pytest.param({"bits": 4}, id="other bits"),
        pytest.param({"version": None}, id="no version"),
        pytest.param({"sha256": "0" * 64}, id="another hash"),
        pytest.param({"source": None}, id="no source"),
        pytest.param({"source": 3}, id="a number for a source"),
        pytest.param({"source": SOURCE | {"more": 1}}, id="an unknown key"),
        pytest.param({"source": SOURCE | {"form": "other"}}, id="an unknown form"),
        pytest.param({"source": SOURCE | {"end": 50.0}}, id="an end that is no integer"),
        pytest.param({"source": SOURCE | {"end": 50}}, id="more codes than characters"),
        pytest.param({"source": SOURCE | {"chars": 10**9, "end": 10**9}}, id="far more characters than codes"),
        pytest.param({"source": SOURCE | {"sha256": "0"}}, id="a short hash"),
        pytest.param({"tensors": {"codes": None}}, id="no codes"),
        pytest.param({"tensors": {"codes": np.zeros((7, 5), np.uint8)}}, id="codes in two dimensions"),
        pytest.param({"tensors": {"codes": np.zeros(35, np.int8)}}, id="codes of another type"),
        pytest.param({"tensors": {"words": np.zeros(3, np.float32)}}, id="words of another type"),
        pytest.param({"tensors": {"more": np.zeros(3, np.uint8)}}, id="one tensor more"),
    ],
)
def test_a_malformed_file_is_refused_by_name_with_a_remedy(parts, tmp_path):
    with pytest.raises(ValueError, match=r"broken\.fp is no fingerprint that can be read.*build it again"):
        Fingerprint.load(write(tmp_path, **parts))


@pytest.mark.parametrize("keep", [0, 7, 8, 100, -1])
def test_a_file_cut_short_is_refused_by_name(keep, tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"broken\.fp is no fingerprint.*Get it again"):
        Fingerprint.load(path)


def test_a_missing_file_a_folder_and_another_safetensors_file_are_refused_by_name(tmp_path):
    save_file({"codes": np.zeros(3, np.uint8)}, tmp_path / "model.fp")
    for path in (tmp_path / "none.fp", tmp_path, tmp_path / "model.fp"):
        with pytest.raises(ValueError, match=r"is no fingerprint that can be read"):
            Fingerprint.load(path)


def test_a_changed_byte_of_the_codes_is_noticed(tmp_path):
    path = write(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="do not match their hash"):
        Fingerprint.load(path)


def test_a_models_fingerprints_are_found_by_its_texts_records(tmp_path):
    texts = {"poem": POEM, "more": POEM[::-1]}
    built = [Fingerprint.build(name, "full", text, 0, 60) for name, text in texts.items()]
    for print_ in built:
        print_.save(tmp_path)
    records = [
        {
            "name": print_.source.name,
            "form": "full",
            "chars": len(POEM),
            "sha256": print_.source.sha256,
            "ranges": {"train": [0, 60], "val": [60, 70]},
        }
        for print_ in built
    ]

    def source(record):
        return TextPart.from_record(TextRecord.read(Node(record)))

    sources = [source(record) for record in records]
    assert [print_.source for print_ in load_all(tmp_path, [*sources, sources[0]])] == sources
    other = source(records[0] | {"sha256": "0" * 64})
    with pytest.raises(ValueError, match=r"poem\.full\.0-60\.fp is of .* build it again"):
        load_all(tmp_path, [other])
    missing = source(records[0] | {"ranges": {"train": [0, 50]}})
    with pytest.raises(ValueError, match=r"poem\.full\.0-50\.fp is no fingerprint that can be read"):
        load_all(tmp_path, [missing])


def run(start, end, text="x"):
    return CopiedSpan(start=start, end=end, text=text, offset=0, fraction=0.0)


def test_a_run_within_another_is_left_out_and_of_equal_ones_the_first_stays():
    runs = [run(5, 25), run(0, 40, "a"), run(0, 40, "b"), run(20, 45), run(20, 44)]
    assert maximal(runs) == [run(0, 40, "a"), run(20, 45)]


def test_the_copied_share_counts_overlaps_once():
    assert copied_share([run(5, 25), run(15, 45)], 80) == 0.5
    assert copied_share([], 80) == 0
    assert copied_share([], 0) is None


def test_distinct_n_counts_distinct_n_grams_among_all():
    words = ["to", "be", "or", "not", "to", "be"]
    assert distinct_n(words, 1) == 4 / 6
    assert distinct_n(words, 2) == 4 / 5
    assert distinct_n(words, 6) == 1
    assert distinct_n(words, 7) is None
    assert distinct_n("abab", 2) == 2 / 3


@given(text=st.text(max_size=60), n=st.integers(1, 25))
def test_repetition_is_the_share_of_windows_that_stood_before(text, n):
    windows = [text[i : i + n] for i in range(len(text) - n + 1)]
    repeated = [window in windows[:i] for i, window in enumerate(windows)]
    assert repetition(text, n) == (pytest.approx(sum(repeated) / len(windows)) if windows else None)


def test_a_loop_is_repetition_after_its_first_turn():
    assert repetition("the time traveller said ") == 0
    assert repetition("the time traveller said " * 10) == pytest.approx(1 - 24 / 221)
    assert repetition(" " * 300) == pytest.approx(1 - 1 / 281)


def test_words_are_letters_in_lower_case_with_apostrophes_inside():
    assert split_words("Don't, 'tis the Élan of O'Brien's 3rd co-op_x!") == [
        *("don't", "tis", "the", "élan", "of", "o'brien's", "rd", "co", "op", "x")
    ]


def test_the_training_texts_words_are_known_and_none_of_20_000_others():
    own = sorted(set(split_words(halves()[0])))
    assert dictionary_share(own, [fingerprint()]) == 1
    rng = random.Random(0)
    invented = {"".join(rng.choices(string.ascii_lowercase, k=12)) for _ in range(20_000)}
    # Expected by chance: 20,000 words times 2,000 known ones times 2^-32 = 0.01.
    assert dictionary_share(sorted(invented), [fingerprint()]) == 0
    assert dictionary_share([], [fingerprint()]) is None
    assert dictionary_share(own, []) is None


def test_a_word_of_any_training_text_is_known():
    one, two = (Fingerprint.build(name, "full", text) for name, text in (("a", "calm sea"), ("b", "full tide")))
    assert dictionary_share(["sea", "tide", "moon", "calm"], [one, two]) == 3 / 4
    assert dictionary_share(["sea"], [Fingerprint.build("c", "full", "12345")]) == 0


def test_unspaced_scripts_are_told_from_spaced_ones():
    assert is_unspaced(CHINESE)
    assert is_unspaced("これは本です。")
    assert not is_unspaced(POEM + "话说")
    assert not is_unspaced("1, 2, 3")
    spaced, unspaced = (Fingerprint.build("x", "full", text) for text in (POEM, CHINESE))
    assert dictionary_share(["sea"], [spaced]) == 1
    assert dictionary_share(["sea"], [spaced, unspaced]) is None


def test_a_continuation_is_measured_without_its_prompt_in_plain_json():
    found = measure("a is calm to-night.\nThe \0\1\2cat", [Fingerprint.build("poem", "full", POEM)], prompt="The se")
    assert json.loads(json.dumps(found)) == found
    assert found["runs"] == [{"start": 0, "end": 24, "text": "poem", "offset": 6, "fraction": 6 / len(POEM)}]
    assert (found["chars"], found["longest_run"], found["copied_share"]) == (30, 24, 24 / 30)
    # sea is calm to night the: the first word is completed by the prompt, the last may be cut off.
    assert found["dictionary_share"] == 1
    assert found["distinct"] == [1, 1, 1]
    assert found["repetition"] == 0


def test_several_texts_are_searched_and_the_place_names_the_text():
    other = "Full fathom five thy father lies;\nOf his bones are coral made;\n"
    prints = [Fingerprint.build("arnold", "full", POEM), Fingerprint.build("ariel", "full", other)]
    found = measure(other[:40] + "\0\1\2\3" + POEM[30:60], prints)
    assert [(r["text"], r["offset"]) for r in found["runs"]] == [("ariel", 0), ("arnold", 30)]
    # No run crosses from one text to the next.
    for before in range(1, MIN_RUN):
        crossing = POEM[-before:] + other[: MIN_RUN - before]
        assert naive_runs(crossing, POEM) == naive_runs(crossing, other) == []
        assert before in (1, 2, 18, 19) or measure(crossing, prints)["runs"] == []


def test_words_the_training_text_lacks_lower_the_dictionary_share():
    found = measure("the moon lies squarely.", [Fingerprint.build("poem", "full", POEM)])
    assert found["dictionary_share"] == 3 / 4
    assert (found["longest_run"], found["copied_share"]) == (0, 0)


def test_of_an_unspaced_text_characters_are_counted_in_place_of_words():
    found = measure(CHINESE[3:30] + "\n\0\1分", [Fingerprint.build("book", "full", CHINESE)])
    assert found["longest_run"] in (27, 28)
    assert found["dictionary_share"] is None
    assert found["distinct"][0] == pytest.approx(len(set(CHINESE[3:30]) | {"\0", "\1"}) / 30)


@pytest.mark.parametrize("text", ["", "a", "a b"])
def test_figures_that_a_short_text_cannot_have_are_none(text):
    found = measure(text, [Fingerprint.build("poem", "full", POEM)])
    assert found["repetition"] is None
    assert found["distinct"][2] is None
    assert found["copied_share"] == (0 if text else None)
    assert found["runs"] == []


def test_without_fingerprints_what_needs_them_is_none():
    found = measure(POEM, [])
    assert [found[key] for key in ("longest_run", "copied_share", "dictionary_share")] == [None] * 3
    assert found["distinct"][0] == distinct_n(split_words(POEM), 1)


def test_a_fingerprint_is_quick_to_read_and_to_search(tmp_path):
    path = fingerprint().save(tmp_path)
    sample = halves()[1][:1_000]
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        known = Fingerprint.load(path)
        known.runs(sample)
        middle = time.perf_counter()
        known.runs(sample)
        seconds.append((middle - begin, time.perf_counter() - middle))
    first, later = map(min, zip(*seconds, strict=True))
    assert first < 0.5  # 0.04 on an idle core; machines are busy
    assert later < 0.1
