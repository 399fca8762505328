"""Networks and their use: face detectors, classifiers, the crop, test-time augmentation, the registry.

To add one: write a class with the members of `FaceDetector` or `Classifier`, and pass it to
`veraface.Detector`, `register` it, or offer it through an entry point (see `veraface.models.registry`).
"""

from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier
from veraface.models.face_search import YuNetDetector
from veraface.models.protocols import Classifier, FaceDetection, FaceDetector, FoundFaces
from veraface.models.registry import list_models, load_face_detector, load_model, register
from veraface.models.trustmark import load_trustmark
from veraface.models.tta import FaceLogits

__all__ = ["Classifier", "FaceDetection", "FaceDetector", "FaceLogits", "ModelCard"]
__all__ += [
    "FoundFaces",
    "OnnxClassifier",
    "YuNetDetector",
    "list_models",
    "load_face_detector",
    "load_model",
    "load_trustmark",
    "register",
]
