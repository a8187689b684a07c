"""Downloads over HTTP: a checkpoint's weights, its folder as a zip file, or all folders.

Knows: the registry's files. Does not know: components.

The paths are `download/NAME.safetensors`, `download/NAME.zip` and `download/all`. Only the checkpoints in the registry
can be downloaded.
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
    folders = {one: info.path for one, info in registry.infos.items()}
    weights = folders[name] / WEIGHTS if kind == "safetensors" and name in folders else None
    if weights and weights in own_files(weights.parent):
        return FileResponse(weights, filename=file)
    if file == ALL or (kind == "zip" and name in folders):
        chosen = list(folders.values()) if file == ALL else [folders[name]]
        saved = "checkpoints.zip" if file == ALL else file
        headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(saved, safe='')}"}
        return StreamingResponse(zipped(chosen), media_type="application/zip", headers=headers)
    return PlainTextResponse("There is no such file. The Checkpoints view of the page lists them.", status_code=404)


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
