"""Veraface detects forged faces in images and video.

    import veraface

    result = veraface.detect("photo.jpg")
    print(result.verdict, result.p_fake)

NumPy, Pillow and ONNX Runtime are loaded when a name that needs them is first used.
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
    from veraface.video.container import VideoLimits
    from veraface.video.detect import detect_video
    from veraface.video.results import VideoResult
    from veraface.wording import Wording

__version__ = "0.1.0"

# ONNX Runtime 1.29 and newer sends telemetry unless this is set before it is loaded; see its Privacy.md.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = ["Analysis", "Detector", "__version__", "analyze", "detect", "detect_video"]
__all__ += ["Box", "DetectionResult", "FaceResult", "Heatmap", "Reason", "Verdict", "VideoResult", "Wording"]
__all__ += ["Classifier", "FaceDetection", "FaceDetector", "list_models", "load_face_detector", "load_model"]
__all__ += ["ImageError", "ImageTooLargeError", "ModelError", "UnreadableImageError", "UnsupportedImageError"]
__all__ += ["ImageLimits", "VerafaceError", "VideoError", "VideoLimits"]

_EXPORTS = {
    "analysis": "Analysis analyze detect",
    "detector": "Detector",
    "errors": "VerafaceError ImageError ImageTooLargeError UnreadableImageError UnsupportedImageError "
    "ModelError VideoError",
    "geometry": "Box",
    "imaging.decode": "ImageLimits",
    "models.protocols": "Classifier FaceDetection FaceDetector",
    "models.registry": "list_models load_face_detector load_model",
    "results": "DetectionResult FaceResult Heatmap Reason Verdict",
    "video.detect": "detect_video",
    "video.container": "VideoLimits",
    "video.results": "VideoResult",
    "wording": "Wording",
}

__getattr__ = lazy_exports(__name__, _EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
