"""Parameters that image generators leave in files: one module per family of generators.

To add one, write a module with a `READER` and add it to `READERS`.
"""

from collections.abc import Mapping

from veraface.provenance.claims import Generator
from veraface.provenance.exif import ExifFacts
from veraface.provenance.generators import comfyui, invokeai, midjourney, novelai, stable_diffusion_webui
from veraface.provenance.generators.base import EXIF_COMMENT, EXIF_MAKE, EXIF_MODEL, GeneratorReader

__all__ = ["READERS", "GeneratorReader", "keywords", "read_generator"]

# Tried in this order; the first that recognizes its parameters counts.
READERS: tuple[GeneratorReader, ...] = (
    stable_diffusion_webui.READER,
    invokeai.READER,
    comfyui.READER,
    novelai.READER,
    midjourney.READER,
)


def keywords() -> frozenset[str]:
    """Return the keywords of all PNG text chunks that the readers need."""
    return frozenset[str]().union(*(reader.keywords for reader in READERS))


def read_generator(png_texts: Mapping[str, str], exif: ExifFacts) -> Generator | None:
    """Return the parameters of a generator; those in PNG texts before those in EXIF."""
    exif_texts = {EXIF_COMMENT: exif.user_comment, EXIF_MAKE: exif.make, EXIF_MODEL: exif.model}
    for texts in (png_texts, exif_texts):
        for reader in READERS:
            found = reader.read(texts)
            if found is not None:
                return found
    return None
