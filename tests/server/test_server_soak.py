"""A minute at capacity: the server keeps its answers, its speed and its memory. Ten: benchmarks/soak.py."""

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

from veraface.utils import available_cores

SECONDS = 50  # at capacity
MORE_SECONDS = 10  # at eight times as much


@dataclass
class Answer:
    at: float  # seconds since the beginning
    seconds: float
    picture: str
    status: int
    said: dict[str, Any]


@pytest.fixture
def pictures(
    portrait: Image.Image, face: bytes, no_face: bytes, corrupt: bytes, encode: Callable[..., bytes]
) -> dict[str, bytes]:
    """By name; what is to be judged comes more often than what is refused."""
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


async def ask(url: str, pictures: dict[str, bytes], clients: int, seconds: float) -> list[Answer]:
    """All answers to so many clients who send one image after another."""
    answers = []
    turns = itertools.cycle(pictures.items())
    started = time.perf_counter()

    async def client(http: httpx.AsyncClient) -> None:
        while (began := time.perf_counter() - started) < seconds:
            name, image = next(turns)
            response = await http.post("/api/predict?heatmap=false", files={"image": ("a", image)})
            took = time.perf_counter() - started - began
            answers.append(Answer(began, took, name, response.status_code, response.json()))
            if response.status_code == 503:
                await asyncio.sleep(0.1)  # far less than it asks for; without, the clients would be measured

    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
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


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_full_info"), reason="needs memory counted by process")
def test_a_minute_at_capacity_changes_nothing(
    own_server: Any, run_async: Callable[..., Any], pictures: dict[str, bytes]
) -> None:
    def soak(clients: int, seconds: float) -> tuple[list[Answer], list[float]]:
        async def run() -> tuple[list[Answer], list[float]]:
            return await watched(own_server, ask(own_server.url, pictures, clients, seconds))

        found: tuple[list[Answer], list[float]] = run_async(run)
        return found

    cores = available_cores()
    soak(cores, 5)  # what every worker takes once it has seen each kind
    answers, memory = soak(2 * cores, SECONDS)
    pressed, _ = soak(8 * cores, MORE_SECONDS)

    # The same image, the same answer, from the first to the last, whatever came beside it.
    said: dict[str, set[str]] = {}
    for answer in answers + pressed:
        if answer.status != 503:
            error = {**answer.said.get("error", {}), "request_id": None}
            same = {**answer.said, "timing_ms": None, "error": error}
            said.setdefault(answer.picture, set()).add(str(same))
    assert {name: len(different) for name, different in said.items()} == dict.fromkeys(pictures, 1)

    assert {answer.status for answer in answers} <= {200, 422, 415, 503}
    early, late = ([a for a in answers if (a.at < SECONDS / 2) is first] for first in (True, False))
    judged = [sum(answer.status == 200 for answer in half) for half in (early, late)]
    turned_away = [answer.seconds for answer in pressed if answer.status == 503]
    half = len(memory) // 2
    grown = mean(memory[half:]) / mean(memory[:half])
    print(f"{judged} images, memory {mean(memory):.0f} MB, most {max(memory):.0f}, {grown:.2f} times,")
    print(f"{len(turned_away)} turned away within {1000 * median(turned_away):.0f} ms")

    for half_of_answers in (early, late):  # all kinds are still processed, however busy the machine is
        assert {a.picture for a in half_of_answers if a.status != 503} == set(pictures)
    assert grown < 1.1
    assert {answer.status for answer in pressed} <= {200, 422, 415, 503}
    accepted = [answer.seconds for answer in pressed if answer.status == 200]
    assert median(turned_away) < median(accepted)
    assert own_server.process.poll() is None
    assert "Traceback" not in own_server.log()
