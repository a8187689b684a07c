"""How often each character occurs in the texts that models of several alphabets are compared on.

Knows: the checkpoints' records, the file of counts beside them. Does not know: components, where the page runs: the
texts themselves need not be there.

    {"schema": 1, "texts": [{"name": ..., "form": ..., "sha256": of the whole text, "heldout": [start, end],
                             "counts": {character: how often}}]}

`write(CHECKPOINTS, text_of)`, both of `serve_command`, writes it. Where it is missing or broken, the page says only
that alphabets differ.
"""

import functools
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)
FILE = "alphabets.json"
SCHEMA = 1
Heldout = tuple[str, str, str, int, int]  # a text's name, form and hash, from where to where it was held out


def heldout(info: CheckpointInfo) -> Heldout:
    """Which text a model's held-out perplexity is of."""
    text = info.metrics.text
    return text.name, info.vocab.form, text.sha256, *text.heldout


def differing(infos: Sequence[CheckpointInfo]) -> frozenset[str]:
    """The characters that some of the models know and others do not."""
    alphabets = [frozenset(info.vocab.characters) for info in infos]
    return frozenset[str]().union(*alphabets) - frozenset.intersection(*alphabets) if alphabets else frozenset()


def most_unknown(registry: Registry, infos: Sequence[CheckpointInfo]) -> tuple[int, int] | None:
    """Of the models' one held-out text: the characters that the one which knows fewest does not know, and all of them.

    None where nobody has counted.
    """
    counts = read(registry).get(heldout(infos[0]))
    if counts is None:
        return None
    unknown = [sum(n for one, n in counts.items() if one not in info.vocab.characters) for info in infos]
    return max(unknown), counts.total()


def write(directory: str | Path, text_of: Callable[[CheckpointInfo], str | None]) -> Path:
    """Count the characters of each held-out text that the checkpoints of a folder read in several alphabets; the file.

    text_of: the whole main text of a model in its form, if it is at hand.

    Raises:
        ValueError: a text is not at hand, or not the one that was trained on.
    """
    registry = Registry(directory)
    readers: dict[Heldout, list[CheckpointInfo]] = {}
    for info in registry.infos.values():
        readers.setdefault(heldout(info), []).append(info)
    texts = [_counted(of, text_of(infos[0])) for of, infos in readers.items() if differing(infos)]
    path = Path(directory) / FILE
    record = {"schema": SCHEMA, "texts": texts}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _counted(of: Heldout, text: str | None) -> dict[str, object]:
    name, form, sha256, start, end = of
    if text is None or hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise ValueError(f"{name} is not at hand as it was trained on: a training of it downloads it.")
    return {"name": name, "form": form, "sha256": sha256, "heldout": [start, end], "counts": Counter(text[start:end])}


@functools.lru_cache(maxsize=8)  # every drawing of a comparison asks for them
def read(registry: Registry) -> dict[Heldout, Counter[str]]:
    """The counts by held-out text; none of a broken file."""
    try:
        record = json.loads((registry.directory / FILE).read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise ValueError("it is of another version of this page")
        return {
            (one["name"], one["form"], one["sha256"], *map(int, one["heldout"])): Counter(
                {str(character): int(n) for character, n in one["counts"].items()}
            )
            for one in record["texts"]
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        LOG.warning(
            "%s is not used (%s): write it again, see deeprnn/page/shared/alphabets.py", FILE, type(error).__name__
        )
        return {}
