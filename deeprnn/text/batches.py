"""The parts of a text, and the lanes and windows of truncated back-propagation through time.

Knows: how one long text is cut into parts, and one so that the state can be carried on. Does not know: files, models.
"""

from collections.abc import Iterator

from jaxtyping import Int
from torch import Tensor


def split(length: int, train_fraction: float, val_fraction: float) -> dict[str, tuple[int, int]]:
    """Return the contiguous ranges [start, end) `train`, `val` and, if characters are left, `test` of a text."""
    train_end = int(length * train_fraction)
    val_end = length if train_fraction + val_fraction > 1 - 1e-9 else int(length * (train_fraction + val_fraction))
    ranges = {"train": (0, train_end), "val": (train_end, val_end)}
    if val_end < length:
        ranges["test"] = (val_end, length)
    return ranges


def num_windows(num_ids: int, batch_size: int, window: int, offset: int = 0) -> int:
    """Return how many windows `windows` yields."""
    return (num_ids - offset - 1) // batch_size // window


def windows(
    ids: Int[Tensor, " N"], batch_size: int, window: int, offset: int = 0
) -> Iterator[tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]]:
    """Cut `ids` into `batch_size` lanes and yield `window` characters of every lane at a time.

    Row b of one window continues row b of the window before, so the state can be carried on. The targets are the
    inputs shifted by one character. Characters at the end that do not fill a lane or a window are left out.
    Source: `seq_data_iter_sequential` of d2l-zh 2.0, section 8.3.

    Raises:
        ValueError: the text is too short for one window in every lane.
    """
    count = num_windows(len(ids), batch_size, window, offset)
    if count < 1:
        raise ValueError(
            f"{len(ids)} characters are too few for {batch_size} lanes of {window}: "
            f"use a longer text, or a smaller batch_size or window."
        )
    lane = (len(ids) - offset - 1) // batch_size
    inputs = ids[offset : offset + lane * batch_size].view(batch_size, lane)
    targets = ids[offset + 1 : offset + 1 + lane * batch_size].view(batch_size, lane)
    for start in range(0, count * window, window):
        yield inputs[:, start : start + window], targets[:, start : start + window]
