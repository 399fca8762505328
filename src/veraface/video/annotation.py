"""A copy of a video with boxes and verdicts in it. Its sound is left out."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from veraface.errors import DataError, VerafaceError
from veraface.files import atomic_write
from veraface.geometry import Box
from veraface.imaging.overlay import draw_boxes
from veraface.results import Verdict
from veraface.utils import available_cores
from veraface.video.limits import VideoLimits, too_much_memory
from veraface.video.reader import VideoSource, open_clip
from veraface.video.results import TrackResult, VideoResult

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}  # by suffix: what FFmpeg calls them
_CODECS = ("libx264", "mpeg4")  # the first that this FFmpeg has; any player reads H.264
_CLOCK = Fraction(1, 90_000)  # s; MPEG's own, which holds times of videos of variable rate
_MAX_THREADS = 8  # each holds frames of its own
_MAX_SIDE = 1920  # px; larger frames are shrunk to it
_HELD_S = 0.5  # seconds for which a box is shown before its first frame and after its last
_STEPS = 4  # a box moves on between two frames of its track that are at most so many samples apart


def write_annotated(
    source: VideoSource, result: VideoResult, path: Path, limits: VideoLimits | None = None
) -> None:
    """Write a video anew, upright, with a box on each tracked face; whole or not at all.

    Between the frames that were judged, boxes are moved along straight lines. The sound is left out.

    Args:
        source: the video that was judged.
        result: what was said of it.
        path: of the new video: .mp4, .mov or .mkv.
        limits: what the video may cost; the defaults of `VideoLimits` if None.

    Raises:
        VideoError: the video cannot be read.
        VideoTooLargeError: it has more frames than may be decoded; known before the first.
        VerafaceError: the file cannot be written, or has another suffix.
    """
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise VerafaceError(f"{path}: annotated videos end in {', '.join(CONTAINERS)}")
    with atomic_write(path) as partial, open_clip(source, limits) as clip:
        rate = Fraction(max(1.0, min(clip.rate, 240.0))).limit_denominator(1001)
        frames = _drawn(clip.frames(), result)
        with _said_of(path):
            _encode(frames, partial, kind, rate)


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """FFmpeg's errors as ours. Few of them are OSErrors; some only wrap the one that says what is wrong."""
    import av

    try:
        yield
    except MemoryError as error:
        raise too_much_memory() from error
    except av.error.FFmpegError as error:
        cause = error.__context__ if isinstance(error.__context__, OSError) else error
        raise DataError(f"{path}: cannot be written: {cause.strerror or cause}") from error


def _encode(frames: Iterator[tuple[float, Image.Image]], path: Path, kind: str, rate: Fraction) -> None:
    import av

    # Opened here, as FFmpeg would take some names for protocols.
    with path.open("wb") as file, av.open(file, "w", format=kind) as container:
        codec = next(name for name in _CODECS if name in av.codecs_available)
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _CLOCK
        stream.codec_context.thread_count = min(available_cores(), _MAX_THREADS)
        size: tuple[int, int] | None = None
        last = -1
        for time, image in frames:
            if size is None:
                size = _even_size(image)
                stream.width, stream.height = size
            if image.size != size:
                image = image.resize(size)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            last = frame.pts = max(last + 1, round(time / _CLOCK))
            frame.time_base = _CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _drawn(
    frames: Iterator[tuple[float, Image.Image]], result: VideoResult
) -> Iterator[tuple[float, Image.Image]]:
    step = result.duration / max(1, len(result.timeline))
    for time, image in frames:
        full = max(image.size)
        image.thumbnail((_MAX_SIDE, _MAX_SIDE))
        scale = max(image.size) / full
        shown = [(_box_at(track, time, step), track.verdict, track.p_fake) for track in result.tracks]
        faces: list[tuple[Box, Verdict, float | None]] = [
            (box.scaled(scale), verdict, p_fake) for box, verdict, p_fake in shown if box is not None
        ]
        draw_boxes(image, faces)
        yield time, image


def _box_at(track: TrackResult, time: float, step: float) -> Box | None:
    """Where a track's face is at some time; None where it is not in sight."""
    after = bisect_right(track.frames, time, key=lambda frame: frame.time)
    before = after - 1
    if before < 0 or after == len(track.frames):
        edge = track.frames[max(0, min(before, len(track.frames) - 1))]
        return edge.box if abs(time - edge.time) <= max(_HELD_S, step / 2) else None
    one, other = track.frames[before], track.frames[after]
    gap = other.time - one.time
    if gap > _STEPS * step:
        return one.box if time - one.time <= _HELD_S else None
    part = (time - one.time) / gap if gap else 0.0
    a, b = one.box, other.box

    def between(start: float, end: float) -> float:
        return start + part * (end - start)

    return Box(between(a.x, b.x), between(a.y, b.y), between(a.width, b.width), between(a.height, b.height))


def _even_size(image: Image.Image) -> tuple[int, int]:
    """Encoders of 4:2:0 want even sides."""
    return max(2, image.width // 2 * 2), max(2, image.height // 2 * 2)
