"""The classifier: an ONNX session bound to its card, which says how to feed it and how to read it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.decision import Thresholds
from veraface.errors import ModelError
from veraface.files import write_atomic
from veraface.models.crop import CropSettings
from veraface.models.onnx_session import open_session, shrink_arena

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = WEIGHTS / "veraface-lite0.onnx"


@dataclass(frozen=True)
class Calibration:
    """From logit to probability: p_fake = sigmoid(slope x logit + intercept).

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999; fitted on the validation split.
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0):
            raise ValueError(f"calibration needs a finite positive slope, not {self.slope}, {self.intercept}")

    def probability(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """p_fake, 0 real to 1 fake, of logits of any shape."""
        scaled = self.slope * np.asarray(logits, dtype=np.float64) + self.intercept
        # Clipped so that p_fake stays within (0, 1): at a threshold of 1 nothing is called fake.
        return 1.0 / (1.0 + np.exp(-np.clip(scaled, -30, 30)))


@dataclass(frozen=True)
class ModelCard:
    """All that is needed to use a model rightly and to know what it can do; a `.json` beside the weights."""

    name: str
    version: str
    sha256: str  # of the ONNX file
    backbone: str  # timm name of the network
    crop: CropSettings  # how a face is cut out for this model
    normalisation: Mapping[str, Any]  # mean and std of RGB in 0..1; applied inside the ONNX graph
    calibration: Calibration
    thresholds: Thresholds
    error_rates: Mapping[str, float]  # that the thresholds stand for, on validation data
    data: str  # what it was trained on
    licence: str  # terms of the weights
    limits: tuple[str, ...]  # where it fails, and what it must not be used for
    made: str  # date of the export, ISO 8601
    data_terms: Mapping[str, str] = field(default_factory=dict)  # by source: under which terms it was had
    training: Mapping[str, Any] = field(default_factory=dict)  # settings of the run
    measured: Mapping[str, Any] = field(default_factory=dict)  # figures on test data, with their command

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomic(path, json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "ModelCard":
        """Read a card.

        Raises:
            ModelError: the file is missing, no card, or lacks a field.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
            values["crop"] = CropSettings(**values["crop"])
            values["calibration"] = Calibration(**values["calibration"])
            values["thresholds"] = Thresholds(**values["thresholds"])
            values["limits"] = tuple(values["limits"])
            card = cls(**values)
            _check(card)
            return card
        except FileNotFoundError as error:
            raise ModelError(f"{path}: no such model card; it must stand beside the .onnx file") from error
        except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelError(f"{path}: is no valid model card: {error}") from error


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number in JSON")


def _check(card: ModelCard) -> None:
    """Whether the fields that are shown are what they should be.

    Raises:
        ValueError: naming the first that is not.
    """
    for name in ("name", "version", "sha256", "backbone", "data", "licence", "made"):
        if not isinstance(getattr(card, name), str):
            raise ValueError(f"{name} is no text")
    if not all(isinstance(limit, str) for limit in card.limits):
        raise ValueError("limits are no texts")
    for name in ("error_rates", "data_terms", "training", "measured"):
        if not isinstance(getattr(card, name), Mapping):
            raise ValueError(f"{name} is no object")
    if not all(_is_number(value) for value in card.error_rates.values()):
        raise ValueError("error_rates are no numbers")
    rows = card.measured.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("measured.rows is no list of objects")
    for row in rows:
        intervals = row.get("intervals", {})
        if not isinstance(intervals, Mapping) or not all(
            isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))
            for ends in intervals.values()
            if ends is not None  # too few groups to say
        ):
            raise ValueError("measured.rows: intervals are no pairs of numbers")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class OnnxClassifier:
    """A classifier ready to run; safe to share between threads."""

    def __init__(self, path: Path | str | None = None, *, threads: int = 0) -> None:
        """Load weights and card, and make sure that they belong together.

        Args:
            path: the `.onnx` file, with its card beside it (same name, `.json`); the shipped one if None.
            threads: CPU threads for one call; 0 lets ONNX Runtime choose.

        Raises:
            ModelError: a file is missing or damaged, or the weights are not those the card names.
        """
        path = DEFAULT_MODEL if path is None else Path(path)
        if not path.exists():
            raise ModelError(f"{path}: no such model")
        self.card = ModelCard.load(path.with_suffix(".json"))
        try:
            weights = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
        if hashlib.sha256(weights).hexdigest() != self.card.sha256:
            raise ModelError(
                f"{path}: is not the file its card names (sha256 differs); install or export it again"
            )
        try:
            self._session = open_session(weights, threads)
        except Exception as error:  # ONNX Runtime raises its own kinds, none of them public
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {error}") from error

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Judge crops.

        Args:
            crops: RGB uint8, shape (N, size, size, 3), as `crop_face` makes them.

        Returns:
            Logits, shape (N,), positive for fake; and evidence in the same unit, shape (N, rows, columns),
            whose mean over the cells of a face is its logit.
        """
        logits, evidence = self._session.run(["logit", "evidence"], {"pixels": crops})
        return logits, evidence

    def release_memory(self) -> None:
        """Release memory held for later runs; after `use_shared_arena`, that of all models."""
        size = self.card.crop.size
        self._session.run(["logit"], {"pixels": np.zeros((1, size, size, 3), np.uint8)}, shrink_arena())
