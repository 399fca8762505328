"""Broken and hostile files raise an ImageError quickly, whatever they contain."""

import struct
import subprocess
import sys
from contextlib import suppress
from time import process_time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.hostile.bombs import CLAIMANTS, claiming, exhausting, lying, survivable
from tests.hostile.files import directories
from tests.hostile.foreign import FOREIGN
from tests.hostile.mutants import SIGNATURES, duplicated
from tests.hostile.samples import FIRST_ENDS_EARLY, IMAGE, ODD_PIXELS, SAMPLES
from tests.sample_images import encode, noise, png_chunk, png_of_size, portrait
from veraface.errors import ImageError, ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from veraface.imaging.decode import ImageFile, ImageLimits

# pytest lifts the filter that veraface sets; that it holds elsewhere is tested below.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def decode(data: bytes) -> Image.Image:
    return ImageFile(data).decode()


def attempt(data: bytes) -> None:
    """Decode at full size and reduced; only an ImageError may be raised."""
    for min_side in (None, 16):
        with suppress(ImageError):
            assert ImageFile(data).decode(min_side).mode == "RGB"


# --- broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in FIRST_ENDS_EARLY])
def test_truncated_file_is_unreadable(name: str) -> None:
    whole = SAMPLES[name]
    for sixteenths in range(16):
        with pytest.raises(UnreadableImageError, match="cut off|empty"):
            decode(whole[: len(whole) * sixteenths // 16])


@pytest.mark.parametrize("name", FIRST_ENDS_EARLY)
def test_truncated_animation_is_unreadable_until_the_first_image_is_complete(name: str) -> None:
    whole = SAMPLES[name]
    expected, outcomes = decode(whole).tobytes(), []
    for sixteenths in range(16):
        try:
            assert decode(whole[: len(whole) * sixteenths // 16]).tobytes() == expected
            outcomes.append("whole")
        except UnreadableImageError:
            outcomes.append("cut")
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {"whole", "cut"}


FUZZ = settings(max_examples=examples(60), deadline=60_000, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", SAMPLES)
@FUZZ
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6)
)
def test_flipped_bits_raise_only_image_errors(name: str, flips: list[tuple[float, int]]) -> None:
    data = bytearray(SAMPLES[name])
    for where, mask in flips:
        # Squared: most damage goes to the front, where the structure is.
        data[int(where * where * len(data))] ^= mask
    attempt(bytes(data))


@FUZZ
@given(
    head=st.sampled_from(sorted(SAMPLES)),
    tail=st.sampled_from(sorted(SAMPLES)),
    cut=st.floats(0, 1),
    resume=st.floats(0, 1),
    middle=st.binary(max_size=64),
)
def test_splices_raise_only_image_errors(
    head: str, tail: str, cut: float, resume: float, middle: bytes
) -> None:
    front, back = SAMPLES[head], SAMPLES[tail]
    attempt(front[: int(cut * len(front))] + middle + back[int(resume * len(back)) :])


@pytest.mark.parametrize("name", SAMPLES)
@FUZZ
@given(part=st.floats(0, 1, exclude_max=True), times=st.integers(2, 40))
@example(part=0.0, times=2)
def test_repeated_parts_raise_only_image_errors(name: str, part: float, times: int) -> None:
    attempt(duplicated(SAMPLES[name], part, times))


@pytest.mark.parametrize("name", ODD_PIXELS)
def test_unusual_pixels_are_decoded_or_refused(name: str) -> None:
    attempt(ODD_PIXELS[name])


@FUZZ
@given(start=st.sampled_from(SIGNATURES), rest=st.binary(max_size=300))
def test_random_bytes_behind_a_signature_raise_only_image_errors(start: bytes, rest: bytes) -> None:
    attempt(start + rest)


@FUZZ
@given(
    junk=st.binary(max_size=400),
    prefix=st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0"]),
)
def test_image_with_broken_exif_is_decoded(junk: bytes, prefix: bytes) -> None:
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


@pytest.mark.parametrize("name", FOREIGN)
def test_error_names_the_kind_of_an_unsupported_file(name: str) -> None:
    data, word = FOREIGN[name]
    with pytest.raises(UnsupportedImageError, match=word) as caught:
        ImageFile(data)
    assert "JPEG, PNG" in str(caught.value)  # what to give instead


@pytest.mark.parametrize("tag", [{0xC612: b"\1\4\0\0"}, {0x00FE: 1}])
def test_raw_photo_is_refused(tag: dict[int, object]) -> None:
    with pytest.raises(UnsupportedImageError, match="raw"):
        ImageFile(encode(IMAGE, "TIFF", tiffinfo=tag))


# --- bombs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9_500, 9_500), (2**31 - 1, 1), (20_001, 1)])
def test_a_png_bomb_is_refused(width: int, height: int) -> None:
    with pytest.raises(ImageTooLargeError, match=f"{width} x {height}"):
        ImageFile(png_of_size(width, height))


@pytest.mark.parametrize("name", CLAIMANTS)
def test_bombs_of_each_format_are_refused_by_their_header(name: str) -> None:
    started = process_time()
    with pytest.raises(ImageTooLargeError, match="8000 x 8000"):
        ImageFile(claiming(name, 8000))
    assert process_time() - started < 1


def test_bombs_take_little_memory_and_write_nothing_to_stderr() -> None:
    script = """
from tests.memory import peak_mib
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile
from tests.hostile.bombs import claiming
from tests.imaging.test_decode_hostile import tiff_of_many_complaints
from tests.sample_images import png_of_size, portrait, encode
ImageFile(encode(portrait(64), "PNG")).decode()
before = peak_mib()
for data in [png_of_size(30_000, 30_000), png_of_size(9_500, 9_500), png_of_size(13_000, 13_000),
             claiming("bmp", 13_000), claiming("gif", 13_000), claiming("jpeg", 13_000),
             tiff_of_many_complaints()]:
    try:
        ImageFile(data).decode()
    except ImageError:
        pass
print(peak_mib() - before)
"""
    done = subprocess.run(
        [sys.executable, "-W", "default::UserWarning", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 40  # MiB; one of these decoded takes 250
    assert done.stderr == ""


def tiff_of_many_complaints() -> bytes:
    """Return a TIFF with 500 entries, each of which makes Pillow warn."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, 2**20, 10**6) for i in range(500))
    return b"II*\0" + struct.pack("<IH", 8, 500) + entries + bytes(4)


def test_exhausting_files_are_refused_at_once() -> None:
    for name, data in exhausting().items():
        started = process_time()
        with pytest.raises(UnreadableImageError, match="far more"):
            ImageFile(data)
        assert process_time() - started < 2, name


def test_files_with_much_content_for_their_size_take_little_time() -> None:
    for name, data in survivable().items():
        started = process_time()
        attempt(data)
        assert process_time() - started < 5, name


MEMORY = """
from contextlib import suppress
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile
from tests.hostile.bombs import exhausting, survivable
from tests.hostile.samples import SAMPLES
from tests.memory import peak_mib
files = exhausting() | survivable()
for data in SAMPLES.values():
    ImageFile(data).decode()
before = peak_mib()
for name, data in files.items():
    with suppress(ImageError):
        ImageFile(data)
    grown = peak_mib() - before
    assert grown < 120, (name, grown)  # MiB; one PNG may hold 64 MiB of texts
"""


def test_opening_takes_little_memory() -> None:
    subprocess.run([sys.executable, "-c", MEMORY], check=True, timeout=300)


def test_run_length_bmp_is_refused() -> None:
    # Pillow would unpack it in Python, for a minute, and fill what is missing with black.
    header = struct.pack("<IiiHHIIiiII", 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + header + bytes(1024) + b"\1\1" * 100_000
    with pytest.raises(UnsupportedImageError, match="run-length"):
        ImageFile(data)


def test_files_with_a_wrong_size_take_little_time() -> None:
    for name, data in lying().items():
        started = process_time()
        attempt(data)
        assert process_time() - started < 5, name


def cropped(side: int, to: tuple[int, int], offset: tuple[int, int]) -> bytes:
    """Return a HEIC with a crop, whose sizes are fractions."""
    whole = encode(portrait(side).crop((0, 0, side - 1, side - 1)), "HEIF")
    at = whole.index(b"clap") + 4
    return whole[:at] + struct.pack(">8i", to[0], 1, to[1], 1, *offset, *offset) + whole[at + 32 :]


def test_heic_with_a_wrong_size_is_refused() -> None:
    # Found by the fuzzer: a part that lies outside is not cut out, and all of the image appears.
    assert decode(cropped(64, (50, 50), (-14, 2))).size == (50, 50)
    for to in ((1, 1), (50, 50)):
        with pytest.raises(UnreadableImageError, match="as large as"):
            decode(cropped(64, to, (-12288, 2)))


def test_all_of_a_cropped_heic_counts_against_the_limits() -> None:
    data = cropped(256, (20, 20), (-14, 2))
    with pytest.raises(ImageTooLargeError, match="256 x 256"):
        ImageFile(data, ImageLimits(max_pixels=60_000))
    assert ImageFile(data, ImageLimits(max_pixels=66_000)).width == 20


def test_cyclic_directories_take_little_time() -> None:
    started = process_time()
    for data in directories().values():
        attempt(data)
    assert process_time() - started < 10


def test_real_files_with_many_parts_are_accepted() -> None:
    # As phones write: an image of 256 tiles. As scanners do: one strip a row.
    assert decode(encode(portrait(1024), "HEIF", tile_size=64, quality=50)).size == (1024, 1024)
    rows = encode(Image.new("L", (16, 20_000)), "TIFF", tiffinfo={278: 1}, compression="tiff_lzw")
    assert decode(rows).size == (16, 20_000)
    idat = png_chunk(b"tEXt", b"parameters\0" + b"a cat, " * 20_000) * 20
    plain = SAMPLES["png"]
    at = plain.index(b"IDAT") - 4
    assert decode(plain[:at] + idat + plain[at:]).size == (64, 64)
    assert decode(SAMPLES["jpeg"] + noise(512, 512).tobytes()).size == (64, 64)  # a phone's appended video


def test_a_jpeg_that_lists_fewer_components_than_it_announces_is_refused() -> None:
    """Found by the fuzzer."""
    data = encode(portrait(64), "JPEG")
    start = data.index(b"\xff\xc0")
    frame = data[start : start + 19]
    short = b"\xff\xc0\x00\x0b" + frame[4:13]
    with pytest.raises(ImageError):
        ImageFile(data[:start] + short + data[start + 19 :]).decode()
