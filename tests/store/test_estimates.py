import math
import statistics

import pytest

from deeprnn.store.estimates import estimate, percent, share


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


@pytest.mark.parametrize(
    ("kept", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_the_interval_of_a_share_is_wilsons(kept, of, low, high):
    """81 of 263: Newcombe 1998, table I."""
    found = share(kept, of)
    assert found.share == kept / of
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert 0 <= found.low <= found.share <= found.high <= 1


@pytest.mark.parametrize(("kept", "of"), [(0, 0), (2, 1), (-1, 3)])
def test_what_is_no_share_is_refused(kept, of):
    with pytest.raises(ValueError, match=f"{kept} of {of} is no share"):
        share(kept, of)


@pytest.mark.parametrize(("kept", "of"), [(30, 200), (0, 35), (34, 35), (100, 200)])
def test_a_percentage_reaches_as_far_as_the_farther_end_of_its_interval(kept, of):
    found, whole = percent(kept, of), share(kept, of)
    assert (found.mean, found.num_seeds) == (100 * kept / of, 1)
    ends = found.mean - found.half_width, found.mean + found.half_width
    assert ends[0] <= 100 * whole.low + 1e-9
    assert ends[1] >= 100 * whole.high - 1e-9
    assert min(abs(ends[0] - 100 * whole.low), abs(ends[1] - 100 * whole.high)) < 1e-9
