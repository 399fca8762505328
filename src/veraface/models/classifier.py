"""One network as a classifier: an ONNX session bound to its model card."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from veraface.errors import ModelError
from veraface.models.card import ModelCard
from veraface.models.onnx_session import open_session, shrink_arena
from veraface.models.tta import classify_crop

WEIGHTS = Path(__file__).parent / "weights"
TUNED = ".npz"


class OnnxClassifier:
    """A classifier in an ONNX file; safe to share between threads.

    The graph takes `pixels`, RGB uint8 of shape (N, size, size, 3), and returns `logit`, shape (N,), and
    `evidence`, the heatmaps of shape (N, rows, columns).

    If the card names a `base`, that is the ONNX file, and the tensors in the model's own `.npz` file replace
    those of the same names in it. If it names a `second` network, logits and heatmaps of that one are added.

    Attributes:
        card: the model card.
    """

    def __init__(self, path: Path | str, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        """Load weights and card, and check that they belong together.

        Args:
            path: the `.onnx` file, with its card beside it (same name, `.json`), or the card.
            threads: CPU threads for one call; 0 lets ONNX Runtime choose.
            providers: ONNX Runtime execution providers, best first; the CPU if None.

        Raises:
            ModelError: a file is missing or damaged, the card belongs to other weights, or a provider is
                not available here.
        """
        path = Path(path)
        if not path.exists():
            raise ModelError(f"{path}: no such model")
        self.card = ModelCard.load(path.with_suffix(".json"))
        onnx_file, *tuned = _own_files(path.with_suffix(".json"), self.card)
        base = self.card.base
        _check_hash(onnx_file, self.card.sha256 if base is None else base.sha256)
        for file in tuned:
            _check_hash(file, self.card.sha256)
        try:
            tensors = read_tensors(tuned[0]) if tuned else None
            self._session = open_session(onnx_file, threads, providers, tensors)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions are not public
            raise ModelError(f"{onnx_file}: ONNX Runtime cannot load it: {error}") from error
        self._second = self._load_second(path, threads, providers)

    def _load_second(
        self, path: Path, threads: int, providers: Sequence[str] | None
    ) -> "tuple[OnnxClassifier, float] | None":
        """Return the second network and the weight of its logits, if the card names one."""
        if self.card.second is None:
            return None
        file = path.with_name(self.card.second.file)
        second = OnnxClassifier(file, threads=threads, providers=providers)
        if second.card.sha256 != self.card.second.sha256:
            raise ModelError(f"{file}: is not the model that {path.name} was fitted with; install it again")
        if second.card.crop != self.card.crop or second.card.second is not None:
            raise ModelError(
                f"{file}: cannot be a second network: it has another crop, or a second one itself"
            )
        return second, self.card.second.weight

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify face crops; shapes and units as in `veraface.models.Classifier`."""
        logits, heatmaps = run_network(self._session, crops, one_by_one=self.card.base is not None)
        if self._second is None:
            return logits, heatmaps
        second, weight = self._second
        for number, crop in enumerate(crops):
            seen = classify_crop(second.predict, crop, tta=second.card.tta)
            logits[number] += weight * seen.logit
            heatmaps[number] += weight * _enlarged(seen.heatmap, heatmaps.shape[1:])
        return logits, heatmaps

    def release_memory(self) -> None:
        """Release memory held for later runs; after `use_shared_arena`, that of all models."""
        size = self.card.crop.size
        self._session.run(["logit"], {"pixels": np.zeros((1, size, size, 3), np.uint8)}, shrink_arena())
        if self._second is not None:
            self._second[0].release_memory()


def run_network(
    session: onnxruntime.InferenceSession, crops: NDArray[np.uint8], *, one_by_one: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run a session as `OnnxClassifier.predict` does.

    Bases run `one_by_one`: their activations are quantized by the range that they have in a call, so that the
    score of a face would depend on the others in its batch.
    """
    if not one_by_one:
        logits, heatmaps = session.run(["logit", "evidence"], {"pixels": crops})
        return logits, heatmaps
    found = [session.run(["logit", "evidence"], {"pixels": crop[None]}) for crop in crops]
    return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])


def weight_files(card_file: Path, card: ModelCard) -> list[Path]:
    """Return all files of a model but its card; those of a second network with their card."""
    own = _own_files(card_file, card)
    if card.second is None:
        return own
    second = card_file.with_name(card.second.file)
    return [*own, second, *_own_files(second, ModelCard.load(second))]


def _own_files(card_file: Path, card: ModelCard) -> list[Path]:
    """Return the ONNX file, and with a base that of its tuned tensors."""
    if card.base is None:
        return [card_file.with_suffix(".onnx")]
    return [card_file.with_name(card.base.file), card_file.with_suffix(TUNED)]


def _enlarged(heatmap: NDArray[np.floating[Any]], shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Return a heatmap with more cells and the same mean; evenly spread if its cells cannot be divided."""
    rows, columns = shape[0] // heatmap.shape[0], shape[1] // heatmap.shape[1]
    if (rows * heatmap.shape[0], columns * heatmap.shape[1]) != shape:
        return np.full(shape, heatmap.mean())
    return np.kron(heatmap, np.ones((rows, columns)))


def _check_hash(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if found != sha256:
        raise ModelError(
            f"{path}: does not match its model card (sha256 differs); install or export it again"
        )


def read_tensors(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """Read the tensors of an `.npz` file by name; raise `ModelError` if it is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: np.ascontiguousarray(file[name], np.float32) for name in file.files}
    except Exception as error:  # NumPy and zipfile raise many types
        raise ModelError(f"{path}: cannot be read as tensors: {error}") from error
