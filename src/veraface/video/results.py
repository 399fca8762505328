"""What is said of a video: the result types that the command, the server and the page consume."""

import base64
from dataclasses import dataclass, field
from typing import Any

from veraface.geometry import Box
from veraface.results import Reason, Verdict


@dataclass(frozen=True)
class TrackFrame:
    """One face in one frame."""

    time: float  # seconds since the first frame
    box: Box  # of the face, px of the upright frame
    p_fake: float | None  # 0 real to 1 fake; None: too small to judge

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {"time": round(self.time, 3), "box": self.box.to_list(), "p_fake": _rounded(self.p_fake)}


@dataclass(frozen=True)
class TrackResult:
    """One face through the video, and what is said of it."""

    verdict: Verdict
    p_fake: float | None  # joined from its frames; None where none could be judged
    frames: tuple[TrackFrame, ...]  # in order
    best: int  # number of the frame among `frames` that speaks most clearly for the verdict
    reasons: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {
            "verdict": self.verdict.value,
            "p_fake": _rounded(self.p_fake),
            "best": self.best,
            "reasons": _reasons(self.reasons),
            "frames": [frame.to_dict() for frame in self.frames],
        }


@dataclass(frozen=True)
class TimelinePoint:
    """One frame that was looked at."""

    time: float  # seconds since the first frame
    p_fake: float | None  # the largest of its judged faces'; None where none was judged
    thumbnail: bytes | None = field(default=None, repr=False)  # a small JPEG of it, where asked for

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; the thumbnail as a data URL, where there is one."""
        answer: dict[str, Any] = {"time": round(self.time, 3), "p_fake": _rounded(self.p_fake)}
        if self.thumbnail is not None:
            answer["thumbnail"] = "data:image/jpeg;base64," + base64.b64encode(self.thumbnail).decode()
        return answer


@dataclass(frozen=True)
class VideoResult:
    """What is said of a video."""

    verdict: Verdict
    p_fake: float | None  # the largest of the tracks' that decide; None where none does
    tracks: tuple[TrackResult, ...]  # faces, the one seen longest first
    timeline: tuple[TimelinePoint, ...]  # the frames that were looked at, in order
    reasons: tuple[Reason, ...]
    duration: float  # seconds
    rate: float  # frames a second, on average
    rotation: int  # degrees with the clock by which the stored frames were turned
    width: int  # of the upright frames, px
    height: int  # of the upright frames, px
    format: str  # the container, as FFmpeg calls it
    codec: str  # as FFmpeg calls it
    model: dict[str, str]  # name, version and sha256 of the classifier
    thresholds: dict[str, float]  # p_fake at or below "real" is real, at or above "fake" is fake
    timing_ms: dict[str, float] = field(compare=False)  # read, decode, faces, model, total

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {
            "verdict": self.verdict.value,
            "p_fake": _rounded(self.p_fake),
            "tracks": [track.to_dict() for track in self.tracks],
            "timeline": [point.to_dict() for point in self.timeline],
            "reasons": _reasons(self.reasons),
            "duration": round(self.duration, 3),
            "rate": round(self.rate, 3),
            "rotation": self.rotation,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "codec": self.codec,
            "model": dict(self.model),
            "thresholds": dict(self.thresholds),
            "timing_ms": {stage: round(ms, 2) for stage, ms in self.timing_ms.items()},
        }


def _rounded(p_fake: float | None) -> float | None:
    return None if p_fake is None else round(p_fake, 6)


def _reasons(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    return [{"code": reason.code, "message": reason.message} for reason in reasons]
