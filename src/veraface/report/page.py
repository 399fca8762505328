"""A report on one image as an HTML page without scripts and external resources, not yet signed.

Nothing here imports NumPy: the server renders what a worker has computed.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface import __version__
from veraface.findings import collect_findings, describe_rates
from veraface.forensics.guides import VIEW_GUIDES
from veraface.provenance.marks import SourceMarks
from veraface.report.answer import answer_of, band_text, face_answer_of, worst_first
from veraface.report.texts import Language, texts_in
from veraface.text import clean
from veraface.wording import PLAIN, Wording
from veraface.workers.messages import EncodedImage, ForensicView, ReportMaterial

if TYPE_CHECKING:
    from veraface.detector import Detector
    from veraface.models.trustmark import TrustMarkDecoder
    from veraface.provenance.credentials import CredentialReader

_TEMPLATE = Path(__file__).with_name("page.html")
_STYLE = Path(__file__).with_name("page.css")
_DATA = '<script type="application/json" id="report-data">'
# Of the provenance that is shown:
_MAX_DEPTH = 8
_MAX_LINES = 600
_MAX_ITEMS = 40  # of one list
_MAX_LENGTH = 2000  # characters of one value
_FIRST = ("claims", "findings")  # shown even if the rest is cut off
_METRICS = (  # of the model card, in the order shown
    ("auc", "AUC: chance that a fake face gets a higher probability than a real one"),
    ("reals_called_fake", "False positive rate: real faces called fake"),
    ("reals_uncertain", "Abstention rate: real faces with the answer 'cannot tell'"),
    ("fakes_called_fake", "Recall: fake faces called fake"),
    ("fakes_uncertain", "Abstention rate: fake faces with the answer 'cannot tell'"),
    ("fakes_called_real", "False negative rate: fake faces called real"),
)


@dataclass(frozen=True)
class Contents:
    """The contents of a report: detection, provenance, forensic views and model card."""

    facts: dict[str, Any]
    """everything but the images, JSON-ready"""
    images: dict[str, EncodedImage | ForensicView]
    """"image", "heatmap", and one by the name of each forensic view"""
    thumbnails: tuple[str, str] | None = None
    """data URLs of the embedded thumbnail and of the image, if they differ"""


def gather(
    content: bytes,
    name: str,
    detector: "Detector",
    model: str | Path | None = None,
    wording: Wording = PLAIN,
    trustmark: "tuple[TrustMarkDecoder, ...]" = (),
    credentials: "CredentialReader | None" = None,
) -> Contents:
    """Analyze an image file for a report.

    Args:
        content: of the file.
        name: of the file, as the report shows it.
        detector: the detector to use.
        model: name of the detector's model or path of its `.onnx` file; the default model if None.
        wording: the words for the boxes in the heatmap and for the findings.
        trustmark: decoders of the TrustMark watermark, as in `veraface.analyze`.
        credentials: reads Content Credentials; one with the public trust lists if None.

    Raises:
        ImageError: the image is unsupported, unreadable or too large.
    """
    from veraface.models.registry import card_sha256
    from veraface.provenance.credentials import CredentialReader
    from veraface.workers.tasks import TaskContext, report_material

    reader, digest = credentials or CredentialReader(), card_sha256(model, detector.card)
    context = TaskContext(detector, reader, digest, trustmark)
    material = report_material(context, content, lambda _: None, **vars(wording))
    return contents_of(material, content, name, detector.card.to_dict(), wording)


def contents_of(
    material: ReportMaterial, content: bytes, name: str, card: Mapping[str, Any], wording: Wording = PLAIN
) -> Contents:
    """Return the contents of a report.

    Args:
        material: the results of the worker task `report_material`.
        content: of the image file.
        name: of the image file.
        card: the model card, JSON-ready.
        wording: the words for the findings.
    """
    analysis, views = material.analysis, material.forensics
    images: dict[str, EncodedImage | ForensicView] = {view.name: view for view in views.views}
    images |= {"image": material.image, "heatmap": material.overlay}
    # JSON cannot represent lone surrogates and NaN.
    provenance = None if analysis.provenance is None else analysis.provenance.to_dict()
    thumbnails = None
    if provenance and (embedded := provenance.get("thumbnail")) and "thumbnail" in embedded:
        thumbnails = (embedded.pop("thumbnail"), embedded.pop("image"))
    claims = json.dumps(provenance, ensure_ascii=False, default=str).encode("utf-8", "replace")
    forensics: Any = views  # they have its grid_offset
    findings = collect_findings(analysis.detection, analysis.provenance, forensics, wording)
    facts = {
        "veraface": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "file": {"name": clean(name, 255), "bytes": len(content), "sha256": _sha256(content)},
        "result": analysis.detection.to_dict(heatmap=False),
        "findings": [finding.to_dict() for finding in findings],
        "provenance": json.loads(claims, parse_constant=str),
        "grid_offset": None if views.grid_offset is None else list(views.grid_offset),
        "model": {
            **analysis.detection.model,
            "card_sha256": material.card_sha256,
            "data": card["data"],
            "licence": card["license"],
            "limits": list(card["limits"]),
            "error_rates": dict(card["error_rates"]),
            "measured": _measured(card["measured"]),
        },
        "images": {name: _sha256(base64.b64decode(image.data)) for name, image in images.items()},
    }
    return Contents(facts, images, thumbnails)


def _measured(measured: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the metrics of the model card on all of its test images; None if it has none."""
    if not measured.get("rows"):
        return None
    row = measured["rows"][0]
    metrics = [
        {"name": name, "words": words, "value": row[name], "interval": row.get("intervals", {}).get(name)}
        for name, words in _METRICS
        if isinstance(row.get(name), int | float)
    ]
    about = {name: str(measured.get(name) or "not specified") for name in ("data", "command")}
    return {**about, "real": row.get("real"), "fake": row.get("fake"), "figures": metrics}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def render(contents: Contents, fingerprint: str, wording: Wording = PLAIN, language: Language = "en") -> str:
    """Return the document, which shows the fingerprint of the key to sign it with; escape untrusted text.

    Folded parts and the texts of the model card are in English in every language.
    """
    texts = texts_in(language, wording.never_say_real)

    def reason(found: Mapping[str, str]) -> str:
        """Return a reason as a sentence, in English where the page has no words for its code."""
        path = f"reasons.{found['code']}"
        return texts(path) if texts.has(path) else wording.message(found["message"])

    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"clean": clean, "percent": "{:.1%}".format, "reason": reason}
    environment.filters["rates"] = describe_rates
    facts, result = contents.facts, contents.facts["result"]
    faces = worst_first(result["faces"])
    policy = ("default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'", "base-uri 'none'")
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        t=texts,
        facts=facts,
        result=result,
        answer=answer_of(result, wording, language),
        band=band_text(result["thresholds"], wording, language),
        faces=[(face, face_answer_of(face, result["thresholds"], wording, language)) for face in faces],
        wording=wording,
        images=contents.images,
        thumbnails=contents.thumbnails,
        marks=_marks(facts["provenance"], facts["file"]["sha256"]),
        kinds=VIEW_GUIDES,
        url=lambda image: f"data:{image.media_type};base64,{image.data}",
        lines=_lines(facts["provenance"]),
        fingerprint=fingerprint,
        style=Markup(style),  # nosec B704  # a file of this package
        policy="; ".join((*policy, "form-action 'none'")),
    )


