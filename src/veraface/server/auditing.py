"""The audit log of a server: the client and the result of every analysis, and the decisions about it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from asgi_correlation_id import correlation_id
from fastapi import Request

from veraface.audit import AuditError, AuditLog, Decision, FileId
from veraface.audit.entries import Entry
from veraface.results import DetectionResult
from veraface.server.errors import ApiError
from veraface.video.results import VideoResult

_T = TypeVar("_T")
_log = logging.getLogger("veraface.server")
SEARCHED_BYTES = 64 * 2**20  # at the end of the log: about 75,000 analyses of one face
_MAX_SEARCHES = 8  # running and waiting


class Auditor:
    """Appends to the log before a response is sent, in a thread; does nothing without a log."""

    def __init__(self, log: AuditLog | None) -> None:
        self._log = log
        # One search at a time, in a thread of their own: results do not wait for them.
        self._searcher = ThreadPoolExecutor(1, "audit-search")
        self._searches = 0

    async def add_analysis(
        self, request: Request, content: bytes, result: DetectionResult | VideoResult
    ) -> str | None:
        """Add the result for a file; return the entry's hash, None without a log."""
        log = self._log
        if log is None:
            return None
        about = _about(request)
        return await _in_thread(lambda: log.add_analysis(FileId.of(content), result, **about))

    @asynccontextmanager
    async def failure(self, request: Request, content: bytes) -> AsyncIterator[None]:
        """Add the error code of a refused file, if the block raises an ApiError."""
        try:
            yield
        except ApiError as error:
            if (log := self._log) is not None:
                outcome, about = {"error": error.code}, _about(request)
                await _in_thread(lambda: log.add_outcome(FileId.of(content), outcome, **about))
            raise

    async def add_decision(self, request: Request, entry: str, decision: Decision, note: str) -> str:
        """Add a person's decision about an analysis; return the entry's hash."""
        log = self._log
        analysis = None if log is None else await self._find(log, entry)
        if log is None or analysis is None:
            raise ApiError(
                404,
                "unknown_entry",
                f"the last {SEARCHED_BYTES // 2**20} MiB of this server's audit log have no such analysis; "
                "decide on older ones with `veraface audit decide` on the server",
            )
        about = _about(request)
        return await _in_thread(lambda: log.add_decision(analysis, decision, note, **about))

    async def _find(self, log: AuditLog, entry: str) -> Entry | None:
        if self._searches >= _MAX_SEARCHES:
            raise ApiError(503, "overloaded", "too many decisions at the same time", retry_after_s=1)
        self._searches += 1
        try:
            return await _in_thread(lambda: log.find(entry, SEARCHED_BYTES), self._searcher)
        finally:
            self._searches -= 1


def actor(request: Request) -> str:
    """Return the actor: the digest of the API key, as the server's settings list it, or "anonymous"."""
    key = getattr(request.state, "key", None)
    return f"key:{key}" if key else "anonymous"


def _about(request: Request) -> dict[str, str]:
    return {"actor": actor(request), "request_id": correlation_id.get() or ""}


async def _in_thread(task: Callable[[], _T], threads: ThreadPoolExecutor | None = None) -> _T:
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, task)
    except AuditError as error:
        _log.error("%s", error)
        message = "this server keeps an audit log that cannot be written, so it returns no result"
        raise ApiError(503, "audit_failed", message, retry_after_s=60) from None
