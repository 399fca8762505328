"""Measure the time of the forensic views, and the contrast of a pasted patch in them.

    python benchmarks/evidence_cost.py [--runs 5] [--out FILE]

Writes benchmarks/results/evidence.md. The views are computed sequentially on one thread, as in workers.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from images import scene
from machine import describe
from PIL import Image
from skimage import data
from tables import table

from veraface.forensics import error_levels, find_jpeg_grid, forensic_views, noise_residual, views
from veraface.imaging.decode import recompress

MEGAPIXELS = (0.3, 2, 12, 48)
QUALITIES = (75, 85, 90, 95)  # at which images were saved
RESAVED = (75, 85, 90, 95, 98)  # for error levels
PATCH = (400, 200, 600, 400)
INSIDE = (slice(230, 370), slice(430, 570))  # rows and columns of the patch, away from its edge


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """Return the median time of `work`."""
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def costs(runs: int) -> str:
    """Return the table of milliseconds per view and image size."""
    rows = []
    for size in MEGAPIXELS:
        image = scene(size, 1)
        found = forensic_views(image)
        works: list[Callable[[], object]] = [
            lambda image=image: error_levels(image),
            lambda image=image: noise_residual(image),
            lambda image=image: find_jpeg_grid(image),
            found.to_dict,
        ]
        took = [milliseconds(work, runs) for work in works]
        kilobytes = sum(len(view["data"]) for view in found.to_dict()["views"]) / 1000
        rows.append([f"{size:g} MP", *took, sum(took), kilobytes])
    return table(
        ["size", "error levels", "noise", "JPEG grid", "WebP and base64", "all", "response, kB"], rows
    )


def originals() -> list[Image.Image]:
    """Return photos without traces of JPEG: resizing removes the grid of an earlier compression."""
    photos = (data.astronaut(), data.coffee(), data.rocket())
    return [Image.fromarray(photo).resize((1000, 800), Image.Resampling.LANCZOS) for photo in photos]


def contrast() -> str:
    """Return the table of error levels of an uncompressed patch, relative to a compressed one."""
    rows = []
    shipped = views.RESAVED_QUALITY
    for resaved in RESAVED:
        views.RESAVED_QUALITY = resaved
        row = []
        for quality in QUALITIES:
            ratios = []
            for original in originals():
                saved = recompress(original, quality)
                patched = saved.copy()
                patched.paste(original.crop(PATCH), PATCH)
                before, after = (error_levels(p)[INSIDE].mean() for p in (saved, patched))
                ratios.append(after / before)
            row.append(float(np.mean(ratios)))
        rows.append([str(resaved), *row, float(np.mean(row))])
    views.RESAVED_QUALITY = shipped
    return table(["resaved at", *(f"image at {quality}" for quality in QUALITIES), "mean"], rows)


def grids() -> str:
    """Return the table of gray levels of the grid view in a patch (0 aligned, 128 no grid, 255 shifted)."""
    rows = []
    for quality in QUALITIES:
        values: dict[str, list[float]] = {"untouched": [], "shifted by 3, 5 px": [], "never a JPEG": []}
        for original in originals():
            saved = recompress(original, quality)
            pasted = recompress(original.crop((200, 100, 520, 420)), quality).crop((3, 5, 203, 205))
            for name, patch in zip(values, (None, pasted, original.crop(PATCH)), strict=True):
                image = saved.copy()
                if patch is not None:
                    image.paste(patch, PATCH)
                values[name].append(find_jpeg_grid(image).view[INSIDE].mean())
        rows.append([str(quality), *(float(np.mean(found)) for found in values.values())])
    return table(["saved at", "untouched", "shifted by 3, 5 px", "never a JPEG"], rows)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "evidence.md")
    options = parser.parse_args()
    conditions = f"{describe()}; `python benchmarks/evidence_cost.py`"
    sections = {
        "Cost, ms, one thread, the image decoded": costs(options.runs),
        "Error levels: brightness of an uncompressed patch relative to a compressed one": contrast(),
        "JPEG grid: gray level in 200 x 200 px (0 aligned, 128 no grid, 255 shifted)": grids(),
    }
    page = f"# Forensic views\n\n{conditions}\n"
    page += "".join(f"\n## {title}\n\n{text}" for title, text in sections.items())
    options.out.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
