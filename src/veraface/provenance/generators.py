"""Parameters that image generators leave in files: one reader for each family of generators.

To add one, write a function that takes the texts of a file by the keyword of a PNG text chunk or the name of
an EXIF field, and returns None if they are not of its family. Add it to `READERS`. The texts are untrusted.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from veraface.provenance.claims import Generator
from veraface.provenance.exif import ExifFacts
from veraface.provenance.texts import MAX_PROMPT, clean_text, parse_json

Texts = Mapping[str, str]

_EXIF_COMMENT, _EXIF_MAKE, _EXIF_MODEL = "EXIF UserComment", "EXIF Make", "EXIF Model"
_MAX_SETTINGS = 20
_MAX_NODES = 2000  # of a graph of ComfyUI
_MAX_CHARACTERS, _MAX_SETTINGS_CHARACTERS = 32 * 2**10, 4096  # of WebUI's text, and of its last line

# The last line of the text: modules/infotext_utils.py of stable-diffusion-webui.
_WEBUI_SETTINGS = re.compile(r"(\w[\w \-/]{0,60}): ?(\"(?:\\.|[^\\\"]){0,500}\"|[^,\n]{0,500})(?:,|$)")
_WEBUI_LINE = re.compile(r"^Steps: \d+(?=,|\s*$)", re.MULTILINE)
_WEBUI_REQUIRED = frozenset(("Sampler", "CFG scale", "Seed"))  # one of them: else the steps of something else
_MIDJOURNEY_JOB = re.compile(r" ?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def read_generator(png_texts: Texts, exif: ExifFacts) -> Generator | None:
    """Return the parameters of a generator; those in PNG texts before those in EXIF."""
    exif_texts = {_EXIF_COMMENT: exif.user_comment, _EXIF_MAKE: exif.make, _EXIF_MODEL: exif.model}
    found = (read(texts) for texts in (png_texts, exif_texts) for read in READERS)
    return _first(found)


def _read_webui(texts: Texts) -> Generator | None:
    """Read Stable Diffusion WebUI (AUTOMATIC1111, Forge): prompts and settings in one text."""
    places = (("parameters", _png_place("parameters")), (_EXIF_COMMENT, _EXIF_COMMENT))
    found = (_parse_webui(texts.get(key, "")[:_MAX_CHARACTERS], place) for key, place in places)
    return _first(found)


def _parse_webui(text: str, place: str) -> Generator | None:
    at = max((line.start() for line in _WEBUI_LINE.finditer(text)), default=-1)
    if at < 0:
        return None
    prompt, tail = text[:at].split("Negative prompt:", 1)[0], text[at : at + _MAX_SETTINGS_CHARACTERS]
    pairs = [(m[1].strip(), m[2].strip().strip('"')) for m in _WEBUI_SETTINGS.finditer(tail)]
    if not _WEBUI_REQUIRED.intersection(name for name, _ in pairs):
        return None
    settings = _clean_settings(pairs)
    model = next((value for name, value in settings if name == "Model"), None)
    return Generator("Stable Diffusion WebUI", place, clean_text(prompt, MAX_PROMPT), model, settings)


def _read_invokeai(texts: Texts) -> Generator | None:
    """Read InvokeAI: JSON, in `sd-metadata` by old versions."""
    for keyword in ("invokeai_metadata", "sd-metadata"):
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
        if prompt or model or "seed" in fields:
            pairs = [(name, value) for name, value in _scalars(fields) if "prompt" not in name]
            prompt, model = clean_text(prompt, MAX_PROMPT), clean_text(model)
            return Generator("InvokeAI", _png_place(keyword), prompt, model, _clean_settings(pairs))
    return None


def _read_comfyui(texts: Texts) -> Generator | None:
    """Read ComfyUI: graphs of nodes as JSON, in PNG texts or, for WebP, in EXIF's Make and Model."""
    names = ("prompt", "workflow")
    graphs = [(texts.get(name, ""), _png_place(name)) for name in names]
    for key in (_EXIF_MAKE, _EXIF_MODEL):  # as "workflow:{...}" and "prompt:{...}"
        name, _, graph = texts.get(key, "").partition(":")
        if name in names:
            graphs.append((graph, f"EXIF ({name})"))
    found = (_parse_graph(graph, place) for graph, place in graphs if graph.lstrip().startswith("{"))
    return _first(found)


