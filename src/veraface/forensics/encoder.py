"""The type for how a JPEG was encoded; cheap to import."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Encoder:
    """How a JPEG was coded. Many programs share an encoder, so it names none for sure."""

    tables: str  # "ijg", "photoshop", "mozjpeg" or "custom"
    quality: str | None = None  # on that encoder's own scale
    subsampling: str | None = None  # of color, such as "4:2:0"
    progressive: bool = False
    compressed_twice: bool | None = (
        None  # whether traces of an earlier compression show; None: not looked for
    )
