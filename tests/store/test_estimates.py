import math
import statistics

import pytest

from deeprnn.store.estimates import estimate


def test_the_interval_is_students():
    """Three values 2, 4, 6: mean 4, s = 2, half width 4.303 * 2 / sqrt(3)."""
    found = estimate([2.0, 4.0, 6.0])
    assert found.mean == 4
    assert found.half_width == pytest.approx(4.968, abs=1e-3)


def test_two_values_give_the_widest_factor():
    assert estimate([1.0, 3.0]).half_width == pytest.approx(12.706)


def test_one_seed_has_no_interval():
    assert estimate([2.5]).half_width is None


def test_an_interval_needs_a_value_and_takes_any_number_of_them():
    with pytest.raises(ValueError, match="no value"):
        estimate([])
    for count, factor in ((12, 2.201), (100, 2.042)):
        values = [1.0, 3.0] * (count // 2)
        expected = factor * statistics.stdev(values) / math.sqrt(count)
        assert estimate(values).half_width == pytest.approx(expected)
