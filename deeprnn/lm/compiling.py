"""Compiling numeric loops with Numba, and the folder in which the machine code is cached.

Knows: Numba, the files of this package. Does not know: what is compiled.

Compiling takes seconds, so the machine code is cached: in the folder that `NUMBA_CACHE_DIR` names, else in
`__pycache__`, else in the user's cache, else in the user's own temporary folder. Numba notices a change in the file of
a function, but not in the files of the functions that it calls. So each state of the package's files has its own
folder there. Folders that no process has used for some days are removed.
"""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_CONFIG: Any = numba.config
PACKAGE = Path(__file__).parent.parent
ROOMS = ("text", "nn", "lm")  # the packages that contain all compiled functions
# Sums are not reordered, but a product and a sum may become one operation.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}


def _state_of_files() -> str:
    """Return a hash of the sizes and modification times of the files that contain compiled functions."""
    paths = sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py"))
    found = ((path.relative_to(PACKAGE).as_posix(), path.stat()) for path in paths)
    stamps = [(name, stamp.st_size, stamp.st_mtime_ns) for name, stamp in found]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


UNUSED_SECONDS = 7 * 86_400.0  # a folder that no process has started with for this long is removed
_NAME = re.compile(r"numba-[0-9a-f]{16}")


def _bases() -> list[Path]:
    """Return the folders in which machine code may be cached if NUMBA_CACHE_DIR is not set, the best one first."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [
        PACKAGE / "__pycache__",
        Path(cache) / "deeprnn",
        Path(tempfile.gettempdir()) / f"deeprnn-{user}",
    ]


def _is_ours(folder: Path) -> bool:
    """Return whether a folder, created if necessary, can be used, and no other user can put machine code into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _folder(asked: str) -> Path:
    """Return the folder for the present state of the package's files: below `asked` if possible, else the best one."""
    name = f"numba-{_state_of_files()}"
    if asked:
        chosen = Path(asked) / name
        if _can_write(chosen):
            return chosen
        warnings.warn(
            f"NUMBA_CACHE_DIR names {asked}, where nothing can be written: machine code is kept elsewhere.",
            stacklevel=2,
        )
    beside, *others = (base / name for base in _bases())
    if _can_write(beside):  # no need to check its owner: a user who can write there can also change the package
        return beside
    return next((path for path in others if _is_ours(path.parent) and _is_ours(path)), beside)


def _can_write(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _in_use(folder: Path) -> Path:
    """Set a folder's modification time to now, for `remove_unused`, and return it."""
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


FOLDER = _in_use(_folder(_CONFIG.CACHE_DIR))  # the folder of this process's machine code
_DECORATING = threading.Lock()


def remove_unused() -> None:
    """Remove the folders of other states of the files that no process has started with for `UNUSED_SECONDS`.

    A folder is removed only if it is beside the one in use, belongs to this user, has the name of such a folder, and
    contains only Numba's files. A process that has run for longer loses nothing: its machine code is in memory, and
    Numba creates the folder again.
    """
    with contextlib.suppress(OSError):
        for folder in FOLDER.parent.iterdir():
            if folder != FOLDER and _NAME.fullmatch(folder.name) and _is_unused(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_unused(folder: Path) -> bool:
    found = folder.lstat()
    ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not ours or not stat.S_ISDIR(found.st_mode) or time.time() - found.st_mtime < UNUSED_SECONDS:
        return False
    return all(path.is_dir() or path.suffix in (".nbi", ".nbc") for path in folder.rglob("*"))


def is_cached() -> bool:
    """Return whether there is machine code from an earlier start."""
    return any(FOLDER.rglob("*.nbc"))


def can_cache() -> bool:
    """Return whether machine code can be written to `FOLDER`."""
    return _can_write(FOLDER)


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function that Numba compiles at its first call; it runs without the interpreter's lock."""
    return _cached(lambda **cache: numba.njit(nogil=True, **OPTIONS, **cache)(function))


def compiled_callback(signature: Any, function: Callable[..., Any]) -> Any:
    """Return a compiled function that other compiled functions call by its address.

    Callers are compiled only once, for all functions of this signature.
    """
    return _cached(lambda **cache: numba.cfunc(signature, **OPTIONS, **cache)(function))


def _cached(compile_it: Callable[..., Any]) -> Any:
    """Compile a function with its machine code cached in `FOLDER`; other packages' use of Numba is not affected."""
    with _DECORATING:
        others, _CONFIG.CACHE_DIR = _CONFIG.CACHE_DIR, str(FOLDER)  # Numba reads it when it decorates
        try:
            return compile_it(cache=True)
        except RuntimeError:  # no folder can be written to: every process compiles again
            return compile_it()
        finally:
            _CONFIG.CACHE_DIR = others
