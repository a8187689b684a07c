import hashlib
import os
import string
import subprocess
import sys
from collections import Counter

import pytest

from deeprnn.text.noise import MISTYPED, mistyped, noisy, shuffled
from tests.conftest import ROOT

TEXT = "It is a truth universally acknowledged,\n\nthat a Single Man (of 36) must be  in want of a café.\n" * 400
# what the noise is, on every machine: a run's record names only its kind
HASHES = {
    "mistyped-5": "d1286918aa87f266b814bfc6df31a5252503f64eca847001a8265fccc9ebed55",
    "mistyped-20": "a2ce7ea81f8483cc826c020171b0b8c82fc7d0378bcf14d467cf78cf85e7cc50",
    "shuffled": "d731146ca31f771437b8625dc212ec0e51d4cba1425e90cb9fbdd1670c13226f",
}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_noise_is_the_same_in_every_process_whatever_its_hashes_of_strings_are():
    code = "from tests.text.test_noise import *; print(*(sha256(noisy(TEXT, noise)) for noise in HASHES))"
    environment = os.environ | {"PYTHONHASHSEED": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [sha256(noisy(TEXT, noise)) for noise in HASHES] == [*HASHES.values()]


@pytest.mark.parametrize(("noise", "rate"), MISTYPED.items())
def test_that_share_of_the_letters_is_another_letter_of_the_same_case(noise, rate):
    pairs = list(zip(TEXT, noisy(TEXT, noise), strict=True))
    letters = [(a, b) for a, b in pairs if a.isascii() and a.isalpha()]
    assert all(a == b for a, b in pairs if not (a.isascii() and a.isalpha())), "nothing else changes"
    changed = [(a, b) for a, b in letters if a != b]
    assert len(changed) / len(letters) == pytest.approx(rate, rel=0.05)
    assert all(a.isupper() == b.isupper() and b.isascii() and b.isalpha() for a, b in changed)


def test_all_letters_are_replaced_or_none_at_the_ends_of_the_scale():
    assert mistyped(TEXT, 0.0) == TEXT
    made = {b for a, b in zip(TEXT, mistyped(TEXT, 1.0), strict=True) if a == "e"}
    assert made == set(string.ascii_lowercase) - {"e"}


def test_shuffling_keeps_every_word_every_space_and_every_line_break_but_not_the_order_of_words():
    made = shuffled(TEXT)
    assert Counter(made.split()) == Counter(TEXT.split())
    assert len(made) == len(TEXT)
    blanks = [[c for c in text if c.isspace()] for text in (made, TEXT)]
    assert blanks[0] == blanks[1]
    kept = sum(a == b for a, b in zip(made.split(), TEXT.split(), strict=True))
    assert kept < 0.2 * len(TEXT.split())


def test_no_noise_is_the_text_itself():
    assert noisy(TEXT, "none") is TEXT
    assert shuffled("") == mistyped("", 0.5) == ""
