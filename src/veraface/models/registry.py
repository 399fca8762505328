"""Models by name: the shipped ones, those registered at run time, and those of installed packages.

A package offers its own through an entry point whose object is a factory, that is, a class or a function
that takes `threads` and `providers` as keywords and returns the model:

    [project.entry-points."veraface.classifiers"]
    my-classifier = "my_package:MyClassifier"

    [project.entry-points."veraface.face_detectors"]
    my-face-detector = "my_package:MyFaceDetector"

Nothing is loaded before it is asked for by name.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from veraface.errors import ModelError, VerafaceError
from veraface.models.card import ModelCard
from veraface.models.classifier import WEIGHTS, OnnxClassifier
from veraface.models.face_search import YuNetDetector
from veraface.models.protocols import Classifier, FaceDetector

Kind = Literal["classifier", "face_detector"]
Factory = Callable[..., Any]

DEFAULT_CLASSIFIER, DEFAULT_FACE_DETECTOR = "veraface", "yunet"
ALIASES = {"fast": "veraface-lite0", "accurate": "veraface"}

_BUILT_IN: Mapping[Kind, Mapping[str, Factory]] = {
    "classifier": {
        path.stem: partial(OnnxClassifier, path) for path in sorted(WEIGHTS.glob("veraface*.json"))
    },
    "face_detector": {"yunet": YuNetDetector},
}
_registered: dict[Kind, dict[str, Factory]] = {"classifier": {}, "face_detector": {}}
_FILES = (".onnx", ".json")  # how the path of a classifier ends
_MEMBERS: Mapping[Kind, tuple[type, str]] = {
    "classifier": (Classifier, "`card` and `predict(crops)`"),
    "face_detector": (FaceDetector, "`detect(image)`"),
}


def list_models(kind: Kind = "classifier") -> list[str]:
    """Return the names that `load_model` (or `load_face_detector`) takes, sorted."""
    return sorted({*_BUILT_IN[kind], *_registered[kind], *_entry_points(kind)})


def register(name: str, factory: Factory, *, kind: Kind = "classifier") -> None:
    """Make a model available under a name in this process.

    Args:
        name: a registered model of the same name is replaced; names of shipped models are refused.
        factory: takes `threads` and `providers` as keywords and returns a `Classifier` or `FaceDetector`.
        kind: what the factory returns.

    Raises:
        ModelError: the name is empty or belongs to a shipped model, or the factory cannot be called.
    """
    if not isinstance(name, str) or not name:
        raise ModelError(f"the name of a {_words(kind)} must be a string, not {name!r}")
    if not callable(factory):
        raise ModelError(f"{name!r}: register a class or a function that returns the {_words(kind)}")
    if name in _BUILT_IN[kind] or (kind == "classifier" and name in ALIASES):
        raise ModelError(f"{name!r} is the name of a shipped {_words(kind)}; choose another one")
    _registered[kind][name] = factory


def load_model(
    name: str | Path | None = None, *, threads: int = 0, providers: Sequence[str] | None = None
) -> Classifier:
    """Load a classifier.

    Args:
        name: a name from `list_models()`, "fast" or "accurate", or the path of a model card (`.json`) or of
            the `.onnx` file beside it (same name); the default model if None.
        threads: CPU threads for one call; 0 lets ONNX Runtime choose.
        providers: ONNX Runtime execution providers, best first, such as
            `["CUDAExecutionProvider", "CPUExecutionProvider"]`; the CPU if None.

    Raises:
        ModelError: no model has this name, or its files are missing or damaged.
    """
    name = DEFAULT_CLASSIFIER if name is None else name
    if not isinstance(name, str | Path):
        raise ModelError(f"a classifier is loaded by name or path, not by {type(name).__name__}")
    if str(name).endswith(_FILES):
        path = Path(name)
        if not path.exists():
            raise ModelError(f"{path}: no such model")
        return OnnxClassifier(path, threads=threads, providers=providers)
    classifier: Classifier = _load("classifier", ALIASES.get(str(name), str(name)), threads, providers)
    return classifier


def load_face_detector(
    name: str | None = None, *, threads: int = 0, providers: Sequence[str] | None = None
) -> FaceDetector:
    """Load a face detector by name; arguments and errors as in `load_model`."""
    name = DEFAULT_FACE_DETECTOR if name is None else name
    face_detector: FaceDetector = _load("face_detector", name, threads, providers)
    return face_detector


def load_card(name: str | Path | None = None) -> ModelCard:
    """Return a classifier's model card, by name or path as in `load_model`, without loading ONNX weights."""
    path = card_path(name)
    return load_model(name).card if path is None else ModelCard.load(path)


def card_path(name: str | Path | None = None) -> Path | None:
    """Return the file of a classifier's model card; None if the classifier is not one of weights in files."""
    name = DEFAULT_CLASSIFIER if name is None else ALIASES.get(str(name), name)
    if name in _BUILT_IN["classifier"]:
        path = WEIGHTS / f"{name}.json"
        return path if path.exists() else None
    return Path(name).with_suffix(".json") if str(name).endswith(_FILES) else None


def card_sha256(name: str | Path | None, card: ModelCard) -> str:
    """Return the SHA-256 of the file with a classifier's model card, or of the card if it is in no file."""
    path = card_path(name)
    content = json.dumps(card.to_dict()).encode() if path is None else path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def check_model(model: Any, kind: Kind, name: str = "") -> Any:
    """Return the object; raise `ModelError` if it lacks members of a classifier or a face detector."""
    protocol, members = _MEMBERS[kind]
    if isinstance(model, type) or not isinstance(model, protocol):
        raise ModelError(f"{repr(name or model)} must have {members} to be a {_words(kind)}")
    return model


def _load(kind: Kind, name: str, threads: int, providers: Sequence[str] | None) -> Any:
    factory = _BUILT_IN[kind].get(name) or _registered[kind].get(name)
    if factory is None:
        entry = _entry_points(kind).get(name)
        if entry is None:
            raise ModelError(f"unknown {_words(kind)} {name!r}; choose one of {', '.join(list_models(kind))}")
        try:
            factory = entry.load()
        except Exception as error:  # foreign code may raise anything while it is imported
            raise ModelError(f"{_words(kind)} {name!r} ({entry.value}) cannot be loaded: {error}") from error
    try:
        model = factory(threads=threads, providers=providers)
    except VerafaceError:
        raise
    except Exception as error:  # foreign code
        raise ModelError(
            f"{_words(kind)} {name!r} cannot be created by name (keywords threads, providers): {error}"
        ) from error
    return check_model(model, kind, name)


def _entry_points(kind: Kind) -> dict[str, Any]:
    return {entry.name: entry for entry in entry_points(group=f"veraface.{kind}s")}


def _words(kind: Kind) -> str:
    return kind.replace("_", " ")
