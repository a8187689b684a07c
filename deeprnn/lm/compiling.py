"""How loops over numbers are compiled (by Numba), and where the machine code is kept between runs.

Knows: Numba, the files of this package. Does not know: what is compiled.

Compiling takes seconds, so the machine code is kept: where `NUMBA_CACHE_DIR` says, else in `__pycache__`, else in the
user's cache, else in a folder of the user's own among the temporary ones. Numba sees only that the file of a function
has changed, not those of the functions it calls: hence, wherever it is, one folder for each state of the package's
files. Those that no process has started with for some days are removed.
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
ROOMS = ("text", "nn", "lm")  # what compiled functions are made from is in these
# No reordering of sums, but a product and a sum may become one operation.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}


def _state_of_files() -> str:
    """A short name for the sizes and times of the files that compiled functions are made from."""
    paths = sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py"))
    found = ((path.relative_to(PACKAGE).as_posix(), path.stat()) for path in paths)
    stamps = [(name, stamp.st_size, stamp.st_mtime_ns) for name, stamp in found]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


UNUSED_SECONDS = 7 * 86_400.0  # since a process last started with a folder, after which it is removed
_NAME = re.compile(r"numba-[0-9a-f]{16}")


def _bases() -> list[Path]:
    """Where machine code may be kept, the best place first, without what the user asked for."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [
        PACKAGE / "__pycache__",
        Path(cache) / "deeprnn",
        Path(tempfile.gettempdir()) / f"deeprnn-{user}",
    ]


def _is_ours(folder: Path) -> bool:
    """Whether a folder can be used, made if need be, and nobody else can put machine code into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _folder(asked: str) -> Path:
    """The folder for the package's files as they are now: below `asked` if that is possible, else the best there is."""
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
    if _can_write(beside):  # whoever may write there may change the package itself
        return beside
    return next((path for path in others if _is_ours(path.parent) and _is_ours(path)), beside)


def _can_write(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _in_use(folder: Path) -> Path:
    """The folder, its time set to now: see `remove_unused`."""
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


FOLDER = _in_use(_folder(_CONFIG.CACHE_DIR))  # of the machine code of this process
_DECORATING = threading.Lock()


def remove_unused() -> None:
    """Remove the machine code of other states of the files that no process has started with for `UNUSED_SECONDS`.

    Only folders beside the one in use are looked at, of this user, with such a name and nothing but Numba's files. A
    process that runs longer than that loses nothing: it has read what it needs, and Numba makes a folder again.
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


def is_kept() -> bool:
    """Whether something was compiled before, so that a start takes no longer than it must."""
    return any(FOLDER.rglob("*.nbc"))


def can_be_kept() -> bool:
    """Whether there is a folder for what is compiled."""
    return _can_write(FOLDER)


def compiled(function: Callable[..., Any]) -> Any:
    """A function over arrays, to be compiled when it is first called; it runs without the interpreter's lock."""
    return _kept(lambda **kept: numba.njit(nogil=True, **OPTIONS, **kept)(function))


def called(signature: Any, function: Callable[..., Any]) -> Any:
    """A function that compiled ones call by its address, so that they are compiled once, whichever it is."""
    return _kept(lambda **kept: numba.cfunc(signature, **OPTIONS, **kept)(function))


def _kept(compile_it: Callable[..., Any]) -> Any:
    """A function whose machine code goes to `FOLDER`; that of others' functions goes where they want it."""
    with _DECORATING:
        others, _CONFIG.CACHE_DIR = _CONFIG.CACHE_DIR, str(FOLDER)  # Numba looks at it when it decorates
        try:
            return compile_it(cache=True)
        except RuntimeError:  # no folder can be written to: every process compiles anew
            return compile_it()
        finally:
            _CONFIG.CACHE_DIR = others
