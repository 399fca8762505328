"""Measure a real server: throughput and p99 by the number of clients, and memory."""

import asyncio
import time
from collections.abc import Sequence
from statistics import mean

from load import load, request
from psutil import Process
from serving import memory_mb, serving
from tables import p50, quantile, table

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
_PATH = "/api/predict"
_PARTS = 10  # of the measurement of memory


def measure(url: str, image: bytes, clients: int, seconds: float) -> list[float]:
    """Return images per second, p50 and p99 in ms, and the number of rejections; rejected clients wait."""
    started = time.perf_counter()
    samples = asyncio.run(load(url, [request(url, image)], clients, seconds=seconds, wait=True))
    wall = time.perf_counter() - started
    times = [1000 * sample.took for sample in samples if sample.status == 200]
    rejected = sum(sample.status in (429, 503) for sample in samples)
    if len(times) + rejected < len(samples):
        raise SystemExit(f"{url}: {len(samples) - len(times) - rejected} requests failed")
    return [len(times) / wall, p50(times), quantile(times, 0.99), float(rejected)]


def throughput(image: bytes, seconds: float) -> str:
    """Return the table by number of clients, with default settings, so the queue is bounded."""
    rows = []
    with serving() as (url, _):
        measure(url + _PATH, image, 2, 2)
        for clients in CLIENTS:
            rows.append([clients, *measure(url + _PATH, image, clients, seconds)])
            print(rows[-1], flush=True)
    return table(["clients", "images per second", "p50 ms", "p99 ms", "rejected"], rows)


def memory(images: Sequence[bytes], requests: int) -> str:
    """Return the table of resident memory: idle, in each tenth of the requests, and idle again."""
    rows: list[list[object]] = []
    means: list[float] = []
    with serving() as (url, server):
        time.sleep(1)
        rows.append(["idle", *2 * [memory_mb(server)]])
        sent = [request(url + _PATH, image) for image in images]
        expected = {sample.status for sample in asyncio.run(load(url + _PATH, sent, 1, count=len(sent)))}
        if not expected <= {200, 422}:  # 422: one of the images has no face
            raise SystemExit(f"the server responds with {expected}")
        step = max(1, requests // _PARTS)
        for done in range(0, step * _PARTS, step):
            samples, seen = asyncio.run(_watched(url + _PATH, sent, step, server))
            if failed := [s.status for s in samples if s.status not in expected]:
                raise SystemExit(f"requests failed: {failed[:5]}")
            means.append(mean(seen))
            rows.append([f"requests {done + 1} to {done + step}", means[-1], max(seen)])
            print(rows[-1], flush=True)
        time.sleep(3)  # after a second without requests, workers return what they keep
        rows.append(["idle again", *2 * [memory_mb(server)]])
    grown = 100 * (means[-1] / means[0] - 1)
    note = f"\nMean of the last part relative to the first: {grown:+.1f}%.\n"
    return table(["server and its processes, PSS in MB", "mean", "max"], rows) + note


async def _watched(url: str, sent: Sequence[bytes], count: int, server: Process) -> tuple[list, list[float]]:
    """Send `count` requests from two clients, and sample the memory ten times a second."""
    seen = []
    work = asyncio.create_task(load(url, sent, 2, count=count))
    while not work.done():
        seen.append(await asyncio.to_thread(memory_mb, server))
        await asyncio.wait({work}, timeout=0.1)
    return work.result(), seen
