"""The conditions of a Space, made on this machine: `sudo python benchmarks/rehearsal.py`.

Takes the committed files alone, installs `requirements.txt` in a new virtual environment, and starts `app.py` as user
1000, who may write to one temporary folder only, with two cores, 2 GB of memory and no network. It prints the seconds
and megabytes of the installation, and of a first start (as each start of a Space is: nothing is compiled yet) and of a
second one: the seconds until the page is there, until models can write and until the first text is there, the seconds
of another text and of scoring, and the most memory, after every model was asked for. Needs Linux, root and git, and
a Python that every user may run; no package but Python's own. `--pip` passes an option on to pip.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
USER = 1000
MEGABYTES = 2_000  # of memory
CORES = "0,1"
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "taskset", "-c", CORES]
URL = "http://127.0.0.1:7860"


def install(folder: Path, options: list[str]) -> None:
    """Lay out the committed files and a virtual environment, both of root and read-only for others."""
    (folder / "app").mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "--no-same-owner", "-C", folder / "app"], input=archive, check=True)
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", *options]
    subprocess.run([*pip, "-r", str(folder / "app/requirements.txt")], check=True)
    print(f"install  {time.perf_counter() - begin:.0f} s, {size(folder / 'venv'):.0f} MB on disk", flush=True)


def size(folder: Path) -> float:
    """Return the megabytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 1e6


def memory_group() -> Path:
    """Return a new control group whose processes may hold `MEGABYTES` in all."""
    base, limit = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"
    if not base.exists():  # the second version of control groups
        base, limit = base.parent, "memory.max"
    group = base / f"rehearsal-{os.getpid()}"
    group.mkdir()
    (group / limit).write_text(f"{MEGABYTES * 1_000_000}")
    return group


def start(folder: Path, group: Path) -> subprocess.Popen[bytes]:
    """Start the server as a Space does."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "TMPDIR": str(folder / "tmp"),
        "SPACE_ID": "somebody/deeprnn",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [*AS_USER, folder / "venv/bin/python", "app.py"],
        cwd=folder / "app",
        env=environment,
        preexec_fn=lambda: (group / "cgroup.procs").write_text(f"{os.getpid()}"),
    )


def get(path: str, body: Any = None) -> bytes:
    """Return an answer of the server; `body` is sent as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        content: bytes = answer.read()
        return content


def call(name: str, *values: Any) -> Any:
    """Return what an endpoint of the API answers."""
    event = json.loads(get(f"/gradio_api/call/{name}", {"data": values}))["event_id"]
    answer = get(f"/gradio_api/call/{name}/{event}").decode()
    if "event: complete" not in answer:
        raise SystemExit(f"{name} was answered by: {answer}")
    return json.loads(answer.split("data: ")[-1])[0]


def generate(prompt: str, models: list[str], chars: int) -> Any:
    """Return what models write: temperature 0.8, every character allowed, seed 0."""
    return call("generate", prompt, models, chars, 0.8, 0, 1, 0)


def until(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers without an error."""
    while True:
        try:
            condition()
            return
        except urllib.error.URLError:
            if process.poll() is not None:
                raise SystemExit(f"the server ended with {process.returncode}") from None
            time.sleep(0.02)


def rehearse(name: str, folder: Path, group: Path) -> None:
    """Start the server, ask it, and stop it."""
    begin = time.perf_counter()
    process = start(folder, group)
    seen = []
    try:
        for path in ("/", "/healthz"):
            until(lambda path=path: get(path), process)  # type: ignore[misc]
            seen.append(time.perf_counter() - begin)
        models = [model["name"] for model in call("models")]
        generate("the time traveller", models[:2], 200)
        seen.append(time.perf_counter() - begin)
        print(f"{name:8} page {seen[0]:.1f} s, ready {seen[1]:.1f} s, first text {seen[2]:.1f} s", flush=True)
        print(f"         at that time {resident(process.pid):.0f} MB")
        begin = time.perf_counter()
        generate("it is a law", models[:2], 200)
        print(f"         two models, 200 characters each: {time.perf_counter() - begin:.2f} s")
        begin = time.perf_counter()
        call("score", "it is a law of nature we overlook. " * 60, models[:2])
        print(f"         two models score 2,100 characters: {time.perf_counter() - begin:.2f} s")
        for model in models:
            generate("a", [model], 20)
        most = resident(process.pid, "VmHWM")
        print(f"         all {len(models)} models were asked for: at most {most:.0f} MB of {MEGABYTES} MB")
        begin = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        print(f"         SIGTERM: ended with {process.wait(30)} after {time.perf_counter() - begin:.1f} s")
    finally:
        process.kill()
        process.wait()


def resident(pid: int, figure: str = "VmRSS") -> float:
    """Return a figure of a process's memory in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(figure))) * 1_024 / 1e6


def main() -> None:
    """Prepare the folder; then run this script again in a network of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pip", action="append", default=[], metavar="OPTION", help="such as --pip=--no-index")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0:
        raise SystemExit("a rehearsal needs Linux and root, to start the server as another user without a network")
    if subprocess.run([*AS_USER, os.path.realpath(sys.executable), "-c", ""], cwd="/").returncode:
        raise SystemExit(f"other users may not run {sys.executable}; try /usr/bin/python3")
    if asked.inside:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        group = memory_group()
        try:
            for name in ("first", "second"):
                rehearse(name, asked.inside, group)
        finally:
            group.rmdir()
        return
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        install(folder, asked.pip)
        (folder / "tmp").mkdir()
        os.chown(folder / "tmp", USER, USER)
        subprocess.run(["unshare", "--net", sys.executable, __file__, "--inside", folder], check=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
