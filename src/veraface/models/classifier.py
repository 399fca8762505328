"""The classifier that Veraface ships: an ONNX session bound to its model card."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.errors import ModelError
from veraface.models.card import ModelCard
from veraface.models.onnx_session import open_session, shrink_arena

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = WEIGHTS / "veraface-lite0.onnx"


class OnnxClassifier:
    """A classifier in an ONNX file; safe to share between threads.

    The graph takes `pixels`, RGB uint8 of shape (N, size, size, 3), and returns `logit`, shape (N,), and
    `evidence`, the heatmaps of shape (N, rows, columns).

    Attributes:
        card: the model card.
    """

    def __init__(
        self, path: Path | str | None = None, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load weights and card, and check that they belong together.

        Args:
            path: the `.onnx` file, with its card beside it (same name, `.json`); the shipped one if None.
            threads: CPU threads for one call; 0 lets ONNX Runtime choose.
            providers: ONNX Runtime execution providers, best first; the CPU if None.

        Raises:
            ModelError: a file is missing or damaged, the card belongs to other weights, or a provider is
                not available here.
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
                f"{path}: does not match its model card (sha256 differs); install or export it again"
            )
        try:
            self._session = open_session(weights, threads, providers)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions are not public
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {error}") from error

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify face crops; shapes and units as in `veraface.models.Classifier`."""
        logits, heatmaps = self._session.run(["logit", "evidence"], {"pixels": crops})
        return logits, heatmaps

    def release_memory(self) -> None:
        """Release memory held for later runs; after `use_shared_arena`, that of all models."""
        size = self.card.crop.size
        self._session.run(["logit"], {"pixels": np.zeros((1, size, size, 3), np.uint8)}, shrink_arena())
