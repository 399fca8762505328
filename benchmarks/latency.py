"""How long one picture takes in a warm process, by stage.

    python benchmarks/latency.py [--portrait FILE] [--runs 30] [--out benchmarks/results/latency.md]

The picture (by default scikit-image's astronaut) is enlarged to several sizes and saved in several
formats in memory; each is judged `--runs` times by one `Detector`.
"""

import argparse
import statistics
from io import BytesIO
from pathlib import Path

import skimage.data
from machine import describe
from PIL import Image

from veraface import Detector, ImageLimits

MEGAPIXELS = (0.3, 2, 12, 48)
FORMATS = ("JPEG", "PNG", "WEBP")
STAGES = ("decode", "faces", "model", "total")


def measure(detector: Detector, data: bytes, runs: int) -> dict[str, list[float]]:
    """Milliseconds by stage, sorted."""
    detector.detect(data)
    timings = [detector.detect(data).timing_ms for _ in range(runs)]
    return {stage: sorted(timing[stage] for timing in timings) for stage in STAGES}


def main() -> None:
    """Measure and print the table; write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--portrait", type=Path, help="a picture with one face")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    portrait = (
        Image.open(arguments.portrait) if arguments.portrait else Image.fromarray(skimage.data.astronaut())
    )
    portrait = portrait.convert("RGB")
    detector = Detector(limits=ImageLimits(max_bytes=2**30))
    lines = [
        "# Latency of one picture with one face, warm\n",
        f"{describe()}; {arguments.runs} runs each; milliseconds.\n",
        "| picture | size | decode p50 | faces p50 | model p50 | total p50 | total p95 |",
        "|---|---|---|---|---|---|---|",
    ]
    for megapixels in MEGAPIXELS:
        factor = (megapixels * 1e6 / (portrait.width * portrait.height)) ** 0.5
        picture = portrait.resize((round(portrait.width * factor), round(portrait.height * factor)))
        for kind in FORMATS if megapixels <= 12 else FORMATS[:1]:
            buffer = BytesIO()
            picture.save(buffer, kind, quality=90)
            times = measure(detector, buffer.getvalue(), arguments.runs)
            middle = {stage: statistics.median(times[stage]) for stage in STAGES}
            cells = [f"{middle[stage]:.1f}" for stage in STAGES]
            cells.append(f"{times['total'][int(0.95 * (arguments.runs - 1))]:.1f}")
            lines.append(f"| {kind} | {megapixels} MP | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
