"""Compare every digit of every score between two versions of the code.

    python benchmarks/score_parity.py write before.json   # with the one version
    python benchmarks/score_parity.py write after.json    # with the other
    python benchmarks/score_parity.py compare before.json after.json

Runs the shipped model on all whole images and on 500 face chips of the data folder (VERAFACE_DATA).
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from veraface import Detector, VerafaceError

DATA = Path(os.environ.get("VERAFACE_DATA", Path(__file__).parents[2] / "shared" / "data"))
CHIPS = 500
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif", ".bmp", ".tif", ".tiff"}


def images() -> list[Path]:
    """Return all photos, and chips spread evenly over the sorted face folder."""
    photos, chips = (
        sorted(path for path in (DATA / name).rglob("*") if path.suffix.lower() in _SUFFIXES)
        for name in ("photos", "faces")
    )
    step = max(1, len(chips) // CHIPS)
    return photos + chips[::step][:CHIPS]


def scores(detector: Detector, path: Path) -> object:
    """Return the numbers of one image: verdicts, p_fake, boxes, landmarks and a digest of the heatmaps."""
    try:
        result = detector.detect(path)
    except VerafaceError as error:
        return error.code
    faces = []
    for face in result.faces:
        grid = b"" if face.heatmap is None else np.ascontiguousarray(face.heatmap.grid).tobytes()
        faces.append(
            [
                face.verdict.value,
                repr(face.p_fake),
                [repr(v) for v in (face.box.x, face.box.y, face.box.width, face.box.height)],
                repr(face.landmarks),
                repr(face.detection_score),
                hashlib.sha256(grid).hexdigest(),
                [reason.code for reason in face.reasons],
            ]
        )
    return [result.verdict.value, repr(result.p_fake), faces, [r.code for r in result.reasons]]


def write(out: Path) -> None:
    """Score all images and write the digits to a JSON file."""
    detector = Detector(threads=1)
    found = {str(path.relative_to(DATA)): scores(detector, path) for path in images()}
    out.write_text(json.dumps(found, indent=0) + "\n")
    print(f"{len(found)} images scored")


def compare(before: Path, after: Path) -> int:
    """Print what differs; return 1 if anything does."""
    old, new = (json.loads(path.read_text()) for path in (before, after))
    different = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    for name in different[:20]:
        print(name, old.get(name), new.get(name), sep="\n  ")
    print(f"{len(old)} images, {len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    command, *files = sys.argv[1:]
    sys.exit(write(Path(files[0])) if command == "write" else compare(*map(Path, files)))
