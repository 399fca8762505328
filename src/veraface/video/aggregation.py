"""Aggregate the scores of frames to a verdict for each face, and those to a verdict for the video."""

import math
from collections.abc import Sequence

from veraface.decision import WORST_FIRST, Thresholds
from veraface.results import Reason, Verdict
from veraface.video.results import TrackFrame, TrackResult
from veraface.video.tracking import Track

SCORE_QUANTILE = 0.75  # of the frames' p_fake; measured, see `aggregate_scores`
# Minimum number of classified frames for a verdict on a face, absolute and as a share of the analyzed frames:
# one frame of 300 decides nothing.
MIN_FRAMES = 3
MIN_SHARE = 0.05

_Decision = tuple[Verdict, float | None, tuple[Reason, ...]]  # with the p_fake that the verdict rests on


def aggregate_scores(p_fake: Sequence[float]) -> float:
    """Return the upper quartile of the p_fake of a face's classified frames, at least one.

    Chosen by measurement (benchmarks/results/video_aggregation.md), on 160 real and 160 fake videos made from
    validation chips, at the card's thresholds. All rank videos alike (AUC 0.863 to 0.874, here 0.874).
    The means and the median have a recall of 0.36 to 0.38 and a false negative rate of 0.100, this one 0.44
    and 0.069; of videos that are fake half of the time their recall is 0.04 to 0.06, here 0.38. The false
    positive rate is 0.031 (95% interval 0.006 to 0.062) instead of 0.013 to 0.019, with a target of 0.02, and
    0.019 on the test split. The maximum classifies every real video as fake in which one frame of 8 is wrong,
    this one 0.04 of them.
    """
    # Not np.quantile, which imports modules at its first call; a sandboxed worker cannot import.
    ordered = sorted(p_fake)
    place = SCORE_QUANTILE * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def decide_track(track: Track, times: Sequence[float], thresholds: Thresholds) -> TrackResult:
    """Return the verdict on one tracked face; `times` are those of all analyzed frames, in seconds."""
    frames = tuple(
        TrackFrame(times[number], face.box, face.p_fake)
        for number, face in zip(track.frames, track.faces, strict=True)
    )
    scores = [frame.p_fake for frame in frames if frame.p_fake is not None]
    min_frames = min_classified_frames(len(times))
    obscured = [r for face in track.faces for r in face.reasons if r.code == "face_obscured"]
    hidden = tuple(obscured[:1]) if len(obscured) >= min_frames else ()
    if not scores:
        too_small = Reason("face_too_small", "the face is too small to classify in every frame")
        # The reason of a face without p_fake is why it has none.
        other = [r for face in track.faces for r in face.reasons if r.code != too_small.code]
        largest = max(range(len(frames)), key=lambda number: frames[number].box.area)
        return TrackResult(Verdict.UNCERTAIN, None, largest, (*other, too_small)[:1], frames)
    p_fake = aggregate_scores(scores)
    if len(scores) < min_frames:
        message = f"classified in {_frames(len(scores))} only, at least {min_frames} are needed"
        verdict = Verdict.UNCERTAIN
        reasons: tuple[Reason, ...] = (Reason("too_few_frames", message), *hidden)
    else:
        verdict, reasons = _decide(p_fake, thresholds)
        if verdict is Verdict.REAL and hidden:
            verdict, reasons = Verdict.UNCERTAIN, hidden
    return TrackResult(verdict, p_fake, _clearest(frames, verdict, p_fake), reasons, frames)


def decide_video(
    tracks: Sequence[TrackResult], scores: Sequence[float], analyzed: int, thresholds: Thresholds
) -> _Decision:
    """Return the verdict on a video: one fake face makes it fake.

    If no face is visible long enough for a verdict of its own, as in quickly cut videos, the frames are
    aggregated as if they showed one face. A video is not real if most frames with a face were not classified.
    `scores` are the highest p_fake of each frame with a classified face; `analyzed` is the number of all
    frames that were analyzed.
    """
    if not tracks:
        reason = Reason("no_face", "no face was found; Veraface checks faces only")
        return Verdict.NO_FACE, None, (reason,)
    obscured = (r for track in tracks for r in track.reasons if r.code == "face_obscured")
    if not scores:
        too_small = Reason("faces_too_small", "the faces are too small to classify")
        return Verdict.UNCERTAIN, None, (next(obscured, too_small),)
    min_frames = min_classified_frames(analyzed)
    decisive = [t for t in tracks if sum(f.p_fake is not None for f in t.frames) >= min_frames]
    brief = [t for t in tracks if sum(f.p_fake is not None for f in t.frames) < min_frames]
    shown = len({frame.time for track in tracks for frame in track.frames})
    covered = len(_largest_by_time(decisive)) if decisive else len(scores)
    if decisive:
        verdict, p_fake, reasons = _decide_faces(decisive, brief, min_frames, 2 * covered < shown, thresholds)
    else:
        verdict, p_fake, reasons = _decide_scenes(scores, min_frames, thresholds)
    if verdict is Verdict.REAL and (hidden := next(obscured, None)):
        return Verdict.UNCERTAIN, p_fake, (hidden, *reasons)
    if verdict is Verdict.REAL and 2 * covered < shown:
        message = f"only {_frames(covered)} of {shown} with a face could be classified"
        return Verdict.UNCERTAIN, p_fake, (*reasons, Reason("mostly_unjudged", message))
    return verdict, p_fake, reasons


