"""The time until `python app.py` answers, compared with an empty page: `python benchmarks/start.py`.

The empty page is a script that only imports torch and gradio and launches a page without components. The two are
started in turn, so that the state of the machine is the same for both. It prints the seconds from the start of each
process to the first answer at `/`, their ratio in each round, and the memory at that time. An earlier start, which is
not counted, has compiled the loops.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
BARE = """
import os
import sys
import torch
import gradio

with gradio.Blocks() as page:
    gradio.Markdown("nothing")
page.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
"""


def started(command: list[str], port: int) -> tuple[float, float]:
    """Return the seconds until a server answers, and the megabytes of its process at that time."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"NO_PROXY": "*"})
    try:
        while process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                    answer.read()
                return time.perf_counter() - begin, held(process.pid)
            except urllib.error.URLError:
                time.sleep(0.01)
        raise SystemExit(f"{command} ended with {process.returncode}")
    finally:
        process.terminate()
        process.wait()


def held(pid: int) -> float:
    """Return the megabytes of a process's resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def main() -> None:
    """Start both in turn, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = {"bare": [], "app.py": []}
    for count in range(rounds + 1):
        for name, program in (("bare", ["-c", BARE]), ("app.py", ["app.py", "--port"])):
            port = free_port()
            one = started([sys.executable, *program, str(port)], port)
            if count:
                found[name].append(one)
    for name, all_of in found.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*all_of, strict=True))
        print(f"{name:8} {seconds:5.2f} s  {megabytes:4.0f} MB")
    ratios = [ours[0] / bare[0] for bare, ours in zip(*found.values(), strict=True)]
    print(f"ratio    {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
