"""Stable Diffusion WebUI (AUTOMATIC1111, Forge): PNG text `parameters`, or EXIF's UserComment."""

import re
from collections.abc import Mapping

from veraface.provenance.claims import Generator
from veraface.provenance.generators.base import EXIF_COMMENT, GeneratorReader, clean_settings, png_place
from veraface.provenance.texts import MAX_PROMPT, clean_text

_KEYWORD = "parameters"
_MAX_CHARACTERS = 32 * 2**10
_MAX_SETTINGS_CHARACTERS = 4096

# The last line: modules/infotext_utils.py of stable-diffusion-webui.
_SETTINGS = re.compile(r"(\w[\w \-/]{0,60}): ?(\"(?:\\.|[^\\\"]){0,500}\"|[^,\n]{0,500})(?:,|$)")
_LINE = re.compile(r"^Steps: \d+(?=,|\s*$)", re.MULTILINE)
_REQUIRED = frozenset(("Sampler", "CFG scale", "Seed"))  # one of them: else these are steps of something else


def read(texts: Mapping[str, str]) -> Generator | None:
    """Read prompt, negative prompt and the line of settings."""
    for key, place in ((_KEYWORD, png_place(_KEYWORD)), (EXIF_COMMENT, EXIF_COMMENT)):
        found = _parse(texts.get(key, "")[:_MAX_CHARACTERS], place)
        if found is not None:
            return found
    return None


def _parse(text: str, place: str) -> Generator | None:
    at = max((line.start() for line in _LINE.finditer(text)), default=-1)
    if at < 0:
        return None
    prompt, tail = text[:at].split("Negative prompt:", 1)[0], text[at : at + _MAX_SETTINGS_CHARACTERS]
    pairs = [(m[1].strip(), m[2].strip().strip('"')) for m in _SETTINGS.finditer(tail)]
    if not _REQUIRED.intersection(name for name, _ in pairs):
        return None
    settings = clean_settings(pairs)
    return Generator(
        name="Stable Diffusion WebUI",
        place=place,
        prompt=clean_text(prompt, MAX_PROMPT),
        model=next((value for name, value in settings if name == "Model"), None),
        settings=settings,
    )


READER = GeneratorReader(frozenset((_KEYWORD,)), read)
