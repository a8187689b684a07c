"""Which function a request to the page calls, and how many requests run or wait in gradio's queue.

Knows: gradio's functions and its queue, which has no public interface for counting. Does not know: limits.
"""

from collections import Counter
from typing import Any

CALL = "/gradio_api/call/"
NAMED = (CALL, "/gradio_api/run/", "/gradio_api/api/")
BY_NAME = "/gradio_api/call/v2/"  # arguments are given by name, not in `data`
FILLING = ("/gradio_api/queue/join", "/gradio_api/run/predict")  # for the requests that a page sends when it is opened


class Requests:
    """Which function a request calls, and how many requests run or wait."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def is_visit(self, path: str, body: Any) -> bool:
        """Return whether a request is one of those that a page sends when it is opened."""
        function = self._function(path, body) if path in FILLING else None
        return function is not None and _fills(function)

    def is_whole(self, path: str, body: Any) -> bool:
        """Return whether a request has as many values as its function takes; otherwise gradio would log the values."""
        function = self._function(path, body)
        if function is None:
            return False
        if path.startswith(BY_NAME):
            return True  # gradio checks the names itself
        given = body.get("data")
        asked = sum(not component.skip_api for component in function.inputs)
        return isinstance(given, list) and len(given) in (asked, len(function.inputs))

    def function(self, path: str, body: Any) -> int | None:
        """Return the id of the function that a request calls, or None if the function has no queue."""
        function = self._function(path, body)
        return function._id if function is not None and function.queue else None

    def of_a_visit(self) -> int:
        """Return how many requests a page sends when it is opened."""
        return sum(function.fn is not None and _fills(function) for function in self._page.fns.values())

    def has_session(self, session: str) -> bool:
        """Return whether answers are or were kept for a session, so that a stream can bring them."""
        return session in self._page._queue.pending_messages_per_session

    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._page._queue)

    def running(self) -> int:
        """Return how many requests run or wait."""
        return len(self._events())

    def group_of(self, function: int) -> str:
        """Return the name of the group of functions that share places with one."""
        return str(self._page.fns[function].concurrency_id)

    def places_of(self, function: int) -> int | None:
        """Return how many requests may run at once in the group of a function; None: as many as in any other."""
        limit = self._page.fns[function].concurrency_limit
        return limit if isinstance(limit, int) else None

    def running_of(self, function: int) -> Counter[str]:
        """Return, for each address, how many requests run or wait in the group of a function."""
        group = self.group_of(function)
        events = [event for event in self._events() if event.fn.concurrency_id == group]
        return Counter(event.request.client.host if event.request.client else "?" for event in events)

    def _events(self) -> list[Any]:
        queue = self._page._queue
        waiting = [event for one in list(queue.event_queue_per_concurrency_id.values()) for event in list(one.queue)]
        return waiting + [event for job in list(queue.active_jobs) for event in job or ()]

    def _function(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return None
        number = None if path.startswith(CALL) else body.get("fn_index")
        if number is not None:  # like gradio: the name counts only without a number, and a call has none
            return self._page.fns.get(number) if isinstance(number, int) else None
        name = path.rstrip("/").rpartition("/")[2]
        for function in self._page.fns.values():
            if path.startswith(NAMED) and name and function.api_name == name:
                return function
        return None


def _fills(function: Any) -> bool:
    return any(event == "load" for _, event in function.targets)
