"""Small files that need far more pixels, memory or time than their size suggests."""

import struct
import zlib

from PIL import Image

from tests.hostile.makers import (
    box,
    boxed,
    copies,
    gif_of_frames,
    gif_with,
    jpeg_filled,
    jpeg_of_scans,
    jpeg_with,
    png,
    tiff_of_numbers,
    tiff_of_pieces,
    webp_of_chunks,
    webp_of_frames,
)
from tests.hostile.samples import SAMPLES
from tests.sample_images import encode, png_chunk, png_of_size


def claiming(name: str, side: int) -> bytes:
    """Return a small file whose header claims a large square."""
    data = bytearray(SAMPLES[name])
    if name == "bmp":
        data[18:26] = struct.pack("<ii", side, side)
    elif name == "gif":
        data[6:10] = struct.pack("<HH", side, side)
    elif name == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif name == "png":
        return png_of_size(side, side)
    elif name == "tiff":
        return encode(Image.new("1", (side, side)), "TIFF", compression="group4")
    elif name == "webp":
        return webp_of_frames(1, side)
    elif name in ("heic", "avif"):
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", side, side)
    return bytes(data)


CLAIMANTS = ("bmp", "gif", "jpeg", "png", "tiff", "webp", "heic", "avif")


def exhausting() -> dict[str, bytes]:
    """Return files that take an unguarded decoder seconds to hours, or fill the memory."""
    exif = b"Exif\0\0" + copies(60_000)
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000), 9))
    photoshop = b"Photoshop 3.0\0" + (b"8BIM\4\4\0\0\0\0\0\0" * 5000)
    return {
        "a JPEG of 10,000 scans": jpeg_of_scans(10_000),
        "a JPEG of 500,000 segments": jpeg_with(*[(0xE0, b"")] * 500_000),
        "a JPEG whose EXIF grows 2,500-fold": jpeg_with((0xE1, exif)),
        "a JPEG whose EXIF does so in its second part": jpeg_with(
            (0xE1, exif[:8]), (0xE1, b"Exif\0\0" + exif[8:])
        ),
        "a JPEG of 9,000 EXIF segments": jpeg_with(*[(0xE1, b"Exif\0\0" + bytes(100))] * 9_000),
        "a JPEG of 50,000 Photoshop settings": jpeg_with(*[(0xED, photoshop)] * 10),
        "a JPEG of 10,000 tables": jpeg_with(*[(0xDB, bytes(65))] * 9_000),
        "a JPEG of one long table": jpeg_with(*[(0xC0, b"\x08" + bytes(4) + b"\3" + bytes(60_000))] * 2),
        "a JPEG of filling bytes": jpeg_filled(b"\xff" * 3_000_000),
        "a JPEG of nothing between segments": jpeg_filled(bytes(3_000_000)),
        "a JPEG of restarts before its pixels": jpeg_filled(b"\xff\xd0" * 500_000),
        "a PNG of 500,000 chunks": png(before=png_chunk(b"tIME", b"") * 500_000),
        "a PNG of 1,000 color profiles": png(before=profile * 1_000),
        "a GIF of a million comments": gif_with(b"!\xfe\0" * 1_000_000),
        "a GIF with a long comment": gif_with(b"!\xfe" + (b"\xff" + bytes(255)) * 10_000 + b"\0"),
        "a WebP of 500,000 chunks": webp_of_chunks(b"JUNK\0\0\0\0" * 500_000),
        "a TIFF that grows 40,000-fold": copies(1_000_000),
        "a TIFF of 500,000 strips": tiff_of_pieces(500_000),
        "a TIFF of 500,000 tiles": tiff_of_pieces(500_000, tiles=True),
        "a TIFF of a million values where one belongs": tiff_of_numbers(262, 1_000_000),
        "an AVIF whose EXIF grows 40,000-fold": SAMPLES["avif"] + copies(1_000_000),
        "an AVIF of 10,000 items": boxed("avif", 10_000),
        "an AVIF whose items are the file again and again": boxed("avif", 100, 30, 1_000_000),
        "a HEIC whose items are the file again and again": boxed("heic", 100, 30, 1_000_000),
        "a HEIC one of whose items belongs to the image 60,000 times": boxed("heic", 1, uses=60_000),
        "a HEIC of 30,000 pieces": boxed("heic", 900, 30),
        "a HEIC of layers upon layers": boxed("heic", 3, kind=b"iovl", refers=b"dimg", uses=5),
        "a HEIC of 100,000 boxes": SAMPLES["heic"] + box(b"free", b"") * 100_000,
        "a HEIC of boxes in boxes": SAMPLES["heic"] + nested(30_000),
    }


