"""Limits that environment variables set.

Knows: `DEEPRNN_` variables. Does not know: what is limited.
"""

import os


def env_limit(name: str, default: int) -> int:
    """Return the value of DEEPRNN_NAME, or the default if it is not set.

    Raises:
        ValueError: the value is not a whole number of 1 or more.
    """
    value = os.environ.get(f"DEEPRNN_{name}", "").strip() or str(default)
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"DEEPRNN_{name} must be a whole number of 1 or more, not {value!r}: correct or unset it.")
    return int(value)
