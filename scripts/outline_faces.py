"""Find the contours of real faces, from which blend masks are drawn (`scripts/train_folds.py --shapes`).

    python scripts/outline_faces.py data/faces data/faces2 --mesh models/facemesh.onnx --out build/shapes.npz

Writes `names`, as `sample_key` gives them, and `points`, float16 of shape (images, 110, 2), px.
"""

import argparse
from pathlib import Path

import numpy as np
from face_mesh import FaceMesh
from train_folds import detected

from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.datasets.synthesis.reconstructions import sample_key
from veraface.geometry import roll
from veraface.imaging.decode import ImageFile


def main() -> None:
    """Detect the faces, find their contours, write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--mesh", type=Path, required=True)
    parser.add_argument("--detected", type=Path, help="cache of detected faces, JSON")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    samples = detected(options.data, options.detected)
    reals = [s for s in samples if not s.fake and s.split == "train" and s.landmarks]
    mesh = FaceMesh(options.mesh)

    def outline(sample: Sample) -> FaceShapes | None:
        assert sample.box is not None
        image = ImageFile(sample.path).decode()
        return mesh.shapes(image, sample.box, roll(sample.landmarks))

    found = list(zip(reals, in_parallel(outline, reals, "Finding contours"), strict=True))
    points = {sample_key(sample.path): shapes.to_array() for sample, shapes in found if shapes is not None}
    np.savez(options.out, names=np.array(list(points)), points=np.array(list(points.values()), np.float16))
    print(f"{len(points)} of {len(reals)} faces have contours")


if __name__ == "__main__":
    main()
