"""Detect forged faces in a video: sample frames, detect, track, aggregate."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

from veraface.analysis import check_detector
from veraface.decision import PARTIAL, decide_image
from veraface.detector import Detector
from veraface.errors import UnreadableVideoError, VideoTooLargeError
from veraface.imaging.decode import thumbnail
from veraface.results import DetectionResult, Reason, Verdict
from veraface.video.aggregation import decide_track, decide_video, min_classified_frames
from veraface.video.animation import Animation
from veraface.video.container import VideoLimits
from veraface.video.frames import FrameRef
from veraface.video.reader import Video, VideoSource, open_video
from veraface.video.results import TimelinePoint, VideoResult
from veraface.video.tracking import frame_signature, is_cut, track_faces

DEFAULT_FRAMES = 32
_MAX_BEHIND_KEY = 300  # frames from a key frame to one that is taken instead of it; all are decoded
_THUMBNAIL_SIDE = 320  # px of the longer side

# Takes the number of finished and of all frames, and time (s) and p_fake of the last one.
ProgressCallback = Callable[[int, int, float, float | None], None]


def detect_video(
    source: VideoSource,
    detector: Detector | None = None,
    *,
    frames: int = DEFAULT_FRAMES,
    every: float | None = None,
    limits: VideoLimits | None = None,
    thumbnails: int = 0,
    progress: ProgressCallback = lambda *_: None,
) -> VideoResult:
    """Detect forged faces in a video, in an animated GIF, WebP, PNG or AVIF, or in the pages of a TIFF.

    Args:
        source: a path, the bytes of a file, or a seekable binary file object.
        detector: analyzes each frame like any image; one with the default models if None.
        frames: number of frames to analyze, spread over the video; at least 3 of an animation, its first and
            its last among them.
        every: seconds between frames to analyze, instead of `frames`.
        limits: resource limits; the defaults of `VideoLimits` if None.
        thumbnails: maximum number of frame thumbnails to keep, those with the highest p_fake.
        progress: called with 0 finished frames before the first, and after each.

    Raises:
        UnsupportedVideoError: not a video of a known format, a still image, or only sound.
        UnreadableVideoError: empty, cut off or corrupt, or a path that cannot be read.
        VideoTooLargeError: over one of the limits.
        ValueError: `frames` or `every` is not positive.
        ModuleNotFoundError: PyAV is not installed (extra `video`), which all but animated images need.

    Example:
        >>> import veraface
        >>> result = veraface.detect_video("clip.mp4")
        >>> print(result.verdict, result.p_fake)
    """
    detector = check_detector(detector)
    limits = limits or VideoLimits()
    if frames < 1:
        raise ValueError(f"the number of frames must be positive, not {frames}")
    started = perf_counter()
    with open_video(source, limits) as video:
        wanted = _sample(video, min(frames, limits.max_frames), every, limits.max_frames)
        indexed = perf_counter()
        analyzed = _analyze(detector, video, wanted, thumbnails > 0, progress)
        if not analyzed:
            raise UnreadableVideoError("none of the video's frames can be decoded; fetch or export it again")
        total = 1000 * (perf_counter() - started)
        timing = {"read": 1000 * (indexed - started)}
        for stage in ("faces", "model"):
            timing[stage] = sum(frame.result.timing_ms[stage] for frame in analyzed)
        timing = {"decode": total - sum(timing.values()), **timing, "total": total}
        return _result(detector, video, analyzed, len(wanted), thumbnails, timing)


def _sample(video: Video | Animation, count: int, every: float | None, max_frames: int) -> list[FrameRef]:
    """Return the frames to analyze, in order; those of an animation include its first and its last."""
    ends = _ends(video).values()
    if every is not None:
        chosen = sample_every(video.frames, every, max_frames)
    elif ends:
        chosen = sample_uniform(video.frames[1:-1], max(1, count - 2), video.digest)
    else:
        chosen = sample_uniform(video.frames, count, video.digest)
    return sorted({*chosen, *ends}, key=lambda frame: frame.time) if ends else chosen


def _ends(video: Video | Animation) -> dict[str, FrameRef]:
    """Return the first and the last frame of an animation, by their names.

    Most programs show the first, and many animations stop at the last.
    """
    return {"first": video.frames[0], "last": video.frames[-1]} if isinstance(video, Animation) else {}


def sample_uniform(frames: Sequence[FrameRef], count: int, seed: bytes) -> list[FrameRef]:
    """Return one frame from each of `count` intervals of equal length.

    `seed` sets at which time of each interval, so that nobody can place forged frames between those that will
    be analyzed before the file exists. In half of the intervals the key frame nearest to that time is taken,
    if there is one: it is compressed least and cheapest to decode. Otherwise the nearest frame is, unless it
    is expensive to decode. Intervals are of time, not of frame numbers, so videos of variable frame rate are
    sampled evenly too. `count` is at least 1; fewer frames are returned if the video has fewer, or long gaps.
    """
    if len(frames) <= count:
        return list(frames)
    times = [frame.time for frame in frames]
    keys = [index for index, frame in enumerate(frames) if frame.key]
    step = (times[-1] - times[0]) / count
    chosen = set()
    for place in range(count):
        draw = hashlib.sha256(seed + place.to_bytes(8)).digest()
        start = times[0] + place * step
        wanted = start + step * int.from_bytes(draw[:8]) / 2**64
        first, last = bisect_left(times, start), bisect_left(times, start + step)
        if first == last:  # a gap
            chosen.add(_nearest(times, wanted))
            continue
        index = min(max(_nearest(times, wanted), first), last - 1)
        own = keys[bisect_left(keys, first) : bisect_left(keys, last)]
        before = bisect_right(keys, index)
        is_far = not before or index - keys[before - 1] > _MAX_BEHIND_KEY
        if own and (is_far or draw[8] % 2):
            index = min(own, key=lambda key: abs(times[key] - wanted))
        chosen.add(index)
    return [frames[index] for index in sorted(chosen)]


def sample_every(frames: Sequence[FrameRef], every: float, max_frames: int) -> list[FrameRef]:
    """Return the frame nearest to each multiple of `every` seconds; raise VideoTooLargeError if too many."""
    if not every > 0:
        raise ValueError(f"the time between frames must be positive, not {every}")
    length = frames[-1].time - frames[0].time
    steps = length / every
    if min(steps, len(frames) - 1) >= max_frames:
        raise VideoTooLargeError(
            f"a frame every {every:g} s of {length:.0f} s would be more than {max_frames} frames; "
            f"take one every {length / (max_frames - 1 or 1):.2g} s or less often"
        )
    times = [frame.time for frame in frames]
    # With more steps than frames, each frame is nearest to some step.
    places = range(int(steps) + 1) if steps < len(frames) else ()
    chosen = {_nearest(times, times[0] + place * every) for place in places} or set(range(len(frames)))
    return [frames[index] for index in sorted(chosen)]


def _nearest(times: Sequence[float], wanted: float) -> int:
    after = min(bisect_left(times, wanted), len(times) - 1)
    before = max(0, after - 1)
    return before if wanted - times[before] <= times[after] - wanted else after


@dataclass(frozen=True)
class _AnalyzedFrame:
    time: float  # seconds
    result: DetectionResult
    cut: bool  # a new scene starts here
    thumbnail: bytes | None


def _analyze(
    detector: Detector,
    video: Video | Animation,
    wanted: Sequence[FrameRef],
    keep: bool,
    progress: ProgressCallback,
) -> list[_AnalyzedFrame]:
    """Analyze the wanted frames that can be decoded, in order; `keep` their thumbnails."""
    analyzed: list[_AnalyzedFrame] = []
    previous = None
    ends = {frame.time for frame in _ends(video).values()}
    progress(0, len(wanted), 0.0, None)
    for frame in video.decode(wanted):
        # The frames of a video are compressed already, and its frames differ as an image saved again does.
        result = detector.detect(np.asarray(frame.image), heatmap=False, save_again=frame.time in ends)
        signature = frame_signature(frame.image)
        cut = previous is not None and is_cut(previous, signature)
        previous = signature
        small = thumbnail(frame.image, _THUMBNAIL_SIDE) if keep else None
        analyzed.append(_AnalyzedFrame(frame.time, result, cut, small))
        progress(len(analyzed), len(wanted), frame.time, result.p_fake)
    return analyzed


def _result(
    detector: Detector,
    video: Video | Animation,
    analyzed: Sequence[_AnalyzedFrame],
    wanted: int,
    thumbnails: int,
    timing: dict[str, float],
) -> VideoResult:
    thresholds = detector.card.thresholds
    results = [frame.result for frame in analyzed]
    times = [frame.time for frame in analyzed]
    face_tracks = track_faces([result.faces for result in results], [frame.cut for frame in analyzed])
    tracks = tuple(decide_track(track, times, thresholds) for track in face_tracks)
    scores = [result.p_fake for result in results if result.p_fake is not None]
    verdict, p_fake, reasons = decide_video(tracks, scores, len(times), thresholds)
    doubts = _partial_frames(results)
    if verdict is Verdict.REAL and (video.overlaps or video.damaged >= min_classified_frames(wanted)):
        verdict = Verdict.UNCERTAIN  # frames that were not analyzed may show anything; see `_file_reasons`
    if verdict is Verdict.REAL and (ends := _doubtful_ends(video, analyzed)):
        verdict, reasons = Verdict.UNCERTAIN, (*ends, *reasons)
    if verdict in (Verdict.REAL, Verdict.NO_FACE) and doubts:
        verdict = Verdict.UNCERTAIN
        reasons = tuple(reason for reason in reasons if reason.code != "no_face")
    ranked = sorted(range(len(analyzed)), key=lambda number: -(results[number].p_fake or 0.0))
    kept = set(ranked[:thumbnails])
    timeline = tuple(
        TimelinePoint(frame.time, frame.result.p_fake, frame.thumbnail if number in kept else None)
        for number, frame in enumerate(analyzed)
    )
    return VideoResult(
        verdict=verdict,
        p_fake=p_fake,
        tracks=tracks,
        timeline=timeline,
        reasons=(*doubts, *reasons, *_file_reasons(video, wanted)),
        duration=video.duration,
        rate=video.rate,
        rotation=video.rotation,
        width=results[-1].width,
        height=results[-1].height,
        format=video.format,
        codec=video.codec,
        model=detector.model_info,
        thresholds=asdict(thresholds),
        timing_ms=timing,
    )


def _doubtful_ends(video: Video | Animation, analyzed: Sequence[_AnalyzedFrame]) -> list[Reason]:
    """Return the reasons why the first or the last frame of an animation by itself is not real."""
    results = {frame.time: frame.result for frame in analyzed}
    doubts = []
    for name, ref in _ends(video).items():
        if ref.time not in results:
            doubts.append(Reason("frames_damaged", f"the {name} frame could not be decoded"))
            continue
        verdict, _, _ = decide_image(results[ref.time].faces)
        if verdict in (Verdict.FAKE, Verdict.UNCERTAIN):
            doubts.append(Reason("faces_disagree", f"the {name} frame by itself is {verdict.value}"))
    return doubts


def _partial_frames(results: Sequence[DetectionResult]) -> list[Reason]:
    """Return the reasons, each once, why some frames were checked only in part."""
    found = {reason.code: reason for result in results for reason in result.reasons if reason.code in PARTIAL}
    return [Reason(code, f"in some frames: {reason.message}") for code, reason in found.items()]


def _file_reasons(video: Video | Animation, wanted: int) -> Iterator[Reason]:
    """Yield the reasons to doubt the result that lie in the file itself."""
    if video.truncated:
        message = f"the video is cut off: it ends after {video.duration:.1f} s, long before its declared end"
        yield Reason("clip_cut_off", message)
    if video.overlaps:
        message = (
            "several frames of the video have the same time, so parts of it were not analyzed; "
            "export it again as one piece"
        )
        yield Reason("clip_overlaps", message)
    if video.unseen_streams:
        count = "1 more stream" if video.unseen_streams == 1 else f"{video.unseen_streams} more streams"
        message = f"{count} of images in the video, which players do not show by default, were not analyzed"
        yield Reason("streams_unseen", message)
    if video.damaged:
        message = f"{video.damaged} of {wanted} frames could not be decoded and were skipped"
        yield Reason("frames_damaged", message)
