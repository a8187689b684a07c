"""The checkpoints of one or more folders: metadata is read at once, weights are loaded at the first use.

Knows: checkpoint folders and the Hub. Does not know: gradio, training.
"""

import errno
import functools
import logging
import os
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deeprnn.documents import printable
from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.scheduler import CORES, Scheduler, lower_thread_priority
from deeprnn.measure.baselines import NGRAMS, NGram
from deeprnn.measure.lines import LineIndex
from deeprnn.measure.lines import filename as lines_file
from deeprnn.measure.novelty import FINGERPRINTS, Fingerprint, TextPart, load_all
from deeprnn.store import checkpoint, hub
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.results import Results

LOG = logging.getLogger(__name__)
_PRIVATE = "mine-"


def private_name(key: str) -> str:
    """Return the name of a visitor's own model from the key of its training, 16 hexadecimal digits of chance.

    Whoever knows the name can use the model, and nobody can guess it.
    """
    return f"{_PRIVATE}{key}"


def is_private(name: str) -> bool:
    """Return whether a name is that of a visitor's own model, which may be gone."""
    return re.fullmatch(f"{_PRIVATE}[0-9a-f]{{16}}", name) is not None


def for_log(name: str, error: Exception) -> str:
    """Return the error of a model for the log; of a visitor's own one only its kind: its files tell the text's name."""
    return f"a visitor's model: {type(error).__name__}" if is_private(name) else str(error)


class UnknownModelError(ValueError):
    """There is no model of that name; a visitor's own one may have been removed."""


@dataclass(frozen=True, kw_only=True)
class Added:
    """A model that came while the server runs.

    visitor: whose it is; None: everybody's who uses this server. called: what its visitor calls its text,
    "" if that has no name; None: its text has a name of its own.
    """

    info: CheckpointInfo
    visitor: str | None = None
    called: str | None = None


def list_checkpoints(directory: str | Path) -> list[CheckpointInfo]:
    """Return the checkpoints in `directory`, sorted by name, without weights; a broken one is left out with a warning.

    Raises:
        ValueError: there is no such directory.
    """
    infos, left_out = read_all(directory)
    for error in left_out.values():
        warnings.warn(f"left out: {error}", stacklevel=2)
    return infos


