"""Where visitors may train, and how long.

Knows: the environment, addresses. Does not know: how a training is started.
"""

import importlib.util
import ipaddress
import os

from deeprnn.page.environment import env_limit
from deeprnn.page.server.serving import proxies

MINUTES_AT_HOME = 10  # the most minutes of a training if only this machine reaches the server


def most_minutes(host: str) -> int:
    """Return how many minutes a training may take at most; 0 if visitors may not train.

    DEEPRNN_TRAIN_MINUTES decides. Without it, they may where only this machine reaches the server, and not in a Space.
    Systems without POSIX's limits on processes, such as Windows, have no trainings.

    host: the address to which the server is bound.

    Raises:
        ValueError: DEEPRNN_TRAIN_MINUTES, or DEEPRNN_TRUSTED_PROXIES, is not a whole number.
    """
    if importlib.util.find_spec("resource") is None:
        return 0
    asked = os.environ.get("DEEPRNN_TRAIN_MINUTES", "").strip()
    if asked:
        return 0 if asked == "0" else env_limit("TRAIN_MINUTES", MINUTES_AT_HOME)
    return MINUTES_AT_HOME if is_local(host) else 0


def is_local(host: str) -> bool:
    """Return whether only this machine reaches the server: no proxy that its owner names brings others to it.

    host: the address to which the server is bound.

    Raises:
        ValueError: DEEPRNN_TRUSTED_PROXIES is not a whole number.
    """
    is_behind = proxies() > 0 or bool(os.environ.get("GRADIO_ROOT_PATH", "").strip())
    return "SPACE_ID" not in os.environ and not is_behind and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name, which may be anything
        return False
