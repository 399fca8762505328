"""Make tiny videos: the face of `tests.sample_data`, a photograph, or plain colors."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.sample_data import SIDE, face
from tests.sample_images import portrait


def make_video(path: Path, *, fake: bool = False, number: int = 0, frames: int = 8) -> Path:
    """Write a video of one face, a few frames at 8 per second; return the path."""
    return write_video(path, [face(number, fake=fake)] * frames)


def make_ramp(path: Path, frames: int = 20, key_frames: int = 12) -> Path:
    """Write a gray video in which frame i has the brightness 10 i, at 20 frames per second."""
    levels = [Image.new("RGB", (64, 48), (10 * i,) * 3) for i in range(frames)]
    return write_video(path, levels, rate=20, key_frames=key_frames)


def write_video(
    path: Path, images: list[Image.Image], rate: int = 8, key_frames: int = 12, codec: str = "mpeg4"
) -> Path:
    """Encode images of one size, as MPEG-4 if nothing else is asked for, in the container of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = images[0].size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = key_frames
        stream.bit_rate = 4_000_000
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image))))
        container.mux(stream.encode())
    return path


def remux(content: bytes, kind: str, change: Callable[[int, av.Packet, bytes], av.Packet | None]) -> bytes:
    """Return the video with changed packets in another container; timestamps and key frames stay."""
    buffer = BytesIO()
    with av.open(BytesIO(content)) as before, av.open(buffer, "w", format=kind) as after:
        stream = before.streams.video[0]
        copy = after.add_stream_from_template(stream)
        for number, packet in enumerate(before.demux(stream)):
            if not packet.size:
                continue
            changed = change(number, packet, bytes(packet))
            if changed is not None:
                changed.stream = copy
                after.mux(changed)
    return buffer.getvalue()


def make_broken(kind: str, images: list[Image.Image], whole: set[int], key_frames: int = 4) -> bytes:
    """Return H.264 at 8 frames per second in which only the frames numbered in `whole` can be decoded."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height = images[0].size
        stream.pix_fmt, stream.gop_size, stream.codec_context.max_b_frames = "yuv420p", key_frames, 0
        stream.codec_context.options = {"preset": "ultrafast", "sc_threshold": "0", "crf": "10"}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image))))
        container.mux(stream.encode())

    def broken(number: int, packet: av.Packet, data: bytes) -> av.Packet:
        filler = b"\0\0\0\2\x0c\xff"  # a filler NAL unit (H.264, 7.4.1, type 12)
        changed = av.Packet(data if number in whole else filler)
        changed.pts, changed.dts, changed.duration = packet.pts, packet.dts, packet.duration
        changed.time_base, changed.is_keyframe = packet.time_base, packet.is_keyframe
        return changed

    return remux(buffer.getvalue(), kind, broken)


def hide_beginning(content: bytes, frames: int, rate: int) -> bytes:
    """Return an MP4 with an edit list that hides its first frames, which decoders need."""

    def earlier(number: int, packet: av.Packet, data: bytes) -> av.Packet:
        assert packet.pts is not None
        assert packet.dts is not None
        shift = round(frames / rate / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        return packet

    return remux(content, "mp4", earlier)


def two_streams(first: bytes, second: bytes, kind: str) -> bytes:
    """Return a video with two video streams, of which the second is the default."""
    buffer = BytesIO()
    with (
        av.open(BytesIO(first)) as one,
        av.open(BytesIO(second)) as other,
        av.open(buffer, "w", format=kind) as both,
    ):
        streams = [both.add_stream_from_template(c.streams.video[0]) for c in (one, other)]
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for container, stream in zip((one, other), streams, strict=True):
            for packet in container.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    both.mux(packet)
    return buffer.getvalue()


def panned(frames: int = 12, *, width: int = 480, height: int = 400) -> list[Image.Image]:
    """Return crops that move over a photograph of a face: images for `write_video`."""
    photo = portrait(800)
    places = [(150 + round(60 * i / frames), 30 + round(20 * i / frames)) for i in range(frames)]
    return [photo.crop((x, y, x + width, y + height)) for x, y in places]


def make_portrait(path: Path, frames: int = 12, rate: int = 8, key_frames: int = 12) -> Path:
    """Write a video of a real face; return the path."""
    return write_video(path, panned(frames), rate, key_frames)


def make_playable(path: Path, images: list[Image.Image], rate: int = 8) -> Path:
    """Write a WebM file, which every browser plays; MPEG-4 is played by none."""
    return write_video(path, images, rate, codec="libvpx")


def make_plain(path: Path, frames: int = 8, size: tuple[int, int] = (320, 240)) -> Path:
    """Write a video without a face; return the path."""
    return write_video(path, [Image.new("RGB", size, (40 + i, 90, 120)) for i in range(frames)])


def make_audio(path: Path) -> Path:
    """Write a file with a second of silent audio and no video stream; return the path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 8000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


# Clockwise turns in quarters, with the bright corner and the size of the video of `make_corner` after them.
QUARTER_TURNS = ((1, "top right", (48, 64)), (2, "bottom right", (64, 48)), (3, "bottom left", (48, 64)))


def make_corner(path: Path) -> Path:
    """Write a black MP4 of three frames, 64 by 48 pixels, whose top left quarter is white."""
    image = Image.new("RGB", (64, 48))
    image.paste((255, 255, 255), (0, 0, 32, 24))
    return write_video(path, [image] * 3)


def turn(path: Path, *, quarters: int) -> None:
    """Write into an MP4 that players rotate it clockwise by a number of quarters."""
    place(path, *{1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters])


def place(path: Path, a: float, b: float, c: float, d: float) -> None:
    """Write a display matrix into an MP4: it maps x, y to a x + c y, b x + d y."""
    whole = [round(value * 2**16) for value in (a, b, c, d)]
    matrix = struct.pack(">9i", *whole[:2], 0, *whole[2:], 0, 0, 0, 1 << 30)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2: the matrix of a version 0 track header
    data[start : start + len(matrix)] = matrix
    path.write_bytes(data)


def corner(image: Image.Image) -> str:
    """Return the position of the brightest quarter of an image, such as "top left"."""
    gray = np.asarray(image.convert("L"), float)
    height, width = gray.shape
    row, column = np.unravel_index(
        np.argmax(gray.reshape(2, height // 2, 2, width // 2).mean(axis=(1, 3))), (2, 2)
    )
    return f"{('top', 'bottom')[row]} {('left', 'right')[column]}"


assert SIDE % 2 == 0, "4:2:0 encoders need even sides"
