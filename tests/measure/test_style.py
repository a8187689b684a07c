"""The judge of whom a text sounds like, on texts of which the author is certain."""

import itertools

import pytest

from deeprnn.measure.style import Judge, Judged

ANN, BOB = "the cat sat on the mat. " * 40, "no dog ran to my sun; " * 44
LENGTH = 960
TEXTS = {"ann": ANN[:LENGTH], "bob": BOB[:LENGTH]}
PIECE = 96


@pytest.fixture(scope="module")
def judge():
    return Judge(TEXTS, order=3, stretch=12)


def turns(every):
    """A text whose author changes after so many characters."""
    return "".join(TEXTS["ann" if at // every % 2 else "bob"][at : at + every] for at in range(0, PIECE, every))


def test_a_piece_is_given_to_the_author_whose_text_it_is_like(judge):
    pieces = [ANN[5 : 5 + PIECE], ANN[11 : 11 + PIECE], BOB[7 : 7 + PIECE]]
    found = judge.judge(pieces)
    assert found.given == {"ann": 2, "bob": 1}
    assert len(found.margins) == len(found.neighbours) == 3


def test_a_text_of_one_author_is_decided_and_its_neighbours_agree(judge):
    found = judge.judge([ANN[:PIECE], BOB[:PIECE]])
    assert min(found.margins) > 1
    assert min(found.neighbours) > 0.9


def test_turns_make_a_piece_undecided_and_neighbours_tell_whether_they_are_longer_than_a_stretch(judge):
    long, stretch_long = judge.judge([turns(PIECE // 2)]), judge.judge([turns(12)])
    assert max(*long.margins, *stretch_long.margins) < 0.5
    assert long.neighbours[0] > 0.5
    assert stretch_long.neighbours[0] < -0.5


def test_characters_that_no_author_has_decide_nothing(judge):
    found = judge.judge(["ΩΨ" * (PIECE // 2)])
    assert (found.margins, found.neighbours) == ((0.0,), (0.0,))


def test_texts_of_two_lengths_or_of_one_author_make_no_judge():
    for texts in ({"ann": ANN, "bob": BOB[:-1]}, {"ann": ANN}):
        with pytest.raises(ValueError, match="texts of equal length by two authors or more"):
            Judge(texts, order=3, stretch=12)


def test_what_was_said_of_several_is_put_together(judge):
    pieces = [ANN[:PIECE], BOB[:PIECE], turns(24)]
    single = [judge.judge([piece]) for piece in pieces]
    assert Judged.together(single) == judge.judge(pieces)
    assert Judged.together(itertools.islice(single, 1)) == single[0]
