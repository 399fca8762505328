"""Metadata count only in the place that the format defines, and hostile ones do no harm."""

import contextlib
import json
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.provenance import files
from tests.provenance.files import (
    camera_exif,
    gif,
    image_part,
    insert,
    jpeg,
    jpeg_segment,
    png,
    read,
    text_chunk,
    xmp,
)
from tests.sample_images import encode, noise, png_chunk
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile
from veraface.provenance.texts import MAX_ENTRIES, MAX_PROMPT, clean_text

# pytest lifts the filter that veraface sets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

XMP_SEGMENT = jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + files.AI_PACKET)
EXIF_SEGMENT = jpeg_segment(0xE1, camera_exif().tobytes())
TAILS = (
    *(files.AI_PACKET, XMP_SEGMENT, EXIF_SEGMENT, jpeg(xmp=files.AI_PACKET, exif=camera_exif())),
    *(text_chunk("parameters", files.A1111), png(("parameters", files.A1111)), files.A1111.encode()),
    b"EXIF" + len(camera_exif().tobytes()).to_bytes(4, "little") + camera_exif().tobytes(),
    b"XMP " + len(files.AI_PACKET).to_bytes(4, "little") + files.AI_PACKET,
)
PLAIN = {
    "JPEG": jpeg(),
    "full JPEG": jpeg(xmp=xmp("", 'xmp:CreatorTool="GIMP"'), exif=camera_exif()),
    "PNG": png(),
    "full PNG": png(("parameters", files.A1111)),
    "GIF": gif(),
    **{kind: encode(noise(64, 48), kind) for kind in ("WEBP", "BMP", "TIFF", "AVIF", "HEIF")},
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("tail", TAILS)
def test_metadata_behind_the_image_are_ignored(kind: str, tail: bytes) -> None:
    assert image_part(read(PLAIN[kind] + tail)) == image_part(read(PLAIN[kind]))


@pytest.mark.parametrize("kind", PLAIN)
@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tail=st.one_of(st.binary(max_size=300), st.sampled_from(TAILS).flatmap(lambda t: st.just(t * 2))))
def test_whatever_is_appended_changes_nothing(kind: str, tail: bytes) -> None:
    assert image_part(read(PLAIN[kind] + tail)) == image_part(read(PLAIN[kind]))


@pytest.mark.parametrize(
    "segment",
    [
        jpeg_segment(0xFE, files.AI_PACKET),
        jpeg_segment(0xFE, b"http://ns.adobe.com/xap/1.0/\0" + files.AI_PACKET),
        jpeg_segment(0xFE, b"Exif\0\0" + camera_exif().tobytes()[6:]),
        jpeg_segment(0xE1, files.AI_PACKET),
        jpeg_segment(0xE2, b"http://ns.adobe.com/xap/1.0/\0" + files.AI_PACKET),
        jpeg_segment(0xFE, files.A1111.encode()),
        jpeg_segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x10text" + bytes(8)),
        jpeg_segment(0xFE, b"a comment") + b"ab" + XMP_SEGMENT,
    ],
)
def test_jpeg_metadata_in_wrong_segments_are_ignored(segment: bytes) -> None:
    assert read(insert(jpeg(), segment)) == read(jpeg())


def test_exif_behind_the_pixels_of_a_jpeg_is_ignored() -> None:
    """Otherwise an image could be rotated here but not in browsers and Pillow."""
    plain = jpeg()
    exif = camera_exif(tag_0112=3)
    for content in (
        plain[:-2] + jpeg_segment(0xE1, exif.tobytes()) + plain[-2:],
        insert(plain, jpeg_segment(0xFE, b"a comment"))[:-2] + EXIF_SEGMENT + plain[-2:],
    ):
        assert image_part(read(content)) == image_part(read(plain))
        assert ImageFile(content).container.exif is None
    assert read(insert(plain, EXIF_SEGMENT)).camera is not None


