"""Recordings of the texts that the models of each question write after its prompt, so that a visitor sees them at once.

Knows: questions, the file of recordings beside the checkpoints. Does not know: components.

    {"schema": 1, "seed": 7, "temperature": 0.8, "max_chars": 300, "texts": {prompt: {model: [hash of weights, text]}}}

`python -m deeprnn.page.compare.recordings` writes the file. If it is missing, broken, or made with other weights, a
question shows the sample that each checkpoint recorded when it was trained, after the prompt of that sample.
"""

import functools
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from deeprnn.documents import read_object, replace_file
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.folders import CHECKPOINTS
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)
FILE = "recordings.json"
SCHEMA = 1
SETTINGS: dict[str, Any] = {"seed": 7, "temperature": 0.8, "max_chars": 300}  # the controls' initial values


def write(directory: str | Path) -> Path:
    """Record every question that the checkpoints of a folder can answer; return the path of the file.

    Raises:
        ValueError: a checkpoint is broken.
    """
    registry = Registry(directory)
    texts: dict[str, dict[str, list[str]]] = {}
    for one in comparisons(registry).values():
        for name in (name for names in one.groups.values() for name in names):
            texts.setdefault(one.prompt, {})[name] = _recording(registry, one.prompt, name)
    path = Path(directory) / FILE
    record = {"schema": SCHEMA, **SETTINGS, "texts": texts}
    replace_file(path, (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())
    return path


def _recording(registry: Registry, prompt: str, name: str) -> list[str]:
    return [registry.info(name).weights_sha256, registry.get(name).generate(prompt, top_k=0, top_p=1.0, **SETTINGS)]


@functools.lru_cache(maxsize=8)  # every drawing of a question reads them
def read(registry: Registry) -> dict[tuple[str, str], str]:
    """Return the recorded texts by prompt and model: those of the present weights; {} if the file is broken."""
    path = registry.directory / FILE
    if not os.path.lexists(path):
        return {}
    try:
        record = read_object(path)
        if record["schema"] != SCHEMA or any(record[key] != value for key, value in SETTINGS.items()):
            raise ValueError("it is of another version of this page")
        return {
            (prompt, name): _text(text)
            for prompt, models in record["texts"].items()
            for name, (weights, text) in models.items()
            if (info := registry.find(name)) and info.weights_sha256 == weights
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        LOG.warning(
            "%s is not used (%s): write it again by python -m deeprnn.page.compare.recordings",
            FILE,
            type(error).__name__,
        )
        return {}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= SETTINGS["max_chars"]:
        raise ValueError("a text is none, or too long")
    value.encode()  # raises UnicodeEncodeError for a lone surrogate
    return value


if __name__ == "__main__":
    print(write(sys.argv[1] if len(sys.argv) > 1 else CHECKPOINTS))
