"""The storage types of weights: float32, float16 or int8.

Knows: tensors by their names. Does not know: files, models.

int8 storage keeps a matrix W (rows, columns) as round(W / scale), with one float32 scale for each row, `<name>.scale` =
max |row| / 127; vectors stay float32.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from deeprnn.config import Storage


def row_scale(weight: Float[Tensor, "N K"]) -> Float[Tensor, " N"]:
    """Return the scale of each row of a matrix: the weight that the int8 value 1 represents."""
    return weight.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / 127


def encode_weights(weights: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Return the tensors to store."""
    stored: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        tensor = tensor.detach().cpu().float().contiguous()
        if storage == "int8" and tensor.dim() == 2:
            scale = row_scale(tensor)
            stored[name] = (tensor / scale[:, None]).round().to(torch.int8)
            stored[name + ".scale"] = scale
        else:
            stored[name] = tensor.half() if storage == "float16" else tensor
    return stored


def decode_weights(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return float32 weights from the tensors that `encode_weights` made; they are taken out, to save memory.

    Raises:
        ValueError: a tensor has another type, or an int8 tensor is not a matrix with a float32 scale for each row.
    """
    weights: dict[str, Tensor] = {}
    scales = {name + ".scale" for name, tensor in stored.items() if tensor.dtype == torch.int8}
    for name in [name for name in stored if name not in scales]:
        tensor = stored.pop(name)
        if tensor.dtype == torch.int8:
            scale = stored.get(name + ".scale")
            if scale is None or tensor.dim() != 2 or scale.shape != tensor.shape[:1] or scale.dtype != torch.float32:
                raise ValueError(f"{name} is int8, but no matrix with a float32 scale for each of its rows")
            weights[name] = tensor.float() * scale[:, None]
        elif tensor.dtype in (torch.float32, torch.float16):
            weights[name] = tensor.to(torch.float32, copy=True)  # the memory of the file may not be aligned
        else:
            raise ValueError(f"{name} is stored as {tensor.dtype}, not as float32, float16 or int8")
    return weights
