"""From a video to a verdict: frames, faces, tracks, one result. Every surface calls `detect_video`."""

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from veraface.detector import Detector
from veraface.errors import UnreadableVideoError
from veraface.imaging.thumbnail import thumbnail
from veraface.results import DetectionResult, Reason, Verdict
from veraface.video.aggregation import decide_track, decide_video
from veraface.video.limits import VideoLimits
from veraface.video.reader import Clip, Moment, VideoSource, open_clip
from veraface.video.results import TimelinePoint, VideoResult
from veraface.video.sampling import FRAMES, at_rate, spread
from veraface.video.tracking import is_cut, look, track_faces

_THUMBNAIL_SIDE = 320  # px of the longer side

# Takes how many frames are done, how many there are, and time (s) and p_fake of the newest.
Progress = Callable[[int, int, float, float | None], None]


def detect_video(
    detector: Detector,
    source: VideoSource,
    *,
    frames: int = FRAMES,
    every: float | None = None,
    limits: VideoLimits | None = None,
    thumbnails: int = 0,
    progress: Progress = lambda *_: None,
) -> VideoResult:
    """Judge the faces of a video.

    Example:
        result = detect_video(Detector(), "clip.mp4")
        print(result.verdict, result.p_fake)

    Args:
        detector: judges each frame, as it judges any image.
        source: a path, the bytes of a file, or a binary file object that can seek.
        frames: how many to look at, spread over the video.
        every: seconds between frames to look at, instead of `frames`.
        limits: what the video may cost; the defaults of `VideoLimits` if None.
        thumbnails: the most small images to keep of the frames, those with the largest p_fake first.
        progress: is called with 0 frames done before the first, and after each.

    Raises:
        UnsupportedVideoError: no video of a known kind, a still image, or only sound.
        UnreadableVideoError: empty, cut off or corrupt, or a path that cannot be read.
        VideoTooLargeError: over one of the limits.
        ValueError: `frames` or `every` is not positive.
        ModuleNotFoundError: PyAV is not installed (extra `video`).
    """
    limits = limits or VideoLimits()
    if frames < 1:
        raise ValueError(f"the number of frames must be positive, not {frames}")
    started = perf_counter()
    with open_clip(source, limits) as clip:
        if every is None:
            wanted = spread(clip.moments, min(frames, limits.max_frames))
        else:
            wanted = at_rate(clip.moments, every, limits.max_frames)
        read = perf_counter()
        watched = _watch(detector, clip, wanted, thumbnails > 0, progress)
        if not watched.times:
            raise UnreadableVideoError("none of the video's frames can be decoded; fetch or export it again")
        done = perf_counter()
        detected = {
            stage: sum(result.timing_ms[stage] for result in watched.results) for stage in ("faces", "model")
        }
        total = 1000 * (done - started)
        timing = {"read": 1000 * (read - started), **detected}
        timing = {"decode": total - sum(timing.values()), **timing, "total": total}
        return _result(detector, clip, watched, len(wanted), thumbnails, timing)


class _Watched:
    """What was seen so far."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.results: list[DetectionResult] = []
        self.cuts: list[bool] = []
        self.thumbnails: list[bytes] = []


def _watch(
    detector: Detector, clip: Clip, wanted: Sequence[Moment], keep: bool, progress: Progress
) -> _Watched:
    watched = _Watched()
    before = None
    progress(0, len(wanted), 0.0, None)
    for shot in clip.shots(wanted):
        result = detector.detect(np.asarray(shot.picture), heatmap=False)
        now = look(shot.picture)
        watched.cuts.append(before is not None and is_cut(before, now))
        before = now
        watched.times.append(shot.time)
        watched.results.append(result)
        if keep:
            watched.thumbnails.append(thumbnail(shot.picture, _THUMBNAIL_SIDE))
        progress(len(watched.times), len(wanted), shot.time, result.p_fake)
    return watched


def _result(
    detector: Detector, clip: Clip, watched: _Watched, wanted: int, thumbnails: int, timing: dict[str, float]
) -> VideoResult:
    thresholds = detector.card.thresholds
    found = track_faces([result.faces for result in watched.results], watched.cuts)
    tracks = tuple(decide_track(track, watched.times, thresholds) for track in found)
    scores = [result.p_fake for result in watched.results if result.p_fake is not None]
    verdict, p_fake, reasons = decide_video(tracks, scores, len(watched.times), thresholds)
    if verdict is Verdict.REAL and (clip.overlaps or 2 * clip.damaged > wanted):
        verdict = Verdict.UNCERTAIN  # what was not looked at may show anything; `_doubts` says so
    return VideoResult(
        verdict=verdict,
        p_fake=p_fake,
        tracks=tracks,
        timeline=_timeline(watched, thumbnails),
        reasons=(*reasons, *_doubts(clip, wanted)),
        duration=clip.duration,
        rate=clip.rate,
        rotation=clip.rotation,
        width=watched.results[-1].width,
        height=watched.results[-1].height,
        format=clip.format,
        codec=clip.codec,
        model=detector.model_info,
        thresholds={"real": thresholds.real, "fake": thresholds.fake},
        timing_ms=timing,
    )


def _timeline(watched: _Watched, thumbnails: int) -> tuple[TimelinePoint, ...]:
    scores = [result.p_fake for result in watched.results]
    ranked = sorted(range(len(scores)), key=lambda number: -(scores[number] or 0.0))
    kept = set(ranked[:thumbnails])
    return tuple(
        TimelinePoint(time, scores[number], watched.thumbnails[number] if number in kept else None)
        for number, time in enumerate(watched.times)
    )


def _doubts(clip: Clip, wanted: int) -> list[Reason]:
    """What is wrong with the file itself."""
    doubts = []
    if clip.cut:
        message = f"the video is cut off: it ends after {clip.duration:.1f} s, long before its header says"
        doubts.append(Reason("clip_cut_off", message))
    if clip.overlaps:
        message = (
            "the video goes over the same time more than once, so parts of it were not looked at; "
            "export it again as one piece"
        )
        doubts.append(Reason("clip_overlaps", message))
    if clip.unseen_streams:
        count = "1 more stream" if clip.unseen_streams == 1 else f"{clip.unseen_streams} more streams"
        message = f"{count} of images in the video, which players do not show at first, were not looked at"
        doubts.append(Reason("streams_unseen", message))
    if clip.damaged:
        message = f"{clip.damaged} of {wanted} frames could not be decoded and were left out"
        doubts.append(Reason("frames_damaged", message))
    return doubts
