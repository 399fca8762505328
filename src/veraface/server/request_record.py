"""What logs, metrics and traces may contain of a request: nothing that a client can choose freely."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Message, Scope, Send

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class RequestRecord:
    """A request that was answered."""

    method: str
    """see `method_of`"""
    route: str
    """see `route_of`"""
    status: int
    """HTTP status; 0 if the client disconnected before the response began"""
    seconds: float
    """time from the end of the request's headers to the end of the response"""
    error_code: str | None
    """the `code` of the error response; None for other responses"""


RequestObserver = Callable[[RequestRecord], None]


class StatusRecorder:
    """Passes the messages of a response on, and records its `status`: 0 until the response begins."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def method_of(scope: Scope) -> str:
    """Return the HTTP method of a request; "other" for one that no route accepts."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """Return the route with its parameters unfilled, never the path: a path can be private or forged."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "(no such page)"
