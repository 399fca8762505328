"""Read an animated image, or one of several pages, as a video. Pillow composes its frames, without PyAV."""

import hashlib
from collections.abc import Iterator, Sequence
from io import BytesIO

from veraface.errors import ImageError, ImageTooLargeError, UnsupportedVideoError, VideoTooLargeError
from veraface.imaging.decode import ImageFile
from veraface.imaging.formats import FORMATS
from veraface.video.container import VideoLimits, check_size, memory_error
from veraface.video.frames import Frame, FrameRef

_MAX_REPEATS = 10_000  # of all frames


class Animation:
    """The frames of an animated image; has the members of `veraface.video.reader.Video`."""

    def __init__(self, data: bytes, kind: str, limits: VideoLimits) -> None:
        """List the frames; raise VideoError if there is only one, or a limit is exceeded.

        Args:
            data: the file.
            kind: its format, a key of `FORMATS`.
            limits: those of a video.
        """
        try:
            self._file = ImageFile(data, limits.image)
        except ImageTooLargeError as error:
            raise VideoTooLargeError(str(error)) from error
        except ImageError as error:
            raise UnsupportedVideoError(f"is a {kind} image, not a video") from error
        if self._file.frames < 2:
            raise UnsupportedVideoError(f"is a {kind} image, not a video")
        self._limits = limits
        self.digest = hashlib.sha256(data).digest()
        self.format = self.codec = kind
        self.rotation = 0  # EXIF orientation is applied
        self.damaged = self.unseen_streams = 0
        self.truncated = self.overlaps = False
        durations = self._file.container.durations
        self.duration = sum(durations)  # seconds
        if self.duration > limits.max_seconds:
            raise VideoTooLargeError(
                f"the animation takes {self.duration:.0f} s; the limit is {limits.max_seconds:.0f} s; cut it"
            )
        if self._file.frames > limits.max_decoded:
            raise VideoTooLargeError(f"the animation has more than {limits.max_decoded} frames; cut it")
        self.frames = list(_timed(durations))
        self.rate = len(self.frames) / self.duration

    def decode(self, wanted: Sequence[FrameRef]) -> Iterator[Frame]:
        """Decode frames in display order; those that cannot be decoded are skipped and counted."""
        image = FORMATS[self.format].open(BytesIO(self._file.data or b""))
        for ref in wanted:
            try:
                image.seek(ref.pts)
                check_size(*image.size, self._limits.image)  # pages of a TIFF differ in size
                decoded = self._file.to_upright_rgb(image)
            except VideoTooLargeError:
                raise
            except MemoryError as error:
                raise memory_error() from error
            except Exception:  # codecs raise any kind of error on hostile bytes
                self.damaged += 1
            else:
                yield Frame(ref.time, decoded)

    def decode_all(self) -> Iterator[Frame]:
        """Decode every frame that can be decoded."""
        return self.decode(self.frames)


def _timed(durations: Sequence[float]) -> Iterator[FrameRef]:
    """Yield the frames with their time; `pts` is the number of the frame in the file.

    A frame that is shown for longer comes as often as in a video of constant frame rate.
    """
    shortest = min(seconds for seconds in durations if seconds > 0)
    step = max(shortest, sum(durations) / _MAX_REPEATS)
    start = 0.0
    for number, seconds in enumerate(durations):
        repeats = max(1, round(seconds / step)) if seconds > 0 else 0
        for repeat in range(repeats):
            yield FrameRef(number, start + repeat * seconds / repeats, key=False)
        start += seconds
