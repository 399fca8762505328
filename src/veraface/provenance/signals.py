"""Names of what a C2PA manifest shows: the signals of the C2PA Asset Signals Rubric (Local), version 1.0.

Rules and wording are those of asset-rubrics/asset-rubric-signals-local.yml of 2026-08-06 in
c2pa-org/conformance-public (CC BY 4.0). One difference: actions of version 1 count like those of version 2,
as most older files have no others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from veraface.provenance.claims import Signal
from veraface.provenance.texts import source_type_name

_INCEPTION_ACTIONS = ("c2pa.created", "c2pa.opened")
_NON_EDITORIAL = {
    "c2pa.converted",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.resized.proportional",
    "c2pa.enhanced",
    "c2pa.edited.metadata",
    "c2pa.watermarked",
    "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
    "c2pa.redacted",
}
_GENERATED = {
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "trainedAlgorithmicData",
}
_POSSIBLY_GENERATED = {"digitalArt", "composite"}
_INCEPTIONS = {
    "empty": "blankCanvas",
    "digitalCapture": "capturedMedia",
    "computationalCapture": "capturedMedia",
    "compositeCapture": "capturedMediaStitched",
    "composite": "compositionMayContainGenAI",
    "trainedAlgorithmicMedia": "fullyGenAIMedia",
    "digitalCreation": "nonGenAIDigitalCreation",
    "compositeWithTrainedAlgorithmicMedia": "partlyGenAICreation",
    "screenCapture": "screenCaptureMayContainGenAI",
}
SIGNALS = {
    "blankCanvas": "began as a blank canvas",
    "capturedMedia": "captured by a camera",
    "capturedMediaStitched": "stitched together from captured images",
    "compositionMayContainGenAI": "a composition, which may contain content made by AI",
    "fullyGenAIMedia": "made by AI as a whole",
    "mediaUnknownProvenance": "made from a file of unknown provenance",
    "nonGenAIDigitalCreation": "created digitally without AI",
    "partlyGenAICreation": "made by AI in part",
    "screenCaptureMayContainGenAI": "a screen capture, which may contain content made by AI",
    "ambiguousActions": "its list of steps is incomplete, or some of them are of no standard kind",
    "nonEditorial": "changed in ways that are not editorial, such as converted or published",
    "perceptibleGenAI": "changed perceptibly with AI",
    "perceptibleNonGenAI": "changed perceptibly without AI",
    "perceptiblePossiblyGenAI": "changed perceptibly, possibly with AI",
}


def find_signals(manifest: Mapping[str, Any], *, of_ingredient: bool) -> list[Signal]:
    """Return the signals of one manifest, as `c2pa.Reader.json` reports it."""
    steps: list[tuple[str, str | None]] = []
    complete = False
    for assertion in _mappings(manifest.get("assertions")):
        if str(assertion.get("label")).split("__", 1)[0] not in ("c2pa.actions", "c2pa.actions.v2"):
            continue
        data = assertion.get("data")
        data = data if isinstance(data, Mapping) else {}
        complete = complete or data.get("allActionsIncluded") is True
        for step in _mappings(data.get("actions")):
            steps.append((str(step.get("action")), source_type_name(step.get("digitalSourceType"))))
    inceptions = [_INCEPTIONS.get(kind or "") for action, kind in steps if action in _INCEPTION_ACTIONS]
    if any(not item.get("active_manifest") for item in _mappings(manifest.get("ingredients"))):
        inceptions.append("mediaUnknownProvenance")
    changes = [
        (action, kind)
        for action, kind in steps
        if action not in _INCEPTION_ACTIONS and action not in _NON_EDITORIAL
    ]
    transformations = {
        "ambiguousActions": not complete
        or any(not action.startswith("c2pa.") or action == "c2pa.unknown" for action, _ in steps),
        "nonEditorial": any(action in _NON_EDITORIAL for action, _ in steps),
        "perceptibleGenAI": any(kind in _GENERATED for _, kind in changes),
        "perceptibleNonGenAI": any(kind and kind not in _GENERATED for _, kind in changes),
        "perceptiblePossiblyGenAI": any(kind in _POSSIBLY_GENERATED for _, kind in changes),
    }
    codes = [code for code in inceptions if code] + [code for code, found in transformations.items() if found]
    return [Signal(code, SIGNALS[code], of_ingredient) for code in dict.fromkeys(codes)]


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
