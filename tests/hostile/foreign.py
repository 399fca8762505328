"""Files of unsupported formats, and polyglots."""

from io import BytesIO
from zipfile import ZipFile

from tests.hostile.samples import IMAGE, SAMPLES
from tests.sample_images import encode, noise


def _zip() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", SAMPLES["jpeg"])
    return buffer.getvalue()


_PDF = b"%PDF-1.7\n%\xe2\xe3\n1 0 obj<<>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
_HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>'
)
_POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
_PHP = b"<?php system($_GET['c']); ?>"
_SCRIPT = b"#!/bin/sh\nid\n"

# By kind: the file, and a word that the error must contain.
FOREIGN = {
    "PDF": (_PDF, "PDF"),
    "SVG": (_SVG, "SVG"),
    "SVG with byte order mark": (b'\xef\xbb\xbf <?xml version="1.0"?><svg/>', "SVG"),
    "SVG of entities": (_ENTITIES, "SVG"),
    "HTML": (_HTML, "web page"),
    "PHP": (_PHP, "web page"),
    "Photoshop": (b"8BPS\0\1" + bytes(40), "Photoshop"),
    "PostScript": (_POSTSCRIPT, "PostScript"),
    "PostScript with preview": (b"\xc5\xd0\xd3\xc6" + bytes(40), "PostScript"),
    "zip": (_zip(), "zip"),
    "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(100), "video"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(60), "video"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "sound"),
    "JPEG XL": (b"\xff\x0a" + bytes(40), "JPEG XL"),
    "JPEG 2000": (encode(IMAGE, "JPEG2000"), "JPEG 2000"),
    "icon": (encode(IMAGE, "ICO"), "icon"),
    "Mac icon": (encode(IMAGE, "ICNS"), "not an image"),
    "text": (b"BMW built this. GIF images are nice.", "not an image"),
    "netpbm": (encode(IMAGE, "PPM"), "not an image"),
    "PCX": (encode(IMAGE, "PCX"), "not an image"),
    "TGA": (encode(IMAGE, "TGA"), "not an image"),
    "SGI": (encode(IMAGE, "SGI"), "not an image"),
    "DDS": (encode(IMAGE, "DDS"), "not an image"),
    "program": (b"\x7fELF\2\1\1" + bytes(57), "not an image"),
    "Windows program": (b"MZ\x90\0" + bytes(60), "not an image"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(20), "not an image"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'id'\ntR.", "not an image"),
    "script": (_SCRIPT, "not an image"),
    "one byte": (b"\xff", "not an image"),
    "noise": (noise(32, 32).tobytes(), "not an image"),
}


def polyglots() -> dict[str, bytes]:
    """Return images with another file behind them, before them, or in place of their metadata."""
    others = {"PDF": _PDF, "HTML": _HTML, "SVG": _SVG, "PHP": _PHP, "zip": _zip(), "PostScript": _POSTSCRIPT}
    made = {}
    for kind, other in others.items():
        for name, sample in SAMPLES.items():
            made[f"{name} before {kind}"] = sample + other
            made[f"{kind} before {name}"] = other + sample
            made[f"{name} that begins like {kind}"] = other[:8] + sample[8:]
    for name, sample in SAMPLES.items():
        for other_name in ("jpeg", "png", "tiff", "heic", "gif"):
            made[f"{name} that goes on as {other_name}"] = sample[:12] + SAMPLES[other_name][12:]
    return made
