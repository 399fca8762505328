"""Result types of a video."""

from dataclasses import dataclass, field
from typing import Annotated

from veraface.results import (
    ClassifierInfo,
    Digits,
    JpegDataUrl,
    JsonBox,
    Milliseconds,
    Probability,
    Reason,
    Result,
    Thresholds,
    Verdict,
)

Seconds = Annotated[float, Digits(3)]


@dataclass(frozen=True)
class TrackFrame(Result):
    """One face in one frame."""

    time: Seconds
    """seconds since the first frame"""
    box: JsonBox
    """x, y, width, height of the face, pixels of the upright frame"""
    p_fake: Probability | None
    """0 real to 1 fake; null: too small to classify"""


@dataclass(frozen=True)
class TrackResult(Result):
    """Result for one face, tracked through the video."""

    verdict: Verdict
    p_fake: Probability | None
    """aggregated from its frames; null: no frame was classified"""
    best: int
    """index in `frames` of the frame that supports the verdict most clearly"""
    reasons: tuple[Reason, ...]
    frames: tuple[TrackFrame, ...]
    """in order of time"""


@dataclass(frozen=True)
class TimelinePoint(Result):
    """One sampled frame."""

    _omitted_if_none = ("thumbnail",)

    time: Seconds
    """seconds since the first frame"""
    p_fake: Probability | None
    """the largest of its faces; null: no face was classified"""
    thumbnail: Annotated[bytes, JpegDataUrl()] | None = field(default=None, repr=False)
    """a small JPEG of it as a data URL, if requested"""


@dataclass(frozen=True)
class VideoResult(Result):
    """Result for a video."""

    verdict: Verdict
    p_fake: Probability | None
    """the largest of the tracks that decide; null: no track does"""
    tracks: tuple[TrackResult, ...]
    """faces, the one with most frames first"""
    timeline: tuple[TimelinePoint, ...]
    """the sampled frames in order of time"""
    reasons: tuple[Reason, ...]
    duration: Seconds
    """seconds"""
    rate: Annotated[float, Digits(3)]
    """frames per second, on average"""
    rotation: int
    """degrees clockwise by which stored frames were rotated to be upright"""
    width: int
    """of the upright frames, pixels"""
    height: int
    """of the upright frames, pixels"""
    format: str
    """FFmpeg's name of the container"""
    codec: str
    """FFmpeg's name of the codec"""
    model: ClassifierInfo = field(hash=False)
    """name, version and sha256 of the classifier"""
    thresholds: Thresholds = field(hash=False)
    """p_fake at or below `real` is real, at or above `fake` is fake"""
    timing_ms: dict[str, Milliseconds] = field(compare=False)
    """milliseconds by stage"""
