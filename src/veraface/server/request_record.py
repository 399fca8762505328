"""What logs, metrics and traces may contain of a request: nothing that a client can choose freely."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class RequestRecord:
    """A request that was answered.

    Attributes:
        method: HTTP method, "other" for an unknown one.
        route: Path of the route with its parameters unfilled, never the path of the request.
        status: HTTP status; 0 if the client disconnected before the response began.
        seconds: Time from the end of the request's headers to the end of the response.
        error_code: The `code` of the error response; None for other responses.
    """

    method: str
    route: str
    status: int
    seconds: float
    error_code: str | None


RequestObserver = Callable[[RequestRecord], None]


def method_of(scope: Scope) -> str:
    """Return the method of a request; "other" for one that no route accepts."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """Return the route of a request, never its path: a path can be private or forged."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "(no such page)"
