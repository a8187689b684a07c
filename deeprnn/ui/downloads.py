"""Downloads over HTTP: a checkpoint's weights, its folder as a zip file, or all folders.

Knows: the registry's files. Does not know: components.

`download/NAME.safetensors`, `download/NAME.zip`, `download/all.zip`; only what the registry names is ever opened.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deeprnn.checkpoint import WEIGHTS
from deeprnn.registry import Registry
from deeprnn.ui.limits import below_prefix

PREFIX = "/download/"
ALL = "all"


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
    if kind == "safetensors" and name in folders:
        return FileResponse(folders[name] / WEIGHTS, filename=file)
    if kind == "zip" and (name in folders or name == ALL):
        chosen = [folders[name]] if name in folders else list(folders.values())
        headers = {"content-disposition": f'attachment; filename="{file}"'}
        return StreamingResponse(zipped(chosen), media_type="application/zip", headers=headers)
    return PlainTextResponse("There is no such file. The Checkpoints view of the page lists them.", status_code=404)


def zipped(folders: list[Path]) -> Iterator[bytes]:
    """A zip file of these folders, a file at a time; weights do not compress, so nothing is compressed."""
    buffer = _Outlet()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for folder in folders:
            for path in sorted(p for p in folder.iterdir() if p.is_file()):
                archive.write(path, f"{folder.name}/{path.name}")
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
