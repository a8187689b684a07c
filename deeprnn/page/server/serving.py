"""The process that serves: which address it listens at, which proxies it believes, and how it ends.

Knows: sockets, signals. Does not know: gradio, models.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from queue import SimpleQueue

from deeprnn.page.environment import env_limit

LAST_WORDS = 5.0  # seconds that what runs has to finish when the server is told to stop


def address(host: str | None = None, port: int | None = None) -> dict[str, str | int]:
    """The options of `launch` for where to listen: as asked, else as the environment says, else 127.0.0.1:7860.

    Raises:
        ValueError: nothing can listen there, such as a port that is taken.
    """
    named = os.environ.pop("GRADIO_SERVER_NAME", "").strip()  # gradio would look for ports at an IPv4 address of it
    host = (host or named or "127.0.0.1").strip("[]")
    port = _port() if port is None else port
    if not 1 <= port <= 65_535:
        raise ValueError(f"a port is a number from 1 to 65535, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just closed is free
            trial.bind((host, port))
    except OSError as error:
        remedy = "choose another by --port or GRADIO_SERVER_PORT, or end what listens there"
        raise ValueError(f"cannot listen at {host}, port {port}: {error.strerror or error}; {remedy}.") from error
    return {"server_name": f"[{host}]" if ":" in host else host, "server_port": port}


def _port() -> int:
    value = os.environ.get("GRADIO_SERVER_PORT", "").strip() or "7860"
    if not value.isdecimal():
        raise ValueError(f"GRADIO_SERVER_PORT must be a port's number, not {value!r}: correct or unset it.")
    return int(value)


def proxies() -> int:
    """How many proxies in front of the server are trusted to say who asks: one in a Space, else none."""
    if os.environ.get("DEEPRNN_TRUSTED_PROXIES", "").strip() == "0":
        return 0
    if "SPACE_ID" in os.environ or os.environ.get("DEEPRNN_TRUSTED_PROXIES", "").strip():
        return env_limit("TRUSTED_PROXIES", 1)
    return 0


def settle_environment() -> None:
    """Set what gradio reads of the environment, before it is imported.

    It asks itself whether it has started, which no proxy may answer; and after each request it sums up all before, by
    pandas, unless it is told to do so rarely.
    """
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)


def believe_no_header() -> None:
    """Let the server below `Limits`, whose business it is, believe no header about who asks.

    It would believe whatever connects from this machine.
    """
    os.environ["FORWARDED_ALLOW_IPS"] = ""


class Ending:
    """SIGTERM and SIGINT, from the moment it is made: they ask for an end. As PID 1 they would be ignored."""

    def __init__(self) -> None:
        # A handler runs in the thread that waits, which may hold an Event's lock just then; a SimpleQueue has none.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._asked = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask)

    def _ask(self, number: int, _: object) -> None:
        self._asked = True
        self._signals.put(number)

    def asked(self) -> bool:
        """Whether no new request is to be taken."""
        return self._asked

    def wait(self, busy: Callable[[], bool]) -> None:
        """Return when the end is asked for and nothing runs any more, or its time is up."""
        self._signals.get()
        deadline = time.monotonic() + LAST_WORDS
        while busy() and time.monotonic() < deadline:
            time.sleep(0.05)