def read_data(file: bytes) -> dict[str, Any]:
    """Return the facts that a verified report contains as JSON; raise ValueError if there are none."""
    _, _, rest = file.decode().partition(_DATA)
    facts: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return facts


def _marks(claims: Any, sha256: str) -> str:
    """Return the marks of the file, which its copies in the report lack, in plain English."""
    parts = [claims.get(name) if isinstance(claims, Mapping) else None for name in ("credentials", "xmp")]
    credentials, xmp = (part if isinstance(part, Mapping) else {} for part in parts)
    found, remote = credentials.get("found") is True, credentials.get("remote")
    return SourceMarks(sha256, found, xmp.get("source_type"), remote).names


def _lines(claims: Any) -> list[tuple[int, str, str]]:
    """Return nested data as lines of depth, name and value; a line marks where it is cut off."""
    found: list[tuple[int, str, str]] = []

    def walk(value: Any, depth: int) -> None:
        numbered = ((str(number), inner) for number, inner in enumerate(value, start=1))
        pairs = list(value.items() if isinstance(value, Mapping) else numbered)
        pairs = [pair for pair in pairs if pair[1] not in (None, "", [], {}, ())]
        if depth == 0:
            pairs.sort(key=lambda pair: pair[0] not in _FIRST)
        for place, (name, inner) in enumerate(pairs):
            if len(found) >= _MAX_LINES or place >= _MAX_ITEMS:
                left = f"{len(pairs) - place} more, in the data at the end of this file"
                found.append((depth, "and", left))
                return
            words = clean(str(name).replace("_", " "), 200)
            if isinstance(inner, Mapping | list | tuple) and inner and depth < _MAX_DEPTH:
                found.append((depth, words, ""))
                walk(inner, depth + 1)
            else:
                shown = ("no", "yes")[inner] if isinstance(inner, bool) else str(inner)
                found.append((depth, words, clean(shown, _MAX_LENGTH)))

    if isinstance(claims, Mapping | list | tuple):
        walk(claims, 0)
    elif claims is not None:
        found.append((0, "claim", clean(str(claims), _MAX_LENGTH)))
    return found
