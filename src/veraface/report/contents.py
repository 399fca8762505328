"""The contents of a report on one image: detection, provenance, forensic views and model card."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from veraface import __version__
from veraface.analysis import analyze
from veraface.detector import Detector
from veraface.forensics.views import VIEW_GUIDES, encode_view
from veraface.imaging.overlay import draw_overlay
from veraface.models.registry import card_path
from veraface.text import clean

_MAX_SIDE = 1280  # px of the image in the report
_METRICS = (  # of the model card, in the order shown
    ("auc", "AUC: chance that a fake face gets a higher probability than a real one"),
    ("reals_called_fake", "False positive rate: real faces called fake"),
    ("reals_uncertain", "Real faces called uncertain"),
    ("fakes_called_fake", "Recall: fake faces called fake"),
    ("fakes_uncertain", "Fake faces called uncertain"),
    ("fakes_called_real", "False negative rate: fake faces called real"),
)


@dataclass(frozen=True)
class EmbeddedImage:
    """A WebP image in the report, encoded from pixels, without any metadata of the input."""

    name: str
    content: bytes
    width: int  # px
    height: int  # px

    @property
    def url(self) -> str:
        """Return a data URL."""
        return f"data:image/webp;base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True)
class Contents:
    """The contents of a report."""

    facts: dict[str, Any]  # everything but the images, JSON-ready
    images: dict[str, EmbeddedImage]  # "picture", "heatmap", and one by the name of each forensic view


def gather(content: bytes, name: str, detector: Detector, model: str | Path | None = None) -> Contents:
    """Analyze an image file for a report, which shows its name as text.

    `model` is the name of the detector's model or the path of its `.onnx` file; the default model if None.

    Raises:
        ImageError: The image is unsupported, unreadable or too large.
    """
    image = detector.open(content)
    analysis = analyze(image, detector, provenance="full", forensics=True)
    result, views = analysis.detection, analysis.forensics
    assert views is not None
    pixels = image.decode(image.longest_side)  # the forensic views have decoded it
    card = detector.card
    path = card_path(model)
    card_file = json.dumps(card.to_dict()).encode() if path is None else path.read_bytes()
    images = [
        _embed("picture", pixels),
        _embed("heatmap", draw_overlay(content, result, detector.limits)),
        *(
            EmbeddedImage(guide.name, encode_view(view), view.shape[1], view.shape[0])
            for guide in VIEW_GUIDES
            for view in (views.views[guide.name],)
        ),
    ]
    # JSON cannot represent lone surrogates and NaN.
    provenance = None if analysis.provenance is None else analysis.provenance.to_dict()
    claims = json.dumps(provenance, ensure_ascii=False, default=str).encode("utf-8", "replace")
    facts = {
        "veraface": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "file": {"name": clean(name, 255), "bytes": len(content), "sha256": _sha256(content)},
        "result": result.to_dict(heatmap=False),
        "provenance": json.loads(claims, parse_constant=str),
        "grid_offset": None if views.grid_offset is None else list(views.grid_offset),
        "model": {
            **result.model,
            "card_sha256": _sha256(card_file),
            "data": card.data,
            "licence": card.license,
            "limits": list(card.limits),
            "error_rates": dict(card.error_rates),
            "measured": _measured(card.measured),
        },
        "pictures": {one.name: _sha256(one.content) for one in images},
    }
    return Contents(facts, {one.name: one for one in images})


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


def _embed(name: str, pixels: Image.Image) -> EmbeddedImage:
    """Encode a smaller copy without metadata."""
    copy = pixels.copy()
    copy.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    # The array drops color profiles and text.
    Image.fromarray(np.asarray(copy)).save(buffer, "WEBP", quality=88, method=2)
    return EmbeddedImage(name, buffer.getvalue(), *copy.size)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
