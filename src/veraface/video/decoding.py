"""Decodes the frames that are wanted, each by its own stamp, with as few others as may be."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from veraface.errors import VideoTooLargeError
from veraface.video.index import Index, stamp_of
from veraface.video.limits import VideoLimits, too_much_memory

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Later packets after which a frame is no longer waited for. Decoders hold back 16 frames at most, to bring
# them into order (H.264, A.3.1: MaxDpbFrames), which may be two packets each; AV1's hold back fewer.
_MAX_HELD_BACK = 40
# Later frames after which it is none either: some containers, such as AVI, stamp frames in the order in which
# they are decoded, which differs by a few from that in which they are shown.
_MAX_AHEAD = 4
_CHECKED = 5000  # frames that may be decoded to find out whether a container goes to where it is sent

# The stamp of a packet, and the frames that came out.
_Step = tuple[int | None, list[tuple[int, "VideoFrame"]]]


class Decoder:
    """Decodes one stream.

    Args:
        container: what the stream is in; nothing else may read from it meanwhile.
        stream: of images.
        index: where its frames lie.
        limits: `max_decoded` counts packets that decode to nothing as well: they cost as much.
    """

    def __init__(
        self, container: "InputContainer", stream: "VideoStream", index: Index, limits: VideoLimits
    ) -> None:
        self._container = container
        self._stream = stream
        self._index = index
        self._limits = limits
        self._decoded = 0
        self._run: _Run | None = None
        self._jumps = True  # whether the container goes to where it is sent,
        self._checks = True  # and whether that is still to be found out

    def frame(self, stamp: int) -> "VideoFrame | None":
        """The frame with this stamp, None where it does not come; ask for one after the other, in order.

        Never another one in its place: what is judged has to be what is shown at that time.

        Raises:
            VideoTooLargeError: too much has to be decoded for that.
        """
        keys = self._index.keys
        place = max(0, bisect_right(keys, stamp) - 1)
        run = self._run
        if run is None or (self._jumps and not run.has_read(keys[place])):
            run = self._begin(place)
        frame = run.to(stamp)
        if frame is None and 0 < place == run.place:  # what is called a key frame may need those before it
            run = self._begin(place - 1)
            frame = run.to(stamp)
        if frame is None and run.place > 0 and (not run.covers(stamp) or self._is_worth_a_check(stamp)):
            # Some containers jump too far, or stamp frames differently after a jump: from now on, none.
            frame = self._begin(0).to(stamp)
            self._jumps = self._jumps and run.covers(stamp) and frame is None
        return frame

    def frames(self) -> Iterator[tuple[int, "VideoFrame"]]:
        """Stamps and frames of all that can be decoded, from the first on.

        Raises:
            VideoTooLargeError: it would be too many; known before the first.
        """
        if self._index.packets > self._limits.max_decoded - self._decoded:
            raise self._too_many()
        self._run = None
        return ((at, frame) for _, frames in self._steps(self._index.keys[0]) for at, frame in frames)

    def _is_worth_a_check(self, stamp: int) -> bool:
        """Once, and where it costs little: a frame that did not come may be damaged, or jumped over."""
        due, self._checks = self._checks, False
        return due and bisect_right(self._index.stamps, stamp) <= _CHECKED

    def _begin(self, place: int) -> "_Run":
        self._run = _Run(place, self._steps(self._index.keys[place]))
        return self._run

    def _steps(self, key: int) -> Iterator[_Step]:
        """Decodes from a key frame on, over what is damaged."""
        try:
            # By the time of decoding where it is known: that is what most containers look for.
            self._container.seek(self._index.decode_stamps.get(key, key), stream=self._stream)
            for packet in self._container.demux(self._stream):
                stamp = stamp_of(packet)
                if not packet.size and stamp is not None:
                    continue  # FFmpeg would take it for the end
                try:
                    frames = packet.decode()
                except MemoryError:
                    raise
                except Exception:
                    frames = []  # of one packet; the next may be whole
                self._decoded += max(1, len(frames))
                if self._decoded > self._limits.max_decoded:
                    raise self._too_many()
                stamped = ((frame.pts if frame.pts is not None else frame.dts, frame) for frame in frames)
                yield stamp, [(at, frame) for at, frame in stamped if at is not None]
        except VideoTooLargeError:
            raise
        except MemoryError as error:
            raise too_much_memory() from error
        except Exception:  # cut off: what came before it counts
            return

    def _too_many(self) -> VideoTooLargeError:
        return VideoTooLargeError(
            f"more than {self._limits.max_decoded} frames would be decoded; cut the video"
        )


class _Run:
    """Goes on from one place in the file, and never back."""

    def __init__(self, place: int, steps: Iterator[_Step]) -> None:
        self.place = place  # number of the key frame it was sent to
        self._steps = steps
        self._ready: dict[int, VideoFrame] = {}  # those that came before they were wanted
        self._at: int | None = None  # stamp of the packet taken last,
        self._first: int | None = None  # of that which it really began with,
        self._latest: int | None = None  # and the largest so far

    def has_read(self, stamp: int) -> bool:
        return self._latest is not None and self._latest >= stamp

    def covers(self, stamp: int) -> bool:
        return self._first is not None and self._first <= stamp

    def to(self, stamp: int) -> "VideoFrame | None":
        late = 0
        while stamp not in self._ready:
            self._ready = {at: frame for at, frame in self._ready.items() if at > stamp}
            if late > _MAX_HELD_BACK or len(self._ready) > _MAX_AHEAD or not self._go_on():
                return None
            late += self._at is not None and self._at > stamp
        return self._ready.pop(stamp)

    def _go_on(self) -> bool:
        """Takes the next packet, where there is one."""
        step = next(self._steps, None)
        if step is None:
            return False
        self._at, frames = step
        self._ready.update(frames)
        if self._at is not None:
            self._first = self._at if self._first is None else self._first
            self._latest = self._at if self._latest is None else max(self._latest, self._at)
        return True
