"""Broken and hostile files: always an ImageError, at once, whatever is in them."""

import struct
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from time import process_time
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import encode, exif_with, noise, png_chunk, png_of_size, portrait
from veraface.errors import ImageError, ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from veraface.image import Picture

# pytest lifts the filter that veraface sets; that it holds elsewhere is tested below.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

IMAGE = portrait(64)
FILES = {
    "jpeg": encode(IMAGE, "JPEG", exif=exif_with(6)),
    "progressive": encode(IMAGE, "JPEG", progressive=True),
    "png": encode(IMAGE, "PNG", exif=exif_with(6)),
    "palette-png": encode(IMAGE.quantize(64), "PNG"),
    "webp": encode(IMAGE, "WEBP", exif=exif_with(6)),
    "lossless-webp": encode(IMAGE, "WEBP", lossless=True),
    "avif": encode(IMAGE, "AVIF"),
    "heic": encode(IMAGE, "HEIF", exif=exif_with(6)),
    "gif": encode(IMAGE, "GIF"),
    "bmp": encode(IMAGE, "BMP"),
    "palette-bmp": encode(IMAGE.quantize(64), "BMP"),
    "tiff": encode(IMAGE, "TIFF", exif=exif_with(6)),
    "lzw-tiff": encode(IMAGE, "TIFF", compression="tiff_lzw"),
    "jpeg-tiff": encode(IMAGE, "TIFF", compression="jpeg"),
}


def decode(data: bytes) -> Image.Image:
    return Picture(data).pixels()


def attempt(data: bytes) -> None:
    """Decode fully and reduced; only an ImageError may come out."""
    for at_least in (None, 16):
        with suppress(ImageError):
            assert Picture(data).pixels(at_least).mode == "RGB"


# --- broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_cut_off_at_each_sixteenth_is_unreadable(name: str) -> None:
    whole = FILES[name]
    for sixteenths in range(16):
        with pytest.raises(UnreadableImageError, match="cut off|empty"):
            decode(whole[: len(whole) * sixteenths // 16])


FUZZ = settings(max_examples=60, deadline=10_000, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.parametrize("name", FILES)
@FUZZ
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6)
)
def test_flipped_bits_raise_nothing_else(name: str, flips: list[tuple[float, int]]) -> None:
    data = bytearray(FILES[name])
    for where, mask in flips:
        # Squared: most damage goes to the front, where the structure is.
        data[int(where * where * len(data))] ^= mask
    attempt(bytes(data))


@FUZZ
@given(
    head=st.sampled_from(sorted(FILES)),
    tail=st.sampled_from(sorted(FILES)),
    cut=st.floats(0, 1),
    resume=st.floats(0, 1),
    middle=st.binary(max_size=64),
)
def test_splices_raise_nothing_else(head: str, tail: str, cut: float, resume: float, middle: bytes) -> None:
    front, back = FILES[head], FILES[tail]
    attempt(front[: int(cut * len(front))] + middle + back[int(resume * len(back)) :])


@FUZZ
@given(start=st.sampled_from([data[:16] for data in FILES.values()]), rest=st.binary(max_size=300))
def test_random_bytes_behind_a_signature_raise_nothing_else(start: bytes, rest: bytes) -> None:
    attempt(start + rest)


@FUZZ
@given(
    junk=st.binary(max_size=400),
    prefix=st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0"]),
)
def test_broken_exif_does_not_cost_the_picture(junk: bytes, prefix: bytes) -> None:
    block = b"Exif\0\0" + prefix + junk
    plain = encode(IMAGE, "JPEG")
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]
    with suppress(UnreadableImageError):  # metadata that claim to be many times the file's size
        assert sorted(decode(data).size) == [64, 64]


def test_an_exif_directory_that_points_to_itself_is_read_once() -> None:
    entry = struct.pack("<HHII", 34665, 4, 1, 8)  # "the EXIF directory is here", in that directory
    orientation = struct.pack("<HHII", 0x0112, 3, 1, 3)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entry + orientation + struct.pack("<I", 8)
    plain = encode(IMAGE, "JPEG")
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]
    turned = np.asarray(decode(data))
    assert np.array_equal(turned, np.asarray(decode(plain))[::-1, ::-1])


# --- foreign --------------------------------------------------------------------------------------


def zip_file() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", FILES["jpeg"])
    return buffer.getvalue()


