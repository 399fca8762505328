"""The table of formats is complete, and each container is read once."""

from dataclasses import replace
from io import BytesIO

import pytest

from tests.hostile.samples import SAMPLES
from tests.provenance.files import A1111, AI_PACKET, camera_exif, jpeg, png
from tests.sample_images import encode, noise
from veraface.imaging import FORMATS, ContainerInfo, ImageFile, sniff_format
from veraface.imaging.extensions import EXTENSIONS, IMAGE_EXTENSIONS
from veraface.provenance import read_provenance

FILES = {
    "JPEG": jpeg(exif=camera_exif(), xmp=AI_PACKET),
    "PNG": png(("parameters", A1111)),
    **{
        name: encode(noise(64, 48), name, exif=camera_exif(), xmp=AI_PACKET)
        for name in ("WEBP", "AVIF", "HEIF")
    },
    **{name: encode(noise(64, 48), name) for name in ("GIF", "BMP", "TIFF")},
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_read_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, calls = FORMATS[name].scan, []

    def counted(data: bytes) -> ContainerInfo:
        calls.append(len(data))
        return guard(data)

    monkeypatch.setitem(FORMATS, name, replace(FORMATS[name], scan=counted))
    assert name in FILES, f"add a small {name} file to FILES of tests/imaging/test_formats.py"
    image = ImageFile(FILES[name])
    image.decode()
    assert read_provenance(image, level="full") is not None
    assert calls == [len(FILES[name])]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_complete(name: str) -> None:
    """A new format needs a row in `FORMATS`, a guard, extensions, and a sample for the hostile tests."""
    image_format = FORMATS[name]
    assert image_format.media_type.startswith("image/")
    assert EXTENSIONS.get(name), f"src/veraface/imaging/extensions.py has no {name}"
    assert set(EXTENSIONS[name]) <= IMAGE_EXTENSIONS
    samples = [data for data in SAMPLES.values() if sniff_format(data) == name]
    assert samples, f"tests/hostile/samples.py has no {name}"
    for data in samples:
        assert isinstance(image_format.scan(data), ContainerInfo)
        assert image_format.open(BytesIO(data)).size == (64, 64)
        assert ImageFile(data).format == name


def test_extensions_belong_to_one_format_each() -> None:
    assert set(EXTENSIONS) == set(FORMATS)
    assert len(IMAGE_EXTENSIONS) == sum(len(names) for names in EXTENSIONS.values())


def test_container_info_holds_what_the_file_contains() -> None:
    exif = camera_exif(tag_0112=6)
    found = ImageFile(jpeg(exif=exif, xmp=AI_PACKET) + b"appended").container
    assert (found.orientation, found.xmp, found.has_c2pa) == (6, AI_PACKET, False)
    assert found.exif == exif.tobytes().removeprefix(b"Exif\0\0")
    assert found.end == len(jpeg(exif=exif, xmp=AI_PACKET))
    texts = ImageFile(png(("parameters", A1111))).container.text_chunks
    assert [chunk.type for chunk in texts] == [b"tEXt"]
    # The encoder pads to 64 px; a crop in the file gives the 48.
    assert ImageFile(encode(noise(64, 48), "HEIF")).container.stored_sizes == ((64, 64),)
