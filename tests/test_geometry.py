"""Rectangles under quarter turns, and the roll of a face."""

from cmath import phase, rect
from math import degrees, radians

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sample_images import noise
from veraface.geometry import Box, roll
from veraface.imaging.lazy import QUARTER_TURNS

# Left eye, right eye, nose, left and right corner of the mouth of a face with level eyes
UPRIGHT = [(38.0, 51.0), (74.0, 51.0), (56.0, 71.0), (41.0, 92.0), (71.0, 92.0)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_box_has_the_same_pixels(turns: int) -> None:
    image, box = noise(40, 25), Box(5, 3, 12, 9)
    turned = image.transpose(QUARTER_TURNS[turns]) if turns else image
    moved = box.turned(turns, 40, 25)
    cut = turned.crop((moved.x, moved.y, moved.x + moved.width, moved.y + moved.height))
    assert (np.rot90(np.asarray(image)[3:12, 5:17], turns) == np.asarray(cut)).all()


@given(angle=st.floats(-179, 179), scale=st.floats(0.1, 50), x=st.floats(-1e4, 1e4))
def test_roll_is_the_clockwise_angle_of_a_face(angle: float, scale: float, x: float) -> None:
    turn = rect(scale, radians(angle))  # y points down, so that a positive angle is clockwise
    points = [complex(*point) * turn + complex(x, 7) for point in UPRIGHT]
    difference = radians(roll([(p.real, p.imag) for p in points]) - angle)
    assert degrees(phase(rect(1, difference))) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("landmarks", [[], UPRIGHT[:3], [(3.0, 3.0)] * 5], ids=["none", "three", "one point"])
def test_roll_is_zero_without_five_landmarks(landmarks: list[tuple[float, float]]) -> None:
    assert roll(landmarks) == pytest.approx(0)
