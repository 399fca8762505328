"""Tracking faces through successive frames."""

import numpy as np
from PIL import Image

from tests.sample_images import noise, portrait
from veraface.geometry import Box
from veraface.results import FaceResult, Verdict
from veraface.video.tracking import frame_signature, is_cut, track_faces


def face(x: float, y: float = 100, side: float = 80, p_fake: float | None = 0.5) -> FaceResult:
    return FaceResult(Box(x, y, side, side), (), 0.9, p_fake, Verdict.UNCERTAIN)


def tracks(frames: list[list[FaceResult]], cuts: list[bool] | None = None) -> list[list[int]]:
    found = track_faces(frames, cuts or [False] * len(frames))
    assert sum(len(t.faces) for t in found) == sum(map(len, frames))  # each face in one track
    return [track.frames for track in found]


def test_a_face_that_stays_or_moves_a_little_is_one() -> None:
    assert tracks([[face(10 * i)] for i in range(6)]) == [[0, 1, 2, 3, 4, 5]]


def test_a_face_that_moves_too_far_to_overlap_is_still_one() -> None:
    assert tracks([[face(0)], [face(75)], [face(150)]]) == [[0, 1, 2]]


def test_one_that_is_elsewhere_or_of_another_size_is_another() -> None:
    assert tracks([[face(0)], [face(400)]]) == [[0], [1]]
    assert tracks([[face(0, side=40)], [face(0, side=140)]]) == [[0], [1]]


def test_two_faces_keep_to_themselves_in_whatever_order_they_come() -> None:
    frames = [[face(5 * i), face(300 - 5 * i)][:: (-1) ** i] for i in range(8)]
    found = track_faces(frames, [False] * 8)
    assert [len(track.frames) for track in found] == [8, 8]
    for track in found:
        steps = np.diff([f.box.x for f in track.faces])
        assert set(np.abs(steps)) == {5}


def test_two_faces_that_meet_are_not_both_given_to_one_track() -> None:
    assert tracks([[face(0), face(100)], [face(50)], [face(50)]]) == [[0, 1, 2], [0]]


def test_a_gap_of_some_frames_is_bridged_and_a_long_one_is_not() -> None:
    assert tracks([[face(0)], [], [], [face(0)]]) == [[0, 3]]
    assert tracks([[face(0)], [], [], [], [], [face(0)]]) == [[0], [5]]


def test_a_new_scene_begins_new_tracks() -> None:
    assert tracks([[face(0)]] * 4, [False, False, True, False]) == [[0, 1], [2, 3]]


def test_a_cut_is_another_image_and_no_movement() -> None:
    photo = portrait()
    moved = photo.crop((30, 20, 512, 512)).resize((512, 512))
    brighter = photo.point(lambda v: min(255, int(v * 1.15)))
    assert not is_cut(frame_signature(photo), frame_signature(moved))
    assert not is_cut(frame_signature(photo), frame_signature(brighter))
    assert is_cut(frame_signature(photo), frame_signature(Image.new("RGB", (512, 512), "white")))
    assert is_cut(frame_signature(photo), frame_signature(photo.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    assert not is_cut(
        frame_signature(noise(seed=1)), frame_signature(noise(seed=2))
    )  # both average to one gray


def test_no_faces_no_tracks() -> None:
    assert tracks([[], [], []]) == []
    assert tracks([]) == []
