"""Engines analyze a stream of images; this module has the one that uses the cores of this machine."""

import asyncio
import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from veraface.errors import (
    ModelError,
    UnreadableImageError,
    VerafaceError,
    WorkerCrashedError,
    WorkerLostError,
)
from veraface.imaging.limits import MAX_BYTES
from veraface.scan.item import Item, is_url, read
from veraface.scan.tables import Record, error_record, result_record
from veraface.utils import available_cores
from veraface.workers.client import WorkerSettings
from veraface.workers.messages import ScanResult, Task, WorkerFaultError, decode_reply
from veraface.workers.pool import WorkerPool

_TASK = Task("scan", timeout_s=120)  # for one image; CPU time has a lower limit
_MAX_ATTEMPTS = 3  # for an image whose worker is killed from outside
_READ_AHEAD = 2  # local images: one for the next idle worker, one being read
_REMOTE_READ_AHEAD = 16  # remote storage has a high latency
_LIST_BATCH = 32
_LARGE_BYTES = 16 * 2**20  # content read while listing; an image takes one more slot for each such part


@dataclass(frozen=True)
class ItemResult:
    """The result of one image."""

    item: Item
    facts: dict[str, Any]  # size, modified and sha256, as far as they are known
    record: Record
    thumbnail: str | None = None  # a small JPEG as base64


Results = Generator[ItemResult, None, None]


class Engine(ABC):
    """Analyzes images, locally or on other machines, with at most `workers`; the engine decides if None."""

    def __init__(self, workers: int | None = None, model: str | Path | None = None) -> None:
        self._workers = workers
        self._model = model

    def model_info(self) -> dict[str, str]:
        """Return name, version and sha256 of the model; raise ModelError if it is missing or damaged."""
        from veraface.models.registry import load_card

        return load_card(self._model).model_info

    @abstractmethod
    def process(self, items: Iterator[Item], thumbnail_from: Callable[[], float]) -> Results:
        """Yield one result for each image, in any order, and hold only a bounded number of images.

        The items may be read in another thread, and a few ahead of the results. `thumbnail_from` returns the
        lowest p_fake for which a thumbnail is wanted. Raises VerafaceError if the engine cannot start or
        continue; an image that cannot be analyzed is a result.
        """


@dataclass(frozen=True)
class ItemAnalyzer:
    """Reads images, in the threads of `readers` or the default ones, and has a worker analyze them."""

    pool: WorkerPool
    thumbnail_from: Callable[[], float]
    readers: Executor | None = None

    async def analyze(self, item: Item) -> ItemResult:
        """Return the result of an image; errors become its record."""
        facts: dict[str, Any] = {} if item.modified is None else {"modified": item.modified}
        try:
            loop = asyncio.get_running_loop()
            content, sha256 = await loop.run_in_executor(self.readers, _read_and_hash, item)
            facts |= {"size": len(content), "sha256": sha256}
            result = await self._run_task(content)
        except VerafaceError as error:
            return ItemResult(item, facts, error_record(error.code, str(error)))
        except WorkerFaultError as error:
            fault = str(error).partition("\n")[0]
            message = f"a bug in Veraface ({fault}); please report it, with this image if possible"
            return ItemResult(item, facts, error_record("internal_error", message))
        return ItemResult(item, facts, result_record(result.to_dict()), result.thumbnail)

    async def _run_task(self, content: bytes) -> ScanResult:
        options = {"thumbnail_from": self.thumbnail_from()}
        attempt = 1
        while True:
            try:
                return decode_reply(ScanResult, await self.pool.run(_TASK, content, options))
            except WorkerCrashedError as error:
                raise UnreadableImageError(str(error)) from None
            except ValueError:
                raise WorkerLostError("the worker sent an invalid response") from None
            except WorkerLostError:
                if attempt == _MAX_ATTEMPTS:
                    raise
                attempt += 1


def _read_and_hash(item: Item) -> tuple[bytes, str]:
    content = read(item, MAX_BYTES)
    return content, hashlib.sha256(content).hexdigest()


