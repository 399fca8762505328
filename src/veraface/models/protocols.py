"""Extension points: what a face detector and a classifier must offer. Nothing has to be inherited."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from veraface.geometry import Box
from veraface.imaging.lazy import LazyImage
from veraface.models.card import ModelCard


@dataclass(frozen=True)
class FaceDetection:
    """A face found in an image.

    Attributes:
        box: the face in pixels of the searched image; may reach over its edge.
        landmarks: left eye, right eye, nose, left and right mouth corner as seen; x, y in pixels.
        score: confidence of the face detector, 0 to 1.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    score: float


class FoundFaces(list[FaceDetection]):
    """The faces of an image and whether the search for them was complete.

    Attributes:
        complete: False if a limit ended the search, so that there may be further faces.
        search_fully: searches for the small faces, too, if that was skipped because none seemed likely.
    """

    def __init__(
        self,
        faces: Iterable[FaceDetection] = (),
        *,
        complete: bool = True,
        search_fully: Callable[[], "FoundFaces"] | None = None,
    ) -> None:
        super().__init__(faces)
        self.complete, self.search_fully = complete, search_fully


@runtime_checkable
class FaceDetector(Protocol):
    """Finds faces. One instance is shared by all threads."""

    def detect(self, image: LazyImage) -> list[FaceDetection]:
        """Return all faces, largest first, in pixels of the upright full-size image.

        A search that ends before all of the image was searched returns `FoundFaces(..., complete=False)`: the
        image is then never called real or without a face. A search that skips small faces to save time
        returns `FoundFaces(..., search_fully=...)`, which is called before the image is called real.

        `image.decode(side)` gives an RGB image whose longest side is at least `side` px (or the full size, if
        that is smaller), and may raise `ImageError`; `image.longest_side` is the full size.
        """


@runtime_checkable
class Classifier(Protocol):
    """Classifies face crops as real or fake. One instance is shared by all threads."""

    @property
    def card(self) -> ModelCard:
        """Crop, calibration, thresholds and measured performance of this classifier."""

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify face crops.

        Args:
            crops: RGB, shape (N, size, size, 3), cut out as `card.crop` defines.

        Returns:
            Logits, shape (N,), positive for fake; and heatmaps in the same unit, shape (N, rows, columns),
            whose mean over the cells of a face is its logit.
        """
