"""A video whose frames are known by their times, and decoded where they are wanted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from veraface.errors import UnreadableVideoError, VideoTooLargeError
from veraface.video.container import moving_streams, open_container, open_file, picture_stream
from veraface.video.decoding import Decoder
from veraface.video.index import read_index
from veraface.video.limits import VideoLimits
from veraface.video.orientation import picture_of, turn_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VideoSource = str | Path | bytes | BinaryIO

_CUT_S = 1.0  # seconds that may be missing at the end before a video counts as cut off,
_CUT_SHARE = 0.1  # and the share of its length


@dataclass(frozen=True, slots=True)
class Moment:
    """Where one frame lies in the video."""

    stamp: int  # in the stream's own clock
    time: float  # seconds since the first frame
    key: bool  # decodes by itself; the least compressed of its neighborhood


@dataclass(frozen=True)
class Shot:
    """One frame, decoded."""

    time: float  # seconds since the first frame
    picture: Image.Image  # upright RGB, pixels square


class Clip:
    """An opened video; see `open_clip`.

    Attributes:
        moments: all frames that players show, in that order.
        duration: seconds from the first frame to the end of the last.
        rate: frames a second, on average.
        variable: whether the time between frames differs, beyond what rounding does.
        cut: whether the video ends long before its header says.
        damaged: frames that were wanted and could not be decoded, so far.
        overlaps: whether it goes over the same time more than once, so that only some of its frames can be
            told apart and decoded.
        unseen_streams: how many further streams of moving images there are, none of which is read.
        rotation: degrees with the clock by which frames are turned to be upright, mirrored ones after they
            were mirrored left to right; known once one is decoded.
        codec: FFmpeg's name of the codec, such as "h264".
        format: FFmpeg's name of the container, such as "mov,mp4,m4a,3gp,3g2,mj2".
    """

    def __init__(self, container: "InputContainer", limits: VideoLimits) -> None:
        """Reads where its frames lie, without decoding any.

        Raises:
            VideoError: it holds no images, or is over a limit.
        """
        self._limits = limits
        self._stream = picture_stream(container, limits.image)
        self.unseen_streams = len(moving_streams(container)) - 1
        index = read_index(container, self._stream, limits)
        self._decoder = Decoder(container, self._stream, index, limits)
        self.codec = self._stream.codec_context.name
        self.format = container.format.name
        self.rotation = 0
        self.damaged = 0
        self.overlaps = index.overlaps
        self._clock = float(self._stream.time_base or 0)
        self._start = index.stamps[0]
        keys = set(index.keys)
        self.moments = [Moment(stamp, self._time(stamp), stamp in keys) for stamp in index.stamps]
        last = self.moments[-1].time
        count = len(self.moments)
        gaps = sorted(b.time - a.time for a, b in zip(self.moments, self.moments[1:], strict=False))
        usual = gaps[len(gaps) // 2] if gaps else float(1 / (self._stream.average_rate or 25))
        length = index.length * self._clock or usual
        self.duration = last + length
        self.rate = (count - 1) / last if last > 0 else 1 / usual if usual > 0 else 0.0
        self.variable = bool(gaps) and gaps[-1] - gaps[0] > max(2 * self._clock, 0.25 * usual)
        if self.duration > limits.max_seconds:
            raise VideoTooLargeError(
                f"the video is {self.duration:.0f} s long; the limit is {limits.max_seconds:.0f} s; cut it"
            )
        there = (index.last - index.first) * self._clock + length  # with what an edit list hides
        missing = _declared_seconds(container, self._stream) - there
        self.cut = missing > max(_CUT_S, _CUT_SHARE * self.duration)

    def shots(self, wanted: Sequence[Moment]) -> Iterator[Shot]:
        """Decodes these frames, which are in order; those that do not come are left out and counted.

        Raises:
            VideoTooLargeError: too many frames have to be decoded for that, or one of them is too large.
        """
        for moment in wanted:
            frame = self._decoder.frame(moment.stamp)
            try:
                shot = None if frame is None or frame.is_corrupt else Shot(moment.time, self._picture(frame))
            except UnreadableVideoError:
                shot = None
            if shot is None:
                self.damaged += 1
            else:
                yield shot

    def frames(self) -> Iterator[tuple[float, Image.Image]]:
        """Time and upright image of every frame that can be decoded, from the first to the last.

        Raises:
            VideoTooLargeError: there are too many; known before the first.
        """
        frames = self._decoder.frames()
        return ((max(0.0, self._time(stamp)), self._picture(frame)) for stamp, frame in frames)

    def _picture(self, frame: "VideoFrame") -> Image.Image:
        self.rotation = turn_of(frame).degrees
        return picture_of(frame, self._stream.sample_aspect_ratio, self._limits.image)

    def _time(self, stamp: int) -> float:
        return (stamp - self._start) * self._clock


def _declared_seconds(container: "InputContainer", stream: "VideoStream") -> float:
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6  # from millionths of a second


@contextmanager
def open_clip(source: VideoSource, limits: VideoLimits | None = None) -> Iterator[Clip]:
    """Opens a video and reads where its frames lie.

    Args:
        source: a path, the bytes of a file, or a binary file object that can seek.
        limits: what the video may cost; the defaults of `VideoLimits` if None.

    Raises:
        UnsupportedVideoError: no video of a known kind, a still image, or only sound.
        UnreadableVideoError: empty, cut off or corrupt, or a path that cannot be read.
        VideoTooLargeError: over one of the limits.
        ModuleNotFoundError: PyAV is not installed.
    """
    limits = limits or VideoLimits()
    if isinstance(source, bytes | bytearray | memoryview):
        source = BytesIO(source)
    if isinstance(source, str | Path):
        with open_file(Path(source)) as file:
            yield from _opened(file, limits)
    else:
        yield from _opened(source, limits)


def _opened(file: BinaryIO, limits: VideoLimits) -> Iterator[Clip]:
    if file.seek(0, 2) > limits.max_bytes:
        raise VideoTooLargeError(f"the file is larger than the limit of {limits.max_bytes / 2**20:.4g} MiB")
    with open_container(file, limits.image) as container:
        yield Clip(container, limits)