def _parse_graph(text: str, place: str) -> Generator | None:
    """Read a graph: nodes by number with `class_type` and `inputs` ("prompt"), or in a list ("workflow")."""
    graph = parse_json(text)
    if not isinstance(graph, dict):
        return None
    type_key, nodes = "type", graph.get("nodes")
    if not isinstance(nodes, list):
        type_key, nodes = "class_type", list(graph.values())
    nodes = [node for node in nodes[:_MAX_NODES] if isinstance(node, dict) and node.get(type_key)]
    if not nodes:
        return None
    pairs: list[tuple[str, Any]] = [("Nodes", str(len(nodes)))]
    prompt = model = None
    for node in nodes:
        node_type, inputs = str(node[type_key]), node.get("inputs")
        for name, value in inputs.items() if isinstance(inputs, dict) else ():
            if name == "text" and "TextEncode" in node_type:
                prompt = prompt or clean_text(value, MAX_PROMPT)
            elif name in ("ckpt_name", "unet_name"):
                model = model or clean_text(value)
            elif "Sampler" in node_type and isinstance(value, str | int | float):
                pairs.append((str(name), str(value)))
    return Generator("ComfyUI", place, prompt, model, _clean_settings(pairs))


def _read_novelai(texts: Texts) -> Generator | None:
    """Read NovelAI: prompt and model as text, and the settings as JSON."""
    if texts.get("Software") != "NovelAI":
        return None
    fields = parse_json(texts.get("Comment", ""))
    pairs = [pair for pair in _scalars(fields if isinstance(fields, dict) else {}) if pair[0] != "prompt"]
    prompt, model = clean_text(texts.get("Description"), MAX_PROMPT), clean_text(texts.get("Source"))
    return Generator("NovelAI", _png_place("Software"), prompt, model, _clean_settings(pairs))


def _read_midjourney(texts: Texts) -> Generator | None:
    """Read Midjourney: a prompt that ends with the identifier of a job."""
    prompt, mark, job = texts.get("Description", "").rpartition("Job ID:")
    found = _MIDJOURNEY_JOB.match(job)
    if not mark or found is None:
        return None
    place, settings = _png_place("Description"), (("Job ID", found[1]),)
    return Generator("Midjourney", place, clean_text(prompt, MAX_PROMPT), settings=settings)


# By reader, the keywords of its PNG text chunks. The first that recognizes its parameters counts.
READERS: dict[Callable[[Texts], Generator | None], tuple[str, ...]] = {
    _read_webui: ("parameters",),
    _read_invokeai: ("invokeai_metadata", "sd-metadata"),
    _read_comfyui: ("prompt", "workflow"),
    _read_novelai: ("Software", "Comment", "Description", "Source"),
    _read_midjourney: ("Description",),
}


def _first(found: Iterable[Generator | None]) -> Generator | None:
    return next((generator for generator in found if generator is not None), None)


def _scalars(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in fields.items() if isinstance(value, int | float | str)]


def _clean_settings(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return at most 20 names and values as printable text, without empty ones."""
    cleaned = ((clean_text(name, 60), clean_text(value)) for name, value in list(pairs)[: 10 * _MAX_SETTINGS])
    return tuple((name, value) for name, value in cleaned if name and value)[:_MAX_SETTINGS]


def _png_place(keyword: str) -> str:
    """Return the name of a PNG text chunk as shown to users."""
    return f"PNG text “{keyword}”"
