"""Push and pull checkpoints with `huggingface_hub`.

Knows: repositories with one folder for each checkpoint, the names of its files. Does not know: their contents,
training, the page.
"""

import glob
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from deeprnn.documents import printable, read_object
from deeprnn.measure.metrics import Metrics
from deeprnn.store.card import WRITTEN, repository_card
from deeprnn.store.checkpoint import CARD, CONFIG, FILES, METRICS

MAX_MESSAGE = 72  # characters of the first line of a commit
Asked = TypeVar("Asked")


def is_repository(path: str) -> bool:
    """Return whether a path that leads nowhere on this machine can be that of a repository, user/name."""
    return path.count("/") == 1 and not path.startswith((".", "/", "~")) and not Path(path).parent.exists()


def pull(repo_id: str, name: str | None = None, revision: str | None = None) -> Path:
    """Download one checkpoint folder into the Hub cache and return its path; without a network, use the cached one.

    name: of the checkpoint's folder; None: the checkpoint at the root of the repository. A folder is returned whatever
    it holds: loading it says what is missing.

    Raises:
        ValueError: there is no such repository, revision or folder, or it is neither reachable nor cached; without
            a name, the message lists the checkpoints that the repository holds.
    """
    patterns = list(FILES) if name is None else [f"{glob.escape(name)}/*"]
    snapshot = _asked(repo_id, lambda: Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns)))
    directory = snapshot if name is None else snapshot / name
    if (directory / CONFIG).exists() or (name is not None and directory.is_dir()):
        return directory
    if name is None:
        raise ValueError(
            f"{repo_id} holds no checkpoint at its root: give name=, one of: {_listed(repo_id, revision)}."
        )
    raise ValueError(f"{repo_id} holds no checkpoint {name!r} (or it is not in the cache and there is no network).")


def pull_all(repo_id: str, revision: str | None = None) -> Path:
    """Download all checkpoint folders of a repository into the Hub cache; return the folder that holds them.

    Raises:
        ValueError: there is no such repository or revision, or it is neither reachable nor cached.
    """
    patterns = [f"*/{file}" for file in FILES]
    return _asked(repo_id, lambda: Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns)))


def _listed(repo_id: str, revision: str | None) -> str:
    """Return the names of a repository's checkpoint folders, as the Hub lists them."""
    paths = _asked(repo_id, lambda: HfApi().list_repo_files(repo_id, revision=revision))
    folders = sorted(path.removesuffix(f"/{CONFIG}") for path in paths if path.endswith(f"/{CONFIG}"))
    return ", ".join(printable(folder) for folder in folders) or "none"


def _asked(repo_id: str, asking: Callable[[], Asked]) -> Asked:
    """Ask the Hub for something of a repository.

    Raises:
        ValueError: it refuses, or it is neither reachable nor is the answer cached.
    """
    try:
        return asking()
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise ValueError(
            f"there is no folder {repo_id!r} here, and the Hub repository of that name could not be reached and is not "
            f"in the cache: go to where the folder is, or load it once with a network."
        ) from error
    except (HFValidationError, OSError) as error:  # an answer that refuses is an OSError, too
        raise ValueError(
            f"there is no folder {repo_id!r} here, and the Hub repository of that name cannot be loaded: {error}"
        ) from error
    except HTTPError as error:
        raise ValueError(f"the connection to the Hub broke while {repo_id} was loaded ({error}): try again.") from error


def push(directory: Path, repo_id: str, *, public: bool = False) -> str:
    """Upload every checkpoint in `directory` to a model repository, one folder each; return the URL of the commit.

    Only the four files of each checkpoint are uploaded, and a card of the repository with a table of all checkpoints
    there, unless it has one that somebody wrote. A new repository is private unless `public` is True; an existing one
    keeps its visibility.

    Raises:
        ValueError: there is no checkpoint in `directory`, or the Hub refuses the upload, as it does without a token
            (`hf auth login` stores one).
    """
    folders = [
        path.parent.name for path in sorted(directory.glob("*/" + CONFIG)) if not path.parent.name.startswith(".")
    ]
    if not folders:
        raise ValueError(f"{directory} holds no checkpoint: name the folder that holds the checkpoints' folders.")
    paths = [path for name in folders for file in FILES if (path := directory / name / file).is_file()]
    added = [CommitOperationAdd(path.relative_to(directory).as_posix(), path) for path in paths]
    api = HfApi()
    try:
        api.create_repo(repo_id, private=not public, exist_ok=True)
        card = _card(repo_id, directory)
        added += [] if card is None else [CommitOperationAdd(CARD, card.encode())]
        commit = api.create_commit(repo_id, added, commit_message=f"Add {', '.join(folders)}"[:MAX_MESSAGE])
    except (HTTPError, HFValidationError, OSError) as error:  # OSError: offline, or a file that cannot be read
        raise ValueError(f"cannot push to {repo_id!r} (is there a token? `hf auth login`): {error}") from error
    return commit.commit_url


def _card(repo_id: str, directory: Path) -> str | None:
    """Return the card of a repository with what it will hold; None if it has one that somebody wrote."""
    there = Path(snapshot_download(repo_id, allow_patterns=[CARD, f"*/{METRICS}"]))
    if (there / CARD).is_file() and WRITTEN not in (there / CARD).read_text("utf-8", "replace"):
        return None
    found = {}
    for path in (*there.glob(f"*/{METRICS}"), *directory.glob(f"[!.]*/{METRICS}")):
        with suppress(ValueError):  # of a run that failed, or of another program
            found[path.parent.name] = Metrics.from_dict(read_object(path))
    return repository_card(repo_id, found) if found else None