@asynccontextmanager
async def started_pool(
    model: str | Path | None, workers: int
) -> AsyncIterator[tuple[WorkerPool, dict[str, str]]]:
    """Start workers; yield their pool, and name, version and sha256 of their model; or raise ModelError."""
    settings = WorkerSettings(model=model, max_bytes=MAX_BYTES)
    pool = WorkerPool(settings, workers=workers, queue=workers + _READ_AHEAD + _REMOTE_READ_AHEAD)
    try:
        await pool.start()
        if pool.failure is not None or pool.model is None:
            raise ModelError(pool.failure or "the worker processes do not start")
        yield pool, pool.model.model
    finally:
        await pool.close()


class LocalEngine(Engine):
    """Analyzes images in sandboxed worker processes of this machine, one per core without `workers`."""

    def process(self, items: Iterator[Item], thumbnail_from: Callable[[], float]) -> Results:
        """See `Engine`."""
        results = SimpleQueue[ItemResult | None]()  # None: the stream has ended
        stream = _Stream(self._workers or available_cores(), results.put)
        loop = asyncio.new_event_loop()  # of its own thread, as the caller's may run a loop already
        task = loop.create_task(stream.run(self._model, items, thumbnail_from))
        task.add_done_callback(lambda _: results.put(None))
        thread = threading.Thread(target=_run, args=(loop, task), daemon=True)
        thread.start()
        try:
            while (result := results.get()) is not None:
                yield result
                _call(loop, stream.release, result.item)
        finally:
            _call(loop, task.cancel)
            thread.join()  # waits for its cleanup
        task.result()  # raises its exception, if any


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(asyncio.wait([task]))  # the task keeps its exception


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function in an event loop; does nothing once the loop is closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)


class _Stream:
    """Feeds images to the workers; a bounded number of them is between the list and the consumer."""

    def __init__(self, workers: int, put: Callable[[ItemResult], None]) -> None:
        self._workers = workers
        self._put = put
        self._max_slots = workers + _READ_AHEAD
        self._local = asyncio.Semaphore(self._max_slots)
        self._remote = asyncio.Semaphore(workers + _REMOTE_READ_AHEAD)
        self._lister = ThreadPoolExecutor(1, "list")
        self._readers = ThreadPoolExecutor(_REMOTE_READ_AHEAD, "read")

    async def run(
        self, model: str | Path | None, items: Iterator[Item], thumbnail_from: Callable[[], float]
    ) -> None:
        """Analyze all images; every result is put, and blocks its slots until `release`."""
        loop = asyncio.get_running_loop()
        try:
            async with started_pool(model, self._workers) as (pool, _), asyncio.TaskGroup() as tasks:
                analyzer = ItemAnalyzer(pool, thumbnail_from, self._readers)
                while listed := await loop.run_in_executor(self._lister, _take, items):
                    for item in listed:
                        slots, count = self._slots(item)
                        for _ in range(count):
                            await slots.acquire()
                        tasks.create_task(self._analyze(analyzer, item))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            # Not waited for: a thread may block in a source or on a network drive.
            self._lister.shutdown(wait=False, cancel_futures=True)
            self._readers.shutdown(wait=False, cancel_futures=True)

    async def _analyze(self, analyzer: ItemAnalyzer, item: Item) -> None:
        self._put(await analyzer.analyze(item))

    def _slots(self, item: Item) -> tuple[asyncio.Semaphore, int]:
        slots = self._remote if is_url(item.location) and item.content is None else self._local
        return slots, min(self._max_slots, 1 + len(item.content or b"") // _LARGE_BYTES)

    def release(self, item: Item) -> None:
        """Free the slots of an image whose result has been consumed."""
        slots, count = self._slots(item)
        for _ in range(count):
            slots.release()


def _take(items: Iterator[Item]) -> list[Item]:
    """Return the next few images, or one alone if it carries its content."""
    taken = []
    for item in items:
        taken.append(item)
        if len(taken) == _LIST_BATCH or item.content is not None:
            break
    return taken
