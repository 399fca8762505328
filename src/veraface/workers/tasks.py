"""What a worker can be asked to do with the bytes of a file."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from veraface.analysis import analyze
from veraface.detector import Detector
from veraface.forensics.views import forensic_views
from veraface.imaging.decode import ImageLimits
from veraface.imaging.perceptual_hash import perceptual_hash
from veraface.imaging.thumbnail import thumbnail
from veraface.provenance.credentials import CredentialReader

# Takes a JSON-ready object, as often as there is something to tell.
Progress = Callable[[dict[str, Any]], None]
Task = Callable[["TaskContext", bytes, Mapping[str, Any], Progress], dict[str, Any]]

_THUMBNAIL_SIDE = 360  # px of the longer side
# Of a video sent to a server; its deadline is the limit that most videos would meet first.
_MAX_CLIP_S = 3600.0
_MAX_PACKETS = 400_000  # an hour of 60 frames a second with sound
_MAX_DECODED = 20_000


@dataclass(frozen=True)
class TaskContext:
    """What every task works with, loaded once in the fork server.

    Attributes:
        detector: the loaded models.
        credentials: reads C2PA Content Credentials.
    """

    detector: Detector
    credentials: CredentialReader


def detect(
    context: TaskContext, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Judges one image.

    Args:
        context: The loaded models.
        content: The bytes of the image's file.
        options: `heatmap`, whether the answer holds the evidence in each face; `provenance`, how closely to
            read what the file claims, None for not at all.
        progress: Not called.

    Returns:
        `Analysis.to_dict()`.
    """
    heatmap = bool(options["heatmap"])
    return analyze(
        content,
        context.detector,
        heatmap=heatmap,
        provenance=options.get("provenance"),
        credentials=context.credentials,
    ).to_dict(heatmap=heatmap)


def scan(
    context: TaskContext, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Judges one image of many, without heatmaps.

    Args:
        context: The loaded models.
        content: The bytes of the image's file.
        options: `thumbnail_from`, the p_fake from which on the answer holds a small copy of the image.
        progress: Not called.

    Returns:
        `DetectionResult.to_dict()`, with `perceptual_hash` or None, and perhaps with `thumbnail`, a JPEG as
        base64.
    """
    pixels = context.detector.open(content)
    result = context.detector.detect(pixels, heatmap=False)
    answer = result.to_dict(heatmap=False)
    answer["perceptual_hash"] = perceptual_hash(pixels.decode(1))
    if result.p_fake is not None and result.p_fake >= options["thumbnail_from"]:
        answer["thumbnail"] = b64encode(thumbnail(pixels.decode(1), _THUMBNAIL_SIDE)).decode()
    return answer


def evidence(
    context: TaskContext, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Makes the views of one image that a person can check.

    Args:
        context: The loaded models, with the limits on images.
        content: The bytes of the image's file.
        options: None.
        progress: Not called.

    Returns:
        `ForensicViews.to_dict()`, with width, height (of the upright image, px), format and timing_ms.
    """
    started = perf_counter()
    image = context.detector.open(content).file
    pixels = image.decode()
    decoded = perf_counter()
    found = forensic_views(pixels).to_dict()
    stages = {
        "decode": decoded - started,
        "views": perf_counter() - decoded,
        "total": perf_counter() - started,
    }
    return {
        **found,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "timing_ms": {stage: round(1000 * seconds, 2) for stage, seconds in stages.items()},
    }


def video(
    context: TaskContext, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Judges one video. It needs PyAV, which the template has loaded where it is installed.

    Args:
        context: The loaded models.
        content: The bytes of the video's file.
        options: `frames`, how many to look at; `thumbnails`, how many of them to keep small images of;
            `max_pixels`, of a frame.
        progress: Is told `done` and `total` frames, and `time` and `p_fake` of the newest.

    Returns:
        `VideoResult.to_dict()`.
    """
    from veraface.video import VideoLimits, detect_video

    def tell(done: int, total: int, time: float, p_fake: float | None) -> None:
        shown = None if p_fake is None else round(p_fake, 6)
        progress({"done": done, "total": total, "time": round(time, 3), "p_fake": shown})

    limits = VideoLimits(
        image=ImageLimits(max_pixels=options["max_pixels"]),
        max_seconds=_MAX_CLIP_S,
        max_packets=_MAX_PACKETS,
        max_decoded=_MAX_DECODED,
    )
    return detect_video(
        context.detector,
        content,
        frames=options["frames"],
        limits=limits,
        thumbnails=options["thumbnails"],
        progress=tell,
    ).to_dict()


def warm(context: TaskContext, image: bytes) -> None:
    """Runs what tasks need beyond judging once: once confined, a worker cannot load anything any more."""
    pixels = context.detector.open(image)
    perceptual_hash(pixels.decode(1))
    thumbnail(pixels.decode(1), _THUMBNAIL_SIDE)
    forensic_views(pixels.decode(1))


TASKS: dict[str, Task] = {"detect": detect, "scan": scan, "evidence": evidence, "video": video}
