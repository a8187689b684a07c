import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprnn.text.batches import num_windows, windows

quick = settings(max_examples=60, derandomize=True, database=None)
shapes = {"length": st.integers(0, 120), "lanes": st.integers(1, 5), "window": st.integers(1, 8)}


def d2l_sequential(corpus, batch_size, num_steps, offset):
    """`seq_data_iter_sequential` of d2l-zh 2.0, section 8.3, its random offset given."""
    num_tokens = ((len(corpus) - offset - 1) // batch_size) * batch_size
    xs = torch.tensor(corpus[offset : offset + num_tokens]).reshape(batch_size, -1)
    ys = torch.tensor(corpus[offset + 1 : offset + 1 + num_tokens]).reshape(batch_size, -1)
    num_batches = xs.shape[1] // num_steps
    for i in range(0, num_steps * num_batches, num_steps):
        yield xs[:, i : i + num_steps], ys[:, i : i + num_steps]


@quick
@given(offset=st.integers(0, 8), **shapes)
def test_windows_equal_those_of_d2l(length, lanes, window, offset):
    if num_windows(length, lanes, window, offset) < 1:
        return
    ours = list(windows(torch.arange(length), lanes, window, offset))
    theirs = list(d2l_sequential(list(range(length)), lanes, window, offset))
    assert len(ours) == len(theirs) == num_windows(length, lanes, window, offset)
    for (x, y), (d2l_x, d2l_y) in zip(ours, theirs, strict=True):
        assert torch.equal(x, d2l_x)
        assert torch.equal(y, d2l_y)


def test_targets_are_the_inputs_one_character_later():
    ids = torch.randint(100, (101,), generator=torch.Generator().manual_seed(0))
    cut = list(windows(ids, 3, 7, offset=2))
    assert len(cut) == 4
    for x, y in cut:
        assert x.shape == y.shape == (3, 7)
        assert torch.equal(x[:, 1:], y[:, :-1])
    # The ids are positions here, so what is predicted must be the next position.
    for x, y in windows(torch.arange(101), 3, 7, offset=2):
        assert torch.equal(y, x + 1)


def test_each_lane_continues_from_one_window_to_the_next():
    cut = list(windows(torch.arange(200), 4, 6, offset=5))
    for (before, _), (after, _) in itertools.pairwise(cut):
        assert torch.equal(after[:, 0], before[:, -1] + 1)
    assert cut[0][0][:, 0].tolist() == [5, 53, 101, 149]  # (200 - 5 - 1) // 4 = 48 characters a lane


def test_offset_shifts_the_first_lane():
    for offset in range(4):
        x, _ = next(windows(torch.arange(50), 2, 5, offset))
        assert x[0].tolist() == list(range(offset, offset + 5))


@quick
@given(**shapes)
def test_a_text_too_short_for_one_window_says_the_remedy(length, lanes, window):
    ids = torch.arange(length)
    if length >= lanes * window + 1:  # one window in every lane, and a target after the last
        assert len(list(windows(ids, lanes, window))) >= 1
        return
    with pytest.raises(ValueError, match=f"{length} characters are too few .* longer text, or a smaller batch_size"):
        list(windows(ids, lanes, window))


def test_an_offset_may_make_a_text_too_short():
    assert len(list(windows(torch.arange(11), 2, 5))) == 1
    with pytest.raises(ValueError, match="too few"):
        list(windows(torch.arange(11), 2, 5, offset=1))
