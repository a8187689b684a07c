"""How numbers of any size and stacks are written in sentences and tables."""

import pytest

from deeprnn.experiments.recipes import stack as made
from deeprnn.page.shared.widgets import perplexity, stack, two_digits


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


@pytest.mark.parametrize(
    ("residual", "pre_norm", "said"),
    [
        (True, True, "LSTM × 10 residual"),
        (False, False, "LSTM × 10 plain"),
        (False, True, "LSTM × 10 plain + LayerNorm"),
        (True, False, "LSTM × 10 residual, no LayerNorm"),
    ],
)
def test_a_stack_names_layer_norm_where_it_is_not_as_usual(residual, pre_norm, said):
    assert stack(made("lstm", 10, 8, residual=residual, pre_norm=pre_norm), "en") == said
