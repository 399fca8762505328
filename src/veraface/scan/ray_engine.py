"""The engine for a Ray cluster: Ray Data schedules reading and analyzing the images."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from veraface.errors import DataError, VerafaceError
from veraface.scan.engine import Engine, ItemAnalyzer, ItemResult, Results, started_pool
from veraface.scan.item import Item
from veraface.utils import needs_extra

_PART = 50_000  # images per Ray data set; that many names fit into the driver's memory
_PART_BYTES = 256 * 2**20  # of content that is passed along, as from archives
_BATCH = 8  # images per call of an actor; `benchmarks/scan.py ray` compares sizes


class RayEngine(Engine):
    """Analyzes images on a Ray cluster through Ray Data; each actor has a sandboxed worker with the model.

    Uses the cluster of RAY_ADDRESS, or the one that runs on this machine, or starts one. Every machine needs
    Veraface with the extra `ray`, and access to the images by the same paths or URLs. `workers` is the
    maximum number of actors, each on one core; the number of cores of the cluster if None.
    """

    def process(self, items: Iterator[Item], thumbnail_from: Callable[[], float]) -> Results:
        """See `Engine`."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray sends usage statistics otherwise
        with needs_extra("ray"):
            import ray
        try:
            if not ray.is_initialized():
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
            ray.data.DataContext.get_current().enable_progress_bars = False
            logging.getLogger("ray.data").setLevel(logging.ERROR)  # it logs every step otherwise
            cores: float = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]  # untyped
            workers = self._workers or max(1, int(cores))
            sha256 = self.model_info()["sha256"]
            for part in _parts(items):
                yield from self._process(part, workers, sha256, thumbnail_from())
        except ray.exceptions.RayError as error:
            lines = (line for line in str(error).splitlines() if line.strip())
            reason = next(lines, type(error).__name__)
            raise VerafaceError(f"the Ray cluster failed: {reason}; see its logs") from error

    def _process(
        self, items: list[Item], workers: int, sha256: str, thumbnail_from: float
    ) -> Iterator[ItemResult]:
        import ray

        blocks = max(1, min(len(items) // _BATCH, 16 * workers))
        is_file = self._model is not None and str(self._model).endswith(".onnx")
        model = str(Path(self._model).resolve()) if self._model and is_file else self._model
        listed = ray.data.from_items(list(map(_to_columns, count(), items)), override_num_blocks=blocks)
        analyzed = listed.map_batches(
            _Actor,
            batch_size=_BATCH,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, blocks)),
            fn_constructor_args=(model, sha256, thumbnail_from),
        )
        for row in analyzed.iter_rows():
            result = json.loads(row["result"])
            yield ItemResult(items[row["number"]], result["facts"], result["record"], result["thumbnail"])


def _parts(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Split the images into parts of `_PART`, or fewer if their content is large."""
    part, held = list[Item](), 0
    for item in items:
        part.append(item)
        held += len(item.content or b"")
        if len(part) == _PART or held > _PART_BYTES:
            yield part
            part, held = [], 0
    if part:
        yield part


def _to_columns(number: int, item: Item) -> dict[str, Any]:
    """Return an item as a row of a Ray data set, whose columns have one type each and no None."""
    fields, content = item.packed()
    return {"number": number, "fields": json.dumps(fields), "content": content}


class _Actor:
    """A Ray Data actor with one sandboxed worker, which analyzes batches of images."""

    def __init__(self, model: str | None, sha256: str, thumbnail_from: float) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._pool = started_pool(model, workers=1)  # ends with the actor
        start = self._pool.__aenter__()
        workers, info = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        if info["sha256"] != sha256:
            raise DataError(
                "a machine of the cluster has another model; install the same Veraface everywhere"
            )
        self._analyzer = ItemAnalyzer(workers, lambda: thumbnail_from)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        items = list(map(Item.unpacked, map(json.loads, batch["fields"]), batch["content"]))
        results = asyncio.run_coroutine_threadsafe(self._analyze_all(items), self._loop).result()
        return {"number": batch["number"], "result": results}

    async def _analyze_all(self, items: list[Item]) -> list[str]:
        results = await asyncio.gather(*map(self._analyzer.analyze, items))
        names = ("facts", "record", "thumbnail")
        return [json.dumps({name: getattr(result, name) for name in names}) for result in results]
