"""The audit log of a server: who asked, and what the answer was."""

import asyncio
import logging
from collections.abc import Callable

from asgi_correlation_id import correlation_id
from fastapi import Request

from veraface.audit import AuditError, AuditLog, Decision, FileId
from veraface.results import DetectionResult
from veraface.server.errors import ApiError
from veraface.video.results import VideoResult

_log = logging.getLogger("veraface.server")


class Auditor:
    """Appends to the log before a response is sent, in a thread; does nothing without a log."""

    def __init__(self, log: AuditLog | None) -> None:
        self._log = log

    async def add_analysis(
        self, request: Request, content: bytes, result: DetectionResult | VideoResult
    ) -> str | None:
        """Add the result for a file; return the entry's hash, None without a log."""
        log = self._log
        if log is None:
            return None
        about = _about(request)
        return await _in_thread(lambda: log.add_analysis(FileId.of(content), result, **about))

    async def add_failure(self, request: Request, content: bytes, error: ApiError) -> None:
        """Add that a file was refused."""
        log = self._log
        if log is not None:
            about = _about(request)
            await _in_thread(lambda: log.add_outcome(FileId.of(content), {"error": error.code}, **about))

    async def add_decision(self, request: Request, entry: str, decision: Decision, note: str) -> str:
        """Add a person's decision about an analysis; return the entry's hash."""
        log = self._log
        if log is None or await asyncio.to_thread(log.find, entry) is None:
            raise ApiError(
                404, "unknown_entry", "the audit log of this server has no analysis with this hash"
            )
        about = _about(request)
        return await _in_thread(lambda: log.add_decision(entry, decision, note, **about))


def actor(request: Request) -> str:
    """Return the actor: the digest of the API key, as the server's settings list it, or "anonymous"."""
    key = getattr(request.state, "key", None)
    return f"key:{key}" if key else "anonymous"


def _about(request: Request) -> dict[str, str]:
    return {"actor": actor(request), "request_id": correlation_id.get() or ""}


async def _in_thread(add: Callable[[], str]) -> str:
    try:
        return await asyncio.to_thread(add)
    except AuditError as error:
        _log.error("%s", error)
        message = "this server keeps an audit log that cannot be written, so it returns no result"
        raise ApiError(503, "audit_failed", message, retry_after_s=60) from None
