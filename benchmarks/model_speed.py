"""How long the classifier alone takes on one thread, for one crop and for all views of a face.

    python benchmarks/model_speed.py [--model FILE.onnx] [--runs 200] [--out FILE.md]

The crops are noise: the time does not depend on what they show.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from machine import describe

from veraface.model import DEFAULT_MODEL, Model
from veraface.views import VIEWS


def measure(model: Model, views: int, runs: int) -> list[float]:
    """Milliseconds of each run, sorted."""
    size = model.card.crop.size
    crops = np.random.default_rng(0).integers(0, 256, (views, size, size, 3), dtype=np.uint8)
    times = []
    for _ in range(runs + 10):
        started = perf_counter()
        model.run(crops)
        times.append(1000 * (perf_counter() - started))
    return sorted(times[10:])  # the first runs allocate


def main() -> None:
    """Measure and print the table; write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    model = Model(arguments.model, threads=1)
    lines = [
        f"# {model.card.name} alone, {model.card.crop.size} px, on one thread\n",
        f"{describe()}; {arguments.runs} runs each; milliseconds.\n",
        "| input | p50 | p95 |",
        "|---|---|---|",
    ]
    for name, views in (("one crop", 1), (f"one face in its {VIEWS} views", VIEWS)):
        times = measure(model, views, arguments.runs)
        lines.append(f"| {name} | {times[len(times) // 2]:.1f} | {times[int(0.95 * (len(times) - 1))]:.1f} |")
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
