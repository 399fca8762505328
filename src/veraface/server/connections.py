"""HTTP/1.1 as Uvicorn speaks it, less its patience with clients that do not get on with their request."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_PATIENCE_S = 10


class ImpatientProtocol(H11Protocol):
    """Hangs up where a request's head, or the rest of one that was answered already, does not come in time.

    Uvicorn bounds the time between two requests only. Bodies that are still wanted are in `uploads.py`.
    """

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client is there, and has not said anything."""
        super().connection_made(transport)
        self._detect_at_scale()

    def data_received(self, data: bytes) -> None:
        """The client said something."""
        super().data_received(data)
        self._detect_at_scale()

    def on_response_complete(self) -> None:
        """The client has its answer; whether it has sent all of its request or not."""
        super().on_response_complete()
        self._detect_at_scale()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._relax()
        super().connection_lost(exc)

    def _detect_at_scale(self) -> None:
        if not self._is_waiting():
            self._relax()
        elif self._watch is None:
            self._watch = self.loop.call_later(_PATIENCE_S, self._hang_up)

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _relax(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _hang_up(self) -> None:
        self._watch = None
        if self._is_waiting() and not self.transport.is_closing():
            self.transport.close()
