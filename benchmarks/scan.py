"""Measure the throughput of `veraface scan` relative to one core, and its memory over many images.

    python benchmarks/scan.py rate [--images 400] [--rounds 3]
    python benchmarks/scan.py memory [--images 100000]
    python benchmarks/scan.py own [--images 200000]
    python benchmarks/scan.py ray [--images 400]

With --out the result is also written to a file. The baseline is one core alone: `Detector.detect` on the
same files, sequentially, in a process that may use one core only. A scan could reach as many times that as
there are cores.
"""

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
from images import encoded, scene
from machine import cores, describe
from serving import memory_mb
from tables import publish, table

from veraface.models.registry import ALIASES
from veraface.scan.engine import Engine, ItemResult, LocalEngine
from veraface.scan.item import Item
from veraface.scan.session import Output, scan

ALONE = """
import os, sys, time
from pathlib import Path
import onnxruntime  # first: imported on one core, it leaves AMX unused (benchmarks/results/tried.md)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from veraface import Detector
detector = Detector(sys.argv[3], threads=1)
detector.warm_up()
paths = sorted(Path(sys.argv[1]).iterdir())[: int(sys.argv[2])]
started = time.perf_counter()
for path in paths:
    detector.detect(path, heatmap=False)
print(len(paths) / (time.perf_counter() - started))
"""


def copies(folder: Path, count: int, *images: bytes) -> None:
    """Write files that repeat the images, each with a different comment, so that all bytes differ."""
    folder.mkdir()
    for number in range(count):
        image = images[number % len(images)]
        comment = b"%08d" % number
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        (folder / f"{number:07}.jpg").write_bytes(image[:2] + segment + image[2:])


def alone(folder: Path, count: int, model: str) -> float:
    """Return images per second of one core."""
    command = [sys.executable, "-c", ALONE, str(folder), str(count), model]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def scanned(
    folder: Path, engine: Engine, watch: Callable[[int], None] = lambda _: None
) -> tuple[float, float]:
    """Return images per second in steady state, and of the whole scan including start and table.

    Steady state begins after a quarter of the images: by then every worker has returned its first batch.
    """
    quarter = sum(1 for _ in folder.iterdir()) // 4
    with tempfile.TemporaryDirectory() as out:
        done, first, last = 0, 0.0, 0.0

        def note(finished: int, _: int) -> None:
            nonlocal done, first, last
            done, last = finished, time.perf_counter()
            if done == quarter:
                first = last
            watch(done)

        summary = scan([str(folder)], Output(Path(out, "t.parquet")), engine, progress=note)
    return (done - quarter) / (last - first), summary.analyzed / summary.seconds