FOREIGN = {
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj<<>>endobj", "PDF"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><image/></svg>', "SVG"),
    "SVG with byte order mark": (b'\xef\xbb\xbf <?xml version="1.0"?><svg/>', "SVG"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "Photoshop": (b"8BPS\0\1" + bytes(40), "Photoshop"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    "zip": (zip_file(), "zip"),
    "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(100), "video"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(60), "video"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "sound"),
    "JPEG XL": (b"\xff\x0a" + bytes(40), "JPEG XL"),
    "JPEG 2000": (encode(IMAGE, "JPEG2000"), "JPEG 2000"),
    "icon": (encode(IMAGE, "ICO"), "icon"),
    "text": (b"BMW built this. GIF pictures are nice.", "no picture"),
    "netpbm": (encode(IMAGE, "PPM"), "no picture"),
    "one byte": (b"\xff", "no picture"),
    "noise": (noise(32, 32).tobytes(), "no picture"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_named(name: str) -> None:
    data, word = FOREIGN[name]
    with pytest.raises(UnsupportedImageError, match=word) as caught:
        Picture(data)
    assert "JPEG, PNG" in str(caught.value)  # what to give instead


@pytest.mark.parametrize("tag", [{0xC612: b"\1\4\0\0"}, {0x00FE: 1}])
def test_a_raw_photo_is_refused_and_not_judged_by_its_thumbnail(tag: dict[int, object]) -> None:
    with pytest.raises(UnsupportedImageError, match="raw"):
        Picture(encode(IMAGE, "TIFF", tiffinfo=tag))


# --- bombs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9_500, 9_500), (2**31 - 1, 1), (20_001, 1)])
def test_a_png_bomb_is_refused(width: int, height: int) -> None:
    with pytest.raises(ImageTooLargeError, match=f"{width} x {height}"):
        Picture(png_of_size(width, height))


def claims(name: str, side: int) -> bytes:
    """A small file of that format whose header claims a large square."""
    data = bytearray(FILES[name])
    if name == "bmp":
        data[18:26] = struct.pack("<ii", side, side)
    elif name == "gif":
        data[6:10] = struct.pack("<HH", side, side)
    elif name == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif name == "tiff":
        return encode(Image.new("1", (side, side)), "TIFF", compression="group4")
    return bytes(data)


@pytest.mark.parametrize("name", ["bmp", "gif", "jpeg", "tiff"])
def test_other_bombs_are_refused(name: str) -> None:
    with pytest.raises(ImageTooLargeError, match="8000 x 8000"):
        Picture(claims(name, 8000))


def test_bombs_cost_neither_memory_nor_lines_on_stderr() -> None:
    script = """
import resource, sys
from veraface.errors import ImageError
from veraface.image import Picture
from tests.test_image_hostile import FILES, claims, tiff_of_many_complaints
from tests.pictures import png_of_size, portrait, encode
Picture(encode(portrait(64), "PNG")).pixels()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in [png_of_size(30_000, 30_000), png_of_size(9_500, 9_500), png_of_size(13_000, 13_000),
             claims("bmp", 13_000), claims("gif", 13_000), claims("jpeg", 13_000), tiff_of_many_complaints()]:
    try:
        Picture(data).pixels()
    except ImageError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-W", "default::UserWarning", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 40  # MiB; one of these decoded takes 250
    assert done.stderr == ""


def tiff_of_many_complaints() -> bytes:
    """A TIFF about each of whose 500 entries Pillow has something to say."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, 2**20, 10**6) for i in range(500))
    return b"II*\0" + struct.pack("<IH", 8, 500) + entries + bytes(4)


def copies(size: int) -> bytes:
    """A TIFF block whose every entry asks for the same large piece of it to be copied."""
    count = size // 24
    start = 8 + 2 + 12 * count + 4
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, size // 2, start) for i in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + bytes(size // 2)


def exhausting() -> dict[str, bytes]:
    """Small files that keep an unguarded decoder busy for seconds to hours, or fill the memory."""
    jpeg, gif, progressive = FILES["jpeg"], FILES["gif"], FILES["progressive"]
    palette_end = 13 + 3 * (2 << (gif[10] & 7))
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    exif = b"Exif\0\0" + copies(60_000)
    app1 = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    avif = bytearray(FILES["avif"])
    return {
        "a JPEG of 10,000 scans": progressive[:-2] + scan * 10_000 + progressive[-2:],
        "a JPEG of a million segments": jpeg[:2] + b"\xff\xe0\0\2" * 1_000_000 + jpeg[2:],
        "a JPEG whose EXIF grows 2,500-fold": jpeg[:2] + app1 + jpeg[2:],
        "a PNG of a million chunks": png_of_size(10, 10, png_chunk(b"tIME", b"") * 1_000_000),
        "a GIF of a million comments": gif[:palette_end] + b"!\xfe\0" * 1_000_000 + gif[palette_end:],
        "a GIF with a long comment": gif[:palette_end] + b"!\xfe" + (b"\xff" + bytes(255)) * 80_000 + b"\0;",
        "a TIFF that grows 40,000-fold": copies(1_000_000),
        "an AVIF whose EXIF does": bytes(avif) + copies(1_000_000),
    }


def test_exhausting_files_are_refused_at_once() -> None:
    for name, data in exhausting().items():
        started = process_time()
        with pytest.raises(UnreadableImageError, match="far more"):
            Picture(data)
        assert process_time() - started < 2, name


def test_run_length_bmp_is_refused() -> None:
    # Pillow would unpack it in Python, for a minute, and fill what is missing with black.
    header = struct.pack("<IiiHHIIiiII", 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + header + bytes(1024) + b"\1\1" * 100_000
    with pytest.raises(UnsupportedImageError, match="run-length"):
        Picture(data)


def test_many_parts_of_real_files_are_no_reason_to_refuse() -> None:
    idat = png_chunk(b"tEXt", b"parameters\0" + b"a cat, " * 20_000) * 20
    plain = FILES["png"]
    at = plain.index(b"IDAT") - 4
    assert decode(plain[:at] + idat + plain[at:]).size == (64, 64)
    assert decode(FILES["jpeg"] + noise(512, 512).tobytes()).size == (64, 64)  # a phone's appended clip
