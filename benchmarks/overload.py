"""Measure a server at eight times its capacity.

    python benchmarks/overload.py [--seconds 20] [--out benchmarks/results/overload.md]

Four loads: one client; one client per worker, which gives the capacity; requests at eight times that rate,
without waiting for responses; and clients that retry at once after a rejection.
"""

import argparse
import asyncio
from pathlib import Path

from images import encoded, scene
from load import Sample, load, request
from machine import describe
from serving import serving
from tables import p50, publish, quantile, table

from veraface.utils import available_cores

HEADINGS = (
    "load",
    "analyzed per second",
    "rejected per second",
    "other",
    "analyzed p50 ms",
    "p99 ms",
    "rejected p50 ms",
    "p99 ms",
)


def figures(name: str, samples: list[Sample], seconds: float) -> list[object]:
    """Return one row of the table."""
    analyzed = [1000 * s.took for s in samples if s.status == 200]
    rejected = [1000 * s.took for s in samples if s.status in (429, 503)]
    other = len(samples) - len(analyzed) - len(rejected)
    times = [p50(analyzed), quantile(analyzed, 0.99), p50(rejected), quantile(rejected, 0.99)]
    return [name, len(analyzed) / seconds, len(rejected) / seconds, other, *times]


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    cores = available_cores()
    seconds = arguments.seconds
    rows = []
    with serving() as (url, _):
        sent = [request(f"{url}/api/predict", encoded(scene(2, 1), "JPEG"))]

        def measure(name: str, clients: int, rate: float | None = None) -> list[Sample]:
            samples = asyncio.run(load(url, sent, clients, seconds=seconds, rate=rate))
            rows.append(figures(name, samples, seconds))
            print(rows[-1], flush=True)
            return samples

        asyncio.run(load(url, sent, cores, seconds=3))
        measure("one client", 1)
        capacity = len(measure(f"{cores} clients, one per worker", cores)) / seconds
        measure(f"8 times the capacity: {8 * capacity:.0f} requests per second", 64 * cores, 8 * capacity)
        measure(f"{8 * cores} clients that never wait", 8 * cores)
    text = (
        "# Eight times the capacity\n\n"
        f"{describe()}; a 2-megapixel JPEG with one face; {arguments.seconds:g} s each.\n\n"
        f"{table(HEADINGS, rows)}"
    )
    publish(text, arguments.out)


if __name__ == "__main__":
    main()
