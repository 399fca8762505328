"""Video: sampled frames, faces tracked through them, one verdict. Needs the extra `video`.

`detect_video` and `VideoLimits` load NumPy and Pillow when they are first used; the result types do not.
"""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports
from veraface.video.results import TimelinePoint, TrackFrame, TrackResult, VideoResult

if TYPE_CHECKING:
    from veraface.video.container import VideoLimits
    from veraface.video.detect import detect_video

__all__ = ["TimelinePoint", "TrackFrame", "TrackResult", "VideoLimits", "VideoResult", "detect_video"]

__getattr__ = lazy_exports(__name__, {"detect": "detect_video", "container": "VideoLimits"})
