"""Read a video: index its frames by time, and decode the ones that are wanted."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image

from veraface.errors import UnreadableVideoError, VideoTooLargeError
from veraface.imaging.formats import sniff_format
from veraface.video.animation import Animation
from veraface.video.container import (
    VideoLimits,
    frame_orientation,
    image_stream,
    image_streams,
    memory_error,
    open_container,
    open_file,
    to_image,
)
from veraface.video.frames import Frame, FrameRef

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VideoSource = str | Path | bytes | BinaryIO

# A video counts as truncated if more than this is missing compared with its header.
_MAX_MISSING_S = 1.0
_MAX_MISSING_SHARE = 0.1  # of its length
# Packets that may go back in time before a video counts as overlapping: damage and some tools cause a few.
_MAX_DUPLICATE_SHARE = 0.02
# Packets after a frame's own until it is given up. Decoders hold back at most 16 frames to reorder them
# (H.264, A.3.1: MaxDpbFrames), each of up to two packets; AV1 decoders hold back fewer.
_MAX_REORDER_PACKETS = 40
# Later frames until a frame is given up: some containers, such as AVI, give frames the times of decoding
# order, which differ by a few positions from those of display order.
_MAX_LATER_FRAMES = 4
_MAX_SEEK_TEST = 5000  # frames that may be decoded to find out whether seeking works


class Video:
    """An opened video; see `open_video`."""

    def __init__(self, container: "InputContainer", limits: VideoLimits) -> None:
        """Index the frames without decoding any; raise VideoError if there are none, or over a limit."""
        self._limits = limits
        self._stream = image_stream(container, limits.image)
        index = _read_index(container, self._stream, limits)
        self._decoder = _Decoder(container, self._stream, index, limits)
        self._time_base = float(self._stream.time_base or 0)
        self._start_pts = index.pts[0]
        self.digest = index.content.digest()  # SHA-256 of all packets of images
        self.unseen_streams = len(image_streams(container)) - 1  # further image streams, which are not read
        self.codec = self._stream.codec_context.name  # as FFmpeg names it, such as "h264"
        self.format = container.format.name  # as FFmpeg names it, such as "mov,mp4,m4a,3gp,3g2,mj2"
        self.rotation = 0  # degrees clockwise, after mirroring, that make frames upright; known from one
        self.damaged = 0  # requested frames that could not be decoded so far
        self.overlaps = index.overlaps  # several frames have the same time, so that some cannot be decoded
        keys = set(index.key_pts)
        self.frames = [FrameRef(pts, self._time(pts), pts in keys) for pts in index.pts]  # that players show
        last = self.frames[-1].time
        gaps = sorted(after.time - before.time for before, after in pairwise(self.frames))
        median_gap = gaps[len(gaps) // 2] if gaps else float(1 / (self._stream.average_rate or 25))
        last_duration = index.last_duration * self._time_base or median_gap
        self.duration = last + last_duration  # seconds from the first frame to the end of the last
        # Frames per second, on average.
        self.rate = (len(self.frames) - 1) / last if last > 0 else 1 / median_gap if median_gap > 0 else 0.0
        if self.duration > limits.max_seconds:
            raise VideoTooLargeError(
                f"the video is {self.duration:.0f} s long; the limit is {limits.max_seconds:.0f} s; cut it"
            )
        # With the frames that an edit list hides.
        present = (index.last_pts - index.first_pts) * self._time_base + last_duration
        declared = (container.duration or 0) / 1e6  # microseconds
        if self._stream.duration is not None:
            declared = self._stream.duration * self._time_base
        # Whether the video ends long before the duration in its header.
        self.truncated = declared - present > max(_MAX_MISSING_S, _MAX_MISSING_SHARE * self.duration)

    def decode(self, wanted: Sequence[FrameRef]) -> Iterator[Frame]:
        """Decode frames in display order; those that cannot be decoded are skipped and counted."""
        for ref in wanted:
            decoded = self._decoder.frame(ref.pts)
            image = None
            if decoded is not None and not decoded.is_corrupt:
                with suppress(UnreadableVideoError):
                    image = self._image(decoded)
            if image is None:
                self.damaged += 1
            else:
                yield Frame(ref.time, image)

    def decode_all(self) -> Iterator[Frame]:
        """Decode every frame that can be decoded; raise VideoTooLargeError before the first of too many."""
        decoded = self._decoder.frames()
        return (Frame(max(0.0, self._time(pts)), self._image(frame)) for pts, frame in decoded)

    def _image(self, frame: "VideoFrame") -> Image.Image:
        self.rotation, _ = frame_orientation(frame)
        return to_image(frame, self._stream.sample_aspect_ratio, self._limits.image)

    def _time(self, pts: int) -> float:
        return (pts - self._start_pts) * self._time_base


@contextmanager
def open_video(source: VideoSource, limits: VideoLimits | None = None) -> Iterator[Video | Animation]:
    """Open a video or an animated image (path, bytes or seekable binary file) and index its frames.

    Raises as `detect_video`.
    """
    limits = limits or VideoLimits()
    with ExitStack() as opened:
        if isinstance(source, bytes | bytearray | memoryview):
            source = BytesIO(source)
        elif isinstance(source, str | Path):
            source = opened.enter_context(open_file(Path(source)))
        if source.seek(0, 2) > limits.max_bytes:
            raise VideoTooLargeError(
                f"the file is larger than the limit of {limits.max_bytes / 2**20:.4g} MiB"
            )
        source.seek(0)
        if kind := sniff_format(source.read(1024)):
            source.seek(0)
            yield Animation(source.read(limits.image.max_bytes + 1), kind, limits)
            return
        yield Video(opened.enter_context(open_container(source, limits.image)), limits)


@dataclass
class _Index:
    """The frames of a stream as read from its packets. All times are in units of its time base."""

    pts: list[int] = field(default_factory=list)  # of the frames that players show, in order
    key_pts: list[int] = field(default_factory=list)  # where decoding can start, in order; some are not shown
    dts: dict[int, int] = field(default_factory=dict)  # decode times of key frames by their pts
    packets: int = 0  # of images, shown or not
    last_duration: int = 0  # of the last frame
    first_pts: int = 0  # shown or not
    last_pts: int = 0
    duplicate_pts: int = 0  # packets at a time that an earlier packet has
    content: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def overlaps(self) -> bool:
        """Whether several frames have the same time, so that times do not identify frames."""
        return self.duplicate_pts > max(1, _MAX_DUPLICATE_SHARE * self.packets)


def _read_index(container: "InputContainer", stream: "VideoStream", limits: VideoLimits) -> _Index:
    """Read all packets of a video; raise VideoError if it shows no frame, or takes too much memory."""
    index = _Index()
    shown: set[int] = set()
    keys: set[int] = set()
    last_dts: int | None = None
    try:
        for count, packet in enumerate(container.demux()):
            if count >= limits.max_packets:
                raise VideoTooLargeError(
                    f"the video has more than {limits.max_packets} packets; cut it into shorter ones"
                )
            pts = packet_pts(packet)
            if packet.stream_index != stream.index or not packet.size or pts is None:
                continue
            index.first_pts = min(index.first_pts, pts) if index.packets else pts
            index.last_pts = max(index.last_pts, pts) if index.packets else pts
            index.packets += 1
            index.content.update(packet)
            goes_back = packet.dts is not None and last_dts is not None and packet.dts <= last_dts
            index.duplicate_pts += goes_back or (packet.pts is not None and pts in shown)
            if packet.dts is not None:
                last_dts = packet.dts if last_dts is None else max(last_dts, packet.dts)
            if packet.is_keyframe:
                keys.add(pts)
                if packet.dts is not None:
                    index.dts[pts] = packet.dts
            if not packet.is_discard:  # else an edit list hides it: needed by other frames, but never shown
                shown.add(pts)
                index.last_duration = packet.duration or 0
    except VideoTooLargeError:
        raise
    except MemoryError as error:
        raise memory_error() from error
    except Exception:  # nosec B110  # cut off; see `Video.truncated`
        pass
    if not shown or not stream.time_base:
        raise UnreadableVideoError("the video contains no frame; it is cut off or corrupt, export it again")
    index.pts = sorted(shown)
    index.key_pts = sorted(keys) or [index.first_pts]
    return index


def packet_pts(packet: "Packet[Any]") -> int | None:
    """Return the presentation time of a packet, or its decode time if the container stores no other."""
    return packet.pts if packet.pts is not None else packet.dts


# The pts of a packet, and the decoded frames that came out of the decoder, each with its pts.
_Step = tuple[int | None, list[tuple[int, "VideoFrame"]]]


@dataclass
class _Decoder:
    """Decodes single frames of a stream, each identified by its pts, with as few others as possible.

    A frame is never replaced by a neighbor: the result must show the face at exactly that time. The decoder
    seeks to the last key frame at or before the wanted pts and decodes forward. Seeking is unreliable, so
    there are four cases:

    1. The current run has passed that key frame already: continue it. No seek.
    2. The frame does not come, and the run started at that key frame: the "key" frame may need frames before
       it (open GOP, wrong flags). Seek once more to the key frame before it.
    3. The seek went beyond the wanted frame: the run does not cover its pts. Decode from the start, and do
       not seek in this file again.
    4. The run covers the pts and the frame does not come: it is damaged, or the container gives frames other
       times after a seek. Decode from the start once, if that is cheap. If the frame comes, do not seek in
       this file again; if not, it is damaged.

    Nothing else may read from the container at the same time. `max_decoded` of the limits counts packets that
    decode to nothing as well, because they cost as much.
    """

    container: "InputContainer"
    stream: "VideoStream"
    index: _Index
    limits: VideoLimits
    _decoded: int = 0
    _run: "_Run | None" = None
    _can_seek: bool = True
    _test_seek: bool = True  # case 4 has not been tested yet

    def frame(self, pts: int) -> "VideoFrame | None":
        """Return the frame with this pts, or None if it cannot be decoded; call in display order."""
        keys = self.index.key_pts
        key = max(0, bisect_right(keys, pts) - 1)
        run = self._run
        if run is None or (self._can_seek and run.max_pts < keys[key]):
            run = self._start(key)
        frame = run.to(pts)
        if frame is None and 0 < key == run.key:  # case 2
            run = self._start(key - 1)
            frame = run.to(pts)
        if frame is None and run.key > 0 and (run.first_pts > pts or self._should_test_seek(pts)):
            frame = self._start(0).to(pts)
            self._can_seek = self._can_seek and run.first_pts <= pts and frame is None
        return frame

    def frames(self) -> Iterator[tuple[int, "VideoFrame"]]:
        """Return pts and frame of all that can be decoded, from the first on."""
        if self.index.packets > self.limits.max_decoded - self._decoded:
            raise self._too_many()
        self._run = None
        return (frame for _, frames in self._steps(self.index.key_pts[0]) for frame in frames)

    def _should_test_seek(self, pts: int) -> bool:
        """Return whether to decode from the start in case 4: only once, and only if it is cheap."""
        due, self._test_seek = self._test_seek, False
        return due and bisect_right(self.index.pts, pts) <= _MAX_SEEK_TEST

    def _start(self, key: int) -> "_Run":
        self._run = _Run(key, self._steps(self.index.key_pts[key]))
        return self._run

    def _steps(self, key_pts: int) -> Iterator[_Step]:
        """Decode packet by packet from a key frame on; damaged packets yield no frames."""
        try:
            # Most containers seek by decode time.
            self.container.seek(self.index.dts.get(key_pts, key_pts), stream=self.stream)
            for packet in self.container.demux(self.stream):
                pts = packet_pts(packet)
                if not packet.size and pts is not None:
                    continue  # FFmpeg would take an empty packet for the end
                try:
                    frames = packet.decode()
                except MemoryError:
                    raise
                except Exception:
                    frames = []  # only this packet is damaged
                self._decoded += max(1, len(frames))
                if self._decoded > self.limits.max_decoded:
                    raise self._too_many()
                timed = ((frame.pts if frame.pts is not None else frame.dts, frame) for frame in frames)
                yield pts, [(at, frame) for at, frame in timed if at is not None]
        except VideoTooLargeError:
            raise
        except MemoryError as error:
            raise memory_error() from error
        except Exception:  # cut off; the frames before that count
            return

    def _too_many(self) -> VideoTooLargeError:
        return VideoTooLargeError(
            f"more than {self.limits.max_decoded} frames would be decoded; cut the video"
        )


class _Run:
    """One pass of the decoder forward from a key frame."""

    def __init__(self, key: int, steps: Iterator[_Step]) -> None:
        self.key = key  # number of the key frame that was sought
        self.first_pts = math.inf  # of the first packet after the seek
        self.max_pts = -math.inf
        self._steps = steps
        self._ready: dict[int, VideoFrame] = {}  # decoded before they were wanted, by pts

    def to(self, pts: int) -> "VideoFrame | None":
        """Decode on to a frame and return it, or None if it does not come."""
        later_packets = 0
        while pts not in self._ready:
            self._ready = {at: frame for at, frame in self._ready.items() if at > pts}
            given_up = later_packets > _MAX_REORDER_PACKETS or len(self._ready) > _MAX_LATER_FRAMES
            step = None if given_up else next(self._steps, None)
            if step is None:
                return None
            packet, frames = step
            self._ready.update(frames)
            if packet is not None:
                self.first_pts = packet if self.first_pts == math.inf else self.first_pts
                self.max_pts = max(self.max_pts, packet)
                later_packets += packet > pts
        return self._ready.pop(pts)
