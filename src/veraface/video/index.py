"""Where the frames of a video lie: read from its packets, without decoding any."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from veraface.errors import UnreadableVideoError, VideoTooLargeError
from veraface.video.limits import VideoLimits, too_much_memory

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_MAX_AGAIN = 0.02  # share of packets that may go back in time: damage and careless tools do that to a few


@dataclass
class Index:
    """What was read. All stamps are in the stream's own clock."""

    stamps: list[int] = field(default_factory=list)  # of the frames that players show, in order
    keys: list[int] = field(default_factory=list)  # where decoding can begin, in order; some may not be shown
    decode_stamps: dict[int, int] = field(default_factory=dict)  # of key frames: when they are to be decoded
    packets: int = 0  # of images, shown or not
    length: int = 0  # for how long the last frame is shown
    first: int = 0  # the smallest stamp, shown or not
    last: int = 0  # the largest
    again: int = 0  # packets at a time at which there was one already

    @property
    def overlaps(self) -> bool:
        """Whether the video goes over the same time more than once, so that stamps do not tell its frames."""
        return self.again > max(1, _MAX_AGAIN * self.packets)


def read_index(container: "InputContainer", stream: "VideoStream", limits: VideoLimits) -> Index:
    """Reads all packets of a video.

    Raises:
        UnreadableVideoError: it holds no frame that is shown.
        VideoTooLargeError: it has too many packets, or its own index takes too much memory.
    """
    index = Index()
    shown: set[int] = set()
    keys: set[int] = set()
    latest: int | None = None  # decode stamp so far
    try:
        for count, packet in enumerate(container.demux()):
            if count >= limits.max_packets:
                raise VideoTooLargeError(
                    f"the video has more than {limits.max_packets} packets; cut it into shorter ones"
                )
            stamp = stamp_of(packet)
            if packet.stream_index != stream.index or not packet.size or stamp is None:
                continue
            index.first = min(index.first, stamp) if index.packets else stamp
            index.last = max(index.last, stamp) if index.packets else stamp
            index.packets += 1
            is_back = packet.dts is not None and latest is not None and packet.dts <= latest
            index.again += is_back or (packet.pts is not None and stamp in shown)
            if packet.dts is not None:
                latest = packet.dts if latest is None else max(latest, packet.dts)
            if packet.is_keyframe:
                keys.add(stamp)
                if packet.dts is not None:
                    index.decode_stamps[stamp] = packet.dts
            if not packet.is_discard:  # else an edit list hides it: needed by others, but shown by no player
                shown.add(stamp)
                index.length = packet.duration or 0
    except VideoTooLargeError:
        raise
    except MemoryError as error:
        raise too_much_memory() from error
    except Exception:  # nosec B110  # cut off: `Clip.cut` tells
        pass
    if not shown or not stream.time_base:
        raise UnreadableVideoError("the video holds no frame; it is cut off or corrupt, export it again")
    index.stamps = sorted(shown)
    index.keys = sorted(keys) or [index.first]
    return index


def stamp_of(packet: "Packet[Any]") -> int | None:
    """When what is in a packet is shown; when it is decoded where the container says no more."""
    return packet.pts if packet.pts is not None else packet.dts
