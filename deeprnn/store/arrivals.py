"""Checkpoints that come while the server runs, trained in a terminal: they are added to the registry without a restart.

Knows: folders, the registry. Does not know: the page, visitors.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)
_LATELY = 60_000_000_000  # nanoseconds within which a folder that holds no checkpoint yet may still be copied
_SURE = 1_000_000_000  # nanoseconds after which another change of a folder has another time


class Arrivals:
    """Watches places for folders of checkpoints; `look` adds and removes them, and costs little if none changed."""

    def __init__(self, registry: Registry, places: Mapping[Path, str]) -> None:
        """Watch places, given with the pattern of the names of their folders, such as `my-book-*`."""
        self._registry, self._places = registry, dict(places)
        self._looked: dict[Path, int] = {}  # the time of the change of a place after which it was read
        self._unsure: set[Path] = set()  # places with a folder that may still be copied
        self._read: dict[Path, tuple[int, ...] | None] = {
            info.path: _version(info.path) for info in registry.infos.values()
        }
        self._lock = threading.Lock()

    def look(self) -> None:
        """Add the checkpoints that have come or changed, and remove those that are gone; log a broken one once."""
        with self._lock:
            for place, pattern in self._places.items():
                changed = _changed(place)
                if changed is None or place in self._unsure or self._looked.get(place) != changed:
                    self._look_into(place, pattern)
                if changed is not None and time.time_ns() - changed > _SURE:
                    self._looked[place] = changed

    def _look_into(self, place: Path, pattern: str) -> None:
        self._unsure.discard(place)
        there = {path: _version(path) for path in sorted(place.glob(pattern)) if not path.name.startswith(".")}
        for path in [path for path in self._read if path.parent == place and path not in there]:
            del self._read[path]
            if (added := self._registry.added(path.name)) and added.info.path == path:
                self._registry.remove(path.name)
        for path, version in there.items():
            if version is None:
                if _is_new(path):
                    self._unsure.add(place)
                continue
            added = self._registry.added(path.name)
            if path.name in self._registry.infos or (added and added.info.path != path):
                continue
            if self._read.get(path) != version:
                self._read[path] = version
                try:
                    self._registry.add(path, path.name)
                    continue
                except ValueError as error:
                    LOG.warning("left out: %s", error)
            if added is None:
                self._unsure.add(place)


def _changed(place: Path) -> int | None:
    """Return when the entries of a folder were changed last; None if there is no such folder."""
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return None


def _is_new(path: Path) -> bool:
    """Return whether a folder has changed lately, so that a checkpoint may still be copied into it."""
    changed = _changed(path)
    return path.is_dir() and changed is not None and time.time_ns() - changed < _LATELY


def _version(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a checkpoint is saved again or copied further; None if the folder holds none."""
    files = [path / name for name in (checkpoint.CONFIG, checkpoint.METRICS, checkpoint.WEIGHTS)]
    with contextlib.suppress(OSError):  # it goes while it is looked at, or nobody here may look into it
        if not files[0].is_file():
            return None
        found = [file.stat() for file in files if file.is_file()]
        return tuple(value for one in found for value in (one.st_ino, one.st_mtime_ns, one.st_size))
    return None
