"""InvokeAI: JSON in the PNG text `invokeai_metadata`, or `sd-metadata` of old versions."""

from collections.abc import Mapping

from veraface.provenance.claims import Generator
from veraface.provenance.generators.base import GeneratorReader, clean_settings, png_place
from veraface.provenance.texts import MAX_PROMPT, clean_text, parse_json

_KEYWORDS = ("invokeai_metadata", "sd-metadata")


def read(texts: Mapping[str, str]) -> Generator | None:
    """Read prompt, model and settings."""
    for keyword in _KEYWORDS:
        fields = parse_json(texts.get(keyword, ""))
        if not isinstance(fields, dict):
            continue
        image = fields.get("image")
        fields = {**fields, **image} if isinstance(image, dict) else fields
        prompt = fields.get("positive_prompt") or fields.get("prompt")
        if isinstance(prompt, list) and prompt and isinstance(prompt[0], dict):
            prompt = prompt[0].get("prompt")
        model = fields.get("model") or fields.get("model_weights")
        model = (model.get("name") or model.get("model_name")) if isinstance(model, dict) else model
        if not (prompt or model or "seed" in fields):
            continue
        pairs = [
            (name, str(value))
            for name, value in fields.items()
            if isinstance(value, int | float | str) and "prompt" not in name
        ]
        return Generator(
            name="InvokeAI",
            place=png_place(keyword),
            prompt=clean_text(prompt, MAX_PROMPT),
            model=clean_text(model),
            settings=clean_settings(pairs),
        )
    return None


READER = GeneratorReader(frozenset(_KEYWORDS), read)
