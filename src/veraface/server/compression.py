"""Routes whose answers are worth compressing. Static files have Starlette's middleware."""

import gzip
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

__all__ = ["CompressedRoute"]


class CompressedRoute(APIRoute):
    """A route whose answers are compressed for clients that accept that: a model card shrinks to a quarter.

    Its answers have a body, they are neither streams nor files.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, with its answer compressed."""
        answer = super().get_route_handler()

        async def compressed(request: Request) -> Response:
            response = await answer(request)
            response.headers.add_vary_header("Accept-Encoding")
            if "gzip" in request.headers.get("Accept-Encoding", ""):
                response.body = gzip.compress(bytes(response.body))
                response.headers["Content-Encoding"] = "gzip"
                response.headers["Content-Length"] = str(len(response.body))
            return response

        return compressed
