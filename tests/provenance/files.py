"""Sample files with metadata."""

import struct
import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.sample_images import encode, noise, png_chunk
from veraface.imaging.decode import ImageFile
from veraface.provenance import Level, Provenance
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.reading import read_provenance

A1111 = (
    "a portrait of a woman, photo\nNegative prompt: blurry\n"
    'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512, Model: "sd, xl", Version: v1.7.0'
)
COMFYUI = (
    '{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "model": ["4", 0]}},'
    ' "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}},'
    ' "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a smiling man", "clip": ["4", 1]}}}'
)
INVOKEAI = '{"positive_prompt": "a man in a hat", "model": {"name": "sd-1"}, "seed": 5, "steps": 30}'
MIDJOURNEY = "a queen --v 6 Job ID: 12345678-1234-1234-1234-123456789abc"
AI_ADDRESS = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def read(
    content: bytes, *, level: Level = "quick", credentials: CredentialReader | None = None, **options: Any
) -> Provenance:
    """Read the provenance of a file."""
    found = read_provenance(ImageFile(content), credentials, level=level, **options)
    assert found is not None
    return found


def image_part(found: Provenance) -> Provenance:
    """Leave out that there is something behind the image."""
    kept = tuple(finding for finding in found.findings if finding.code != "appended_data")
    return replace(found, appended=None, findings=kept)


def jpeg(**options: Any) -> bytes:
    return encode(noise(64, 48), "JPEG", **{"quality": 90, **options})


def png(*texts: tuple[str, str], kind: str = "tEXt", behind_pixels: bool = False) -> bytes:
    """Return a PNG with text chunks: keyword and text."""
    chunks = b"".join(text_chunk(keyword, text, kind) for keyword, text in texts)
    plain = encode(noise(64, 48), "PNG")
    at = plain.index(b"IEND") - 4 if behind_pixels else plain.index(b"IDAT") - 4
    return plain[:at] + chunks + plain[at:]


def text_chunk(keyword: str, text: str, kind: str = "tEXt") -> bytes:
    start, body = keyword.encode("latin-1") + b"\0", text.encode()
    if kind == "zTXt":
        return png_chunk(b"zTXt", start + b"\0" + zlib.compress(body))
    if kind == "iTXt":
        return png_chunk(b"iTXt", start + b"\0\0\0\0" + body)
    return png_chunk(b"tEXt", start + body)


def xmp(properties: str = "", attributes: str = "") -> bytes:
    """Return an XMP packet with properties of the image."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"'
        ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
        f' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {attributes}>{properties}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


AI_PACKET = xmp(f"<Iptc4xmpExt:DigitalSourceType>{AI_ADDRESS}</Iptc4xmpExt:DigitalSourceType>")


def camera_exif(**tags: Any) -> Image.Exif:
    """Return the EXIF of a plausible camera; tags by number replace values, None removes one."""
    exif = Image.Exif()
    main: dict[int, Any] = {0x010F: "Canon", 0x0110: "Canon EOS R6", 0x0132: "2024:05:06 10:00:00"}
    detail: dict[int, Any] = {
        0x829A: IFDRational(1, 250),
        0x829D: IFDRational(28, 10),
        0x8827: 200,
        0x920A: IFDRational(85),
        0x9003: "2024:05:06 07:08:09",
        0xA434: "RF85mm F2",
    }
    for name, value in tags.items():
        tag = int(name.removeprefix("tag_"), 16)
        (main if tag < 0x8000 else detail)[tag] = value
    exif.update({tag: value for tag, value in main.items() if value is not None})
    exif.get_ifd(0x8769).update({tag: value for tag, value in detail.items() if value is not None})
    return exif


def with_thumbnail(exif: Image.Exif, thumbnail: bytes) -> bytes:
    """Return an EXIF block with a thumbnail, in a second directory as cameras write it."""
    block = bytearray(exif.tobytes()[6:])
    order = "<" if block.startswith(b"II") else ">"
    first = struct.unpack(order + "I", block[4:8])[0]
    link = first + 2 + 12 * struct.unpack(order + "H", block[first : first + 2])[0]
    second = len(block)
    block[link : link + 4] = struct.pack(order + "I", second)
    place = second + 2 + 2 * 12 + 4
    entries = ((0x0201, place), (0x0202, len(thumbnail)))
    block += struct.pack(order + "H", 2)
    block += b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in entries)
    return b"Exif\0\0" + bytes(block) + bytes(4) + thumbnail


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


def insert(file: bytes, segment: bytes) -> bytes:
    """Return a JPEG with one more segment at its start."""
    return file[:2] + segment + file[2:]


def gif(**options: Any) -> bytes:
    buffer = BytesIO()
    noise(32, 32).convert("P").save(buffer, "GIF", **options)
    return buffer.getvalue()


def thumbnail_exif(image: Image.Image, thumbnail: Image.Image | bytes) -> bytes:
    """Return an EXIF block of a camera whose thumbnail shows this."""
    small = thumbnail if isinstance(thumbnail, bytes) else encode(thumbnail, "JPEG", quality=80)
    return with_thumbnail(camera_exif(tag_A002=image.width, tag_A003=image.height), small)
