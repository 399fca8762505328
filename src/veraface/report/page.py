"""A report as one HTML file: no scripts, nothing to load, and every foreign word as text."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.report.contents import Contents
from veraface.text import clean

_TEMPLATE = Path(__file__).with_name("page.html")
_STYLE = Path(__file__).with_name("page.css")
_MAX_DEPTH = 8  # of what a file says of itself
_MAX_LINES = 600  # of the same
_MAX_ITEMS = 40  # of one list in it
_FIRST = ("claims", "findings")  # what a reader must not miss, however much else there is
_MAX_LENGTH = 2000  # characters of one value

VERDICTS = {
    "fake": "Likely fake",
    "real": "Likely real",
    "uncertain": "Cannot tell",
    "no_face": "No face found",
}


def render(contents: Contents, fingerprint: str) -> str:
    """The whole document, without a signature.

    Args:
        contents: what it says.
        fingerprint: of the key that it will be signed with, so that it can be read in it.
    """
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = clean
    environment.filters["percent"] = _percent
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    facts = contents.facts
    policy = ("default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'", "base-uri 'none'")
    return template.render(
        facts=facts,
        result=facts["result"],
        images=contents.pictures,
        kinds=contents.kinds,
        verdicts=VERDICTS,
        lines=_lines(facts["provenance"]),
        fingerprint=fingerprint,
        style=Markup(style),  # nosec B704  # our own file
        policy="; ".join((*policy, "form-action 'none'")),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _lines(told: Any) -> list[tuple[int, str, str]]:
    """Whatever is told, as lines of depth, name and value; where it is cut off, a line says so."""
    found: list[tuple[int, str, str]] = []

    def walk(value: Any, depth: int) -> None:
        numbered = ((str(number), inner) for number, inner in enumerate(value, start=1))
        pairs = list(value.items() if isinstance(value, Mapping) else numbered)
        pairs = [pair for pair in pairs if pair[1] not in (None, "", [], {}, ())]
        if depth == 0:
            pairs.sort(key=lambda pair: pair[0] not in _FIRST)
        for place, (name, inner) in enumerate(pairs):
            if len(found) >= _MAX_LINES or place >= _MAX_ITEMS:
                left = f"{len(pairs) - place} more, which only the signed statement holds"
                found.append((depth, "and", left))
                return
            words = clean(str(name).replace("_", " "), 200)
            if isinstance(inner, Mapping | list | tuple) and inner and depth < _MAX_DEPTH:
                found.append((depth, words, ""))
                walk(inner, depth + 1)
            else:
                found.append((depth, words, clean(_value(inner), _MAX_LENGTH)))

    if isinstance(told, Mapping | list | tuple):
        walk(told, 0)
    elif told is not None:
        found.append((0, "told", clean(str(told), _MAX_LENGTH)))
    return found


def _value(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
