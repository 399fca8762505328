"""What a report says of one image, gathered from the detector, its card and the views of the image."""

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
from veraface.analysis import Analysis, analyze
from veraface.detector import Detector
from veraface.forensics.views import KINDS, Kind, encoded, examine
from veraface.imaging.overlay import draw_overlay
from veraface.models.classifier import DEFAULT_MODEL
from veraface.text import clean

_MAX_SIDE = 1280  # px of the image in the report
_FIGURES = (  # of the card's measurement, in the order shown
    ("auc", "AUC: chance that a fake face gets a higher probability than a real one"),
    ("reals_called_fake", "Real faces called fake"),
    ("reals_uncertain", "Real faces left open"),
    ("fakes_called_fake", "Fake faces called fake"),
    ("fakes_uncertain", "Fake faces left open"),
    ("fakes_called_real", "Fake faces called real"),
)


@dataclass(frozen=True)
class EmbeddedPicture:
    """An image in the report: made anew from pixels, without anything else of the input."""

    name: str
    media_type: str
    content: bytes
    width: int  # px
    height: int  # px

    @property
    def url(self) -> str:
        """As an address that holds all of it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True)
class Contents:
    """All that a report says."""

    facts: dict[str, Any]  # JSON-ready
    pictures: dict[str, EmbeddedPicture]  # "picture", "heatmap", and by the name of each of `KINDS`
    kinds: tuple[Kind, ...] = KINDS


def gather(
    content: bytes, name: str, detector: Detector, model: Path | None, now: datetime | None = None
) -> Contents:
    """Judges an image and gathers all that a report says of it.

    Args:
        content: the bytes of the image's file.
        name: what the file is called; shown, and never taken for anything but text.
        detector: judges.
        model: the `.onnx` file that it was made with, whose card stands beside it; the shipped one if None.
        now: the time of the analysis.

    Raises:
        ImageError: the image is unsupported, unreadable or too large.
    """
    analysis = analyze(content, detector, provenance="full")
    result = analysis.detection
    pixels = detector.open(content).file.decode()
    evidence = examine(pixels)
    card = detector.card
    card_file = (model or DEFAULT_MODEL).with_suffix(".json").read_bytes()
    judged = result.to_dict(heatmap=False)
    images = [
        _embed("picture", _shrunk(pixels)),
        _embed("heatmap", _shrunk(draw_overlay(content, result, detector.limits))),
        *(
            EmbeddedPicture(kind.name, "image/webp", encoded(view), view.shape[1], view.shape[0])
            for kind, view in ((kind, evidence.views[kind.name]) for kind in KINDS)
        ),
    ]
    facts = {
        "veraface": __version__,
        "time": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "file": {
            "name": clean(name, 255),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "result": judged,
        "provenance": _provenance(analysis),
        "grid_offset": None if evidence.grid_offset is None else list(evidence.grid_offset),
        "model": {
            **result.model,
            "card_sha256": hashlib.sha256(card_file).hexdigest(),
            "data": card.data,
            "licence": card.license,
            "limits": list(card.limits),
            "error_rates": dict(card.error_rates),
            "measured": _measured(card.measured),
        },
        "pictures": {one.name: hashlib.sha256(one.content).hexdigest() for one in images},
    }
    return Contents(facts, {one.name: one for one in images})


def _provenance(analysis: Analysis) -> Any:
    """Return the provenance as JSON-ready data, or None."""
    told = None if analysis.provenance is None else analysis.provenance.to_dict()
    # Half characters and numbers that are none have no place in what is signed.
    text = json.dumps(told, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return json.loads(text, parse_constant=str)


def _measured(measured: Mapping[str, Any]) -> dict[str, Any] | None:
    """The card's figures on all its test images; None where it has none."""
    rows = measured.get("rows") or []
    if not rows:
        return None
    row = rows[0]
    figures = [
        {"name": name, "words": words, "value": row[name], "interval": row.get("intervals", {}).get(name)}
        for name, words in _FIGURES
        if isinstance(row.get(name), int | float)
    ]
    about = {name: str(measured.get(name) or "not told") for name in ("data", "command")}
    return {**about, "real": row.get("real"), "fake": row.get("fake"), "figures": figures}


def _shrunk(pixels: Image.Image) -> Image.Image:
    copy = pixels.copy()
    copy.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.LANCZOS)
    return Image.fromarray(np.asarray(copy))  # leaves profiles and texts behind


def _embed(name: str, pixels: Image.Image) -> EmbeddedPicture:
    buffer = BytesIO()
    pixels.save(buffer, "WEBP", quality=88, method=2)
    return EmbeddedPicture(name, "image/webp", buffer.getvalue(), *pixels.size)