def test_png_texts_count_only_in_valid_chunks_before_the_end() -> None:
    chunk = text_chunk("parameters", files.A1111)
    plain = png()
    end = plain.index(b"IEND") - 4
    wrong_sum = plain[:end] + chunk[:-1] + bytes([chunk[-1] ^ 1]) + plain[end:]
    other_kind = plain[:33] + png_chunk(b"teSt", b"parameters\0" + files.A1111.encode()) + plain[33:]
    for content in (plain + chunk, wrong_sum, other_kind):
        assert image_part(read(content)) == image_part(read(plain))


def test_webp_metadata_outside_the_riff_chunk_are_ignored() -> None:
    plain = encode(noise(64, 48), "WEBP")
    assert read(plain + b"XMP " + len(files.AI_PACKET).to_bytes(4, "little") + files.AI_PACKET).xmp is None
    assert read(encode(noise(64, 48), "WEBP", xmp=files.AI_PACKET)).xmp is not None


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + files.AI_PACKET,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + files.AI_PACKET,
        files.AI_PACKET[:-80],
        b"<a>" * 5000,
        xmp("<xmp:Label/>" * 25_000),
        xmp("<xmp:a>" * 100 + "</xmp:a>" * 100),
        b"\xff\xfe" + bytes(50),
    ],
)
def test_a_hostile_packet_is_a_finding(packet: bytes) -> None:
    found = read(encode(noise(64, 48), "WEBP", xmp=packet))
    assert (found.xmp, found.claims) == (None, ())
    assert [finding.code for finding in found.findings] == ["unreadable_metadata"]


def test_all_results_are_bounded() -> None:
    steps = '<rdf:li stEvt:action="saved" stEvt:softwareAgent="x"/>' * 3000
    long = "y" * 60_000
    history = f"<xmpMM:History><rdf:Seq>{steps}</rdf:Seq></xmpMM:History>"
    packet = xmp(history + f"<photoshop:Credit>{long}</photoshop:Credit>")
    bomb = png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"Steps: 1, " * 10**7))
    many = b"".join(text_chunk(f"key {i}", "x" * 1000) for i in range(3000))
    texts = text_chunk("XML:com.adobe.xmp", packet.decode(), "iTXt") + bomb + many
    plain = png(("prompt", files.COMFYUI.replace("a smiling man", long)))
    started = time.process_time()
    end = plain.index(b"IEND") - 4  # Pillow refuses a bomb before the pixels
    found = read(plain[:end] + texts + plain[end:])
    assert time.process_time() - started < 2
    assert found.xmp is not None
    assert found.generator is not None
    assert len(found.xmp.history) == MAX_ENTRIES
    assert len(found.generator.prompt or "") == MAX_PROMPT
    assert len(json.dumps(found.to_dict())) < 20_000


@pytest.mark.parametrize(
    "text",
    [
        "Steps: " + " " * 30_000,
        "a:" * 20_000 + "Steps: ",
        "Steps: " + "a:  " * 10_000,
        "Job ID:" * 9000,
        "Steps: 1,\n" * 9000,
        "Steps: 1, " * 9000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    read(png(("parameters", text), ("Description", text)))
    assert time.process_time() - started < 1


def test_control_characters_are_removed_from_texts() -> None:
    evil = "\x1b[31mred\x07 <script>alert(1)</script> \u202egnp.exe\u2066 \r\nSet-Cookie: a\u2028b"
    text = json.dumps(
        read(png(("parameters", f"{evil}\nSteps: 1, Seed: 2, Model: {evil}"), kind="iTXt")).to_dict()
    )
    shown = json.loads(text)["generator"]["prompt"]
    assert shown == "[31mred <script>alert(1)</script> gnp.exe Set-Cookie: a b"


@given(st.text(max_size=2000))
def test_cleaned_text_is_one_line_of_printable_characters(text: str) -> None:
    shown = clean_text(text, 100)
    assert shown is None or (len(shown) <= 100 and "\n" not in shown and shown == shown.strip())
    assert shown is None or not any(ord(c) < 32 or 0x202A <= ord(c) <= 0x202E for c in shown)


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(sorted(PLAIN.values()))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, min(len(content), 3000) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        json.dumps(read(bytes(content), level="full").to_dict())