def rate(folder: Path, count: int, rounds: int) -> str:
    """Return the table of rates; scan and baseline alternate, because the speed of the machine varies."""
    copies(folder / "p", count, encoded(scene(2, 1), "JPEG"))
    rows: list[list[Any]] = []
    for model in ALIASES:
        measured = []
        for number in range(rounds):
            one = alone(folder / "p", count // 4, model)
            steady, whole = scanned(folder / "p", LocalEngine(cores(), model))
            floor = cores() * one
            measured.append([one, steady, whole, 100 * steady / floor, 100 * whole / floor])
            rows.append([model, number + 1, *measured[-1]])
            print(*rows[-1], flush=True)
        rows.append([model, "median", *map(statistics.median, zip(*measured, strict=True))])
    headings = (
        "model",
        "round",
        "one core alone",
        "scan, running",
        "scan, whole",
        "running, % of floor",
        "whole, % of floor",
    )
    text = f"{count} JPEGs of 2 megapixels with one face; images per second; floor: {cores()} times one core."
    return f"{text}\n\n{table(headings, rows)}"


def memory(folder: Path, count: int) -> str:
    """Return the table of memory: of the scan and all its workers, shared pages counted once."""
    from PIL import Image

    face = scene(0.26, 1).crop((120, 20, 320, 240)).resize((160, 176), Image.Resampling.BICUBIC)
    others = [encoded(Image.new("RGB", (160, 176), (5 * n, 90, 120)), "JPEG") for n in range(49)]
    copies(folder / "p", count, encoded(face, "JPEG"), *others)
    own, rows = psutil.Process(), []
    steps = {count // 100, count // 20, count // 10, count // 4, count // 2, 3 * count // 4, count}

    def watch(done: int) -> None:
        if done in steps:
            rows.append([done, memory_mb(own), done / (time.perf_counter() - started)])
            print(*rows[-1], flush=True)

    started = time.perf_counter()
    scanned(folder / "p", LocalEngine(cores()), watch)
    growth = 100 * (rows[-1][1] / rows[0][1] - 1)
    text = f"{count} JPEGs of 160 x 176 px, every fiftieth with a face, to bound the duration."
    headings = ("images", "memory MB", "images per second so far")
    return f"{text}\n\n{table(headings, rows)}\nFrom the first row to the last: {growth:+.1f}%.\n"


class Instant:
    """An engine that returns the same result for every image, to measure the scan's own work."""

    def model_info(self) -> dict[str, str]:
        """See `Engine`."""
        return {"name": "none", "version": "0", "sha256": "0"}

    def process(
        self, items: Iterator[Item], thumbnail_from: Callable[[], float]
    ) -> Generator[ItemResult, None, None]:
        """See `Engine`."""
        face = {
            "box": [1.0, 2.0, 3.0, 4.0],
            "detection_score": 1.0,
            "p_fake": 0.1,
            "verdict": "real",
            "reasons": [],
        }
        record = {"verdict": "real", "p_fake": 0.1, "faces": [face], "reasons": [], "width": 1, "height": 1}
        for number, item in enumerate(items):
            perceptual_hash = hashlib.sha256(str(number).encode()).hexdigest()[:16]
            yield ItemResult(item, {"size": 1}, {**record, "perceptual_hash": perceptual_hash})


def own(folder: Path, count: int) -> str:
    """Return the time of listing, saving and writing, which one machine does for any number of workers."""
    folder.joinpath("p.txt").write_text("".join(f"memory://p/{number:09}.jpg\n" for number in range(count)))
    last = 0.0

    def note(*_: int) -> None:
        nonlocal last
        last = time.perf_counter()

    started = time.perf_counter()
    scan([str(folder / "p.txt")], Output(folder / "t.parquet"), Instant(), progress=note)
    kept, written = last - started, time.perf_counter() - last
    rows = [
        ["listing and saving", kept, count / kept],
        ["finding near-duplicates and writing the table", written, count / written],
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    text = f"{count} images with one face, without analysis; peak memory {peak:.0f} MB."
    return f"{text}\n\n{table(('step', 'seconds', 'images per second'), rows)}"


def ray(folder: Path, count: int) -> str:
    """Return the table of batch sizes of Ray's actors, with the local engine for comparison."""
    from veraface.scan import ray_engine

    copies(folder / "p", count, encoded(scene(2, 1), "JPEG"))
    rows: list[list[object]] = [["local", *scanned(folder / "p", LocalEngine(cores()))]]
    for size in (1, 4, 8, 16, 32):
        ray_engine._BATCH = size
        rows.append([f"ray, batches of {size}", *scanned(folder / "p", ray_engine.RayEngine())])
        print(*rows[-1], flush=True)
    text = f"{count} JPEGs of 2 megapixels with one face; images per second; a cluster of this machine alone."
    return f"{text}\n\n{table(('engine', 'running', 'whole'), rows)}"


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("rate", "memory", "own", "ray"))
    parser.add_argument("--images", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    machine = describe()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        if arguments.part == "rate":
            text = rate(folder, arguments.images or 400, arguments.rounds)
        elif arguments.part == "memory":
            text = memory(folder, arguments.images or 100_000)
        elif arguments.part == "own":
            text = own(folder, arguments.images or 200_000)
        else:
            text = ray(folder, arguments.images or 400)
    text = f"# veraface scan: {arguments.part}\n\n{machine}\n\n{text}"
    publish(text, arguments.out)


if __name__ == "__main__":
    main()
