"""Midjourney: the PNG text `Description`, a prompt that ends with the identifier of a job."""

import re
from collections.abc import Mapping

from veraface.provenance.claims import Generator
from veraface.provenance.generators.base import GeneratorReader, png_place
from veraface.provenance.texts import MAX_PROMPT, clean_text

_KEYWORD = "Description"
_JOB = re.compile(r" ?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def read(texts: Mapping[str, str]) -> Generator | None:
    """Read the prompt and the identifier of the job."""
    prompt, mark, job = texts.get(_KEYWORD, "").rpartition("Job ID:")
    found = _JOB.match(job)
    if not mark or found is None:
        return None
    return Generator(
        name="Midjourney",
        place=png_place(_KEYWORD),
        prompt=clean_text(prompt, MAX_PROMPT),
        settings=(("Job ID", found[1]),),
    )


READER = GeneratorReader(frozenset((_KEYWORD,)), read)
