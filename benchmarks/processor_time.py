"""Measure the processor time of a request, which other programs disturb less than the time on the clock."""

import asyncio
import os
import time
from unittest.mock import patch

import psutil
from load import load, request
from serving import serving
from tables import table

from veraface import Detector
from veraface.models.registry import ALIASES

_STAGES = ("decode", "faces", "model")


def of_a_request(image: bytes, requests: int) -> str:
    """Return the table of milliseconds per request, by process and, inside workers, by stage."""
    rows = []
    for model in ALIASES:
        stages = _stages(model, image, requests)
        with serving(model=model) as (url, server):
            parent, workers, client = milliseconds(url + "/api/predict", image, requests, server)
        rest = workers - sum(stages)
        rows.append([model, client, parent, *stages, rest, parent + workers])
        print(rows[-1], flush=True)
    headings = ["model", "client", "HTTP process", *(f"worker: {name}" for name in _STAGES)]
    note = "\nRest: provenance, JSON, messages, memory, starts of workers. The sum is without the client.\n"
    return table([*headings, "worker: rest", "server in all"], rows) + note


def milliseconds(url: str, image: bytes, requests: int, server: psutil.Process) -> tuple[float, float, float]:
    """Send requests to a server; return the milliseconds of each in its process, its others, and this one."""
    sent = [request(url, image)]
    asyncio.run(load(url, sent, 2, count=10, wait=True))
    before = _used(server)
    samples = asyncio.run(load(url, sent, 4, count=requests, wait=True))
    after = _used(server)
    if failed := [sample.status for sample in samples if sample.status != 200]:
        raise SystemExit(f"{url}: requests failed: {failed[:5]}")
    parent, others, own = (1000 * (b - a) / requests for a, b in zip(before, after, strict=True))
    return parent, others, own


def _used(server: psutil.Process) -> tuple[float, float, float]:
    """Return the seconds used by a server, by its descendants, ended ones included, and by this process."""
    own = server.cpu_times()
    others = [sum(process.cpu_times()[:4]) for process in server.children(recursive=True)]
    return own.user + own.system, sum(others), sum(os.times()[:2])


def _stages(model: str, image: bytes, runs: int) -> list[float]:
    """Return the milliseconds of each stage of a warm detector with one thread, as workers have it."""
    detector = Detector(model, threads=1)
    clocks = ("veraface.detector.perf_counter", "veraface.imaging.lazy.perf_counter")
    with patch(clocks[0], time.process_time), patch(clocks[1], time.process_time):
        times = [detector.detect(image, heatmap=False).timing_ms for _ in range(runs + 3)][3:]
    return [sum(took[stage] for took in times) / runs for stage in _STAGES]
