"""The engine that uses a Ray cluster: images are read and judged where Ray Data has room for them."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from veraface.errors import DataError, VerafaceError
from veraface.models.card import ModelCard
from veraface.models.classifier import DEFAULT_MODEL
from veraface.scan.engine import Job, Judged, PictureJudge, read_and_hash, started_pool
from veraface.scan.item import Item
from veraface.utils import needs_extra

_AT_ONCE = 50_000  # images handed to Ray together; the names of so many fit the driver's memory easily
_BYTES_AT_ONCE = 256 * 2**20  # of those whose content is handed over with them, as from archives
_BATCH = 8  # images that an actor takes at a time; `benchmarks/scan.py ray` compares sizes

_Result = TypeVar("_Result")


class RayEngine:
    """Judges on a Ray cluster, through Ray Data: each actor loads the model once, for a confined worker.

    Where RAY_ADDRESS is set, that cluster is used, otherwise the one that runs on this machine, or a new one.
    Every machine of it needs Veraface with the extra `ray`, and the images under the same paths or URLs.

    Args:
        workers: The most actors, each on one core; as many as the cluster has cores if None.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def run(self, items: Iterator[Item], job: Job) -> None:
        """As `Engine` has it."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # or Ray reports to its makers
        with needs_extra("ray"):
            import ray
        try:
            if not ray.is_initialized():
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
            ray.data.DataContext.get_current().enable_progress_bars = False
            logging.getLogger("ray.data").setLevel(logging.ERROR)  # it would tell of each of its steps
            self._run(items, job)
        except ray.exceptions.RayError as error:
            raise VerafaceError(
                f"the Ray cluster could not go on: {_first_line(error)}; see its logs"
            ) from error

    def _run(self, items: Iterator[Item], job: Job) -> None:
        import ray

        card = ModelCard.load((job.model or DEFAULT_MODEL).with_suffix(".json"))
        job.begin({"name": card.name, "version": card.version, "sha256": card.sha256})
        cores: float = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]  # Ray has none
        workers = self._workers or max(1, int(cores))
        for claimed in _together(filter(job.claim, items)):
            self._judge(claimed, job, workers, card.sha256)

    def _judge(self, items: list[Item], job: Job, workers: int, sha256: str) -> None:
        import ray

        blocks = max(1, min(len(items) // _BATCH, 16 * workers))
        model = None if job.model is None else str(job.model.resolve())
        listed = ray.data.from_items(list(map(_columns, count(), items)), override_num_blocks=blocks)
        judged = listed.map_batches(
            _Judge,
            batch_size=_BATCH,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, blocks)),
            fn_constructor_args=(model, sha256, job.thumbnail_from()),
        )
        for row in judged.iter_rows():
            told = json.loads(row["judged"])
            job.keep(Judged(items[row["at"]], told["facts"], told["record"], told["thumbnail"]))


def _together(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Parts of some thousands, or fewer where they are large."""
    taken, held = list[Item](), 0
    for item in items:
        taken.append(item)
        held += len(item.content or b"")
        if len(taken) == _AT_ONCE or held > _BYTES_AT_ONCE:
            yield taken
            taken, held = [], 0
    if taken:
        yield taken


def _columns(at: int, item: Item) -> dict[str, Any]:
    """An item as Ray's tables can hold it, whose columns have one type each and no None."""
    facts = {name: value for name, value in vars(item).items() if name != "content"}
    return {
        "at": at,
        "facts": json.dumps(facts),
        "whole": item.content is not None,
        "content": item.content or b"",
    }


def _item(facts: str, whole: bool, content: bytes) -> Item:
    return Item(**json.loads(facts), content=content if whole else None)


class _Judge:
    """An actor of Ray Data: keeps a confined worker, and has it judge batches of images."""

    def __init__(self, model: str | None, sha256: str, thumbnail_from: float) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        pool = started_pool(None if model is None else Path(model), workers=1)
        workers, info = self._wait(pool.__aenter__())
        if info["sha256"] != sha256:
            message = "a machine of the cluster has another model; install the same Veraface everywhere"
            raise DataError(message)
        self._judge = PictureJudge(workers, lambda: thumbnail_from)
        self._pool = pool  # ends with the actor

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        items = list(map(_item, batch["facts"], batch["whole"], batch["content"]))
        return {"at": batch["at"], "judged": self._wait(self._all(items))}

    async def _all(self, items: list[Item]) -> list[str]:
        return [_told(judged) for judged in await asyncio.gather(*map(self._one, items))]

    async def _one(self, item: Item) -> Judged:
        return await self._judge.judge(item, lambda item: asyncio.to_thread(read_and_hash, item))


def _told(judged: Judged) -> str:
    return json.dumps({"facts": judged.facts, "record": judged.record, "thumbnail": judged.thumbnail})


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
