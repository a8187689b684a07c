"""How numbers of any size are written in sentences and tables."""

import pytest

from deeprnn.page.shared.widgets import perplexity, two_digits


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.0144, "1.014"),
        (206.93, "206.9"),
        (9530.04, "9,530"),
        (999_999.4, "999,999"),
        (2.58e9, "2.58 × 10⁹"),
        (1.15e17, "1.15 × 10¹⁷"),
        (float("inf"), "inf"),
    ],
)
def test_a_perplexity_is_written_without_needless_digits(value, said):
    assert perplexity(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (6.13, "6.1"),
        (0.2149, "0.21"),
        (0.00021, "0.00021"),
        (2.1e-7, "2.1 × 10⁻⁷"),
        (243.0, "240"),
        (31_000.0, "3.1 × 10⁴"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_of_any_size_has_two_digits(value, said):
    assert two_digits(value) == said
