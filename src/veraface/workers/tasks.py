"""What a worker can be asked to do with the bytes of a file."""

from collections.abc import Callable, Mapping
from typing import Any

from veraface.detector import Detector
from veraface.image import ImageLimits

Progress = Callable[
    [dict[str, Any]], None
]  # takes a JSON-ready object, as often as there is something to tell
# Of a clip sent to a server; its deadline is the limit that most clips would meet first.
_LONGEST_CLIP_S = 3600.0
_MOST_PACKETS = 400_000  # an hour of 60 frames a second with sound
_MOST_DECODED = 20_000

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


def video(
    detector: Detector, content: bytes, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Judges one clip. It needs PyAV, which the template has loaded where it is installed.

    Args:
        detector: What judges each frame.
        content: The bytes of the clip's file.
        options: `frames`, how many to look at; `thumbnails`, how many of them to keep small pictures of;
            `max_pixels`, of a frame.
        progress: Is told `done` and `total` frames, and `time` and `p_fake` of the newest.

    Returns:
        `VideoResult.to_dict()`.
    """
    from veraface.video import VideoLimits, judge_video

    def tell(done: int, total: int, time: float, p_fake: float | None) -> None:
        shown = None if p_fake is None else round(p_fake, 6)
        progress({"done": done, "total": total, "time": round(time, 3), "p_fake": shown})

    limits = VideoLimits(
        picture=ImageLimits(max_pixels=options["max_pixels"]),
        max_seconds=_LONGEST_CLIP_S,
        max_packets=_MOST_PACKETS,
        max_decoded=_MOST_DECODED,
    )
    return judge_video(
        detector,
        content,
        frames=options["frames"],
        limits=limits,
        thumbnails=options["thumbnails"],
        progress=tell,
    ).to_dict()


TASKS: dict[str, Task] = {"detect": detect, "video": video}
