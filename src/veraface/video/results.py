"""Result types of a video."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from veraface.results import (
    ClassifierInfo,
    Digits,
    JsonBox,
    Milliseconds,
    Probability,
    Reason,
    Result,
    Thresholds,
    Verdict,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_DATA_URL = "data:image/jpeg;base64,"

Seconds = Annotated[float, Digits(3)]


class _JpegAsDataUrl:
    """Annotation of the bytes of a JPEG file: JSON holds them as a data URL."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        url = core_schema.str_schema(pattern="^" + _DATA_URL)
        from_url = core_schema.no_info_after_validator_function(
            lambda text: b64decode(text.removeprefix(_DATA_URL), validate=True), url
        )
        to_url = core_schema.plain_serializer_function_ser_schema(
            lambda jpeg: _DATA_URL + b64encode(jpeg).decode(), return_schema=url
        )
        return core_schema.json_or_python_schema(from_url, core_schema.bytes_schema(), serialization=to_url)


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
    thumbnail: Annotated[bytes, _JpegAsDataUrl()] | None = field(default=None, repr=False)
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
