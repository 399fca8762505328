"""Names of what a C2PA manifest shows, by the rubric in `signals.toml`.

One difference to it: actions of version 1 count like those of version 2, as most older files have no others.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from veraface.provenance.claims import Signal
from veraface.provenance.texts import mapping, mappings, source_type_name

_RUBRIC = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SIGNALS: dict[str, str] = _RUBRIC["signals"]


def action_lists(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the content of each list of actions in a manifest, as `c2pa.Reader.json` reports it."""
    for assertion in mappings(manifest.get("assertions")):
        if str(assertion.get("label")).split("__", 1)[0] in ("c2pa.actions", "c2pa.actions.v2"):
            yield mapping(assertion.get("data"))


def find_signals(manifest: Mapping[str, Any], *, of_ingredient: bool) -> list[Signal]:
    """Return the signals of one manifest, as `c2pa.Reader.json` reports it."""
    steps: list[tuple[str, str | None]] = []
    complete = False
    for content in action_lists(manifest):
        complete = complete or content.get("allActionsIncluded") is True
        for step in mappings(content.get("actions")):
            steps.append((str(step.get("action")), source_type_name(step.get("digitalSourceType"))))
    begun, non_editorial = _RUBRIC["inception"], _RUBRIC["non_editorial"]
    inceptions = [_RUBRIC["inceptions"].get(kind) for action, kind in steps if action in begun]
    if any(not item.get("active_manifest") for item in mappings(manifest.get("ingredients"))):
        inceptions.append("mediaUnknownProvenance")
    changes = [kind for action, kind in steps if action not in (*begun, *non_editorial)]
    transformations = {
        "ambiguousActions": not complete
        or any(not action.startswith("c2pa.") or action == "c2pa.unknown" for action, _ in steps),
        "nonEditorial": any(action in non_editorial for action, _ in steps),
        "perceptibleGenAI": any(kind in _RUBRIC["generated"] for kind in changes),
        "perceptibleNonGenAI": any(kind and kind not in _RUBRIC["generated"] for kind in changes),
        "perceptiblePossiblyGenAI": any(kind in _RUBRIC["possibly_generated"] for kind in changes),
    }
    codes = [code for code in inceptions if code] + [code for code, found in transformations.items() if found]
    return [Signal(code, SIGNALS[code], of_ingredient) for code in dict.fromkeys(codes)]
