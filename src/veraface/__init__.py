"""Veraface detects forged faces in images and video.

    import veraface

    result = veraface.detect("photo.jpg")
    print(result.verdict, result.p_fake)

Importing the package is cheap: NumPy, Pillow and ONNX Runtime are loaded when a name that needs them is first
used, so that `veraface --help` answers at once.
"""

import logging
import os
from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.analysis import Analysis, analyze, detect
    from veraface.detector import Detector
    from veraface.errors import (
        ImageError,
        ImageTooLargeError,
        ModelError,
        UnreadableImageError,
        UnsupportedImageError,
        VerafaceError,
        VideoError,
    )
    from veraface.geometry import Box
    from veraface.imaging.decode import ImageLimits
    from veraface.models.protocols import Classifier, FaceDetection, FaceDetector
    from veraface.models.registry import list_models, load_face_detector, load_model
    from veraface.results import DetectionResult, FaceResult, Heatmap, Reason, Verdict
    from veraface.video.detect import detect_video
    from veraface.video.limits import VideoLimits
    from veraface.video.results import VideoResult

__version__ = "0.1.0"

# ONNX Runtime 1.29 and newer sends telemetry unless this is set before it is loaded; see its Privacy.md.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

logging.getLogger(__name__).addHandler(logging.NullHandler())

_MODULES = {
    "Analysis": "analysis",
    "analyze": "analysis",
    "detect": "analysis",
    "Detector": "detector",
    "ImageError": "errors",
    "ImageTooLargeError": "errors",
    "ModelError": "errors",
    "UnreadableImageError": "errors",
    "UnsupportedImageError": "errors",
    "VerafaceError": "errors",
    "VideoError": "errors",
    "Box": "geometry",
    "ImageLimits": "imaging.decode",
    "Classifier": "models.protocols",
    "FaceDetection": "models.protocols",
    "FaceDetector": "models.protocols",
    "list_models": "models.registry",
    "load_face_detector": "models.registry",
    "load_model": "models.registry",
    "DetectionResult": "results",
    "FaceResult": "results",
    "Heatmap": "results",
    "Reason": "results",
    "Verdict": "results",
    "detect_video": "video.detect",
    "VideoLimits": "video.limits",
    "VideoResult": "video.results",
}

__all__ = [
    "Analysis",
    "Box",
    "Classifier",
    "DetectionResult",
    "Detector",
    "FaceDetection",
    "FaceDetector",
    "FaceResult",
    "Heatmap",
    "ImageError",
    "ImageLimits",
    "ImageTooLargeError",
    "ModelError",
    "Reason",
    "UnreadableImageError",
    "UnsupportedImageError",
    "VerafaceError",
    "Verdict",
    "VideoError",
    "VideoLimits",
    "VideoResult",
    "__version__",
    "analyze",
    "detect",
    "detect_video",
    "list_models",
    "load_face_detector",
    "load_model",
]

__getattr__ = lazy_exports(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
