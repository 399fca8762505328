"""Frames of a video or an animation, in its index and decoded."""

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A frame in the index of a video, not decoded."""

    pts: int  # presentation time in units of the stream's time base
    time: float  # seconds since the first frame
    key: bool  # decodes by itself; usually the least compressed of its neighborhood


@dataclass(frozen=True)
class Frame:
    """A decoded frame."""

    time: float  # seconds since the first frame
    image: Image.Image  # upright RGB with square pixels
