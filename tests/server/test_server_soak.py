"""A server at capacity keeps its results and its memory. Minutes instead of requests: benchmarks/soak.py."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from tests.examples import PROFILE
from tests.waiting import wait_until
from veraface.utils import available_cores

# Requests instead of seconds: a busy machine takes longer for the same work.
DEEP = PROFILE == "deep"
WARM_UP = 70  # every worker has then seen each kind
REQUESTS = 7000 if DEEP else 210  # at capacity
MORE_REQUESTS = 4000 if DEEP else 120  # at four times as much


@dataclass
class Answer:
    at: float  # seconds since the beginning
    seconds: float
    image: str
    status: int
    body: dict[str, Any]


@pytest.fixture
def images(
    portrait: Image.Image, face: bytes, no_face: bytes, corrupt: bytes, encode: Callable[..., bytes]
) -> dict[str, bytes]:
    """Return images by name; valid ones are more frequent than refused ones."""
    large = portrait.resize((1400, 1400), Image.Resampling.BICUBIC)
    return {
        "JPEG": face,
        "large JPEG": encode(large, "JPEG", quality=85),
        "PNG": encode(portrait, "PNG"),
        "WebP": encode(portrait, "WEBP"),
        "without a face": no_face,
        "cut off": corrupt,
        "no image": b"nothing of the kind",
    }


async def ask(url: str, images: dict[str, bytes], clients: int, requests: int) -> list[Answer]:
    """Return the responses to `clients` clients that together send so many images, each one after another."""
    answers = []
    turns = itertools.islice(itertools.cycle(images.items()), requests)
    started = time.perf_counter()

    async def client(http: httpx.AsyncClient) -> None:
        for name, image in turns:
            began = time.perf_counter() - started
            response = await http.post("/api/predict?heatmap=false", files={"image": ("a", image)})
            took = time.perf_counter() - started - began
            answers.append(Answer(began, took, name, response.status_code, response.json()))
            if response.status_code == 503:
                await asyncio.sleep(0.1)  # far less than it asks for; without, the clients would be measured

    async with httpx.AsyncClient(base_url=url, timeout=300) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    return answers


async def watched(server: Any, work: Any) -> tuple[list[Answer], list[float]]:
    """The answers, and the memory in MB, looked at twice a second meanwhile."""
    memory = []
    task = asyncio.create_task(work)
    while not task.done():
        memory.append(await asyncio.to_thread(server.memory_mb))
        await asyncio.wait({task}, timeout=0.5)
    return task.result(), memory


@pytest.mark.generative
@pytest.mark.skipif(not hasattr(psutil.Process, "memory_full_info"), reason="needs memory counted by process")
def test_many_requests_at_capacity_change_nothing(
    own_server: Any, run_async: Callable[..., Any], images: dict[str, bytes]
) -> None:
    def soak(clients: int, requests: int) -> tuple[list[Answer], list[float]]:
        async def run() -> tuple[list[Answer], list[float]]:
            return await watched(own_server, ask(own_server.url, images, clients, requests))

        found: tuple[list[Answer], list[float]] = run_async(run)
        return found

    cores = available_cores()
    soak(cores, WARM_UP)
    answers, memory = soak(2 * cores, REQUESTS)
    pressed, _ = soak(8 * cores, MORE_REQUESTS)

    # The same image, the same answer, from the first to the last, whatever came beside it.
    bodies: dict[str, set[str]] = {}
    for answer in answers + pressed:
        if answer.status != 503:
            error = {**answer.body.get("error", {}), "request_id": None}
            same = {**answer.body, "timing_ms": None, "error": error}
            bodies.setdefault(answer.image, set()).add(str(same))
    assert {name: len(different) for name, different in bodies.items()} == dict.fromkeys(images, 1)

    assert {answer.status for answer in answers} <= {200, 422, 415, 503}
    answers.sort(key=lambda answer: answer.at)
    early, late = answers[: REQUESTS // 2], answers[REQUESTS // 2 :]
    analyzed = [sum(answer.status == 200 for answer in half) for half in (early, late)]
    accepted = [answer.seconds for answer in pressed if answer.status == 200]
    turned_away = [answer.seconds for answer in pressed if answer.status == 503]
    half = len(memory) // 2
    grown = mean(memory[half:]) / mean(memory[:half])
    print(
        f"{analyzed} images in {answers[-1].at:.0f} s, memory {mean(memory):.0f} MB, most {max(memory):.0f},"
    )
    print(f"{grown:.2f} times; then {len(accepted)} accepted in {max(a.at for a in pressed):.0f} s,")
    print(f"{len(turned_away)} turned away within {1000 * median(turned_away):.0f} ms")

    for half_of_answers in (early, late):  # all kinds are still processed, however busy the machine is
        assert {a.image for a in half_of_answers if a.status != 503} == set(images)
    assert grown < 1.1
    assert {answer.status for answer in pressed} <= {200, 422, 415, 503}
    assert median(turned_away) < median(accepted)
    assert own_server.process.poll() is None
    assert "Traceback" not in own_server.log()

    # Without requests, workers return what they keep for the next image: 34 MB each.
    processes = psutil.Process(own_server.process.pid).children(recursive=True)
    wait_until(lambda: max(process.memory_full_info().uss for process in processes) < 20e6)
