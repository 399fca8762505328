"""The type for how a JPEG was encoded; cheap to import."""

from dataclasses import dataclass
from typing import Literal

from veraface.results import Result

EncoderName = Literal["ijg", "photoshop", "mozjpeg", "custom"]


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
