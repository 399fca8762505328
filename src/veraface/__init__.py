"""Veraface: are the faces in an image real or fake, how sure is that, and where is the evidence.

    from veraface import Detector

    result = Detector().detect("photo.jpg")
    print(result.verdict, result.p_fake)

Importing the package is cheap: NumPy, Pillow and ONNX Runtime are loaded with the first use of a
name from it, so that `veraface --help` answers at once.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veraface.detector import Detector
    from veraface.errors import (
        ImageError,
        ImageTooLargeError,
        ModelError,
        UnreadableImageError,
        UnsupportedImageError,
        VerafaceError,
    )
    from veraface.imaging.decode import ImageLimits
    from veraface.results import DetectionResult, FaceResult, Verdict

__version__ = "0.1.0"

# Left alone, ONNX Runtime (1.29 and newer) reports to its makers, and names the machine in a file of its own.
# It must be told before anything loads it; see its Privacy.md.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_HOMES = {
    "Detector": "detector",
    "DetectionResult": "results",
    "FaceResult": "results",
    "Verdict": "results",
    "ImageLimits": "imaging.decode",
    "VerafaceError": "errors",
    "ImageError": "errors",
    "ImageTooLargeError": "errors",
    "ModelError": "errors",
    "UnreadableImageError": "errors",
    "UnsupportedImageError": "errors",
}

__all__ = [
    "DetectionResult",
    "Detector",
    "FaceResult",
    "ImageError",
    "ImageLimits",
    "ImageTooLargeError",
    "ModelError",
    "UnreadableImageError",
    "UnsupportedImageError",
    "VerafaceError",
    "Verdict",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module at its first use (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"veraface.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'veraface' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
