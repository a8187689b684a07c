"""What requests to the page are for, and how many of them run or wait: what gradio knows of them.

Knows: gradio's functions and its queue, which has no public way to be counted. Does not know: limits.
"""

from collections import Counter
from typing import Any

NAMED = ("/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
BY_NAME = "/gradio_api/call/v2/"  # values are given by name, not in `data`
FILLING = ("/gradio_api/queue/join", "/gradio_api/run/predict")  # where the page asks for what fills it


class Requests:
    """What the requests to a page are for, and how many of them run or wait."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def is_visit(self, path: str, body: Any) -> bool:
        """Whether a request only fills a page that was opened."""
        function = self._function(path, body) if path in FILLING else None
        return function is not None and _fills(function)

    def is_whole(self, path: str, body: Any) -> bool:
        """Whether a request holds as many values as its function takes; gradio would log those of any other."""
        function = self._function(path, body)
        if function is None:
            return False
        if path.startswith(BY_NAME):
            return True  # gradio looks at the names itself
        given = body.get("data")
        asked = sum(not component.skip_api for component in function.inputs)
        return isinstance(given, list) and len(given) in (asked, len(function.inputs))

    def function(self, path: str, body: Any) -> int | None:
        """Which function is asked for, if it has a queue."""
        function = self._function(path, body)
        return function._id if function is not None and function.queue else None

    def of_a_visit(self) -> int:
        """How many requests fill a page that is opened."""
        return sum(function.fn is not None and _fills(function) for function in self._page.fns.values())

    def waiting(self) -> int:
        """How many wait."""
        return len(self._page._queue)

    def running(self) -> int:
        """How many run or wait."""
        return len(self._events())

    def running_of(self, function: int) -> Counter[str]:
        """How many of each address run or wait for a function."""
        events = [event for event in self._events() if event.fn._id == function]
        return Counter(event.request.client.host if event.request.client else "?" for event in events)

    def _events(self) -> list[Any]:
        queue = self._page._queue
        waiting = [event for one in list(queue.event_queue_per_concurrency_id.values()) for event in list(one.queue)]
        return waiting + [event for job in list(queue.active_jobs) for event in job or ()]

    def _function(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return None
        if (number := body.get("fn_index")) is not None:  # as gradio does: a name is looked at where there is none
            return self._page.fns.get(number) if isinstance(number, int) else None
        name = path.rstrip("/").rpartition("/")[2]
        for function in self._page.fns.values():
            if path.startswith(NAMED) and name and function.api_name == name:
                return function
        return None


def _fills(function: Any) -> bool:
    return any(event == "load" for _, event in function.targets)
