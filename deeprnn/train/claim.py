"""Claims on runs: no run is trained by two processes at once, whatever commands or machines they belong to.

Knows: the folder of a run. Does not know: what a run does, who started it.

A claim is a lock of the system on a file in the run's folder. It ends with its process, even one that is killed.
Between machines it holds where their shared file system has locks: NFS does, Lustre if it is mounted with `flock`.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from deeprnn.documents import holding
from deeprnn.train.run import Job
from deeprnn.train.snapshot import unwritable

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}  # what a file system without locks answers


@contextmanager
def claimed(job: Job) -> Iterator[bool]:
    """Claim a run for as long as the block lasts; yield False if another process has it.

    Raises:
        ValueError: the folder cannot be written to, or another user's claim cannot be looked at.
    """
    path, free = _path(job), True
    with ExitStack() as held:
        try:
            job.out.mkdir(parents=True, exist_ok=True)
            held.enter_context(holding(path))
        except BlockingIOError:
            free = False
        except (OSError, ImportError) as error:
            if isinstance(error, PermissionError) and path.exists():
                raise ValueError(
                    f"{path} is another user's claim on {job.name}, and cannot be looked at: remove it if that user "
                    f"is not training this run."
                ) from error
            if isinstance(error, OSError) and error.errno not in NO_LOCKS:
                raise unwritable(job, error) from error
            unheld = f"{job.name}: files in {job.out} cannot be locked; start no second process on this run."
            print(unheld, file=sys.stderr)
        yield free


def clear_claim(job: Job) -> None:
    """Remove what a killed process left of its claim on a run, which holds nobody back."""
    if _path(job).exists():
        with suppress(ValueError), claimed(job):  # the end of a claim removes its file
            pass


def _path(job: Job) -> Path:
    return job.out / f".{job.name}.claim"
