"""Color spaces for tests: profiles, and the pixels with which the same colors are stored in them."""

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# x, y of red, green and blue; x, y of white; exponent of the curve
_SPACES = {
    "Display P3": ((0.680, 0.320, 0.265, 0.690, 0.150, 0.060), (0.3127, 0.3290), 2.2),
    "Adobe RGB": ((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (0.3127, 0.3290), 563 / 256),
    "ProPhoto": ((0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), (0.3457, 0.3585), 1.8),
}
_SRGB = ((0.64, 0.33, 0.30, 0.60, 0.15, 0.06), (0.3127, 0.3290))


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_d50(primaries: tuple[float, ...], white: tuple[float, float]) -> NDArray[np.float64]:
    columns = np.stack([_xyz(*primaries[at : at + 2]) for at in (0, 2, 4)], axis=1)
    columns = columns * np.linalg.solve(columns, _xyz(*white))
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ _xyz(*white)))
    return np.asarray(np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ columns)


def linear(image: Image.Image) -> NDArray[np.float64]:
    """Return the linear light of an sRGB image, 0 to 1."""
    level = np.asarray(image) / 255
    return np.asarray(np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4))


def stored_in(image: Image.Image, space: str) -> Image.Image:
    """Return the pixels with which the colors of an sRGB image are stored in another color space."""
    primaries, white, gamma = _SPACES[space]
    light = linear(image) @ (np.linalg.inv(_to_d50(primaries, white)) @ _to_d50(*_SRGB)).T
    levels = 255 * np.clip(light, 0, 1) ** (1 / gamma) + 0.5
    return Image.fromarray(levels.astype(np.uint8))


def icc_profile(space: str) -> bytes:
    """Return a profile of three primaries and a curve (ICC.1:2001)."""
    primaries, white, gamma = _SPACES[space]
    matrix = _to_d50(primaries, white)

    def xyz(values: NDArray[np.float64]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values)

    name = space.encode() + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(_D50),
        **{key: xyz(matrix[:, place]) for place, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys(
            (b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
        ),
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for key, content in tags.items():
        table += key + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI", start + len(body), bytes(4), 0x02100000) + b"mntrRGB XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + xyz(_D50)[8:]
    return head.ljust(128, b"\0") + table + body


def exif_of_adobe_rgb() -> bytes:
    """Return EXIF as cameras write it for Adobe RGB: interoperability index R03."""

    def ifd(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack("<HHHI", 1, tag, kind, count) + value + bytes(4)

    pointers = [ifd(tag, 4, 1, struct.pack("<I", at)) for tag, at in ((0x8769, 26), (0xA005, 44))]
    return b"Exif\0\0II*\0\x08\0\0\0" + b"".join(pointers) + ifd(1, 2, 4, b"R03\0")
