"""Synthesized face swaps: the donor's face at the position and in the pose of the target's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.test_blending import BOX, SEEDS, images_and_boxes
from tests.examples import examples
from tests.sample_data import face
from tests.sample_images import difference, noise
from veraface.datasets.synthesis.face_swap import Points, _similarity, best_donor, misfit, swap_face
from veraface.geometry import Box

POINTS: Points = np.array([[35.6, 41.0], [55.0, 41.9], [44.6, 51.4], [36.3, 57.5], [53.8, 58.2]])
TURNED_AWAY: Points = np.array([[35.6, 41.0], [45.0, 41.9], [33.6, 51.4], [36.3, 57.5], [43.8, 58.2]])


def turned(points: Points, degrees: float, scale: float, shift: tuple[float, float]) -> Points:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(scale * points @ turn.T + shift, np.float64)


def checks(side: int = 96) -> Image.Image:
    """A chessboard of green and dark blue, nothing of which is in a face."""
    fields = np.indices((side, side)).sum(axis=0) // 6 % 2
    return Image.fromarray(np.array([[0, 200, 0], [0, 0, 90]], np.uint8)[fields])


MOVES = {
    "degrees": st.floats(-180, 180),
    "scale": st.floats(0.1, 10),
    "shift": st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
}


@given(**MOVES)
@settings(max_examples=examples(100), deadline=None)
def test_same_pose_fits_after_a_similarity_transform(
    degrees: float, scale: float, shift: tuple[float, float]
) -> None:
    donor = turned(POINTS, degrees, scale, shift)
    assert misfit(donor, POINTS) < 1e-6
    assert misfit(POINTS, donor) < 1e-6
    matrix = _similarity(POINTS, donor)
    assert np.c_[POINTS, np.ones(5)] @ matrix.T == pytest.approx(donor, abs=1e-6)


@given(**MOVES)
@settings(max_examples=examples(100), deadline=None)
def test_another_pose_does_not_fit(degrees: float, scale: float, shift: tuple[float, float]) -> None:
    """Nor does a mirrored face; and how badly they fit does not hang on how the donor lies."""
    for other in (TURNED_AWAY, TURNED_AWAY * (-1, 1)):
        wrong = misfit(turned(other, degrees, scale, shift), POINTS)
        assert wrong > 0.1
        assert wrong == pytest.approx(misfit(other, POINTS), abs=1e-6)


def test_the_best_donor_is_the_one_in_the_same_pose() -> None:
    shaken = POINTS + np.random.default_rng(0).normal(0, 1, (5, 2))
    candidates = [TURNED_AWAY, shaken, turned(POINTS, 20, 3, (5, 5)), TURNED_AWAY + 2]
    assert best_donor(candidates, POINTS) == 2
    assert best_donor(candidates[:2], POINTS) == 1


@given(case=images_and_boxes(), donor_size=st.tuples(st.integers(1, 80), st.integers(1, 80)), seed=SEEDS)
@settings(max_examples=examples(150), deadline=60_000)
def test_takes_any_faces_in_any_images(
    case: tuple[tuple[int, int], Box], donor_size: tuple[int, int], seed: int
) -> None:
    """Also landmarks far off, or all in one place."""
    (width, height), box = case
    random = np.random.default_rng(seed)
    target, donor = noise(width, height, seed), noise(*donor_size, seed).convert("L").convert("RGB")
    landmarks = random.uniform(0, 1, (5, 2)) * (box.width, box.height) + (box.x, box.y)
    donor_landmarks = random.choice([0.0, 1.0, 300.0]) * random.uniform(-1, 1, (5, 2)) + 7
    before = target.tobytes(), donor.tobytes()
    results = [
        swap_face(target, box, landmarks, donor, donor_landmarks, np.random.default_rng(seed))
        for _ in range(2)
    ]
    assert (results[0].mode, results[0].size) == ("RGB", target.size)
    assert results[0].tobytes() == results[1].tobytes()
    assert (target.tobytes(), donor.tobytes()) == before, "the originals stay as they were"


@given(seed=SEEDS)
@settings(max_examples=examples(60), deadline=None)
def test_around_the_face_the_target_stays_to_the_last_bit(seed: int) -> None:
    target = face(0, fake=False)
    swapped = swap_face(target, BOX, POINTS, checks(), POINTS, np.random.default_rng(seed))
    changed = (np.asarray(swapped) != np.asarray(target)).any(axis=2)
    assert changed[21:73, 25:66].any()
    changed[21 - 13 : 73 + 14, 25 - 11 : 66 + 11] = False  # a quarter of the box for the soft edge
    assert not changed.any()


def change(donor: Image.Image, points: Points) -> float:
    """What is usual of a swap into the tiny face, 0 to 255 over the face's box."""
    target = face(0, fake=False)
    swaps = [swap_face(target, BOX, POINTS, donor, points, np.random.default_rng(i)) for i in range(40)]
    part = (25, 21, 66, 73)
    return float(np.median([difference(swap.crop(part), target.crop(part)) for swap in swaps]))


def test_the_donor_is_turned_and_scaled_into_the_place_of_the_target() -> None:
    """The target itself, twice as large and turned by a quarter, comes out as it was; a wrong turn shows."""
    person = face(0, fake=False)
    large = person.resize((192, 192), Image.Resampling.BICUBIC).transpose(Image.Transpose.ROTATE_270)
    points = np.c_[192 - 2 * POINTS[:, 1], 2 * POINTS[:, 0]]  # a quarter with the clock
    right, wrong = change(large, points), change(large, 2 * POINTS)
    assert right < 4
    assert wrong > 2.5 * right


def test_one_person_twice_changes_little_and_two_people_much() -> None:
    itself = change(face(0, fake=False), POINTS)
    assert 0 < itself < 4
    assert change(checks(), POINTS) > 4 * itself


def test_the_donor_shows_within_the_face() -> None:
    """A chessboard is visible inside the mask, after any change of its colors."""
    target, donor = face(0, fake=False), checks()
    likeness = []
    for seed in range(40):
        swap = swap_face(target, BOX, POINTS, donor, POINTS, np.random.default_rng(seed))
        seen, own, pasted = (np.asarray(p, float)[..., 1] for p in (swap, target, donor))
        changed = np.abs(seen - own) > 15
        likeness.append(np.corrcoef(seen[changed], pasted[changed])[0, 1])
    assert np.median(likeness) > 0.6


def test_most_swaps_take_the_color_of_the_target() -> None:
    """A dark blue donor on a light target: left blue where the step is skipped, light where it is taken."""
    target = Image.new("RGB", (96, 96), (200, 190, 180))
    donor = Image.fromarray(np.asarray(noise(96, 96)) // 4 + np.array([0, 0, 60], np.uint8))
    matched = 0
    for seed in range(100):
        swap = swap_face(target, BOX, POINTS, donor, POINTS, np.random.default_rng(seed))
        matched += difference(swap, target) < 3
    assert 65 < matched < 97
