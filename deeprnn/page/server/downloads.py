"""Downloads over HTTP: a checkpoint's weights, its folder as a zip file, or all folders.

Knows: the registry's files. Does not know: components.

The paths are `download/NAME.safetensors`, `download/NAME.zip` and `download/all`. Only the checkpoints in the registry
can be downloaded; all of them are those that were there at the start.
"""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.page.server.limits import below_prefix
from deeprnn.store.checkpoint import WEIGHTS, own_files
from deeprnn.store.registry import Registry

PREFIX = "/download/"
ALL = "all"
_PIECE = 2**20  # bytes that are read at a time
_LARGE = 2**30  # the size in bytes from which a file's entry uses the ZIP64 format


class Downloads:
    """ASGI middleware that answers requests whose path begins with `PREFIX`, and passes on all others."""

    def __init__(self, app: ASGIApp, registry: Registry) -> None:
        self.app, self.registry = app, registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        await answer(self.registry, path.removeprefix(PREFIX))(scope, receive, send)


def answer(registry: Registry, file: str) -> Response:
    """Return the response with the file of that name, or with status 404."""
    name, _, kind = file.rpartition(".")
    info = registry.find(name)
    if info and kind == "safetensors" and info.path / WEIGHTS in own_files(info.path):
        return FileResponse(info.path / WEIGHTS, filename=f"{info.path.name}.{kind}")
    if info and kind == "zip":
        return _zip([info.path], f"{info.path.name}.{kind}")
    if file == ALL:
        return _zip([one.path for one in registry.infos.values()], "checkpoints.zip")
    return PlainTextResponse("There is no such file. The Checkpoints view of the page lists them.", status_code=404)


def _zip(folders: list[Path], filename: str) -> Response:
    headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(filename, safe='')}"}
    return StreamingResponse(zipped(folders), media_type="application/zip", headers=headers)


def zipped(folders: list[Path]) -> Iterator[bytes]:
    """Yield a zip file of these checkpoints piece by piece; it is not compressed, since weights do not compress.

    The files' dates are left out, since the zip format has no dates before 1980. A file that was deleted meanwhile is
    left out too.
    """
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for folder in folders:
            for path in own_files(folder):
                with contextlib.suppress(FileNotFoundError), path.open("rb") as source:
                    entry = zipfile.ZipInfo(f"{folder.name}/{path.name}")
                    entry.external_attr = 0o644 << 16
                    large = os.fstat(source.fileno()).st_size >= _LARGE
                    with archive.open(entry, "w", force_zip64=large) as target:
                        while piece := source.read(_PIECE):
                            target.write(piece)
                            yield buffer.taken()
    yield buffer.taken()


class _Buffer(io.RawIOBase):
    """A buffer for `zipfile` that cannot seek; `taken` returns the bytes written since its last call."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._bytes += data
        return len(data)

    def taken(self) -> bytes:
        found = bytes(self._bytes)
        self._bytes.clear()
        return found