def read_all(directory: str | Path) -> tuple[list[CheckpointInfo], dict[str, ValueError]]:
    """Return the checkpoints in `directory`, sorted by name, and the error of each broken one.

    A folder without `config.json` is not a checkpoint: the folder of a failed run has only `metrics.json`.

    Raises:
        ValueError: there is no such directory, or it cannot be read.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"no directory {directory}: give the folder that holds the checkpoints' folders.")
    try:
        paths = sorted(directory.iterdir())
    except OSError as error:
        raise ValueError(f"{directory} cannot be read ({error.strerror}): let this user read it.") from error
    infos, left_out = [], {}
    for path in paths:
        if path.name.startswith(".") or not _has_config(path):
            continue
        try:
            infos.append(checkpoint.read_info(path))
        except ValueError as error:
            left_out[path.name] = error
    return infos, left_out


def _has_config(path: Path) -> bool:
    """Return whether a folder has a file `config.json`, of whatever kind, or cannot be looked into."""
    try:
        (path / checkpoint.CONFIG).lstat()
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
    return True


def load(path: str | Path, *, name: str | None = None, revision: str | None = None) -> LanguageModel:
    """Load a checkpoint: `load("checkpoints/note-lstm-2")`, or from the Hub `load("user/repo", name="note-lstm-2")`.

    `load("user/repo")` takes the checkpoint at the root of a repository; if there is none, the error lists the names.
    With `name`, `path` is a local folder of checkpoints if it exists, else a Hub repository, which is cached; without a
    network the cache is used. The weights are always checked against their hash.

    Raises:
        ValueError: the checkpoint is missing, broken or unreachable; the message names the file and the remedy.
    """
    if name is None:
        if hub.is_repository(str(path)):
            return checkpoint.load(hub.pull(str(path), revision=revision), str(path).rpartition("/")[2])
        if revision is not None:
            raise ValueError("revision belongs to a Hub repository: give its name, user/repo.")
        found = [] if _has_config(Path(path)) else sorted(one.name for one in Path(path).glob("*") if _has_config(one))
        if found:
            raise ValueError(f"{path} is a folder of checkpoints: give name=, one of: {', '.join(found)}.")
        return checkpoint.load(Path(path))
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise ValueError(f"name must be a checkpoint's folder name, not {name!r}.")
    if revision is None and Path(path).is_dir():
        return checkpoint.load(Path(path) / name)
    return checkpoint.load(hub.pull(str(path), name, revision))


class Registry:
    """The checkpoints of one or more folders; each model is loaded once and shared between threads.

    More may be added and removed while the server runs, from any thread. `find` and `info` look among all of them.

    directories: the folders. directory: the first; its results, recordings, n-grams and fingerprints serve all models.
    infos: the checkpoints that were there at the start, by name: what everybody sees.
    forgetting: called when a model was removed, so that nothing that was computed with it is kept.
    left_out: the error of each broken checkpoint, by name, without paths of this machine.
    scheduler: generates text with the models.
    readers: the threads in which long texts are read.
    ready: set when models can answer; it is cleared while their loops are compiled.
    max_loaded: the most models in memory; the least recently used one is dropped first.
    """

    def __init__(self, directory: str | Path, *others: str | Path, max_loaded: int = 64) -> None:
        self.directories = tuple(dict.fromkeys(map(Path, (directory, *others))))
        self.directory = self.directories[0]
        self.infos: dict[str, CheckpointInfo] = {}
        self.left_out: dict[str, str] = {}
        for folder in self.directories:
            self._list(folder)
        self.infos = dict(sorted(self.infos.items()))
        self.forgetting: list[Callable[[], object]] = []
        self.scheduler = Scheduler()
        self.ready = threading.Event()
        self.ready.set()
        self.readers = ThreadPoolExecutor(CORES, "reader", initializer=lower_thread_priority)
        self.max_loaded = max_loaded
        self._added: dict[str, Added] = {}  # replaced, never changed, so that it is read without a lock
        self._loaded: OrderedDict[str, LanguageModel] = OrderedDict()
        self._read: dict[TextPart, Fingerprint] = {}
        self._fingerprints: dict[str, list[Fingerprint]] = {}
        self._lines: dict[Path, LineIndex | None] = {}
        self._ngrams: dict[tuple[Path, int], NGram | None] = {}
        self._lock = threading.Lock()

    def _list(self, directory: Path) -> None:
        """List the checkpoints of a folder; of several with the same name, the first is kept."""
        infos, broken = read_all(directory)
        for info in infos:
            if info.name in self.infos:
                reason = "an earlier folder holds a model of this name; rename one of the two folders"
                broken[info.name] = ValueError(f"{info.path / checkpoint.CONFIG}: {reason}.")
            else:
                self.infos[info.name] = info
        for name, error in broken.items():
            LOG.warning("left out: %s", error)
            self.left_out[printable(name)] = str(error).replace(f"{directory / name}{os.sep}", "")

    def find(self, name: str) -> CheckpointInfo | None:
        """Return the checkpoint of that name, also one that was added; None if there is none."""
        added = self._added.get(name)
        return added.info if added else self.infos.get(name)

    def info(self, name: str) -> CheckpointInfo:
        """Return the checkpoint of that name, also one that was added.

        Raises:
            UnknownModelError: there is no such checkpoint.
        """
        info = self.find(name)
        if info is None:
            raise UnknownModelError(f"no model {name!r}; there are: {', '.join(self.infos) or 'none'}.")
        return info

    def added(self, name: str) -> Added | None:
        """Return a model that came while the server runs; None if there is none of that name."""
        return self._added.get(name)

    def own(self, visitor: str | None) -> list[Added]:
        """Return the added models that a visitor sees, the newest first; None: those that everybody sees."""
        seen = [one for one in self._added.values() if one.visitor in (None, visitor)]
        return seen[::-1]

    def add(self, path: Path, name: str, *, visitor: str | None = None, called: str | None = None) -> CheckpointInfo:
        """Add the checkpoint in a folder under a name; it replaces an added one of that name.

        visitor, called: see `Added`.

        Raises:
            ValueError: the checkpoint is missing or broken, or the name is that of one that was there at the start.
        """
        if name in self.infos:
            raise ValueError(f"there is a model {name!r} already.")
        info = replace(checkpoint.read_info(path), name=name)
        self._put(name, Added(info=info, visitor=visitor, called=called))
        return info

    def remove(self, name: str) -> None:
        """Remove a model that was added, with all that is kept of it; do nothing if there is none of that name."""
        self._put(name, None)

    def _put(self, name: str, new: Added | None) -> None:
        """Replace an added model by another at once, so that it is never missing between; None: by nothing."""
        with self._lock:
            old = self._added.get(name)
            others = {other: one for other, one in self._added.items() if other != name}
            self._added = others | ({name: new} if new else {})
            if old is None:
                return
            self._loaded.pop(name, None)
            self._fingerprints.pop(name, None)
            self._ngrams = {key: one for key, one in self._ngrams.items() if key[0].parent != old.info.path}
            self._lines = {path: one for path, one in self._lines.items() if path.parent != old.info.path}
        for forget in self.forgetting:
            forget()

    def get(self, name: str) -> LanguageModel:
        """Return the model of that name; wait until models can answer.

        Raises:
            UnknownModelError: there is no such checkpoint.
            ValueError: it is broken.
        """
        self.ready.wait()
        with self._lock:  # so that two requests at the same time load a model only once
            info = self.info(name)
            if name not in self._loaded:
                self._loaded[name] = checkpoint.load(info.path, name)
                self._loaded[name].decoder  # noqa: B018  (made before threads share the model)
            self._loaded.move_to_end(name)
            while len(self._loaded) > self.max_loaded:
                self._loaded.popitem(last=False)
            return self._loaded[name]

    def fingerprints(self, name: str) -> list[Fingerprint]:
        """Return the fingerprints of a model's training texts; an empty list if one is missing or broken, or noisy.

        Raises:
            UnknownModelError: there is no such checkpoint.
        """
        with self._lock:
            info = self.info(name)
            if name not in self._fingerprints:
                try:
                    sources = dict.fromkeys(TextPart.from_record(record) for record in info.metrics.texts)
                    self._fingerprints[name] = [self._fingerprint(info, source) for source in sources]
                except ValueError as error:
                    called = "it" if is_private(name) else name
                    LOG.warning("no copies are looked for in what %s writes: %s", called, for_log(name, error))
                    self._fingerprints[name] = []
            return self._fingerprints[name]

    def _fingerprint(self, info: CheckpointInfo, source: TextPart) -> Fingerprint:
        """Return the fingerprint of a text; one that is not in the model's own folder is shared with other models."""
        folder = self._companion(info, FINGERPRINTS, source.filename).parent
        if folder == info.path:
            return load_all(folder, [source])[0]
        if source not in self._read:
            (self._read[source],) = load_all(folder, [source])
        return self._read[source]

    def lines(self, name: str) -> LineIndex | None:
        """Return the index of the lines of a model's main training text; None if there is none, or it is broken.

        Raises:
            UnknownModelError: there is no such checkpoint.
        """
        with self._lock:
            info = self.info(name)
            try:
                source = TextPart.from_record(info.metrics.text)
            except ValueError:  # the text is too long to have an index, or was read with noise
                return None
            path = self._companion(info, FINGERPRINTS, lines_file(source))
            if path not in self._lines and os.path.lexists(path):
                try:
                    self._lines[path] = LineIndex.load(path, source)
                except ValueError as error:
                    LOG.warning("copied lines of verse are not looked for: %s", for_log(name, error))
                    self._lines[path] = None
            return self._lines.get(path)

    def _companion(self, info: CheckpointInfo, shared: str, filename: str) -> Path:
        """Return the path of an n-gram or a fingerprint; a model that was added may share those of the registry."""
        path = checkpoint.companion(info.path, shared, filename)
        return path if os.path.lexists(path) else self.directory / shared / filename

    def ngram(self, name: str) -> NGram | None:
        """Return the n-gram of a model's training text, in the model's alphabet; None if it is missing or broken.

        Raises:
            UnknownModelError: there is no such checkpoint.
        """
        with self._lock:
            info = self.info(name)
            path = self._ngram_path(info)
            if path is None:
                return None
            key = path, len(info.vocab)
            if key not in self._ngrams:
                try:
                    self._ngrams[key] = NGram.load(path, len(info.vocab))
                except ValueError as error:
                    LOG.warning("nothing is compared with an n-gram: %s", for_log(name, error))
                    self._ngrams[key] = None
            return self._ngrams[key]

    def broken_ngram(self, name: str) -> str | None:
        """Return the file of a model's n-gram if it exists and is broken, else None.

        Raises:
            UnknownModelError: there is no such checkpoint.
        """
        path = self._ngram_path(self.info(name))
        if path is None or self.ngram(name) is not None:
            return None
        return path.relative_to(self.directory).as_posix() if path.is_relative_to(self.directory) else path.name

    def _ngram_path(self, info: CheckpointInfo) -> Path | None:
        name = checkpoint.ngram_file(info.metrics.texts)
        path = self._companion(info, NGRAMS, name) if name else None
        return path if path and os.path.lexists(path) else None

    @functools.cached_property
    def results(self) -> Results:
        """The results of all runs, from `results.json`; `broken` is True if the file cannot be read."""
        try:
            return Results.read(self.directory)
        except ValueError as error:
            LOG.warning("no results are shown: %s", error)
            return Results(broken=True)
