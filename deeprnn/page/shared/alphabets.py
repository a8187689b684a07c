"""How often each character occurs in held-out texts on which models with different alphabets are compared.

Knows: the checkpoints' records, the file of counts beside them. Does not know: components. To show the counts, the page
does not need the texts.

    {"schema": 1, "texts": [{"name": ..., "form": ..., "sha256": of the whole text, "heldout": [start, end],
                             "counts": {character: how often}}]}

`write(CHECKPOINTS, text_of)` writes the file; both arguments are in `deeprnn.commands.serve`. If the file is missing or
broken, the page says only that the alphabets differ.
"""

import functools
import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from deeprnn.documents import read_object, replace_file
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)
FILE = "alphabets.json"
SCHEMA = 1
Heldout = tuple[str, str, str, int, int]  # a text's name, form and hash; start and end of its held-out part


def heldout(info: CheckpointInfo) -> Heldout:
    """Return the held-out text of a model."""
    text = info.metrics.text
    return text.name, info.vocab.form, text.sha256, *text.heldout


def differing(infos: Sequence[CheckpointInfo]) -> frozenset[str]:
    """Return the characters that are in some of the models' alphabets but not in all."""
    alphabets = [frozenset(info.vocab.characters) for info in infos]
    return frozenset[str]().union(*alphabets) - frozenset.intersection(*alphabets) if alphabets else frozenset()


def most_unknown(registry: Registry, infos: Sequence[CheckpointInfo]) -> tuple[int, int] | None:
    """Return how many characters of the models' held-out text one of them does not know, and the length of the text.

    The number is that of the model that knows the fewest. None: the file has no counts of this text.
    """
    counts = read(registry).get(heldout(infos[0]))
    if counts is None:
        return None
    unknown = [sum(n for one, n in counts.items() if one not in info.vocab.characters) for info in infos]
    return max(unknown), counts.total()


def write(directory: str | Path, text_of: Callable[[CheckpointInfo], str | None]) -> Path:
    """Count the characters of each held-out text that models with different alphabets share; return the file's path.

    text_of: returns the main training text of a model, or None if it is not on this machine.

    Raises:
        ValueError: a text is not on this machine, or its hash differs from that of the training.
    """
    registry = Registry(directory)
    readers: dict[Heldout, list[CheckpointInfo]] = {}
    for info in registry.infos.values():
        readers.setdefault(heldout(info), []).append(info)
    texts = [_counted(of, text_of(infos[0])) for of, infos in readers.items() if differing(infos)]
    path = Path(directory) / FILE
    record = {"schema": SCHEMA, "texts": texts}
    replace_file(path, (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())
    return path


def _counted(of: Heldout, text: str | None) -> dict[str, object]:
    name, form, sha256, start, end = of
    if text is None or hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise ValueError(f"{name} is not at hand as it was trained on: a training of it downloads it.")
    return {"name": name, "form": form, "sha256": sha256, "heldout": [start, end], "counts": Counter(text[start:end])}


@functools.lru_cache(maxsize=8)  # every drawing of a comparison reads them
def read(registry: Registry) -> dict[Heldout, Counter[str]]:
    """Return the counts by held-out text; {} if the file is missing or broken."""
    path = registry.directory / FILE
    if not os.path.lexists(path):
        return {}
    try:
        record = read_object(path)
        if record["schema"] != SCHEMA:
            raise ValueError("it is of another version of this page")
        return {
            (one["name"], one["form"], one["sha256"], *map(int, one["heldout"])): Counter(
                {str(character): int(n) for character, n in one["counts"].items()}
            )
            for one in record["texts"]
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        LOG.warning(
            "%s is not used (%s): write it again, see deeprnn/page/shared/alphabets.py", FILE, type(error).__name__
        )
        return {}
