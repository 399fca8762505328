"""Routes with large JSON or HTML responses. Static files have the same middleware."""

from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send


class CompressedRoute(APIRoute):
    """Compresses responses with gzip for clients that accept it: model cards shrink to a quarter."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await GZipMiddleware(super().handle)(scope, receive, send)
