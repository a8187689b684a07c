"""interim"""

from typing import Any


def visitor_of(request: Any) -> str | None:
    return request.cookies.get("visitor")
