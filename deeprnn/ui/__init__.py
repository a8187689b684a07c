"""The page: one file a view, and what the views share.

gradio is imported here first, in half the time and without four things that the page does not need. For each of its
components it reads the component's source and writes a stub for editors beside it, unless it finds no source. One of
its modules imports pandas (30 MB) for a cache of results: it is given a stand-in that imports it when it is used. After
every request it sums up all before, by pandas, for a dashboard: not before the billionth. And around every step of a
request it looks for matplotlib: where there is none, it is told so at once.
"""

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def without_stubs() -> Iterator[None]:
    """Let gradio find no source of the components that are defined inside."""
    found_by = inspect.getfile

    def getfile(found: Any) -> str:
        if isinstance(found, type) and found.__module__.startswith(("gradio.", "deeprnn.")):
            raise OSError(f"{found} has no source, as far as gradio is concerned")
        return found_by(found)

    setattr(inspect, "getfile", getfile)  # noqa: B010  (mypy has another type for it)
    try:
        yield
    finally:
        setattr(inspect, "getfile", found_by)  # noqa: B010


class _WhenUsed(ModuleType):
    """A module that is imported when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


HOST = os.environ.get("GRADIO_SERVER_NAME", "").strip() or "127.0.0.1"


def _import_gradio() -> None:
    stand_in = sys.modules.setdefault("pandas", _WhenUsed("pandas"))
    if ":" in HOST:
        os.environ.pop("GRADIO_SERVER_NAME", None)  # gradio tries ports at an IPv4 address of that name
    try:
        with without_stubs():
            importlib.import_module("gradio")
    finally:
        if isinstance(stand_in, _WhenUsed):
            del sys.modules["pandas"]


os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
_import_gradio()
if importlib.util.find_spec("matplotlib") is None:
    sys.modules["matplotlib"] = None  # type: ignore[assignment]  # as `import` has it: there is no such module
