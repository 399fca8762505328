"""Renders a report as one HTML file without scripts and external resources; untrusted text is escaped."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.forensics.views import VIEW_GUIDES
from veraface.report.contents import Contents
from veraface.text import VERDICT_LABELS, clean

_TEMPLATE = Path(__file__).with_name("page.html")
_STYLE = Path(__file__).with_name("page.css")
_DATA = '<script type="application/json" id="report-data">'
# Of the provenance that is shown:
_MAX_DEPTH = 8
_MAX_LINES = 600
_MAX_ITEMS = 40  # of one list
_MAX_LENGTH = 2000  # characters of one value
_FIRST = ("claims", "findings")  # shown even if the rest is cut off


def render(contents: Contents, fingerprint: str) -> str:
    """Return the whole document, not yet signed; it shows the fingerprint of the key to sign it with."""
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"clean": clean, "percent": "{:.1%}".format}
    facts = contents.facts
    policy = ("default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'", "base-uri 'none'")
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        facts=facts,
        result=facts["result"],
        images=contents.images,
        kinds=VIEW_GUIDES,
        verdicts=VERDICT_LABELS,
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
