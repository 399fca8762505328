"""Parameters that image generators leave in PNG text chunks, in EXIF's UserComment, and in WebP's EXIF."""

import re
import zlib
from collections.abc import Mapping
from typing import Any

from veraface.imaging.containers import ContainerInfo
from veraface.provenance.claims import Generator
from veraface.provenance.exif import ExifFacts
from veraface.provenance.texts import MAX_PROMPT, clean, parse_json

_MAX_TEXT_BYTES = 2**20  # of one chunk, unpacked; workflows of ComfyUI have some 100 kB
_MAX_ALL_TEXT_BYTES = 4 * 2**20
_MAX_SETTINGS = 20
_MAX_SETTINGS_TEXT = 4096  # characters
_MAX_NODES = 2000
_XMP_KEYWORD = "XML:com.adobe.xmp"
_KEYWORDS = frozenset(
    (
        *(_XMP_KEYWORD, "parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata"),
        *("Software", "Comment", "Description", "Source"),
    )
)
_MAX_KEYWORD = 79  # bytes; PNG specification, 11.3.3

# A1111: the last line of `parameters` (modules/infotext_utils.py of stable-diffusion-webui).
_A1111_SETTINGS = re.compile(r"(\w[\w \-/]{0,60}): ?(\"(?:\\.|[^\\\"]){0,500}\"|[^,\n]{0,500})(?:,|$)")
_A1111_LINE = re.compile(r"^Steps: \d+(?=,|\s*$)", re.MULTILINE)
_A1111_ALWAYS = frozenset(("Sampler", "CFG scale", "Seed"))
_JOB = re.compile(r" ?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def png_texts(data: bytes, structure: ContainerInfo) -> dict[str, str]:
    """The text chunks of a PNG that matter here, the first of each keyword, without damaged and huge ones."""
    texts: dict[str, str] = {}
    seen: set[str] = set()
    left = _MAX_ALL_TEXT_BYTES
    for kind, start, end in structure.texts:
        keyword = data[start : min(end, start + _MAX_KEYWORD + 1)].partition(b"\0")[0].decode("latin-1")
        if keyword not in _KEYWORDS or keyword in seen:
            continue
        if end - start > _MAX_TEXT_BYTES or end + 4 > len(data):
            continue
        content = data[start:end]
        if zlib.crc32(kind + content) != int.from_bytes(data[end : end + 4]):
            continue
        seen.add(keyword)
        text = _text(kind, content[len(keyword) + 1 :])
        if text is not None and len(text) <= left:
            left -= len(text)
            texts[keyword] = text
    return texts


def png_xmp(texts: Mapping[str, str]) -> bytes | None:
    """The XMP packet of a PNG, which is one of its texts."""
    return texts[_XMP_KEYWORD].encode("utf-8", "replace") if _XMP_KEYWORD in texts else None


def generator_in_texts(texts: Mapping[str, str]) -> Generator | None:
    """What a PNG's text chunks say of a generator."""
    for read in (_a1111_text, _invokeai, _comfyui, _novelai, _midjourney):
        found = read(texts)
        if found is not None:
            return found
    return None


def generator_in_exif(facts: ExifFacts) -> Generator | None:
    """What an EXIF block says of a generator."""
    found = _a1111(facts.comment or "", "EXIF UserComment")
    if found is not None:
        return found
    for text in facts.texts:  # ComfyUI writes WebP so: "workflow:{...}", "prompt:{...}"
        name, _, graph = text.partition(":")
        if name in ("prompt", "workflow") and graph.startswith("{"):
            found = _graph(graph, f"EXIF ({name})")
            if found is not None:
                return found
    return None


def _text(kind: bytes, rest: bytes) -> str | None:
    if kind == b"tEXt":
        return rest.decode("latin-1")
    if kind == b"zTXt":
        unpacked = _unpack(rest[1:]) if rest[:1] == b"\0" else None
        return None if unpacked is None else unpacked.decode("latin-1")
    packed, rest = rest[:2], rest[2:]
    body = rest.split(b"\0", 2)[-1]  # behind language and translated keyword
    if packed[:1] == b"\1":
        unpacked = _unpack(body)
        return None if unpacked is None else unpacked.decode("utf-8", "replace")
    return body.decode("utf-8", "replace") if packed[:1] == b"\0" else None


def _unpack(packed: bytes) -> bytes | None:
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, _MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return text if unpacker.eof else None


def _a1111_text(texts: Mapping[str, str]) -> Generator | None:
    return _a1111(texts.get("parameters", ""), "PNG text “parameters”")


def _a1111(text: str, place: str) -> Generator | None:
    text = text[: 32 * 2**10]
    at = max((line.start() for line in _A1111_LINE.finditer(text)), default=-1)
    if at < 0:
        return None
    prompt, tail = text[:at].split("Negative prompt:", 1)[0], text[at : at + _MAX_SETTINGS_TEXT]
    pairs = [(m[1].strip(), m[2].strip().strip('"')) for m in _A1111_SETTINGS.finditer(tail)]
    if not _A1111_ALWAYS.intersection(name for name, _ in pairs):  # steps of something else
        return None
    settings = _settings(pairs)
    return Generator(
        name="Stable Diffusion WebUI",
        place=place,
        prompt=clean(prompt, MAX_PROMPT),
        model=next((value for name, value in settings if name == "Model"), None),
        settings=settings,
    )


def _comfyui(texts: Mapping[str, str]) -> Generator | None:
    for name in ("prompt", "workflow"):
        if texts.get(name, "").lstrip().startswith("{"):
            found = _graph(texts[name], f"PNG text “{name}”")
            if found is not None:
                return found
    return None


def _graph(text: str, place: str) -> Generator | None:
    """A graph of nodes: by number with `class_type` and `inputs` ("prompt"), or in a list ("workflow")."""
    graph = parse_json(text, _MAX_TEXT_BYTES)
    if not isinstance(graph, dict):
        return None
    listed = graph.get("nodes")
    word, all_nodes = ("type", listed) if isinstance(listed, list) else ("class_type", list(graph.values()))
    nodes = [node for node in all_nodes[:_MAX_NODES] if isinstance(node, dict) and node.get(word)]
    if not nodes:
        return None
    pairs: list[tuple[str, Any]] = [("Nodes", str(len(nodes)))]
    prompt = model = None
    for node in nodes:
        kind = str(node[word])
        inputs = node.get("inputs")
        if not isinstance(inputs, dict):
            continue
        for name, value in inputs.items():
            if name == "text" and "TextEncode" in kind:
                prompt = prompt or clean(value, MAX_PROMPT)
            elif name in ("ckpt_name", "unet_name"):
                model = model or clean(value)
            elif "Sampler" in kind and isinstance(value, str | int | float):
                pairs.append((str(name), str(value)))
    return Generator("ComfyUI", place, prompt, model, _settings(pairs))


def _invokeai(texts: Mapping[str, str]) -> Generator | None:
    for name in ("invokeai_metadata", "sd-metadata"):
        said = parse_json(texts.get(name, ""), _MAX_TEXT_BYTES)
        if isinstance(said, dict):
            image = said.get("image")
            told = {**said, **image} if isinstance(image, dict) else said
            prompt = told.get("positive_prompt") or told.get("prompt")
            if isinstance(prompt, list) and prompt and isinstance(prompt[0], dict):
                prompt = prompt[0].get("prompt")
            model = told.get("model") or told.get("model_weights")
            model = (model.get("name") or model.get("model_name")) if isinstance(model, dict) else model
            pairs = [
                (k, str(v)) for k, v in told.items() if isinstance(v, int | float | str) and "prompt" not in k
            ]
            if not (prompt or model or "seed" in told):
                continue
            place = f"PNG text “{name}”"
            return Generator("InvokeAI", place, clean(prompt, MAX_PROMPT), clean(model), _settings(pairs))
    return None


def _novelai(texts: Mapping[str, str]) -> Generator | None:
    if texts.get("Software") != "NovelAI":
        return None
    said = parse_json(texts.get("Comment", ""), _MAX_TEXT_BYTES)
    pairs = list(said.items()) if isinstance(said, dict) else []
    settings = _settings(
        [(k, str(v)) for k, v in pairs if isinstance(v, int | float | str) and k != "prompt"]
    )
    prompt, model = clean(texts.get("Description"), MAX_PROMPT), clean(texts.get("Source"))
    return Generator("NovelAI", "PNG text “Software”", prompt, model, settings)


def _midjourney(texts: Mapping[str, str]) -> Generator | None:
    prompt, mark, job = texts.get("Description", "").rpartition("Job ID:")
    found = _JOB.match(job)
    if not mark or found is None:
        return None
    place = "PNG text “Description”"
    return Generator("Midjourney", place, clean(prompt, MAX_PROMPT), None, (("Job ID", found[1]),))


def _settings(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    cleaned = ((clean(name, 60), clean(value)) for name, value in pairs[: 10 * _MAX_SETTINGS])
    return tuple((name, value) for name, value in cleaned if name and value)[:_MAX_SETTINGS]
