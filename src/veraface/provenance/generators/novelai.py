"""NovelAI: PNG texts `Software`, `Description`, `Source`, and JSON in `Comment`."""

from collections.abc import Mapping

from veraface.provenance.claims import Generator
from veraface.provenance.generators.base import GeneratorReader, clean_settings, png_place
from veraface.provenance.texts import MAX_PROMPT, clean_text, parse_json


def read(texts: Mapping[str, str]) -> Generator | None:
    """Read prompt, model and settings."""
    if texts.get("Software") != "NovelAI":
        return None
    fields = parse_json(texts.get("Comment", ""))
    pairs = [
        (name, str(value))
        for name, value in (fields.items() if isinstance(fields, dict) else ())
        if isinstance(value, int | float | str) and name != "prompt"
    ]
    return Generator(
        name="NovelAI",
        place=png_place("Software"),
        prompt=clean_text(texts.get("Description"), MAX_PROMPT),
        model=clean_text(texts.get("Source")),
        settings=clean_settings(pairs),
    )


READER = GeneratorReader(frozenset(("Software", "Comment", "Description", "Source")), read)
