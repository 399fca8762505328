"""A clip whose frames are known by their times, and decoded where they are wanted."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from veraface.errors import ImageError, UnreadableVideoError, VideoTooLargeError
from veraface.video.container import open_container, open_file, picture_stream, quarter_turn, upright
from veraface.video.limits import VideoLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

VideoSource = str | Path | bytes | BinaryIO

_SQUARE = Fraction(1)
_WIDEST_PIXEL = 4  # a pixel more times as wide as high, or as high as wide, is a broken header
_CUT_S = 1.0  # seconds that may be missing at the end before a clip counts as cut off,
_CUT_SHARE = 0.1  # and the share of its length


@dataclass(frozen=True, slots=True)
class Moment:
    """Where one frame lies in the clip."""

    stamp: int  # in the stream's own clock
    time: float  # seconds since the first frame
    key: bool  # decodes by itself; the least compressed of its neighbourhood


@dataclass(frozen=True)
class Shot:
    """One frame, decoded."""

    time: float  # seconds since the first frame
    picture: Image.Image  # upright RGB, pixels square


class Clip:
    """An opened clip; see `open_clip`.

    Attributes:
        moments: all frames in the order they are shown.
        duration: seconds from the first frame to the end of the last.
        rate: frames a second, on average.
        variable: whether the time between frames differs, beyond what rounding does.
        cut: whether the clip ends long before its header says.
        damaged: frames that were wanted and could not be decoded, so far.
        rotation: degrees with the clock by which frames are turned to be upright; known once one is decoded.
        codec: FFmpeg's name of the codec, such as "h264".
        format: FFmpeg's name of the container, such as "mov,mp4,m4a,3gp,3g2,mj2".
    """

    def __init__(self, container: "InputContainer", limits: VideoLimits) -> None:
        """Reads where its frames lie, without decoding any.

        Raises:
            VideoError: it holds no pictures, or is over a limit.
        """
        self._container = container
        self._limits = limits
        self._stream = picture_stream(container, limits.picture)
        self._decoded = 0
        self._ahead: Iterator[VideoFrame] = iter(())
        self._at: int | None = None  # the stamp of the frame decoded last, where decoding can go on
        self.codec = self._stream.codec_context.name
        self.format = container.format.name
        self.rotation = 0
        self.damaged = 0
        stamps, length = self._stamps()
        clock = float(self._stream.time_base or 0)
        self.moments = [Moment(stamp, (stamp - stamps[0][0]) * clock, key) for stamp, key in stamps]
        last = self.moments[-1].time
        count = len(self.moments)
        gaps = sorted(b.time - a.time for a, b in zip(self.moments, self.moments[1:], strict=False))
        usual = gaps[len(gaps) // 2] if gaps else float(1 / (self._stream.average_rate or 25))
        self.duration = last + (length * clock or usual)
        self.rate = (count - 1) / last if last > 0 else 1 / usual if usual > 0 else 0.0
        self.variable = bool(gaps) and gaps[-1] - gaps[0] > max(2 * clock, 0.25 * usual)
        if self.duration > limits.max_seconds:
            raise VideoTooLargeError(
                f"the clip is {self.duration:.0f} s long; the limit is {limits.max_seconds:.0f} s; cut it"
            )
        missing = self._declared_seconds() - self.duration
        self.cut = missing > max(_CUT_S, _CUT_SHARE * self.duration)

    def shots(self, wanted: Sequence[Moment]) -> Iterator[Shot]:
        """Decodes these frames, which are in order; those that are damaged are left out and counted.

        Raises:
            VideoTooLargeError: too many frames have to be decoded for that, or one of them is too large.
        """
        for moment in wanted:
            found = self._found(moment)
            shot = None if found is None or found.is_corrupt else self._shot(found, moment)
            if shot is None:
                self.damaged += 1
            else:
                yield shot

    def _found(self, moment: Moment) -> "VideoFrame | None":
        """The frame of a moment: decoded on from the last one, or from a key frame where that saves work."""
        place = max(0, bisect_right(self._keys, moment.stamp) - 1)
        if self._at is None or not self._at < moment.stamp or self._keys[place] > self._at:
            self._ahead = self._from(self._keys[place])
        # Some containers jump too far, as they look for another kind of time stamp: then from further back.
        for start in (None, max(0, place - 1), 0):
            if start is not None:
                self._ahead = self._from(self._keys[start])
            for frame in self._ahead:
                stamp = frame.pts if frame.pts is not None else frame.dts
                self._at = moment.stamp if stamp is None else stamp
                if self._at >= moment.stamp:
                    if self._at == moment.stamp or start == 0:
                        return frame
                    break
            else:
                self._at = None
        return None

    def frames(self) -> Iterator[tuple[float, Image.Image]]:
        """Time and upright picture of every frame that can be decoded, from the first to the last."""
        self._at = None
        for frame in self._from(self._keys[0]):
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                continue
            time = (stamp - self.moments[0].stamp) * float(self._stream.time_base or 0)
            yield max(0.0, time), self._picture(frame)

    def _shot(self, frame: "VideoFrame", moment: Moment) -> Shot | None:
        try:
            return Shot(moment.time, self._picture(frame))
        except VideoTooLargeError:
            raise
        except ImageError:
            return None

    def _picture(self, frame: "VideoFrame") -> Image.Image:
        self.rotation = -quarter_turn(frame) % 360
        picture = upright(frame, self._limits.picture)
        shape = self._stream.sample_aspect_ratio or _SQUARE
        if shape == _SQUARE or not Fraction(1, _WIDEST_PIXEL) <= shape <= _WIDEST_PIXEL:
            return picture
        if self.rotation % 180:
            shape = 1 / shape
        # The longer way is kept, as faces are to lose none of their pixels.
        width, height = picture.size
        size = (round(width * shape), height) if shape > 1 else (width, round(height / shape))
        return picture.resize(size, Image.Resampling.BICUBIC)

    def _from(self, stamp: int) -> "Iterator[VideoFrame]":
        """Decodes from a key frame on, over what is damaged."""
        try:
            # By the time of decoding where it is known: that is what most containers look for.
            self._container.seek(self._decode_stamps.get(stamp, stamp), stream=self._stream)
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except Exception:
                    frames = []  # of one packet; the next may be whole
                for frame in frames:
                    self._decoded += 1
                    if self._decoded > self._limits.max_decoded:
                        raise VideoTooLargeError(
                            f"more than {self._limits.max_decoded} frames would be decoded; cut the clip"
                        )
                    yield frame
        except VideoTooLargeError:
            raise
        except Exception:  # cut off: what came before it counts
            return

    def _stamps(self) -> tuple[list[tuple[int, bool]], int]:
        """Time stamps in order, with whether they are key frames; and how long the last is shown."""
        found: dict[int, bool] = {}
        self._decode_stamps: dict[int, int] = {}
        length = 0
        try:
            for count, packet in enumerate(self._container.demux()):
                if count >= self._limits.max_packets:
                    raise VideoTooLargeError(
                        f"the clip has more than {self._limits.max_packets} packets; cut it into shorter ones"
                    )
                if packet.stream_index != self._stream.index or not packet.size:
                    continue
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None:
                    found[stamp] = packet.is_keyframe or found.get(stamp, False)
                    if packet.is_keyframe and packet.dts is not None:
                        self._decode_stamps[stamp] = packet.dts
                    length = packet.duration or 0
        except VideoTooLargeError:
            raise
        except Exception:  # nosec B110  # cut off: `cut` tells
            pass
        if not found or not self._stream.time_base:
            raise UnreadableVideoError("the clip holds no frame; it is cut off or corrupt, export it again")
        self._keys = sorted(stamp for stamp, key in found.items() if key) or [min(found)]
        return sorted(found.items()), length

    def _declared_seconds(self) -> float:
        if self._stream.duration is not None and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return (self._container.duration or 0) / 1e6  # from millionths of a second


@contextmanager
def open_clip(source: VideoSource, limits: VideoLimits | None = None) -> Iterator[Clip]:
    """Opens a clip and reads where its frames lie.

    Args:
        source: a path, the bytes of a file, or a binary file object that can seek.
        limits: what the clip may cost; the defaults of `VideoLimits` if None.

    Raises:
        UnsupportedVideoError: no clip of a known kind, a still picture, or only sound.
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
    with open_container(file, limits.picture) as container:
        yield Clip(container, limits)
