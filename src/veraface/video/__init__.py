"""Video: sampled frames, faces tracked through them, one verdict. Needs the extra `video`.

`detect_video` and `VideoLimits` load NumPy and Pillow when they are first used; the result types do not.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from veraface.video.results import TimelinePoint, TrackFrame, TrackResult, VideoResult

if TYPE_CHECKING:
    from veraface.video.detect import detect_video
    from veraface.video.limits import VideoLimits

__all__ = ["TimelinePoint", "TrackFrame", "TrackResult", "VideoLimits", "VideoResult", "detect_video"]

_MODULES = {"VideoLimits": "limits", "detect_video": "detect"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
