"""Embedded thumbnails, appended data, telling sizes and the timeline, on files that the tests make."""

import base64
import struct
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageEnhance

from tests.provenance.files import (
    camera_exif,
    gif,
    insert,
    jpeg_segment,
    read,
    thumbnail_exif,
    with_thumbnail,
    xmp,
)
from tests.sample_images import cat, encode, noise, portrait
from veraface.provenance import EmbeddedThumbnail, Provenance


def small(image: Image.Image, side: int = 160) -> Image.Image:
    copy = image.copy()
    copy.thumbnail((side, side))
    return copy


def check(image: Image.Image, shown: Image.Image | bytes, **options: Any) -> Provenance:
    return read(encode(image, "JPEG", exif=thumbnail_exif(image, shown), **options))


def relation(found: Provenance) -> str:
    assert found.thumbnail is not None
    return found.thumbnail.relation


def codes(found: Provenance) -> set[str]:
    return {finding.code for finding in found.findings}


@pytest.mark.parametrize("image", [portrait(), cat()], ids=["portrait", "cat"])
def test_a_thumbnail_of_the_image_is_no_finding(image: Image.Image) -> None:
    wide = image.resize((480, 360))
    bars = Image.new("RGB", (160, 120))
    square = wide.crop((60, 0, 420, 360))
    bars.paste(small(square, 120), (20, 0))
    brighter = ImageEnhance.Brightness(wide).enhance(1.1)
    for shown, options in (
        (small(wide), {}),
        (small(wide), {"quality": 25}),
        (small(wide.rotate(90, expand=True)), {}),
        (small(brighter), {}),
    ):
        found = check(wide, shown, **options)
        assert relation(found) == "same"
        assert codes(found).isdisjoint({"thumbnail_content", "thumbnail_differs"})
        assert found.thumbnail is not None
        assert found.thumbnail.thumbnail is None
    assert relation(check(square, bars)) == "same"


