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
    """Return the table of milliseconds per request by process, and that of the stages in one process."""
    rows, stages = [], []
    for model in ALIASES:
        stages.append([model, *_stages(model, image, requests)])
        with serving(model=model) as (url, server):
            client, parent, workers = milliseconds(url + "/api/predict", image, requests, server)
        rows.append([model, client, parent, workers, parent + workers])
        print(rows[-1], flush=True)
    by_process = table(["model", "client", "HTTP process", "workers", "server in all"], rows)
    note = "\nThe stages in one thread, each model before its server; compare them with each other only:\n\n"
    return by_process + note + table(["model", *_STAGES], stages)


def milliseconds(url: str, image: bytes, requests: int, server: psutil.Process) -> tuple[float, float, float]:
    """Send requests to a server; return the milliseconds of each here, in its process, and in its others."""
    sent = [request(url, image)]
    asyncio.run(load(url, sent, 2, count=10, wait=True))
    before = _used(server)
    samples = asyncio.run(load(url, sent, 4, count=requests, wait=True))
    after = _used(server)
    if failed := [sample.status for sample in samples if sample.status != 200]:
        raise SystemExit(f"{url}: requests failed: {failed[:5]}")
    own, parent, others = (1000 * (b - a) / requests for a, b in zip(before, after, strict=True))
    return own, parent, others


def _used(server: psutil.Process) -> tuple[float, float, float]:
    """Return the seconds used by this process, by a server, and by its descendants, ended ones included."""
    parent = server.cpu_times()
    others = [sum(process.cpu_times()[:4]) for process in server.children(recursive=True)]
    return sum(os.times()[:2]), parent.user + parent.system, sum(others)


def _stages(model: str, image: bytes, runs: int) -> list[float]:
    """Return the milliseconds of each stage of a warm detector with one thread, as workers have it."""
    detector = Detector(model, threads=1)
    clocks = ("veraface.detector.perf_counter", "veraface.imaging.lazy.perf_counter")
    with patch(clocks[0], time.process_time), patch(clocks[1], time.process_time):
        times = [detector.detect(image, heatmap=False).timing_ms for _ in range(runs + 3)][3:]
    return [sum(took[stage] for took in times) / runs for stage in _STAGES]
