"""Keeping a visitor's model: it is copied from its private folder to the served checkpoints, of a local server.

Knows: folders, the registry. Does not know: trainings, components.
"""

import errno
import itertools
import shutil
from pathlib import Path

from deeprnn.documents import aside
from deeprnn.page.service.asked import RequestError
from deeprnn.store.registry import Registry


def keep(registry: Registry, name: str, *, local: bool) -> str:
    """Copy an added model, with its n-gram and its fingerprint, to the folder of checkpoints; return its public name.

    It is named as its run, with a number if there is such a folder. local: whether only this machine reaches the server
    (see `allowed.is_local`).

    Raises:
        RequestError: the server is not local, the model is gone, or the folder cannot be written.
    """
    if not local:
        raise RequestError("training.refused.keep")
    added = registry.added(name)
    if added is None:
        raise RequestError("error_model_gone")
    try:
        folder = _copied(added.info.path, registry)
        registry.add(folder, folder.name)
    except (OSError, ValueError) as error:  # ValueError: it was removed while it was copied
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RequestError("training.refused.keep_disk", reason=reason) from error
    return folder.name


def _copied(source: Path, registry: Registry) -> Path:
    """Copy a folder to the checkpoints, at once as a whole, under its own name or the next that no model has."""
    directory = registry.directory
    copy = aside(directory / source.name)
    try:
        shutil.copytree(source, copy)
        for count in itertools.count(1):
            target = directory / (source.name if count == 1 else f"{source.name}-{count}")
            if target.exists() or registry.find(target.name):
                continue
            try:
                return copy.rename(target)
            except OSError as error:  # another one has just been made
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    raise AssertionError
