"""What judges the images of a scan: an engine; here the one that uses this machine."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from veraface.errors import ModelError, VerafaceError
from veraface.scan import records as rows
from veraface.scan.item import MAX_BYTES, Item, is_url, read
from veraface.scan.records import Record
from veraface.workers.launcher import WorkerSettings
from veraface.workers.pool import WorkerFaultError, WorkerLostError, WorkerPool

_DEADLINE_S = 120  # for one image; processor time has a tighter limit of its own
_MAX_LOST = 3  # times that an image is tried whose worker was stopped from outside
_READ_AHEAD = 2  # images of this machine: one for the worker that is done next, one that is being read
_READ_AHEAD_FROM_AFAR = 16  # what is far away answers slowly
_LISTED_AT_ONCE = 32
_LARGE = 16 * 2**20  # bytes of content that was read while listing, for which an image takes one more place


@dataclass(frozen=True)
class Judged:
    """What was found out of one image."""

    item: Item
    facts: dict[str, Any]  # size, modified, sha256, as far as they are known
    record: Record
    thumbnail: str | None = None  # a small JPEG as base64


@dataclass(frozen=True)
class Job:
    """What an engine is asked to do. All of it is called in the thread that runs the engine."""

    begin: Callable[
        [dict[str, str]], None
    ]  # told the model's name, version and sha256, before the first image
    claim: Callable[[Item], bool]  # whether an image is to be judged
    keep: Callable[[Judged], None]  # told of every image, as soon as it is judged
    thumbnail_from: Callable[[], float]  # from which p_fake on a small copy of an image is wanted, as of now
    model: Path | None = None  # an `.onnx` file; the shipped model if None


class Engine(Protocol):
    """Judges all items that `job` claims and has it keep them, in whatever order they are done."""

    def run(self, items: Iterator[Item], job: Job) -> None:
        """Returns once all are done.

        Raises:
            VerafaceError: The engine cannot start, or go on. What cannot be judged is no error, but a record.
        """


class PictureJudge:
    """Reads images and has a worker judge each: the same for every engine."""

    def __init__(self, pool: WorkerPool, thumbnail_from: Callable[[], float]) -> None:
        self._pool = pool
        self._thumbnail_from = thumbnail_from

    async def judge(self, item: Item, read_bytes: Callable[[Item], Awaitable[tuple[bytes, str]]]) -> Judged:
        """Never fails: what goes wrong with an image is what its record says.

        Args:
            item: The image.
            read_bytes: Gives its bytes and their sha256; see `read_and_hash`.
        """
        facts: dict[str, Any] = {} if item.modified is None else {"modified": item.modified}
        try:
            content, sha256 = await read_bytes(item)
            facts |= {"size": len(content), "sha256": sha256}
            result = await self._ask(content)
        except VerafaceError as error:
            return Judged(item, facts, rows.failed(error.code, str(error)))
        except WorkerFaultError as error:
            fault = str(error).partition("\n")[0]
            message = f"a fault of Veraface ({fault}); please report it with this image if you may"
            return Judged(item, facts, rows.failed("internal_error", message))
        return Judged(item, facts, rows.judged(result), result.get("thumbnail"))

    async def _ask(self, content: bytes) -> dict[str, Any]:
        options = {"thumbnail_from": self._thumbnail_from()}
        for attempt in range(1, _MAX_LOST + 1):
            try:
                return await self._pool.run("scan", content, options=options, timeout_s=_DEADLINE_S)
            except WorkerLostError:
                if attempt == _MAX_LOST:
                    raise
        raise AssertionError("unreachable")


def read_and_hash(item: Item) -> tuple[bytes, str]:
    """The bytes of an image and their sha256."""
    content = read(item, MAX_BYTES)
    return content, hashlib.sha256(content).hexdigest()


class LocalEngine:
    """Judges with this machine's cores, in confined worker processes as the server has them.

    A few images are read ahead, so that memory does not grow with their number.

    Args:
        workers: How many judge at the same time.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, items: Iterator[Item], job: Job) -> None:
        """As `Engine` has it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self._run(items, job))
            return
        with ThreadPoolExecutor(1) as pool:  # this thread has a loop of its own, as in a notebook
            pool.submit(asyncio.run, self._run(items, job)).result()

    async def _run(self, items: Iterator[Item], job: Job) -> None:
        async with started_pool(job.model, self._workers) as (pool, model):
            job.begin(model)
            feed = _Feed(PictureJudge(pool, job.thumbnail_from), job, self._workers)
            await feed.run(items)


@contextlib.asynccontextmanager
async def started_pool(model: Path | None, workers: int) -> AsyncIterator[tuple[WorkerPool, dict[str, str]]]:
    """Workers that are ready, and the name, version and sha256 of their model.

    Raises:
        ModelError: They cannot be started.
    """
    settings = WorkerSettings(model=model, max_bytes=MAX_BYTES)
    pool = WorkerPool(settings, workers=workers, queue=workers + _READ_AHEAD + _READ_AHEAD_FROM_AFAR)
    try:
        await pool.start()
        if pool.failure is not None or pool.greeting is None:
            raise ModelError(pool.failure or "the workers that judge images do not start")
        yield pool, pool.greeting.model
    finally:
        await pool.close()


class _Feed:
    """Takes items one after the other, and has a bounded number of them on their way."""

    def __init__(self, judge: PictureJudge, job: Job, workers: int) -> None:
        self._judge = judge
        self._job = job
        self._places = workers + _READ_AHEAD
        self._near = asyncio.Semaphore(self._places)
        self._far = asyncio.Semaphore(workers + _READ_AHEAD_FROM_AFAR)
        self._lister = ThreadPoolExecutor(1, "list")
        self._readers = ThreadPoolExecutor(_READ_AHEAD_FROM_AFAR, "read")

    async def run(self, items: Iterator[Item]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                while listed := await loop.run_in_executor(self._lister, _take, items):
                    for item in listed:
                        if self._job.claim(item):
                            room = self._far if is_url(item.location) and item.content is None else self._near
                            places = min(self._places, 1 + len(item.content or b"") // _LARGE)
                            for _ in range(places):
                                await room.acquire()
                            tasks.create_task(self._one(item, room, places))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._lister.shutdown(wait=False, cancel_futures=True)
            self._readers.shutdown(wait=False, cancel_futures=True)

    async def _one(self, item: Item, room: asyncio.Semaphore, places: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            judged = await self._judge.judge(
                item, lambda item: loop.run_in_executor(self._readers, read_and_hash, item)
            )
            self._job.keep(judged)
        finally:
            for _ in range(places):
                room.release()


def _take(items: Iterator[Item]) -> list[Item]:
    """The next few; one alone where it brings its bytes with it."""
    taken = []
    for item in items:
        taken.append(item)
        if len(taken) == _LISTED_AT_ONCE or item.content is not None:
            break
    return taken
