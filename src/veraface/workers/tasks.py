"""What a worker can be asked to do with the bytes of a file."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from veraface.detector import Detector
from veraface.evidence import examine
from veraface.image import Picture

Progress = Callable[
    [dict[str, Any]], None
]  # takes a JSON-ready object, as often as there is something to tell
Task = Callable[[Detector, bytes, Mapping[str, Any], Progress], dict[str, Any]]


def detect(
    detector: Detector, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Judges one picture.

    Args:
        detector: What judges.
        content: The bytes of the picture's file.
        options: `heatmap`, whether the answer holds the evidence in each face.
        progress: Not called.

    Returns:
        `DetectionResult.to_dict()`.
    """
    heatmap = bool(options["heatmap"])
    return detector.detect(content, heatmap=heatmap).to_dict(heatmap=heatmap)


def evidence(
    detector: Detector, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Makes the views of one picture that a person can check.

    Args:
        detector: Knows what a picture may cost.
        content: The bytes of the picture's file.
        options: None.
        progress: Not called.

    Returns:
        `Evidence.to_dict()`, with width, height (of the upright picture, px), format and timing_ms.
    """
    started = perf_counter()
    picture = Picture(content, detector.limits)
    pixels = picture.pixels()
    decoded = perf_counter()
    found = examine(pixels).to_dict()
    stages = {
        "decode": decoded - started,
        "views": perf_counter() - decoded,
        "total": perf_counter() - started,
    }
    return {
        **found,
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "timing_ms": {stage: round(1000 * seconds, 2) for stage, seconds in stages.items()},
    }


TASKS: dict[str, Task] = {"detect": detect, "evidence": evidence}
