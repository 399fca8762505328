"""What a server does when eight times more is asked of it than it can do.

    python benchmarks/overload.py [--seconds 20] [--out benchmarks/results/overload.md]

First one client alone, then as many as keep the workers busy; then eight times as many requests a second as
were judged then, whatever becomes of them; last, clients who come back at once whenever they are turned away.
"""

import argparse
import asyncio
from pathlib import Path

from load import Sample, load, request
from machine import describe
from pictures import encoded, scene
from serving import serving
from tables import p50, quantile, table

from veraface.utils import available_cores

HEADINGS = (
    "load",
    "judged a second",
    "turned away a second",
    "other",
    "judged p50 ms",
    "p99 ms",
    "away p50 ms",
    "p99 ms",
)


def figures(name: str, samples: list[Sample], seconds: float) -> list[object]:
    """One row of the table."""
    judged = [1000 * s.took for s in samples if s.status == 200]
    away = [1000 * s.took for s in samples if s.status in (429, 503)]
    other = len(samples) - len(judged) - len(away)
    times = [p50(judged), quantile(judged, 0.99), p50(away), quantile(away, 0.99)]
    return [name, len(judged) / seconds, len(away) / seconds, other, *times]


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

        def ask(name: str, clients: int, rate: float | None = None) -> list[Sample]:
            samples = asyncio.run(load(url, sent, clients, seconds=seconds, rate=rate))
            rows.append(figures(name, samples, seconds))
            print(rows[-1], flush=True)
            return samples

        asyncio.run(load(url, sent, cores, seconds=3))
        ask("one client", 1)
        capacity = len(ask(f"{cores} clients, one a worker", cores)) / seconds
        ask(f"8 times as much: {8 * capacity:.0f} requests a second", 64 * cores, 8 * capacity)
        ask(f"{8 * cores} clients who never wait", 8 * cores)
    text = (
        "# Asked for eight times what it can do\n\n"
        f"{describe()}; a 2-megapixel JPEG with one face; {arguments.seconds:g} s each.\n\n"
        f"{table(HEADINGS, rows)}"
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
