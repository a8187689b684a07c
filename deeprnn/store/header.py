"""The header of a file of weights: names, types and shapes of its tensors, read without the numbers themselves.

Knows: the safetensors format. Does not know: models, the other files of a checkpoint.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deeprnn.documents import Node, file_size, parse_object

LFS_POINTER = b"version https://git-lfs"
MAX_HEADER_BYTES = 4_000_000
STORED_BYTES = {"F32": 4, "F16": 2, "I8": 1}  # of one number of each type in which weights are stored


class PointerError(ValueError):
    """The file is only a pointer of Git LFS to the weights."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor: the name of its type, a key of `STORED_BYTES`, and the shape of a vector or a matrix."""

    kind: str
    shape: tuple[int, ...]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Read a tensor's entry."""
        kind, shape = node["dtype"], node["shape"].wholes()
        if not isinstance(kind.value, str) or kind.value not in STORED_BYTES:
            raise kind.refusal(f"one of {', '.join(STORED_BYTES)}")
        if not 1 <= len(shape) <= 2:
            raise node["shape"].refusal("that of a vector or a matrix")
        return cls(kind.value, shape)

    @property
    def num_bytes(self) -> int:
        """The bytes of its numbers."""
        return math.prod(self.shape) * STORED_BYTES[self.kind]


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors of a file by name; the file is as long as they need.

    Raises:
        PointerError: the file is only a pointer.
        ValueError: the file cannot be read, or it is not one of weights; the caller adds the file's name.
    """
    size = file_size(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            rest = file.read(length if length <= MAX_HEADER_BYTES else 100)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if (start + rest).startswith(LFS_POINTER):
        raise PointerError(f"{path} is only a pointer to the weights: run `git lfs pull` to get them.")
    if not 0 < length <= min(MAX_HEADER_BYTES, size - 8):
        raise ValueError("it has no header of tensors: it is cut short, or holds something else")
    try:
        entries = Node(parse_object(rest)).entries()
    except ValueError as error:
        raise ValueError(f"its header: {error}") from error
    tensors = {name: StoredTensor.read(one) for name, one in entries.items() if name != "__metadata__"}
    told = 8 + length + sum(one.num_bytes for one in tensors.values())
    if size != told:
        raise ValueError(f"it is {size:,} bytes long, but its header tells of {told:,}")
    return tensors
