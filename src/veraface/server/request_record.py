"""What may be said of a request in logs, figures and traces: nothing that a client can make up."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class Answered:
    """A request that was answered."""

    method: str
    route: str
    status: int  # 0: the client was gone before its answer began
    seconds: float  # from its head to the end of its answer
    fault: str | None  # the code of what was wrong, if anything was


Listener = Callable[[Answered], None]


def method_of(scope: Scope) -> str:
    """The request's method; "other" for one that no route takes."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """The route, never the path itself: what a client puts in a path can be private or forged."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "(no such page)"
