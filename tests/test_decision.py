import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.decision import Thresholds, decide_face, decide_image, image_range
from veraface.geometry import Box
from veraface.results import DetectionResult, FaceResult, Heatmap, Reason, Verdict

BAND = Thresholds(real=0.2, fake=0.8)
PROBABILITIES = st.floats(0, 1)


def face(verdict: Verdict, p_fake: float | None, *reasons: Reason) -> FaceResult:
    return FaceResult(Box(0, 0, 50, 60), ((0, 0),) * 5, 0.99, p_fake, verdict, reasons)


@pytest.mark.parametrize(
    ("p_fake", "verdict"),
    [(0, "real"), (0.2, "real"), (0.21, "uncertain"), (0.79, "uncertain"), (0.8, "fake"), (1, "fake")],
)
def test_thresholds_bound_the_uncertain_band(p_fake: float, verdict: str) -> None:
    assert BAND.decide(p_fake) == verdict


@pytest.mark.parametrize(("real", "fake"), [(0.8, 0.2), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_invalid_thresholds_are_refused(real: float, fake: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        Thresholds(real=real, fake=fake)


@given(PROBABILITIES, PROBABILITIES)
def test_real_and_fake_require_agreement_after_recompression(first: float, second: float) -> None:
    verdict, reasons = decide_face(first, second, BAND)
    if verdict in (Verdict.FAKE, Verdict.REAL):
        assert BAND.decide(first) == BAND.decide(second) == verdict
        assert not reasons
    else:
        assert verdict is Verdict.UNCERTAIN
        assert len(reasons) == 1


def test_a_verdict_that_changes_under_recompression_is_uncertain_with_that_reason() -> None:
    verdict, reasons = decide_face(0.95, 0.5, BAND)
    assert verdict is Verdict.UNCERTAIN
    assert reasons[0].code == "changes_under_recompression"
    assert "recompression" in reasons[0].message


RANGES = st.tuples(PROBABILITIES, PROBABILITIES)


@given(st.lists(RANGES, min_size=1, max_size=5))
def test_the_range_of_an_image_never_contradicts_its_verdict(ranges: list[tuple[float, float]]) -> None:
    faces = []
    for p_fake, saved_again in ranges:
        verdict, reasons = decide_face(p_fake, saved_again, BAND)
        ends = min(p_fake, saved_again), max(p_fake, saved_again)
        faces.append(replace(face(verdict, p_fake, *reasons), p_fake_range=ends))
    low, high = image_range(faces) or pytest.fail("faces were classified")
    verdict, p_fake, _ = decide_image(faces)
    assert (verdict is Verdict.FAKE) == (low >= BAND.fake)
    assert (verdict is Verdict.REAL) == (high <= BAND.real)
    assert p_fake is not None
    assert p_fake <= high


def test_an_image_without_a_classified_face_has_no_range() -> None:
    assert image_range([face(Verdict.UNCERTAIN, None)]) is None


def test_an_image_without_a_face_has_the_verdict_no_face() -> None:
    verdict, p_fake, reasons = decide_image([])
    assert (verdict, p_fake) == (Verdict.NO_FACE, None)
    assert reasons[0].code == "no_face"
    assert reasons[0].message.startswith("no face of 40 px or more was found")


def test_one_fake_face_makes_the_image_fake() -> None:
    faces = [face(Verdict.REAL, 0.1), face(Verdict.FAKE, 0.9), face(Verdict.UNCERTAIN, 0.5)]
    verdict, p_fake, reasons = decide_image(faces)
    assert (verdict, p_fake) == (Verdict.FAKE, 0.9)
    assert "faces_disagree" in {r.code for r in reasons}


def test_an_uncertain_face_makes_an_image_of_real_faces_uncertain() -> None:
    assert decide_image([face(Verdict.REAL, 0.1), face(Verdict.UNCERTAIN, 0.5)])[0] is Verdict.UNCERTAIN


def test_real_requires_all_classified_faces_real_and_reports_small_ones() -> None:
    small = face(Verdict.UNCERTAIN, None, Reason("face_too_small", ""))
    verdict, p_fake, reasons = decide_image([face(Verdict.REAL, 0.1), small, small])
    assert (verdict, p_fake) == (Verdict.REAL, 0.1)
    assert reasons == (Reason("faces_too_small", "2 faces are too small to classify"),)


def test_an_image_with_only_small_faces_is_uncertain() -> None:
    small = face(Verdict.UNCERTAIN, None, Reason("face_too_small", ""))
    verdict, p_fake, reasons = decide_image([small])
    assert (verdict, p_fake) == (Verdict.UNCERTAIN, None)
    assert reasons == (Reason("faces_too_small", "1 face is too small to classify"),)


@given(st.lists(PROBABILITIES, min_size=1, max_size=6))
def test_an_image_has_the_largest_p_fake_of_its_faces(values: list[float]) -> None:
    faces = [face(BAND.decide(p), p) for p in values]
    verdict, p_fake, _ = decide_image(faces)
    assert p_fake == max(values)
    assert verdict is BAND.decide(max(values))


def test_a_result_serializes_to_json() -> None:
    heatmap = Heatmap(Box(1, 2, 3, 3), np.full((2, 2), 0.25, np.float32), 44.96)
    result = DetectionResult(
        verdict=Verdict.FAKE,
        p_fake=0.123456789,
        faces=(FaceResult(Box(1.04, 2, 3, 4), ((1, 2),) * 5, 0.9, 0.123456789, Verdict.FAKE, (), heatmap),),
        reasons=(Reason("a", "b"),),
        width=10,
        height=20,
        format="PNG",
        model={"name": "m"},
        thresholds={"real": 0.1, "fake": 0.9},
        timing_ms={"total": 1.23456},
    )
    parsed = json.loads(json.dumps(result.to_dict()))
    assert parsed["verdict"] == "fake"
    assert parsed["p_fake"] == 0.123457
    assert parsed["faces"][0]["box"] == [1.0, 2, 3, 4]
    grid = [[0.25, 0.25], [0.25, 0.25]]
    assert parsed["faces"][0]["heatmap"] == {"box": [1, 2, 3, 3], "grid": grid, "angle": 45.0}
    assert parsed["reasons"] == [{"code": "a", "message": "b"}]
    assert "heatmap" not in result.to_dict(heatmap=False)["faces"][0]


def test_iou() -> None:
    box = Box(0, 0, 10, 10)
    assert box.iou(box) == 1
    assert box.iou(Box(5, 0, 10, 10)) == Box(5, 0, 10, 10).iou(box) == pytest.approx(50 / 150)
    assert box.iou(Box(2, 2, 5, 5)) == pytest.approx(25 / 100)
    for apart in (Box(10, 0, 5, 5), Box(20, 20, 5, 5), Box(3, 3, 0, 0)):
        assert box.iou(apart) == 0
