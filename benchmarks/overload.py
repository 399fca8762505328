"""What a server does when eight times more is asked of it than it can do.

    python benchmarks/overload.py [--seconds 20] [--out benchmarks/results/overload.md]

First one client alone, then as many as keep the workers busy, then eight times as many, who come back at once
whenever they are turned away.
"""

import argparse
import asyncio
import io
import os
from pathlib import Path

import skimage.data
from load import Sample, load, percentile, request
from machine import describe
from PIL import Image
from serving import serving


def portrait() -> bytes:
    """A JPEG of 2 megapixels with one face."""
    buffer = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).resize((1414, 1414)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def row(name: str, samples: list[Sample], seconds: float) -> str:
    """One line of the table."""
    judged = [1000 * s.took for s in samples if s.status == 200]
    away = [1000 * s.took for s in samples if s.status in (429, 503)]
    other = len(samples) - len(judged) - len(away)
    times = [percentile(judged, 0.5), percentile(judged, 0.99), percentile(away, 0.5), percentile(away, 0.99)]
    cells = [f"{len(judged) / seconds:.1f}", str(len(away)), str(other), *(f"{time:.0f}" for time in times)]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    loads = {"one client": 1, f"{cores} clients, one a worker": cores, f"{8 * cores} clients": 8 * cores}
    lines = [
        "# Asked for eight times what it can do\n",
        f"{describe()}; a 2-megapixel JPEG with one face; {arguments.seconds:g} s each.\n",
        "| load | judged a second | turned away | other | judged p50 ms | p99 ms | away p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with serving() as (url, _):
        sent = [request(f"{url}/api/predict", portrait())]
        asyncio.run(load(url, sent, cores, seconds=3))
        for name, clients in loads.items():
            samples = asyncio.run(load(url, sent, clients, seconds=arguments.seconds))
            lines.append(row(name, samples, arguments.seconds))
            print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
