"""A small Hub on loopback: enough of the Hub's HTTP API for `huggingface_hub` to pull from it and push to it.

Knows: repositories as commits of files, and the endpoints that `snapshot_download`, `create_repo` and
`create_commit` of huggingface_hub 2.4 call. Does not know: checkpoints, pytest.

As on the real Hub, `*.safetensors` are large files: `resolve` redirects to another host, which serves them by their
SHA-256. A push is accepted with any token, and takes every file in the commit itself.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import yaml

Files = dict[str, bytes]


@dataclass
class Repository:
    """Commits by their hash, and branches by name."""

    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files, branch: str = "main") -> str:
        """Make `files` the whole content of a branch; returns the commit's hash."""
        listing = sorted((path, blob_id(data)) for path, data in files.items())
        sha = hashlib.sha1(json.dumps([self.branches.get(branch), listing]).encode()).hexdigest()
        self.commits[sha] = dict(files)
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch or a commit's hash stands for."""
        return self.branches.get(revision, revision if revision in self.commits else None)


def blob_id(data: bytes) -> str:
    """Git's name for a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class HubServer:
    """The server: `with HubServer() as hub: hub.commit("user/repo", folder); ... hub.address`."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []  # "METHOD /path", in order of arrival
        self.dropping = False  # True: every connection is closed without an answer
        self.cut: Callable[[str], bool] = lambda _: False  # at which paths it hangs up in the middle of a file
        self.port = 0  # chosen by the system at the first start, kept afterwards

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Close the port: from here on a connection is refused."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def commit(self, repo_id: str, folder: Path) -> str:
        """Make a local folder the content of a repository's main branch; returns the commit's hash."""
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return self.repositories.setdefault(repo_id, Repository()).commit(files)


class _RefusalError(Exception):
    """An answer other than success: its status, the Hub's error code, and the address of what exists already."""

    def __init__(self, status: int, code: str, url: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.url = status, code, url


def _handler(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_HubHandler):
        pass

    Handler.hub = hub
    return Handler


class _HubHandler(BaseHTTPRequestHandler):
    hub: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {unquote(path)}")
        if self.hub.dropping:
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = [unquote(part) for part in path.strip("/").split("/")]
        try:
            if self.command == "POST":
                self._post(parts, body)
            else:
                self._get(parts)
        except _RefusalError as refusal:
            error = json.dumps({"error": refusal.code, "url": refusal.url}).encode()
            self._send(refusal.status, error, {"X-Error-Code": refusal.code, "X-Error-Message": refusal.code})

    def _get(self, parts: list[str]) -> None:
        match parts:
            case ["api", "models", user, name]:
                self._send_info(f"{user}/{name}", "main")
            case ["api", "models", user, name, "revision", revision]:
                self._send_info(f"{user}/{name}", revision)
            case ["api", "models", user, name, "tree", revision]:
                _, files = self._files(f"{user}/{name}", revision)
                self._send_json(_tree(files))
            case [user, name, "resolve", revision, *path]:
                self._send_file(f"{user}/{name}", revision, "/".join(path))
            case ["large-files", sha256]:
                self._send_content(self._large_file(sha256), {"ETag": f'"{sha256}"'})
            case _:
                raise _RefusalError(404, "NoSuchEndpoint")

    def _post(self, parts: list[str], body: bytes) -> None:
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            raise _RefusalError(401, "NoToken")
        match parts:
            case ["api", "repos", "create"]:
                wanted = json.loads(body)
                repo_id = f"{wanted['organization']}/{wanted['name']}"
                if repo_id in self.hub.repositories:
                    raise _RefusalError(409, "RepoExists", f"{self.hub.address}/{repo_id}")
                self.hub.repositories[repo_id] = Repository()
                self.hub.repositories[repo_id].commit({})
                self._send_json({"url": f"{self.hub.address}/{repo_id}"})
            case ["api", "validate-yaml"]:
                front = json.loads(body)["content"].split("---")[1]
                refused = [] if "library_name" in yaml.safe_load(front) else [{"message": "it names no library"}]
                self._send_json({"errors": refused, "warnings": []})
            case ["api", "models", user, name, "preupload", revision]:
                _, files = self._files(f"{user}/{name}", revision)
                known = {path: {"oid": blob_id(data)} for path, data in files.items()}
                paths = [file["path"] for file in json.loads(body)["files"]]
                regular = {"uploadMode": "regular", "shouldIgnore": False}
                self._send_json({"files": [{"path": path} | regular | known.get(path, {}) for path in paths]})
            case ["api", "models", user, name, "commit", branch]:
                _, files = self._files(f"{user}/{name}", branch)
                sha = self.hub.repositories[f"{user}/{name}"].commit(files | _added(body), branch)
                self._send_json({"commitUrl": f"{self.hub.address}/{user}/{name}/commit/{sha}", "commitOid": sha})
            case _:
                raise _RefusalError(404, "NoSuchEndpoint")

    def _files(self, repo_id: str, revision: str) -> tuple[str, Files]:
        if repo_id not in self.hub.repositories:
            raise _RefusalError(404, "RepoNotFound")
        repository = self.hub.repositories[repo_id]
        sha = repository.resolve(revision)
        if sha is None:
            raise _RefusalError(404, "RevisionNotFound")
        return sha, repository.commits[sha]

    def _send_info(self, repo_id: str, revision: str) -> None:
        sha, files = self._files(repo_id, revision)
        self._send_json({"id": repo_id, "sha": sha, "siblings": [{"rfilename": path} for path in files]})

    def _send_file(self, repo_id: str, revision: str, path: str) -> None:
        sha, files = self._files(repo_id, revision)
        if path not in files:
            raise _RefusalError(404, "EntryNotFound")
        data = files[path]
        headers = {"X-Repo-Commit": sha}
        if not path.endswith(".safetensors"):
            self._send_content(data, headers | {"ETag": f'"{blob_id(data)}"'})
            return
        sha256 = hashlib.sha256(data).hexdigest()
        elsewhere = f"http://localhost:{self.hub.port}/large-files/{sha256}"  # another host, to an HTTP client
        linked = {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(data)), "Location": elsewhere}
        self._send(302, b"", headers | linked)

    def _large_file(self, sha256: str) -> bytes:
        for repository in self.hub.repositories.values():
            for files in repository.commits.values():
                for data in files.values():
                    if hashlib.sha256(data).hexdigest() == sha256:
                        return data
        raise _RefusalError(404, "EntryNotFound")

    def _send_json(self, values: Any) -> None:
        self._send(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _send_content(self, data: bytes, headers: dict[str, str]) -> None:
        cut = self.command == "GET" and self.hub.cut(self.path)
        self._send(200, data, headers, sent=len(data) // 2 if cut else len(data))

    def _send(self, status: int, body: bytes, headers: dict[str, str], sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])


def _tree(files: Files) -> list[dict[str, Any]]:
    folders = {str(parent) for path in files for parent in Path(path).parents if parent != Path(".")}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": path, "size": 0, "oid": blob_id(path.encode())} for path in sorted(folders)
    ]
    for path, data in files.items():
        entry = {"type": "file", "path": path, "size": len(data), "oid": blob_id(data)}
        if path.endswith(".safetensors"):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        entries.append(entry)
    return entries


def _added(body: bytes) -> Files:
    lines = [json.loads(line) for line in body.splitlines()]
    return {
        line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
    }
