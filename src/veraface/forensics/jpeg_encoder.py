"""Identification of a JPEG's encoder by its quantization tables. Cheap to import.

Sources of the tables:
- "ijg": ITU-T T.81 (1992), annex K.1, scaled like jcparam.c of the Independent JPEG Group's library. Most
  programs use it or libjpeg-turbo, so it identifies a quality and hardly a program.
- "photoshop": the presets of Photoshop's "Save" and "Save for Web" in `PIL.JpegPresets`.
- "mozjpeg": table 3 of mozjpeg's jcparam.c, its default, scaled in the same way.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from veraface.results import Result

if TYPE_CHECKING:  # which loads Pillow
    from veraface.imaging.decode import JpegInfo

EncoderName = Literal["ijg", "photoshop", "mozjpeg", "custom"]
Table = tuple[int, ...]


@dataclass(frozen=True)
class Encoder(Result):
    """JPEG encoding parameters. Many programs share an encoder, so none is identified for sure."""

    tables: EncoderName
    quality: str | None = None
    """on that encoder's own scale"""
    subsampling: str | None = None
    """of color, such as "4:2:0\""""
    progressive: bool = False
    compressed_twice: bool | None = None
    """whether traces of an earlier compression were found; null: not looked for, or too little data"""


_ANNEX_K = (
    (
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
        *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ),
    (
        *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99),
        *(47, 66, 99, 99, 99, 99, 99, 99),
        *((99,) * 32),
    ),
)
_MOZJPEG = (
    *(16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75, 16, 20, 24, 31, 43, 62, 91, 135),
    *(18, 27, 31, 40, 53, 74, 106, 156, 25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238),
    *(56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418),
)


def identify_encoder(jpeg: "JpegInfo") -> Encoder:
    """Return the encoder whose quantization tables a JPEG has."""
    name, quality = _known_tables().get(jpeg.tables, (None, None))
    return Encoder(name or "custom", quality, jpeg.subsampling, jpeg.progressive)


@cache
def _known_tables() -> dict[tuple[Table, ...], tuple[EncoderName, str]]:
    """Return name and quality by the tables for luma and chroma, and, for gray images, by the first alone."""
    from PIL import JpegPresets  # loaded late, as the server process loads no Pillow

    presets: dict[str, Any] = JpegPresets.presets
    sources: list[tuple[EncoderName, str, tuple[Table, ...]]] = [
        *(("ijg", str(q), tuple(_scaled(table, q) for table in _ANNEX_K)) for q in range(100, 0, -1)),
        *(("mozjpeg", str(q), (_scaled(_MOZJPEG, q),) * 2) for q in range(100, 0, -1)),
        *(
            ("photoshop", n.replace("_", " "), tuple(map(tuple, p["quantization"])))
            for n, p in presets.items()
        ),
    ]
    known: dict[tuple[Table, ...], tuple[EncoderName, str]] = {}
    for name, quality, tables in sources:
        known.setdefault(tables, (name, quality))
        known.setdefault(tables[:1], (name, quality))
    return known


def _scaled(table: Table, quality: int) -> Table:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(255, max(1, (step * percent + 50) // 100)) for step in table)
