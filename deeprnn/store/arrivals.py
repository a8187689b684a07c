"""Checkpoints that come while the server runs, trained in a terminal: they are added to the registry without a restart.

Knows: folders, the registry. Does not know: the page, visitors.
"""

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry

LOG = logging.getLogger(__name__)
_SURE = 1_000_000_000  # nanoseconds after which another change of a folder has another time


class Arrivals:
    """Watches places for folders of checkpoints; `look` adds and removes them, and costs little if none changed."""

    def __init__(self, registry: Registry, places: Mapping[Path, str]) -> None:
        """Watch places, given with the pattern of the names of their folders, such as `my-book-*`."""
        self._registry, self._places = registry, dict(places)
        self._looked: dict[Path, int] = {}  # the time of the change of a place after which it was read
        self._read: dict[Path, tuple[int, int] | None] = {
            info.path: _version(info.path) for info in registry.infos.values()
        }
        self._lock = threading.Lock()

    def look(self) -> None:
        """Add the checkpoints that have come or changed, and remove those that are gone; log a broken one once."""
        with self._lock:
            for place, pattern in self._places.items():
                changed = _changed(place)
                if changed is None or self._looked.get(place) != changed:
                    self._look_into(place, pattern)
                if changed is not None and time.time_ns() - changed > _SURE:
                    self._looked[place] = changed

    def _look_into(self, place: Path, pattern: str) -> None:
        there = {path: _version(path) for path in sorted(place.glob(pattern)) if not path.name.startswith(".")}
        for path in [path for path in self._read if path.parent == place and path not in there]:
            del self._read[path]
            if (added := self._registry.added(path.name)) and added.info.path == path:
                self._registry.remove(path.name)
        for path, version in there.items():
            if version is None or self._read.get(path) == version:
                continue
            self._read[path] = version
            added = self._registry.added(path.name)
            if path.name in self._registry.infos or (added and added.info.path != path):
                continue
            try:
                self._registry.add(path, path.name)
            except ValueError as error:
                LOG.warning("left out: %s", error)


def _changed(place: Path) -> int | None:
    """Return when the entries of a folder were changed last; None if there is no such folder."""
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return None


def _version(path: Path) -> tuple[int, int] | None:
    """Return what changes when a checkpoint is saved again; None if the folder holds none."""
    try:
        found = (path / checkpoint.CONFIG).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