def test_another_image_and_a_changed_one_are_findings_with_both_images() -> None:
    image, other = portrait(), cat().resize((512, 512))
    edited = image.copy()
    edited.paste(other.resize((128, 128)), (190, 190))
    for shown, changed in (
        (other, image),
        (image, edited),
        (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    ):
        found = check(changed, small(shown))
        assert relation(found) == "different"
        assert "thumbnail_content" in codes(found)
        stated = found.to_dict()["thumbnail"]
        for name in ("thumbnail", "image"):
            content = base64.b64decode(stated[name].removeprefix("data:image/jpeg;base64,"))
            with Image.open(BytesIO(content)) as opened:
                assert max(opened.size) <= 320
                assert not opened.getexif()


def test_a_crop_is_told_from_other_changes() -> None:
    image = portrait()
    found = check(image.crop((60, 40, 420, 400)), small(image))
    assert relation(found) == "image_cropped"
    assert codes(found) == {"thumbnail_differs"}
    assert found.thumbnail is not None
    assert found.thumbnail.thumbnail
    reverse = check(image.resize((512, 384)), small(image.resize((512, 384)).crop((64, 0, 448, 384))))
    assert relation(reverse) == "thumbnail_cropped"


@pytest.mark.parametrize(
    "thumbnail",
    [
        encode(noise(64, 48), "JPEG")[:-600],
        encode(noise(160, 120), "JPEG")[:300] + bytes(5000),
        b"\xff\xd8" + bytes(100),
        b"\xff\xd8\xff\xd9",
        encode(Image.new("RGB", (16, 12)), "JPEG"),
        encode(Image.new("RGB", (160, 120), "gray"), "JPEG"),
        encode(Image.new("RGB", (8000, 12)), "JPEG"),
        encode(Image.new("RGB", (3, 200)), "JPEG"),
        b"",
    ],
)
def test_hostile_and_empty_thumbnails_do_no_harm(thumbnail: bytes) -> None:
    found = read(encode(portrait(), "JPEG", exif=with_thumbnail(camera_exif(), thumbnail)))
    assert found.thumbnail is None or isinstance(found.thumbnail, EmbeddedThumbnail)
    assert found.camera is not None


APPENDED = {
    b"PK\x03\x04" + bytes(range(100)): "zip",
    b"unheard of" * 9 + b"PK\x05\x06" + bytes(18): "zip",
    encode(noise(32, 32), "JPEG"): "jpeg",
    encode(noise(32, 32), "PNG"): "png",
    b"\0\0\0\x18ftypmp42" + bytes(200): "video",
    bytes(range(1, 90)) + b"SEFT": "samsung",
    b"a secret message\n": "text",
    b"\x01\x02\x03" * 30: "unknown",
    b"Rar!\x1a\x07" + bytes(50): "rar",
    b"%PDF-1.7 " * 5: "pdf",
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF"])
@pytest.mark.parametrize("tail", APPENDED, ids=list(APPENDED.values()))
def test_data_behind_the_end_are_found(kind: str, tail: bytes) -> None:
    if kind in ("AVIF", "HEIF") and APPENDED[tail] == "video":
        pytest.skip("made of the same boxes: what follows counts as part of the file")
    content = gif() if kind == "GIF" else encode(noise(64, 48), kind)
    assert read(content).appended is None
    found = read(content + tail)
    assert found.appended is not None
    assert (found.appended.size, found.appended.kind) == (len(tail), APPENDED[tail])
    assert "appended_data" in codes(found)


@pytest.mark.parametrize("filling", [b"\0", b"\n", b"\xff\xff", bytes(300_000)])
def test_filling_behind_the_end_is_no_finding(filling: bytes) -> None:
    found = read(encode(noise(64, 48), "JPEG") + filling)
    assert found.appended is None
    assert codes(found) == set()


def listing() -> bytes:
    """A JPEG whose index lists two more images, which stand behind it."""
    file = BytesIO()
    others = [Image.open(BytesIO(encode(noise(32, 32), "JPEG"))) for _ in range(2)]
    Image.open(BytesIO(encode(noise(64, 48), "JPEG"))).save(file, "MPO", save_all=True, append_images=others)
    return file.getvalue()


@pytest.mark.parametrize("filling", [b"", bytes(1000)])
def test_images_that_the_file_lists_are_no_finding(filling: bytes) -> None:
    found = read(listing() + filling)
    assert found.appended is not None
    assert found.appended.declared
    assert codes(found) == set()


@pytest.mark.parametrize("tail", APPENDED)
def test_what_stands_behind_listed_images_is_a_finding(tail: bytes) -> None:
    found = read(listing() + tail)
    assert found.appended is not None
    assert (found.appended.size, found.appended.kind) == (len(tail), APPENDED[tail])
    assert codes(found) == {"appended_data"}


ZIP = b"PK\x03\x04" + bytes(range(200))


def with_index(tail: bytes, entries: list[tuple[int, int]], before: bytes = b"") -> bytes:
    """A JPEG with an index of images, by where they begin behind its end and their size, then a tail."""
    own = insert(encode(noise(64, 48), "JPEG"), before)
    start = 2 + len(before) + 8  # of the index, to which offsets are relative
    length = len(own) + 4 + 4 + 8 + 2 + 12 + 4 + 16 * (1 + len(entries))
    images = [(0, length), *((length + at - start, size) for at, size in entries)]
    index = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0xB002, 7, 16 * len(images), 26, 0)
    index += b"".join(struct.pack("<IIIHH", 0, size, at, 0, 0) for at, size in images)
    made = insert(encode(noise(64, 48), "JPEG"), before + jpeg_segment(0xE2, b"MPF\0" + index))
    assert len(made) == length
    return made + tail


def test_only_whole_images_in_the_index_are_listed() -> None:
    other = encode(noise(32, 32), "JPEG")
    assert codes(read(with_index(other, [(0, len(other))]))) == set()
    assert codes(read(with_index(other, [(0, len(other))], jpeg_segment(0xFE, b"a comment")))) == set()
    assert codes(read(with_index(other, [(0, len(other))] * 3000))) == set()
    for content in (
        with_index(ZIP, [(0, len(ZIP))]),
        with_index(other + ZIP, [(0, len(other) + len(ZIP))]),
        with_index(ZIP + other, [(len(ZIP), len(other))]),
        with_index(other + ZIP, [(0, 2**32 - 1)]),
        with_index(other[:-50] + ZIP, [(0, len(other))]),
        with_index(ZIP, [(-100, len(ZIP) + 100)]),
        with_index(ZIP, []),
    ):
        found = read(content)
        assert codes(found) == {"appended_data"}
        assert found.appended is not None
        assert found.appended.size >= len(ZIP)


@pytest.mark.parametrize(
    "segment",
    [
        jpeg_segment(0xFE, b"MPF\0"),
        jpeg_segment(0xE1, b"MPF\0" + bytes(40)),
        jpeg_segment(0xE2, b"MPF\0"),
        jpeg_segment(0xE2, b"MPF\0" + bytes(40)),
        jpeg_segment(0xE2, b"MPF\0II*\0" + b"\xff" * 40),
        jpeg_segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\xff\xff" + b"\xb0\x02" * 40),
    ],
)
def test_the_name_of_an_index_lists_nothing(segment: bytes) -> None:
    other = encode(noise(32, 32), "JPEG")
    found = read(insert(encode(noise(64, 48), "JPEG"), segment) + other)
    assert found.appended is not None
    assert (found.appended.size, found.appended.declared) == (len(other), False)
    assert codes(found) == {"appended_data"}


@pytest.mark.parametrize(
    ("size", "kind", "expected"),
    [
        ((1170, 2532), "PNG", ["screen_size"]),
        ((2532, 1170), "JPEG", ["screen_size"]),
        ((1600, 1201), "JPEG", ["messenger_size"]),
        ((720, 1280), "JPEG", ["messenger_size"]),
        ((1600, 1201), "PNG", []),
        ((1601, 1201), "JPEG", []),
    ],
)
def test_sizes_are_hints(size: tuple[int, int], kind: str, expected: list[str]) -> None:
    image = Image.new("RGB", size, "gray")
    assert [hint.code for hint in read(encode(image, kind)).hints] == expected
    assert read(encode(image, kind, exif=camera_exif())).hints == ()


def test_the_timeline_joins_all_dates_in_order() -> None:
    event = (
        '<rdf:li stEvt:action="saved" stEvt:softwareAgent="Photoshop"'
        ' stEvt:when="2024-05-07T12:00:00+02:00"/>'
        '<rdf:li stEvt:action="derived" stEvt:when="not a date"/>'
    )
    packet = xmp(
        f"<xmp:ModifyDate>2024-05-08T00:00:00Z</xmp:ModifyDate><xmpMM:History><rdf:Seq>{event}</rdf:Seq></xmpMM:History>"
    )
    found = read(encode(noise(64, 48), "JPEG", exif=camera_exif(), xmp=packet))
    steps = [(step.when, step.action, step.software, step.place) for step in found.timeline]
    assert steps == [
        ("2024-05-06T07:08:09", "taken", "Canon EOS R6", "EXIF"),
        ("2024-05-06T10:00:00", "modified", None, "EXIF"),
        ("2024-05-07T12:00:00+02:00", "saved", "Photoshop", "XMP"),
        ("2024-05-08T00:00:00Z", "modified", None, "XMP"),
    ]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "x" * 5000, ""])
def test_odd_dates_do_no_harm(when: str) -> None:
    packet = xmp(f"<xmp:CreateDate>{when}</xmp:CreateDate>")
    assert len(read(encode(noise(64, 48), "JPEG", xmp=packet)).timeline) <= 1


AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_the_source_type_is_read_without_content_credentials(kind: str) -> None:
    packet = xmp(f"<Iptc4xmpExt:DigitalSourceType>{AI}</Iptc4xmpExt:DigitalSourceType>")
    image, options = noise(64, 48), {}
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        options = {"pnginfo": info}
    elif kind == "TIFF":
        options = {"tiffinfo": {700: packet}}
    else:
        options = {"xmp": packet}
    found = read(encode(image, kind, **options))
    assert found.xmp is not None
    assert found.xmp.source_type == "trainedAlgorithmicMedia"
    assert [claim.code for claim in found.claims] == ["ai_generated"]