def _decide_scenes(scores: Sequence[float], min_frames: int, thresholds: Thresholds) -> _Decision:
    """Decide as if all frames showed one face."""
    p_fake = aggregate_scores(scores)
    if len(scores) < min_frames:
        message = (
            f"faces could be classified in only {_frames(len(scores))}; at least {min_frames} are needed"
        )
        return Verdict.UNCERTAIN, p_fake, (Reason("too_few_frames", message),)
    verdict, weak = _decide(p_fake, thresholds)
    message = "no face is seen long enough by itself, so the frames were decided together"
    return verdict, p_fake, (*weak, Reason("short_scenes", message))


def _decide_faces(
    decisive: Sequence[TrackResult],
    brief: Sequence[TrackResult],
    min_frames: int,
    mostly_brief: bool,
    thresholds: Thresholds,
) -> _Decision:
    """Return the worst verdict of the faces with one, and of the frames of all other faces together."""
    verdicts = {track.verdict for track in decisive}
    verdict = next(v for v in WORST_FIRST if v in verdicts)
    top = max((t for t in decisive if t.verdict is verdict), key=lambda track: track.p_fake or 0.0)
    p_fake, reasons = top.p_fake, [*top.reasons]
    scores = _largest_by_time(brief)
    if len(scores) >= min_frames:
        joined = aggregate_scores(scores)
        together, _ = _decide(joined, thresholds)
        if together is Verdict.FAKE and not mostly_brief:
            # Passers-by: the maximum of many scores has too many false positives.
            together = Verdict.UNCERTAIN
        if WORST_FIRST.index(together) < WORST_FIRST.index(verdict):
            message = "the faces that are seen too briefly were decided together, and are less real"
            verdict, p_fake, reasons = together, joined, [Reason("brief_faces", message)]
    if len(verdicts) > 1:
        reasons.append(Reason("faces_disagree", "the faces of this video do not all get the same verdict"))
    if brief:
        faces = "1 face is" if len(brief) == 1 else f"{len(brief)} faces are"
        reasons.append(Reason("faces_left_out", f"{faces} seen too briefly or too small to classify"))
    return verdict, p_fake, tuple(reasons)


def _largest_by_time(tracks: Sequence[TrackResult]) -> list[float]:
    """Return the highest p_fake of each frame in which one of these faces was classified."""
    largest: dict[float, float] = {}
    for frame in (frame for track in tracks for frame in track.frames):
        if frame.p_fake is not None:
            largest[frame.time] = max(frame.p_fake, largest.get(frame.time, 0.0))
    return list(largest.values())


def min_classified_frames(analyzed: int) -> int:
    """Return the number of classified frames that a face needs for a verdict."""
    return max(MIN_FRAMES, math.ceil(MIN_SHARE * analyzed))


def _decide(p_fake: float, thresholds: Thresholds) -> tuple[Verdict, tuple[Reason, ...]]:
    verdict = thresholds.decide(p_fake)
    if verdict is Verdict.UNCERTAIN:
        return verdict, (Reason("weak_evidence", "the evidence points neither way clearly enough"),)
    return verdict, ()


def _clearest(frames: Sequence[TrackFrame], verdict: Verdict, p_fake: float) -> int:
    """Return the index of the frame that supports the verdict most clearly."""
    classified = [number for number, frame in enumerate(frames) if frame.p_fake is not None]
    wanted = {Verdict.FAKE: 1.0, Verdict.REAL: 0.0}.get(verdict, p_fake)
    return min(classified, key=lambda number: abs((frames[number].p_fake or 0.0) - wanted))


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
