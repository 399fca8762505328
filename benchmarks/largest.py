"""Measure the peak memory of the largest allowed images, one per worker at once.

    python benchmarks/largest.py [--out benchmarks/results/largest.md]

The result is the memory that a container needs (docs/deployment.md).
"""

import argparse
import threading
import time
from pathlib import Path

import httpx
import psutil
from images import FORMATS, encoded, scene
from machine import describe
from serving import memory_mb, serving
from tables import table

WORKERS = 2
MEGAPIXELS = 51.9  # VERAFACE_MAX_PIXELS is 52 million
MAX_BYTES = 25 * 2**20  # VERAFACE_MAX_UPLOAD_BYTES


def peak_mb(url: str, server: psutil.Process, content: bytes) -> tuple[float, str]:
    """Return the peak memory while WORKERS such images are analyzed, and the HTTP statuses."""
    statuses: list[int] = []

    def send() -> None:
        response = httpx.post(f"{url}/api/predict", files={"image": ("image", content)}, timeout=300)
        statuses.append(response.status_code)

    senders = [threading.Thread(target=send) for _ in range(WORKERS)]
    for sender in senders:
        sender.start()
    peak = 0.0
    while any(sender.is_alive() for sender in senders):
        peak = max(peak, memory_mb(server))
        time.sleep(0.02)
    return peak, ", ".join(map(str, sorted(statuses)))


def main() -> None:
    """Measure each format on a new server and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    image = scene(MEGAPIXELS, faces=1)
    rows = []
    for kind in (*FORMATS, "AVIF"):
        # A PNG in full color would exceed the upload limit.
        content = encoded(image.quantize(64) if kind == "PNG" else image, kind)
        if len(content) > MAX_BYTES:
            raise SystemExit(f"{kind}: {len(content)} bytes exceed the upload limit")
        with serving(workers=str(WORKERS), deadline_s="300") as (url, server):
            idle = memory_mb(server)
            peak, statuses = peak_mb(url, server, content)
        rows.append([kind, len(content) / 1e6, idle, peak, (peak - idle) / WORKERS, statuses])
    headings = ("format", "file MB", "idle MB", "peak MB", "added per worker MB", "statuses")
    text = (
        f"# The largest images\n\n{describe()}; {WORKERS} workers, each with one image "
        f"of {MEGAPIXELS} megapixels at the same time.\n\n{table(headings, rows)}\n"
    )
    print(text)
    if out:
        out.write_text(text)


if __name__ == "__main__":
    main()
