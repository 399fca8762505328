"""Measure speed and memory of a server at capacity over minutes.

    python benchmarks/soak.py [--minutes 10] [--out benchmarks/results/soak.md]

Enough clients to fill the queue send images of several formats and sizes, including broken ones.
"""

import argparse
import asyncio
from pathlib import Path

import psutil
from images import encoded, scene
from load import Sample, load, request
from machine import describe
from serving import memory_mb, serving
from tables import p50, publish, quantile, table

ROWS = 10  # of the table
HEADINGS = (
    "minute",
    "requests",
    "analyzed",
    "invalid",
    "rejected",
    "other",
    "p50 ms",
    "p99 ms",
    "memory MB",
)


def files() -> list[bytes]:
    """Return portraits in several formats, an image without a face, and broken files."""
    portraits = [("JPEG", 0.3), ("JPEG", 2), ("PNG", 0.5), ("WEBP", 0.8), ("JPEG", 9)]
    made = [encoded(scene(megapixels, 1), kind) for kind, megapixels in portraits]
    return [*made, encoded(scene(0.5, 0), "JPEG"), made[0][:5000], b"not an image"]


async def soak(url: str, server: psutil.Process, minutes: float) -> tuple[list[Sample], list[float]]:
    """Return all samples, and the memory in MB at the end of each part of the time."""
    requests = [request(f"{url}/api/predict", image) for image in files()]
    samples: list[Sample] = []
    memory = []
    part = 60 * minutes / ROWS
    for index in range(ROWS):
        found = await load(url, requests, 4, seconds=part)
        samples += [Sample(s.at + index * part, s.took, s.status, s.retry_after) for s in found]
        memory.append(memory_mb(server))
        print(f"{(index + 1) * part:.0f} s: {len(found)} requests, {memory[-1]:.0f} MB", flush=True)
    return samples, memory


def report(samples: list[Sample], memory: list[float], minutes: float) -> str:
    """Return the result as Markdown."""
    part = 60 * minutes / ROWS
    rows = []
    for index, megabytes in enumerate(memory):
        inside = [s for s in samples if index * part <= s.at < (index + 1) * part]
        took = [1000 * s.took for s in inside if s.status == 200]
        invalid = sum(s.status in (413, 415, 422) for s in inside)
        rejected = sum(s.status in (429, 503) for s in inside)
        other = len(inside) - len(took) - invalid - rejected
        counts = [len(inside), len(took), invalid, rejected, other]
        rows.append([(index + 1) * part / 60, *counts, p50(took), quantile(took, 0.99), megabytes])
    return (
        f"# {minutes:g} minutes at capacity\n\n"
        f"{describe()}; 4 clients without a pause; portraits of up to 9 megapixels, and broken files.\n\n"
        f"{table(HEADINGS, rows)}\n"
        f"Memory from the first row to the last: {100 * (memory[-1] / memory[0] - 1):+.1f}%.\n"
    )


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    with serving() as (url, server):
        samples, memory = asyncio.run(soak(url, server, arguments.minutes))
    text = report(samples, memory, arguments.minutes)
    publish(text, arguments.out)


if __name__ == "__main__":
    main()
