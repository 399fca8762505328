"""Give an animated image the verdict of a video, in the form of a result for an image."""

from dataclasses import replace

from PIL import Image

from veraface.decision import WORST_FIRST
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile, ImageSource
from veraface.results import DetectionResult, Reason, Verdict
from veraface.video.aggregation import MIN_FRAMES
from veraface.video.container import VideoLimits
from veraface.video.detect import detect_video
from veraface.video.reader import open_video
from veraface.video.results import VideoResult

# Images have short deadlines: files that would take longer than a few seconds are left to `detect_video`.
_MAX_FRAMES = 8
_MAX_FACES = 24  # of all analyzed frames, if each has as many as the first
_MAX_PIXELS = 200_000_000  # of all frames, which may have to be decoded


def detect_all_frames(
    source: ImageSource, still: DetectionResult, detector: Detector, *, heatmap: bool = True
) -> DetectionResult:
    """Return the result for all frames of an animated image, or of all pages.

    The verdict, p_fake and reasons are those of `detect_video` with up to 8 frames; the faces are those of
    the frame with the highest p_fake. Two frames are too few for a video: of these, the worse result counts.

    Args:
        source: the image file.
        still: its result as a still image. It is returned where there is one frame only, or so many frames or
            faces that it would take too long; it is not real then, and has the reason `first_frame_only`.
        detector: the one that returned it.
        heatmap: keep the heatmaps.
    """
    return detect_and_show(source, still, detector, heatmap=heatmap)[0]


def detect_and_show(
    source: ImageSource, still: DetectionResult, detector: Detector, *, heatmap: bool = True
) -> tuple[DetectionResult, Image.Image | None]:
    """Do the same as `detect_all_frames`; also return the frame with the faces, None for the first."""
    frames = min(_MAX_FRAMES, _MAX_FACES // max(1, len(still.faces)))
    if frames < MIN_FRAMES or not any(reason.code == "first_frame_only" for reason in still.reasons):
        return still, None
    shown: Image.Image | None
    try:
        file = ImageFile(source, detector.limits)
        if file.data is None or file.frames * file.width * file.height > _MAX_PIXELS:
            return still, None
        if file.frames < MIN_FRAMES:
            result, count, shown = _worst(file, detector, heatmap)
        else:
            result, count, shown = _as_video(file, detector, frames, heatmap)
    except (ImageError, ValueError):  # ValueError: a frame cannot be decoded
        return still, None
    message = f"{count} of {file.frames} frames or pages were analyzed; the faces are those of one"
    reasons = (*result.reasons, Reason("several_frames", message))
    timing = {stage: still.timing_ms[stage] + result.timing_ms[stage] for stage in still.timing_ms}
    return replace(result, reasons=reasons, format=file.format, timing_ms=timing), shown


def _as_video(
    file: ImageFile, detector: Detector, frames: int, heatmap: bool
) -> tuple[DetectionResult, int, Image.Image]:
    """Return the verdict on a video with the faces of one frame, the number of frames, and that frame."""
    data, limits = file.data or b"", VideoLimits(image=detector.limits)
    video = detect_video(data, detector, frames=frames, limits=limits)
    best = max(video.timeline, key=lambda point: -1.0 if point.p_fake is None else point.p_fake)
    times = {point.time for point in video.timeline}
    with open_video(data, limits) as opened:
        analyzed = [ref for ref in opened.frames if ref.time in times]
        (frame,) = opened.decode([ref for ref in analyzed if ref.time == best.time])
    shown = detector.detect(frame.image, heatmap=heatmap)
    timing = {stage: video.timing_ms[stage] + ms for stage, ms in shown.timing_ms.items()}
    timing["decode"] += video.timing_ms["read"]
    # Range and reliability of the frame are those of a single image.
    result = replace(
        shown,
        verdict=video.verdict,
        p_fake=video.p_fake,
        p_fake_range=_range(video),
        reliability=None,
        reasons=video.reasons,
        timing_ms=timing,
    )
    return result, len({ref.pts for ref in analyzed}), frame.image


def _range(video: VideoResult) -> tuple[float, float] | None:
    """Return the range of p_fake of an animation that an end makes uncertain; None for others."""
    if video.p_fake is None or video.p_fake > video.thresholds["real"] or video.verdict is Verdict.REAL:
        return None
    ends = (video.timeline[0].p_fake, video.timeline[-1].p_fake)
    scores = [video.p_fake, *(score for score in ends if score is not None)]
    return min(scores), max(scores)


def _worst(file: ImageFile, detector: Detector, heatmap: bool) -> tuple[DetectionResult, int, Image.Image]:
    """Return the result of the frame with the worst verdict, the number of frames, and that frame."""
    with open_video(file.data or b"", VideoLimits(image=detector.limits)) as opened:
        refs = {ref.pts: ref for ref in opened.frames}
        frames = [frame.image for frame in opened.decode([*refs.values()])]
    if len(frames) < len(refs):
        raise ValueError("a frame cannot be decoded")
    results = [detector.detect(frame, heatmap=heatmap) for frame in frames]

    def badness(index: int) -> tuple[int, float]:
        return WORST_FIRST.index(results[index].verdict), -(results[index].p_fake or 0.0)

    worst = min(range(len(results)), key=badness)
    timing = {stage: sum(result.timing_ms[stage] for result in results) for stage in results[0].timing_ms}
    return replace(results[worst], timing_ms=timing), len(results), frames[worst]
