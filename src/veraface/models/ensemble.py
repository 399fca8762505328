"""Several networks as one classifier: their weighted logits are added."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.errors import ModelError
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier, weight_files
from veraface.models.tta import FaceLogits, classify_face

Floats = NDArray[np.floating[Any]]


class EnsembleClassifier:
    """The classifiers that a card names as its parts; safe to share between threads.

    Each part sees a face in the views that its own card asks for. A face is in doubt if the calibrated logits
    of two parts differ by more than `card.max_disagreement`.

    Attributes:
        card: the model card.
    """

    def __init__(self, path: Path | str, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        """Load all parts, whose cards and weights lie beside the card.

        Args:
            path: the model card.
            threads: CPU threads for one call; 0 lets ONNX Runtime choose.
            providers: ONNX Runtime execution providers, best first; the CPU if None.

        Raises:
            ModelError: a file is missing or damaged, a part has another crop or other weights than the card
                says, or a provider is not available here.
        """
        path = Path(path)
        self.card = ModelCard.load(path)
        if not self.card.parts:
            raise ModelError(f"{path}: is not the card of an ensemble; it has no parts")
        if joined_sha256([part.sha256 for part in self.card.parts]) != self.card.sha256:
            raise ModelError(f"{path}: its sha256 differs from that of its parts; install or export it again")
        self._parts: list[OnnxClassifier] = []
        for part in self.card.parts:
            file = path.with_name(f"{part.name}.json")
            classifier = OnnxClassifier(file, threads=threads, providers=providers)
            if classifier.card.sha256 != part.sha256:
                raise ModelError(f"{file}: has other weights than {path.name} (sha256 differs)")
            if classifier.card.crop != self.card.crop:
                raise ModelError(f"{file}: has another crop than {path.name}")
            self._parts.append(classifier)

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify face crops in one view; shapes and units as in `veraface.models.Classifier`."""
        found = [part.predict(crops) for part in self._parts]
        logits = [self._join([part[0][i] for part in found]) for i in range(len(crops))]
        maps = [self._join_maps([part[1][i] for part in found], logits[i]) for i in range(len(crops))]
        return np.array(logits, np.float32), np.stack(maps).astype(np.float32)

    def classify_face(self, crop: NDArray[np.uint8]) -> FaceLogits:
        """Classify one face, each part in its own views; see `veraface.models.tta`."""
        faces = [classify_face(part, crop) for part in self._parts]
        logit = self._join([face.logit for face in faces])
        return FaceLogits(
            logit,
            self._join_maps([face.heatmap for face in faces], logit),
            lambda: self._join([face.recompressed() for face in faces]),
            self._disagree([face.logit for face in faces]),
        )

    def release_memory(self) -> None:
        """Release memory held for later runs, of all parts."""
        for part in self._parts:
            part.release_memory()

    def _join(self, logits: Sequence[float]) -> float:
        return float(sum(part.weight * logit for part, logit in zip(self.card.parts, logits, strict=True)))

    def _join_maps(self, heatmaps: Sequence[Floats], logit: float) -> Floats:
        """Add weighted heatmaps on the finest of their grids, so that the mean is the joined logit."""
        size = max((heatmap.shape for heatmap in heatmaps), key=lambda shape: shape[0] * shape[1])
        weights = [part.weight for part in self.card.parts]
        joined = np.sum(
            [w * _resized(heatmap, size) for w, heatmap in zip(weights, heatmaps, strict=True)], axis=0
        )
        shifted: Floats = joined + (logit - joined.mean())
        return shifted

    def _disagree(self, logits: Sequence[float]) -> bool:
        if self.card.max_disagreement is None:
            return False
        own = [
            part.calibration.slope * logit + part.calibration.intercept
            for part, logit in zip(self.card.parts, logits, strict=True)
        ]
        return max(own) - min(own) > self.card.max_disagreement


def load_files(
    card_file: Path, *, threads: int = 0, providers: Sequence[str] | None = None
) -> OnnxClassifier | EnsembleClassifier:
    """Load the network or the ensemble that a model card describes; raise `ModelError` as they do."""
    kind = EnsembleClassifier if ModelCard.load(card_file).parts else OnnxClassifier
    return kind(card_file, threads=threads, providers=providers)


def model_files(card_file: Path) -> list[Path]:
    """Return all files of a model: cards and weights, of an ensemble those of its parts too."""
    card = ModelCard.load(card_file)
    if not card.parts:
        return [card_file, *weight_files(card_file, card)]
    parts = [model_files(card_file.with_name(f"{part.name}.json")) for part in card.parts]
    return [card_file, *(file for files in parts for file in files)]


def joined_sha256(hashes: Sequence[str]) -> str:
    """Return the sha256 of an ensemble from those of its parts."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _resized(heatmap: Floats, shape: tuple[int, ...]) -> Floats:
    rows, columns = shape
    if heatmap.shape == shape:
        return heatmap
    image = Image.fromarray(np.asarray(heatmap, np.float32))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))
