"""Compare face detectors by name: labeled faces of any size and position, and images without a face.

    python benchmarks/face_detectors.py yunet --data ../shared/data

writes benchmarks/results/face_detectors.md and keeps its hand-written conclusion. `--quick` measures a tenth
of the images, `--sets` some of the sets; both only print, unless `--out` names a file.

Sets: face chips, upright and changed (face_views.py); whole photos; group photos, screenshots and collages
composed of chips (face_scenes.py); images without a face, from generators, scikit-image and the folder of
`--without-faces`, which has a subfolder for each kind of image; and, in the folder of `--wider`, images of
WIDER FACE's validation split (Yang et al. 2016; WIDER_val/images/ and wider_face_split/, as published).
"""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from face_measures import Detectors, Tallies, Tally, measure_chips, measure_photos, measure_samples
from face_report import REPORTS
from face_scenes import scenes
from face_sets import Chip, chips, photos, wider, without_faces
from machine import describe

from veraface import __version__
from veraface.models import load_face_detector
from veraface.models.registry import DEFAULT_FACE_DETECTOR

RESULT = Path(__file__).parent / "results" / "face_detectors.md"
QUICK_STEP = 10
PER_SOURCE = 10


def measure(name: str, detectors: Detectors, pool: Sequence[Chip], options: argparse.Namespace) -> Tallies:
    """Run the detectors on one set."""
    step = QUICK_STEP if options.quick else 1
    tallies = {detector: Tally() for detector in detectors}
    if name == "chips":
        measure_chips(detectors, tallies, pool[::step])
    elif name == "photos":
        measure_photos(detectors, tallies, photos(options.data)[::step])
    else:
        if name == "groups":
            samples = scenes(pool, step)
        else:
            every = wider(options.wider) if name == "wider" else without_faces(options.without_faces)
            samples = islice(every, 0, None, step)
        measure_samples(detectors, tallies, samples)
    return tallies


def kept_conclusion(page: Path) -> str:
    """Return the hand-written conclusion of the last results."""
    mark = "## Conclusion"
    before = page.read_text() if page.exists() else ""
    return mark + before.split(mark, 1)[1] if mark in before else mark + "\n\n(to be written)\n"


def command(options: argparse.Namespace) -> str:
    """Return the command line of this run, without the folders of this machine."""
    words = ["python benchmarks/face_detectors.py", *options.detectors, "--data ../shared/data"]
    words += ["--wider wider"] if options.wider else []
    words += ["--without-faces noface"] if options.without_faces else []
    words += [f"--per-source {options.per_source}"] if options.per_source != PER_SOURCE else []
    words += ["--quick"] if options.quick else []
    return " ".join(words)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detectors", nargs="*", default=[DEFAULT_FACE_DETECTOR], help="registered names")
    parser.add_argument("--data", type=Path, required=True, help="folder with faces/, faces2/ and photos/")
    parser.add_argument("--without-faces", type=Path, help="folder of images without a human face")
    parser.add_argument("--wider", type=Path, help="folder of WIDER FACE; without it this set is left out")
    parser.add_argument("--sets", nargs="+", choices=REPORTS, help="all by default")
    parser.add_argument("--per-source", type=int, default=PER_SOURCE, help="chips of each source")
    parser.add_argument("--quick", action="store_true", help="a tenth of the images; print only")
    parser.add_argument("--out", type=Path, help="Markdown page to write")
    options = parser.parse_args()
    if options.out is None and not (options.quick or options.sets):
        options.out = RESULT
    options.sets = options.sets or [name for name in REPORTS if name != "wider" or options.wider]
    if "wider" in options.sets and not options.wider:
        parser.error("the set wider needs --wider FOLDER")
    return options


def main() -> None:
    """Measure and write the results."""
    options = parse()
    detectors = {name: load_face_detector(name, threads=1) for name in options.detectors}
    pool = chips(options.data, options.per_source)
    for detector in detectors.values():  # the first call sets up buffers
        Tally().detect(detector, pool[0].path.read_bytes())
    page = [
        "# Face detectors compared\n",
        f"{describe()}; one thread each;\n"
        f"Veraface {__version__}, onnxruntime {version('onnxruntime')}. Command:\n",
        f"    {command(options)}\n",
        "ms: processor time for one image, median / mean, + mean of decoding at the scales that the\n"
        "detector asks for. Compare times within one run only.\n",
    ]
    for name in options.sets:
        title, report = REPORTS[name]
        page.append(f"## {title}\n\n{report(measure(name, detectors, pool, options))}")
        print(page[-1], flush=True)
    if options.out:
        options.out.write_text("\n".join([*page, kept_conclusion(options.out)]))


if __name__ == "__main__":
    main()