def nested(depth: int) -> bytes:
    """Return nested boxes."""
    return b"".join(struct.pack(">I", 8 * left) + b"moov" for left in range(depth, 0, -1))


def survivable() -> dict[str, bytes]:
    """Return files with much content for their size, to be refused or decoded quickly."""
    burst = zlib.compress(bytes(50_000_000), 9)
    text = zlib.compress(bytes(1_000_000), 9)
    animation = png_chunk(b"acTL", struct.pack(">II", 50_000, 0))
    control = png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 1, 0, 0))
    frames = b"".join(
        png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 2 * i + 1, 8, 8, 0, 0, 1, 1, 0, 0))
        + png_chunk(b"fdAT", struct.pack(">I", 2 * i + 2) + zlib.compress(bytes(200)))
        for i in range(20_000)
    )
    international = b"x\0\1\0\0\0"
    return {
        "a PNG whose color profile bursts": png(before=png_chunk(b"iCCP", b"x\0\0" + burst)),
        "a PNG whose text bursts": png(before=png_chunk(b"zTXt", b"x\0\0" + burst)),
        "a PNG whose text bursts behind its pixels": png(behind=png_chunk(b"zTXt", b"x\0\0" + burst)),
        "a PNG whose international text bursts": png(before=png_chunk(b"iTXt", international + burst)),
        "a PNG of 1,000 texts of 1 MB": png(before=png_chunk(b"zTXt", b"x\0\0" + text) * 1_000),
        "a PNG of 60 texts of 1 MB": png(before=png_chunk(b"zTXt", b"x\0\0" + text) * 60),
        "a PNG whose EXIF grows": png(behind=png_chunk(b"eXIf", copies(300_000))),
        "a PNG that declares 50,000 frames": png(before=animation),
        "a PNG of 90,000 frame headers": png(before=animation + control * 90_000),
        "a PNG of 20,000 frames": png(before=animation + control, behind=frames),
        "a PNG of 36 megapixels in 35 kB": png(6000, 6000, color=0),
        "a GIF of 50,000 frames": gif_of_frames(50_000),
        "a GIF of clear codes": gif_with(
            b"," + struct.pack("<HHHH", 0, 0, 64, 64) + b"\0\2" + (b"\xff" + b"\x24\x49\x92" * 85) * 5_000
        ),
        "a GIF whose frame lies outside": gif_with(
            b"," + struct.pack("<HHHH", 60_000, 60_000, 5000, 5000) + b"\0\2"
        ),
        "a WebP of 500 frames": webp_of_frames(500),
        "a WebP of empty frames": webp_of_chunks(
            (b"ANMF" + struct.pack("<I", 16) + bytes(16)) * 50_000, moving=True
        ),
        "a WebP whose EXIF grows": encode(Image.new("RGB", (64, 64)), "WEBP", exif=copies(300_000)),
        "a TIFF of 40,000 strips": tiff_of_pieces(40_000),
        "a JPEG of 40 scans": jpeg_of_scans(30),
        "a JPEG of 50 comments of 64 kB": jpeg_with(*[(0xFE, b"c" * 65_000)] * 50),
        "a HEIC of 900 items": boxed("heic", 900),
        "an AVIF of 4,000 items": boxed("avif", 4_000),
    }


def lying() -> dict[str, bytes]:
    """Return files that decode to far more or fewer pixels than they declare."""
    side, made = 1500, {}
    for name, kind, options in (
        ("avif", "AVIF", {"speed": 10, "quality": 10}),
        ("heic", "HEIF", {"quality": 10, "enc_params": {"preset": "ultrafast"}}),
    ):
        large = encode(Image.new("RGB", (side, side), (9, 99, 200)), kind, **options)
        declared, other = struct.pack(">II", side, side), struct.pack(">II", 64, 64)
        made[f"{name} that is larger than it declares"] = large.replace(
            b"ispe\0\0\0\0" + declared, b"ispe\0\0\0\0" + other
        )
        made[f"{name} that is smaller than it declares"] = claiming(name, 7000)
    return made
