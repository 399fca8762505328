"""A route that delivers its rejection to clients that are still uploading."""

import asyncio
import contextlib

from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

_MAX_S = 20.0
_MAX_BYTES = 512 * 2**20
_UPLOAD_TOO_SLOW = 408  # the status of a request that is not read any further


class DrainOnReject(APIRoute):
    """A route that reads on for a while after it has rejected a request before its end.

    Most clients send a whole video before they read the response. If the connection were closed meanwhile,
    they would report a connection error instead of the response.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        received_all = False
        status = 0

        async def observed_receive() -> Message:
            nonlocal received_all
            message = await receive()
            received_all = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def draining_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not is_last or received_all or status == _UPLOAD_TOO_SLOW:
                await send(message)
                return
            await send({**message, "more_body": True})
            left = _MAX_BYTES
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MAX_S):
                    while not received_all and left > 0:
                        left -= len((await observed_receive()).get("body", b""))
            await send({"type": "http.response.body", "body": b""})

        await super().handle(scope, observed_receive, draining_send)
