"""What every test of a command leaves as it was."""

import signal

import pytest


@pytest.fixture(autouse=True)
def _handlers_restored():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
