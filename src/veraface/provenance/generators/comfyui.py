"""ComfyUI: its graph of nodes as JSON, in PNG texts or, for WebP, in EXIF's Make and Model."""

from collections.abc import Mapping
from typing import Any

from veraface.provenance.claims import Generator
from veraface.provenance.generators.base import (
    EXIF_MAKE,
    EXIF_MODEL,
    GeneratorReader,
    clean_settings,
    png_place,
)
from veraface.provenance.texts import MAX_PROMPT, clean_text, parse_json

_KEYWORDS = ("prompt", "workflow")
_MAX_NODES = 2000


def read(texts: Mapping[str, str]) -> Generator | None:
    """Read prompt, model and sampler settings of the first graph."""
    graphs = [(texts.get(name, ""), png_place(name)) for name in _KEYWORDS]
    for key in (EXIF_MAKE, EXIF_MODEL):  # as "workflow:{...}" and "prompt:{...}"
        name, _, graph = texts.get(key, "").partition(":")
        if name in _KEYWORDS:
            graphs.append((graph, f"EXIF ({name})"))
    for graph, place in graphs:
        found = _parse(graph, place) if graph.lstrip().startswith("{") else None
        if found is not None:
            return found
    return None


def _parse(text: str, place: str) -> Generator | None:
    """Read a graph: nodes by number with `class_type` and `inputs` ("prompt"), or in a list ("workflow")."""
    graph = parse_json(text)
    if not isinstance(graph, dict):
        return None
    listed = graph.get("nodes")
    type_key, all_nodes = (
        ("type", listed) if isinstance(listed, list) else ("class_type", list(graph.values()))
    )
    nodes = [node for node in all_nodes[:_MAX_NODES] if isinstance(node, dict) and node.get(type_key)]
    if not nodes:
        return None
    pairs: list[tuple[str, Any]] = [("Nodes", str(len(nodes)))]
    prompt = model = None
    for node in nodes:
        node_type = str(node[type_key])
        inputs = node.get("inputs")
        if not isinstance(inputs, dict):
            continue
        for name, value in inputs.items():
            if name == "text" and "TextEncode" in node_type:
                prompt = prompt or clean_text(value, MAX_PROMPT)
            elif name in ("ckpt_name", "unet_name"):
                model = model or clean_text(value)
            elif "Sampler" in node_type and isinstance(value, str | int | float):
                pairs.append((str(name), str(value)))
    return Generator("ComfyUI", place, prompt, model, clean_settings(pairs))


READER = GeneratorReader(frozenset(_KEYWORDS), read)
