"""Clips: the frames to look at, the faces tracked through them, one verdict. Needs the extra `video`."""

from veraface.video.detect import detect_video
from veraface.video.limits import VideoLimits
from veraface.video.results import TimelinePoint, TrackFrame, TrackResult, VideoResult

__all__ = ["TimelinePoint", "TrackFrame", "TrackResult", "VideoLimits", "VideoResult", "detect_video"]
