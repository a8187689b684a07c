"""Push and pull checkpoints with `huggingface_hub`.

Knows: repositories with one folder for each checkpoint, the names of its files. Does not know: their contents,
training, the page.
"""

import glob
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError

from deeprnn.store.checkpoint import CARD, CONFIG, METRICS, WEIGHTS


def pull(repo_id: str, name: str, revision: str | None = None) -> Path:
    """Download one checkpoint folder into the Hub cache and return its path; without a network, use the cached one.

    Raises:
        ValueError: there is no such repository, revision or checkpoint, or it is neither reachable nor cached.
    """
    try:
        snapshot = snapshot_download(repo_id, revision=revision, allow_patterns=[f"{glob.escape(name)}/*"])
    except LocalEntryNotFoundError as error:
        raise ValueError(
            f"{repo_id} could not be reached and is not in the cache; load it once with a network."
        ) from error
    except (HTTPError, HFValidationError, OSError) as error:
        raise ValueError(f"cannot load from the Hub repository {repo_id!r}: {error}") from error
    directory = Path(snapshot) / name
    if not directory.is_dir():
        raise ValueError(f"{repo_id} holds no checkpoint {name!r} (or it is not in the cache and there is no network).")
    return directory


def push(directory: Path, repo_id: str, *, public: bool = False) -> str:
    """Upload every checkpoint in `directory` to a model repository, one folder each; return the URL of the commit.

    Only the four files of each checkpoint are uploaded. A new repository is private unless `public` is True; an
    existing one keeps its visibility.

    Raises:
        ValueError: there is no checkpoint in `directory`, or the Hub refuses the upload, as it does without a token
            (`hf auth login` stores one).
    """
    folders = [
        path.parent.name for path in sorted(directory.glob("*/" + CONFIG)) if not path.parent.name.startswith(".")
    ]
    if not folders:
        raise ValueError(f"{directory} holds no checkpoint: name the folder that holds the checkpoints' folders.")
    files = [f"{glob.escape(name)}/{file}" for name in folders for file in (WEIGHTS, CONFIG, METRICS, CARD)]
    api = HfApi()
    try:
        api.create_repo(repo_id, private=not public, exist_ok=True)
        commit = api.upload_folder(repo_id=repo_id, folder_path=directory, allow_patterns=files)
    except (HTTPError, HFValidationError) as error:
        raise ValueError(f"cannot push to {repo_id!r} (is there a token? `hf auth login`): {error}") from error
    return commit.commit_url
