"""Plug in your own classifier and face detector.

    python examples/own_model.py photo.jpg

Any object with `card` and `predict` is a classifier, any object with `detect` is a face detector. Pass them
to `Detector`, or make them available by name for all who install your package, with an entry point in its
pyproject.toml (commands and server choose classifiers by name, Python face detectors as well):

    [project.entry-points."veraface.classifiers"]
    brightness = "my_package:Brightness"

    [project.entry-points."veraface.face_detectors"]
    centered = "my_package:Centered"
"""

import sys

import numpy as np
from numpy.typing import NDArray

from veraface import Box, Detector, FaceDetection
from veraface.decision import Calibration, Thresholds
from veraface.imaging.lazy import LazyImage
from veraface.models import ModelCard
from veraface.models.crop import CropSettings


class Brightness:
    """A toy classifier: the brighter a face, the more fake."""

    def __init__(self, *, threads: int = 0, providers: object = None) -> None:
        self.card = ModelCard(
            name="brightness",
            version="1.0",
            sha256="",
            backbone="none",
            crop=CropSettings(size=64, margin=1.2),
            normalization={},
            calibration=Calibration(slope=1.0, intercept=0.0),
            thresholds=Thresholds(real=0.2, fake=0.8),
            error_rates={},
            data="none",
            license="CC0-1.0",
            limits=("a toy: it knows nothing about faces",),
            made="2026-01-01",
        )

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a logit per crop, and a heatmap per crop whose mean is the logit."""
        heatmaps = crops.mean(axis=-1, dtype=np.float32) / 32 - 4
        return heatmaps.mean(axis=(1, 2)), heatmaps


class Centered:
    """A toy face detector: one face in the middle of the image."""

    def __init__(self, *, threads: int = 0, providers: object = None) -> None:
        pass

    def detect(self, image: LazyImage) -> list[FaceDetection]:
        """Return a square of half the image's smaller side."""
        width, height = image.file.width, image.file.height
        side = min(width, height) / 2
        box = Box((width - side) / 2, (height - side) / 2, side, side)
        return [FaceDetection(box, landmarks=(), score=1.0)]


if __name__ == "__main__":
    detector = Detector(Brightness(), face_detector=Centered())
    result = detector.detect(sys.argv[1])
    print(result.model["name"], result.verdict, result.p_fake)
