"""Write a copy of a video with boxes and verdicts drawn in, without sound."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import astuple
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from veraface.errors import DataError, VerafaceError
from veraface.files import atomic_write
from veraface.geometry import Box
from veraface.imaging.overlay import draw_boxes
from veraface.utils import available_cores, listed
from veraface.video.container import VideoLimits, memory_error
from veraface.video.frames import Frame
from veraface.video.reader import VideoSource, open_video
from veraface.video.results import TrackResult, VideoResult
from veraface.wording import PLAIN, Wording

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}  # FFmpeg's names by extension
_CODECS = ("libx264", "mpeg4")  # the first available is used; any player reads H.264
_CLOCK = Fraction(1, 90_000)  # s; MPEG's time base, precise enough for variable frame rates
_MAX_THREADS = 8  # each holds several frames
_MAX_SIDE = 1920  # px; larger frames are scaled down
_HOLD_S = 0.5  # seconds that a box is shown before the first and after the last frame of its track
_MAX_GAP = 4  # sampling intervals over which a box is interpolated


def write_annotated(
    source: VideoSource,
    result: VideoResult,
    path: Path,
    limits: VideoLimits | None = None,
    wording: Wording = PLAIN,
    comment: str = "",
) -> None:
    """Write an upright copy of a video with a box on each tracked face, atomically and without sound.

    Args:
        source: the video.
        result: its result; boxes are interpolated between the analyzed frames.
        path: the file to write, with an extension of `CONTAINERS`.
        limits: resource limits; the defaults of `VideoLimits` if None.
        wording: the words for verdicts beside the boxes.
        comment: stored in the file, such as which marks of the source the copy lacks.

    Raises:
        VerafaceError: the video cannot be read or is too long, or the file has another extension.
        DataError: the file cannot be written.
    """
    import av

    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise VerafaceError(f"{path}: the name of an annotated video must end in {listed(CONTAINERS)}")
    with atomic_write(path) as partial, open_video(source, limits) as video:
        rate = Fraction(max(1.0, min(video.rate, 240.0))).limit_denominator(1001)
        frames = _drawn(video.decode_all(), result, wording)
        try:
            _encode(frames, partial, kind, rate, comment)
        except MemoryError as error:
            raise memory_error() from error
        except av.error.FFmpegError as error:  # few are OSErrors; some only wrap the one with the cause
            cause = error.__context__ if isinstance(error.__context__, OSError) else error
            raise DataError(f"{path}: cannot be written: {cause.strerror or cause}") from error


def _encode(frames: Iterator[Frame], path: Path, kind: str, rate: Fraction, comment: str) -> None:
    import av

    # Opened by Python, because FFmpeg interprets some names as protocols.
    with path.open("wb") as file, av.open(file, "w", format=kind) as container:
        container.metadata["comment"] = comment
        codec = next(name for name in _CODECS if name in av.codecs_available)
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _CLOCK
        stream.codec_context.thread_count = min(available_cores(), _MAX_THREADS)
        last = -1
        for decoded in frames:
            image = decoded.image
            if last < 0:  # encoders of 4:2:0 require even sides
                stream.width, stream.height = (max(2, side // 2 * 2) for side in image.size)
            if image.size != (stream.width, stream.height):
                image = image.resize((stream.width, stream.height))
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            last = frame.pts = max(last + 1, round(decoded.time / _CLOCK))
            frame.time_base = _CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _drawn(frames: Iterator[Frame], result: VideoResult, wording: Wording) -> Iterator[Frame]:
    step = result.duration / max(1, len(result.timeline))
    for frame in frames:
        full = max(frame.image.size)
        frame.image.thumbnail((_MAX_SIDE, _MAX_SIDE))
        scale = max(frame.image.size) / full
        boxes = [(_box_at(track, frame.time, step), track) for track in result.tracks]
        tagged = [(box.scaled(scale), t.verdict, t.p_fake) for box, t in boxes if box]
        draw_boxes(frame.image, tagged, wording)
        yield frame


def _box_at(track: TrackResult, time: float, step: float) -> Box | None:
    """Return the box of a track at some time, or None if the face is not visible."""
    after = bisect_right(track.frames, time, key=lambda frame: frame.time)
    before = after - 1
    if before < 0 or after == len(track.frames):
        edge = track.frames[max(0, min(before, len(track.frames) - 1))]
        return edge.box if abs(time - edge.time) <= max(_HOLD_S, step / 2) else None
    one, other = track.frames[before], track.frames[after]
    gap = other.time - one.time
    if gap > _MAX_GAP * step:
        return one.box if time - one.time <= _HOLD_S else None
    part = (time - one.time) / gap if gap else 0.0
    corners = zip(astuple(one.box), astuple(other.box), strict=True)
    return Box(*(start + part * (end - start) for start, end in corners))
