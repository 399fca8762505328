"""A server at capacity for minutes: does it keep its speed and its memory?

    python benchmarks/soak.py [--minutes 10] [--out benchmarks/results/soak.md]

As many clients as fill the queue send pictures of several formats and sizes, broken ones among them.
"""

import argparse
import asyncio
import io
from collections import Counter
from pathlib import Path

import psutil
import skimage.data
from load import Sample, load, percentile, request
from machine import describe
from PIL import Image
from serving import memory_mb, serving

ROWS = 10  # of the table


def pictures() -> list[bytes]:
    """A portrait as phones and web sites save it, a wall without a face, and files that are broken."""
    portrait = Image.fromarray(skimage.data.astronaut())
    made = [
        _saved(portrait.resize((side, side)), kind)
        for kind, side in (("JPEG", 550), ("JPEG", 1400), ("PNG", 700), ("WEBP", 900), ("JPEG", 3000))
    ]
    return [*made, _saved(Image.new("RGB", (800, 600), "grey"), "JPEG"), made[0][:5000], b"no picture"]


def _saved(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=88)
    return buffer.getvalue()


async def soak(url: str, server: psutil.Process, minutes: float) -> tuple[list[Sample], list[float]]:
    """All samples, and the memory in MB at the end of each part of the time."""
    requests = [request(f"{url}/api/predict", picture) for picture in pictures()]
    samples: list[Sample] = []
    memory = []
    part = 60 * minutes / ROWS
    for index in range(ROWS):
        found = await load(url, requests, 4, seconds=part)
        samples += [Sample(s.at + index * part, s.took, s.status, s.retry_after) for s in found]
        memory.append(memory_mb(server))
        print(f"{(index + 1) * part:.0f} s: {len(found)} requests, {memory[-1]:.0f} MB", flush=True)
    return samples, memory


def table(samples: list[Sample], memory: list[float], minutes: float) -> str:
    """The result as Markdown."""
    part = 60 * minutes / ROWS
    lines = [
        f"# {minutes:g} minutes at capacity\n",
        f"{describe()}; 4 clients without a pause; portraits up to 9 megapixels, broken files among them.\n",
        "| until | requests | judged | refused | turned away | other | p50 ms | p99 ms | memory MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for index, megabytes in enumerate(memory):
        inside = [s for s in samples if index * part <= s.at < (index + 1) * part]
        kinds = Counter("judged" if s.status == 200 else str(s.status) for s in inside)
        refused = sum(kinds[status] for status in ("413", "415", "422"))
        away = kinds["503"] + kinds["429"]
        took = [1000 * s.took for s in inside if s.status == 200]
        cells = [len(inside), kinds["judged"], refused, away, len(inside) - kinds["judged"] - refused - away]
        times = [f"{percentile(took, 0.5):.0f}", f"{percentile(took, 0.99):.0f}", f"{megabytes:.0f}"]
        lines.append(
            f"| {(index + 1) * part / 60:.1f} min | " + " | ".join([*map(str, cells), *times]) + " |"
        )
    grown = 100 * (memory[-1] / memory[0] - 1)
    lines.append(f"\nMemory from the first row to the last: {grown:+.1f} %.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    with serving() as (url, server):
        samples, memory = asyncio.run(soak(url, server, arguments.minutes))
    text = table(samples, memory, arguments.minutes)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
