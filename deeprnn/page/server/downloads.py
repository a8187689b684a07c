"""Downloads over HTTP: a checkpoint's weights, its folder as a zip file, or all folders.

Knows: the registry's files. Does not know: components.

`download/NAME.safetensors`, `download/NAME.zip`, and `download/all`, which no file of a checkpoint is called; only what
the registry names is ever opened.
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
_PIECE = 2**20  # bytes that are read at once
_LARGE = 2**30  # bytes from which a file's entry has room for longer sizes


class Downloads:
    """ASGI middleware that answers what begins with `PREFIX` and passes everything else on."""

    def __init__(self, app: ASGIApp, registry: Registry) -> None:
        self.app, self.registry = app, registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = below_prefix(scope) if scope["type"] == "http" else ""
        if not path.startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        await answer(self.registry, path.removeprefix(PREFIX))(scope, receive, send)


def answer(registry: Registry, file: str) -> Response:
    """The file of that name, or 404."""
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
    """A zip file of these checkpoints, a piece at a time; weights do not compress, so nothing is compressed.

    The files' dates are left out, since a zip file knows none before 1980. What is gone by the time its turn comes is
    left out, too.
    """
    buffer = _Outlet()
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


class _Outlet(io.RawIOBase):
    """What `zipfile` writes to when nothing can be gone back to: the bytes since they were last taken."""

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
