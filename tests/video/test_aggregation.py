"""From the scores of frames to verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.decision import Thresholds
from veraface.geometry import Box
from veraface.results import FaceResult, Reason, Verdict
from veraface.video.aggregation import (
    SCORE_QUANTILE,
    aggregate_scores,
    decide_track,
    decide_video,
    min_classified_frames,
)
from veraface.video.results import TrackResult
from veraface.video.tracking import Track

THRESHOLDS = Thresholds(0.2, 0.8)
chances = st.lists(st.floats(0, 1), min_size=1, max_size=50)


def track(scores: list[float | None], *, reason: str = "") -> Track:
    reasons = (Reason(reason, ""),) if reason else ()
    faces = [FaceResult(Box(0, 0, 99, 99), (), 0.9, p_fake, Verdict.UNCERTAIN, reasons) for p_fake in scores]
    return Track(list(range(len(scores))), faces)


def decided_track(
    scores: list[float | None], analyzed: int | None = None, *, reason: str = ""
) -> TrackResult:
    count = analyzed or len(scores)
    return decide_track(track(scores, reason=reason), [float(i) for i in range(count)], THRESHOLDS)


def decide(*tracks: TrackResult, analyzed: int = 8, scores: list[float] | None = None) -> tuple:
    if scores is None:
        scores = [f.p_fake for t in tracks for f in t.frames if f.p_fake is not None]
    verdict, p_fake, reasons = decide_video(tracks, scores, analyzed, THRESHOLDS)
    return verdict.value, p_fake, [reason.code for reason in reasons]


@given(chances)
def test_joined_is_the_quantile_and_lies_between_them(scores: list[float]) -> None:
    assert aggregate_scores(scores) == pytest.approx(np.quantile(scores, SCORE_QUANTILE), abs=1e-12)
    assert min(scores) - 1e-12 <= aggregate_scores(scores) <= max(scores) + 1e-12


@given(chances, st.randoms())
def test_their_order_does_not_matter(scores: list[float], random: object) -> None:
    shuffled = sorted(scores, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert aggregate_scores(shuffled) == aggregate_scores(scores)


@given(chances, st.integers(0, 49), st.floats(0, 1))
def test_a_frame_that_looks_more_fake_never_makes_the_video_more_real(
    scores: list[float], place: int, more: float
) -> None:
    raised = list(scores)
    place %= len(scores)
    raised[place] = max(raised[place], more)
    assert aggregate_scores(raised) >= aggregate_scores(scores) - 1e-12


def test_a_video_is_not_fake_because_one_frame_of_300_is() -> None:
    result = decided_track([0.99] + [0.05] * 299)
    assert (result.verdict, result.best) == (Verdict.REAL, 1)
    assert decide(result, analyzed=300)[0] == "real"


def test_but_it_is_where_many_are() -> None:
    result = decided_track([0.9] * 4 + [0.1] * 4)
    assert result.verdict is Verdict.FAKE
    assert result.frames[result.best].p_fake == 0.9
    assert decide(result) == ("fake", pytest.approx(0.9), [])


def test_a_face_in_too_few_frames_gets_no_verdict() -> None:
    result = decided_track([0.99, 0.99], analyzed=32)
    assert (result.verdict, [r.code for r in result.reasons]) == (Verdict.UNCERTAIN, ["too_few_frames"])
    assert [min_classified_frames(n) for n in (1, 32, 60, 61, 300)] == [3, 3, 3, 4, 15]
    steady = decided_track([0.05] * 30, analyzed=32)
    assert decide(steady, result, analyzed=32) == ("real", pytest.approx(0.05), ["faces_left_out"])


def test_faces_too_small_are_no_evidence() -> None:
    result = decided_track([None] * 8)
    assert (result.verdict, result.p_fake) == (Verdict.UNCERTAIN, None)
    assert decide(result) == ("uncertain", None, ["faces_too_small"])
    assert decided_track([None, 0.9, None, 0.9, 0.9]).verdict is Verdict.FAKE


def test_one_fake_face_makes_a_video_fake() -> None:
    verdict, p_fake, reasons = decide(decided_track([0.05] * 8), decided_track([0.95] * 8))
    assert (verdict, p_fake, reasons) == ("fake", pytest.approx(0.95), ["faces_disagree"])


def test_between_the_thresholds_the_verdict_is_uncertain() -> None:
    assert decide(decided_track([0.5] * 8)) == ("uncertain", pytest.approx(0.5), ["weak_evidence"])


def test_a_face_that_is_covered_in_every_frame_is_uncertain_with_that_reason() -> None:
    result = decided_track([None] * 8, reason="face_obscured")
    assert (result.verdict, result.reasons[0].code) == (Verdict.UNCERTAIN, "face_obscured")
    assert decide(result) == ("uncertain", None, ["face_obscured"])
    assert decide(decided_track([None] * 8)) == ("uncertain", None, ["faces_too_small"])


def test_a_face_that_is_mostly_covered_keeps_a_video_from_being_real() -> None:
    real = decided_track([0.05] * 8)
    assert decide(real)[0] == "real"
    covered = decided_track([None] * 8, reason="face_obscured")
    assert decide(real, covered)[::2] == ("uncertain", ["face_obscured", "faces_left_out"])
    partly = track([0.05] * 4 + [None] * 4)
    hidden = (Reason("face_obscured", ""),)
    partly.faces[4:] = [replace(face, reasons=hidden) for face in partly.faces[4:]]
    assert decide_track(partly, [float(i) for i in range(8)], THRESHOLDS).verdict is Verdict.UNCERTAIN


def test_quickly_cut_videos_are_decided_by_all_frames_together() -> None:
    short = [decided_track([0.95, 0.95], analyzed=32) for _ in range(8)]
    assert decide(*short, analyzed=32) == ("fake", pytest.approx(0.95), ["short_scenes"])
    assert decide(short[0], analyzed=32)[::2] == ("uncertain", ["too_few_frames"])


def test_without_a_face_there_is_no_verdict() -> None:
    assert decide() == ("no_face", None, ["no_face"])


def seen(scores: list[float | None], start: int) -> TrackResult:
    """A face seen from some frame of 32 on."""
    found = track(scores)
    found.frames[:] = range(start, start + len(scores))
    return decide_track(found, [float(i) for i in range(32)], THRESHOLDS)


def test_short_lived_fakes_are_not_hidden_by_one_real_face() -> None:
    brief = [seen([0.99], start) for start in range(3, 32)]
    verdict, p_fake, reasons = decide(seen([0.02] * 3, 0), *brief, analyzed=32)
    assert (verdict, p_fake, reasons) == ("fake", pytest.approx(0.99), ["brief_faces", "faces_left_out"])


def test_passers_by_leave_a_video_uncertain_but_do_not_make_it_fake() -> None:
    passing = [seen([0.99], start) for start in range(32)]
    verdict, _, reasons = decide(seen([0.02] * 32, 0), *passing, analyzed=32)
    assert (verdict, reasons) == ("uncertain", ["brief_faces", "faces_left_out"])
    unclear = [seen([0.5], start) for start in range(32)]
    assert decide(seen([0.02] * 32, 0), *unclear, analyzed=32)[0] == "uncertain"
    real = [seen([0.05], start) for start in range(32)]
    assert decide(seen([0.02] * 32, 0), *real, analyzed=32)[0] == "real"
    assert decide(seen([0.9] * 32, 0), *real, analyzed=32)[:2] == ("fake", pytest.approx(0.9))


def test_mostly_unclassified_videos_are_not_called_real() -> None:
    small = seen([None] * 29, 3)
    assert decide(seen([0.02] * 3, 0), small, analyzed=32)[::2] == (
        "uncertain",
        ["faces_left_out", "mostly_unjudged"],
    )
    scenes = [seen([0.02, 0.02], start) for start in (0, 2)]
    assert decide(*scenes, seen([None] * 28, 4), analyzed=32)[::2] == (
        "uncertain",
        ["short_scenes", "mostly_unjudged"],
    )
    assert decide(seen([0.02] * 16, 0), seen([None] * 16, 16), analyzed=32)[0] == "real"
    assert decide(seen([0.95] * 3, 0), small, analyzed=32)[0] == "fake"


def test_p_fake_and_reasons_are_those_of_a_face_with_the_verdict() -> None:
    fake, open_ = seen([0.85] * 10, 0), seen([0.5] * 10, 0)
    assert decide(fake, open_, analyzed=32) == ("fake", pytest.approx(0.85), ["faces_disagree"])
    verdict, p_fake, reasons = decide(seen([0.1] * 10, 0), open_, analyzed=32)
    assert (verdict, p_fake) == ("uncertain", pytest.approx(0.5))
    assert reasons == ["weak_evidence", "faces_disagree"]
