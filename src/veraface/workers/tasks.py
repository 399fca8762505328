"""What a worker can be asked to do with the bytes of a file."""

from collections.abc import Callable, Mapping
from typing import Any

from veraface.detector import Detector

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
        options: `heatmap`, whether the answer holds the evidence in each face; `provenance`, how closely to
            read what the file claims, None for not at all.
        progress: Not called.

    Returns:
        `DetectionResult.to_dict()`.
    """
    heatmap = bool(options["heatmap"])
    provenance = options.get("provenance")
    return detector.detect(content, heatmap=heatmap, provenance=provenance).to_dict(heatmap=heatmap)


TASKS: dict[str, Task] = {"detect": detect}
