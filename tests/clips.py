"""Tiny clips, made on the spot: the marked or unmarked face of `tests.datasets`, or plain colours."""

import struct
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.datasets import SIDE, face
from tests.pictures import portrait


def make_clip(path: Path, *, fake: bool = False, number: int = 0, frames: int = 8) -> Path:
    """One face for a few frames at 8 a second; returns the path."""
    return write_clip(path, [face(number, fake=fake)] * frames)


def make_ramp(path: Path, frames: int = 20, key_frames: int = 12) -> Path:
    """Frame i is grey with the brightness 10 i, 20 frames a second."""
    levels = [Image.new("RGB", (64, 48), (10 * i,) * 3) for i in range(frames)]
    return write_clip(path, levels, rate=20, key_frames=key_frames)


def write_clip(path: Path, pictures: list[Image.Image], rate: int = 8, key_frames: int = 12) -> Path:
    """Encode pictures of one size as MPEG-4 in the container that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = key_frames
        stream.bit_rate = 4_000_000
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture))))
        container.mux(stream.encode())
    return path


def panned(frames: int = 12, *, width: int = 480, height: int = 400) -> list[Image.Image]:
    """A photograph of a face that a camera moves over: pictures for `write_clip`."""
    photo = portrait(560)
    places = [(round(60 * i / frames), round(40 * i / frames)) for i in range(frames)]
    return [photo.crop((x, y, x + width, y + height)) for x, y in places]


def make_portrait(path: Path, frames: int = 12, rate: int = 8, key_frames: int = 12) -> Path:
    """A clip of a real face; returns the path."""
    return write_clip(path, panned(frames), rate, key_frames)


def make_plain(path: Path, frames: int = 8, size: tuple[int, int] = (320, 240)) -> Path:
    """A clip without any face; returns the path."""
    return write_clip(path, [Image.new("RGB", size, (40 + i, 90, 120)) for i in range(frames)])


def make_sound(path: Path) -> Path:
    """A clip with a second of silence and no picture; returns the path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 8000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path: Path, *, quarters: int) -> None:
    """Write into an MP4 that players shall turn it so many quarters with the clock."""
    a, b, c, d = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters]
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2: the matrix of a version 0 track header
    data[start : start + len(matrix)] = matrix
    path.write_bytes(data)


def corner(picture: Image.Image) -> str:
    """Where the bright quarter of a picture lies, such as "top left"."""
    grey = np.asarray(picture.convert("L"), float)
    height, width = grey.shape
    row, column = np.unravel_index(
        np.argmax(grey.reshape(2, height // 2, 2, width // 2).mean(axis=(1, 3))), (2, 2)
    )
    return f"{('top', 'bottom')[row]} {('left', 'right')[column]}"


assert SIDE % 2 == 0, "encoders of 4:2:0 want even sides"
