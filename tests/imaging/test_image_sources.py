"""All sources of an image, and the limits on it."""

import os
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import difference, encode, png_of_size, portrait, quadrants
from veraface.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from veraface.imaging.decode import ImageFile, ImageLimits


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, BytesIO])
def test_bytes_and_files_give_the_same(wrap: Any) -> None:
    assert difference(ImageFile(wrap(encode(quadrants(), "PNG"))).decode(), quadrants()) == 0


def test_paths_as_text_and_as_objects(tmp_path: Path) -> None:
    path = tmp_path / "ein Bild ü 照片.png"
    quadrants().save(path)
    assert difference(ImageFile(path).decode(), ImageFile(str(path)).decode()) == 0


def test_array_is_taken_as_rgb_and_not_changed() -> None:
    array = np.asarray(quadrants()).copy()
    ImageFile(array).decode().paste((9, 9, 9), (0, 0, 64, 48))
    assert difference(ImageFile(array[:, ::-1]).decode(), array[:, ::-1]) == 0
    assert difference(array, quadrants()) == 0


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 4, 1), (0, 4, 3), (1, 4, 4, 3), ()])
def test_arrays_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedImageError, match=r"\(height, width, 3\)"):
        ImageFile(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint16, bool, object])
def test_arrays_of_another_type_are_refused(dtype: Any) -> None:
    with pytest.raises(UnsupportedImageError, match="uint8"):
        ImageFile(np.zeros((4, 4, 3), dtype=dtype))


class Trickle(BytesIO):
    """A stream that returns less than requested, like pipes and sockets, and counts the bytes."""

    given = 0

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(min(size or 0, 100))
        self.given += len(chunk)
        return chunk


def test_stream_is_read_from_its_current_position() -> None:
    stream = Trickle(b"prefix" + encode(quadrants(), "PNG"))
    stream.seek(6)
    assert difference(ImageFile(stream).decode(), quadrants()) == 0


def test_a_stream_is_read_one_byte_over_the_limit_at_most() -> None:
    stream = Trickle(bytes(100_000))
    with pytest.raises(ImageTooLargeError, match="MiB"):
        ImageFile(stream, ImageLimits(max_bytes=1000))
    assert stream.given == 1001


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    data = encode(quadrants(), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    for source in (lambda: data, lambda: tmp_path / "a.png", lambda: BytesIO(data)):
        assert ImageFile(source(), ImageLimits(max_bytes=len(data))).width == 64
        with pytest.raises(ImageTooLargeError, match="larger than the limit"):
            ImageFile(source(), ImageLimits(max_bytes=len(data) - 1))


def test_pixel_and_side_limits_hold_for_every_kind_of_source() -> None:
    image = quadrants(64, 48)
    for source in (encode(image, "PNG"), image, np.asarray(image)):
        assert ImageFile(source, ImageLimits(max_pixels=64 * 48, max_side=64)).height == 48
        with pytest.raises(ImageTooLargeError, match="64 x 48"):
            ImageFile(source, ImageLimits(max_pixels=64 * 48 - 1))
        with pytest.raises(ImageTooLargeError, match="64 x 48"):
            ImageFile(source, ImageLimits(max_side=63))


def test_a_file_object_that_was_read_already_is_named(tmp_path: Path) -> None:
    data = encode(quadrants(), "PNG")
    file = BytesIO(data)
    file.read()
    with pytest.raises(UnreadableImageError, match=r"at its end; call seek\(0\)"):
        ImageFile(file)
    with pytest.raises(UnreadableImageError, match="empty"):
        ImageFile(BytesIO())
    file.seek(10)
    with pytest.raises(UnsupportedImageError, match=r"read from byte 10 on, perhaps seek\(0\)"):
        ImageFile(file)
    both = BytesIO(b"prefix" + data)
    both.seek(6)
    assert ImageFile(both).width == quadrants().width


@pytest.mark.parametrize(
    "link", ["https://example.org/a.jpg", "HTTP://x/a", "s3://bucket/a.jpg", "file:///a"]
)
def test_a_link_is_named(link: str) -> None:
    for source in (link, Path(link)):
        with pytest.raises(UnreadableImageError, match="is a link, not a file; download it first"):
            ImageFile(source)


@pytest.mark.parametrize("length", [10, 10_000])
def test_a_data_url_is_named(length: int) -> None:
    with pytest.raises(UnreadableImageError, match="is a data URL, not a file"):
        ImageFile("data:image/jpeg;base64," + "A" * length)


@pytest.mark.parametrize("size", [(8192, 6144), (8160, 6144), (8688, 5792), (8256, 6192), (6192, 8256)])
def test_cameras_with_50_megapixels_are_within_the_default_limit(size: tuple[int, int]) -> None:
    image = ImageFile(png_of_size(*size))
    assert (image.width, image.height) == size


def test_what_to_do_with_an_image_over_a_limit() -> None:
    with pytest.raises(ImageTooLargeError, match="scale it to 8326 x 6244 or less$"):
        ImageFile(png_of_size(16320, 12240))  # more than Pillow decodes: the limit cannot be raised
    with pytest.raises(ImageTooLargeError, match=r"60.2 megapixels.*52: scale it.*VERAFACE_MAX_PIXELS"):
        ImageFile(png_of_size(9504, 6336))
    with pytest.raises(ImageTooLargeError, match="cut out the part"):
        ImageFile(png_of_size(20_001, 10))


@pytest.mark.parametrize(
    "limit", [{"max_bytes": 0}, {"max_pixels": -1}, {"max_side": 0}, {"max_pixels": 10**9}]
)
def test_invalid_limits_are_refused(limit: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_pixels|positive"):
        ImageLimits(**limit)


def test_threads_decode_the_same_image_equally() -> None:
    image = ImageFile(encode(portrait(), "JPEG"))
    expected, seen = image.decode().tobytes(), []
    threads = [Thread(target=lambda: seen.append(image.decode().tobytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4


def test_file_like_sources_that_fail(tmp_path: Path) -> None:
    closed = BytesIO(b"x")
    closed.close()
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(UnreadableImageError, match="closed"):
        ImageFile(closed)
    with (tmp_path / "a.txt").open() as text, pytest.raises(UnsupportedImageError, match="binary mode"):
        ImageFile(text)
    with pytest.raises(UnsupportedImageError, match="give a path"):
        ImageFile(42)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would block for ever, as nothing writes
    (tmp_path / "empty.jpg").touch()
    for path, message in {
        tmp_path: "is a folder",
        tmp_path / "pipe": "not a regular file",
        tmp_path / "missing.jpg": "no such file",
        "": "^empty file name$",
        "a\0b.jpg": "not a valid path",
        "\ud800.jpg": "not a valid path",
        "x" * 5000: "cannot be read",
        tmp_path / "empty.jpg": "empty",
    }.items():
        with pytest.raises(UnreadableImageError, match=message):
            ImageFile(path)


def test_a_pil_image_that_is_broken_or_empty() -> None:
    with pytest.raises(UnreadableImageError):
        ImageFile(Image.open(BytesIO(encode(portrait(64), "PNG")[:3000])))
    with pytest.raises(UnreadableImageError, match="no pixels"):
        ImageFile(Image.new("RGB", (0, 5)))
    with pytest.raises(UnreadableImageError):
        ImageFile(png_of_size(0, 5))
