"""The private folders of trainings: one of the server, in it one of each visitor, in it one of each training.

Knows: files. Does not know: processes, the queue.

The server holds a lock on its folder. The next server removes the folders of servers that are gone, however they ended.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from deeprnn.documents import lock

PREFIX = "deeprnn-training-"
LOCK = "lock"


class Folders:
    """The folder of this server, which only its user can read; it is made when it is needed."""

    def __init__(self, place: Path | None = None) -> None:
        """Remove the folders of servers that are gone.

        place: where folders are made; the system's temporary folder by default.
        """
        self._place = place or Path(tempfile.gettempdir())
        self._root: Path | None = None
        self._lock = -1
        for left in self._place.glob(f"{PREFIX}*"):
            if (descriptor := _locked(left / LOCK)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(descriptor)

    def new(self, visitor: str, job: str) -> Path:
        """Make the folder of a visitor's training.

        Raises:
            OSError: it cannot be made.
        """
        if self._root is None:
            root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._place))
            (root / LOCK).touch(0o600)
            descriptor = _locked(root / LOCK)
            assert descriptor is not None
            self._root, self._lock = root, descriptor
        folder = self._root / hashlib.sha256(visitor.encode()).hexdigest()[:16] / job
        folder.mkdir(parents=True)
        return folder

    def used(self) -> int:
        """Return the bytes of all files."""
        sizes = 0
        for folder, _, names in os.walk(self._root) if self._root else ():
            for name in names:
                with contextlib.suppress(OSError):  # removed meanwhile
                    sizes += os.stat(os.path.join(folder, name)).st_size
        return sizes

    def remove(self, folder: Path) -> None:
        """Remove the folder of a training, and that of its visitor if nothing is left in it."""
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # other trainings are left
            folder.parent.rmdir()

    def close(self) -> None:
        """Remove everything."""
        if self._root:
            shutil.rmtree(self._root, ignore_errors=True)
            os.close(self._lock)
            self._root = None


def _locked(path: Path) -> int | None:
    """Open a file and lock it until it is closed, or the process ends; return None if that is not possible."""
    try:
        return lock(path)
    except OSError:  # its server lives; or it is another user's, or there is none
        return None
