"""Give an animated image the verdict of a video, in the form of a result for an image."""

from dataclasses import replace

from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile, ImageSource
from veraface.results import DetectionResult, Reason
from veraface.video.container import VideoLimits
from veraface.video.detect import detect_video
from veraface.video.reader import open_video

_FRAMES = 16
# Pixels of all frames, which may have to be decoded: a few seconds of work, as images have short deadlines.
_MAX_PIXELS = 300_000_000


def detect_all_frames(
    source: ImageSource, still: DetectionResult, detector: Detector, *, heatmap: bool = True
) -> DetectionResult:
    """Return the result for all frames of an animated image, or of all pages.

    The verdict, p_fake and reasons are those of `detect_video` with 16 frames; the faces are those of the
    frame with the highest p_fake.

    Args:
        source: the image file.
        still: its result as a still image. It is returned where there is one frame only, or so many that it
            would take too long; it is not real then, and has the reason `first_frame_only`.
        detector: the one that returned it.
        heatmap: keep the heatmaps.
    """
    if not any(reason.code == "first_frame_only" for reason in still.reasons):
        return still
    try:
        file = ImageFile(source, detector.limits)
        if file.data is None or file.frames * file.width * file.height > _MAX_PIXELS:
            return still
        limits = VideoLimits(image=detector.limits)
        video = detect_video(file.data, detector, frames=_FRAMES, limits=limits)
        best = max(video.timeline, key=lambda point: -1.0 if point.p_fake is None else point.p_fake)
        with open_video(file.data, limits) as opened:
            times = {point.time for point in video.timeline}
            analyzed = [ref for ref in opened.frames if ref.time in times]
            (frame,) = opened.decode([ref for ref in analyzed if ref.time == best.time])
        shown = detector.detect(frame.image, heatmap=heatmap)
    except (ImageError, ValueError):  # ValueError: the frame cannot be decoded a second time
        return still
    count = len({ref.pts for ref in analyzed})
    message = f"{count} of {file.frames} frames or pages were analyzed; the faces are those of one"
    stages = ("decode", "faces", "model", "total")
    timing = {stage: sum(part.timing_ms[stage] for part in (still, video, shown)) for stage in stages}
    timing["decode"] += video.timing_ms["read"]
    return replace(
        shown,
        verdict=video.verdict,
        p_fake=video.p_fake,
        reasons=(*video.reasons, Reason("several_frames", message)),
        format=file.format,
        timing_ms=timing,
    )
