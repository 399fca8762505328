"""Notices faces that were covered or blurred on purpose: bars, pixels, stickers, masks.

The classifier was not trained on such faces, and takes many of them for fakes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.models.crop import CropSettings
from veraface.models.onnx_session import open_session

WEIGHTS = Path(__file__).parent / "weights" / "obscured.onnx"
# Wider than the classifier's: what surrounds a blurred face is sharp.
CROP = CropSettings(size=128, margin=1.7)
# Below are 99% of uncovered validation faces, half of them degraded, and 1.6% of covered ones.
_MIN_LOGIT = 0.35


class ObscuredFaces:
    """A network of 509,000 weights, trained by `scripts/covered_faces.py`; safe to share between threads."""

    def __init__(
        self, weights: Path = WEIGHTS, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load the network; arguments as in `veraface.models.load_face_detector`."""
        self._session = open_session(weights, threads, providers)

    def is_obscured(self, crop: NDArray[np.uint8]) -> bool:
        """Return whether so much of a face is covered or blurred that it cannot be classified.

        Args:
            crop: RGB, shape (128, 128, 3), cut out as `CROP` defines.
        """
        (logit,) = self._session.run(["logit"], {"pixels": crop[None]})[0]
        return bool(logit >= _MIN_LOGIT)
