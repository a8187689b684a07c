"""The server process: its address, its environment variables, the proxies that it trusts, and its shutdown.

Knows: sockets, signals. Does not know: gradio, models.
"""

import os
import signal
import socket
import time
from collections.abc import Callable

from deeprnn.page.environment import env_limit

SHUTDOWN_SECONDS = 5.0  # seconds that running requests have to finish at a shutdown
SECONDS_TO_LOOK = 0.1  # seconds from one look to the next at what has changed


def address(host: str | None = None, port: int | None = None) -> dict[str, str | int]:
    """Return the address options of `launch`: from the arguments, else the environment, else 127.0.0.1:7860.

    Raises:
        ValueError: the server cannot listen there, for example because the port is in use.
    """
    named = os.environ.pop("GRADIO_SERVER_NAME", "").strip()  # removed: gradio would take it for an IPv4 address
    host = (host or named or "127.0.0.1").strip("[]")
    port = _port() if port is None else port
    if not 1 <= port <= 65_535:
        raise ValueError(f"a port is a number from 1 to 65535, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            if os.name != "nt":  # where it would make a taken port look free
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just closed is free
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
    """Return how many proxies are trusted to name the client: from the environment, else one in a Space, else none.

    Raises:
        ValueError: DEEPRNN_TRUSTED_PROXIES is not a whole number.
    """
    if os.environ.get("DEEPRNN_TRUSTED_PROXIES", "").strip() == "0":
        return 0
    if "SPACE_ID" in os.environ or os.environ.get("DEEPRNN_TRUSTED_PROXIES", "").strip():
        return env_limit("TRUSTED_PROXIES", 1)
    return 0


def set_gradio_environment() -> None:
    """Set the environment variables that gradio reads when it is imported.

    At its start gradio sends a request to itself, which must not go through a proxy. After each request it would
    compute a summary of all requests with pandas; this is made rare.
    """
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)


def ignore_forwarded_headers() -> None:
    """Make uvicorn ignore X-Forwarded-For, which `Limits` reads; by default it trusts clients on this machine."""
    os.environ["FORWARDED_ALLOW_IPS"] = ""


class ShutdownSignal:
    """Handles SIGTERM and SIGINT, which ask the server to shut down; a process with PID 1 would ignore them."""

    def __init__(self) -> None:
        self._requested = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask)

    def _ask(self, *_: object) -> None:
        self._requested = True

    def requested(self) -> bool:
        """Return whether a shutdown was requested, so that no new request is accepted."""
        return self._requested

    def wait(self, busy: Callable[[], bool]) -> None:
        """Wait for the request to shut down, and then until nothing runs or the time is up; for the main thread.

        The system may tell the request to another thread; Python calls the handler when the main thread's sleep ends.
        """
        while not self._requested:
            time.sleep(SECONDS_TO_LOOK)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while busy() and time.monotonic() < deadline:
            time.sleep(SECONDS_TO_LOOK)
