"""Face Mesh: where its points lie in the image. The network itself is not shipped."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.programs import load_program
from tests.sample_images import portrait
from veraface.geometry import Box, roll
from veraface.models.face_search import YuNetDetector

face_mesh = load_program("scripts/face_mesh.py")
FaceMesh = face_mesh.FaceMesh


@pytest.fixture(scope="module")
def real_mesh(data: Path) -> Any:
    path = data.parent / "models" / "facemesh.onnx"
    if not path.is_file():
        pytest.skip(f"no network at {path}")
    return FaceMesh(path)


def constant(folder: Path, points: np.ndarray) -> Any:
    """Return a network that finds the same 468 points, px of its input, in every crop."""
    coordinates = np.concatenate([points, np.zeros((468, 1))], axis=1).reshape(1, 1, 1, 1404)
    nodes = [
        helper.make_node("ReduceMean", ["input", "all"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["points", "nothing"], ["output"]),
    ]
    constants = {
        "all": np.arange(4),
        "zero": np.zeros((), np.float32),
        "points": coordinates.astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "mesh",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 192, 192, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, 1404])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "mesh.onnx")
    return FaceMesh(folder / "mesh.onnx")


def circle(x: float, y: float, radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])


@pytest.mark.parametrize("side", [80, 1200])
def test_points_lie_in_the_crop_around_the_box(tmp_path: Path, side: int) -> None:
    """The crop is 1.5 times as wide as the box, and a large image is scaled down before."""
    box = Box(300, 200, side, side)
    shapes = constant(tmp_path, circle(96, 96, 64)).shapes(Image.new("RGB", (1600, 1500)), box)
    assert shapes is not None
    middle = np.array([300 + side / 2, 200 + side / 2])
    assert np.hypot(*(shapes.to_array() - middle).T) == pytest.approx(side / 2, rel=1e-4)


def test_a_leaning_face_is_leveled_first(tmp_path: Path) -> None:
    """Points to the right of the crop's center lie below it if the face leans by a quarter clockwise."""
    box = Box(100, 100, 96, 96)
    shapes = constant(tmp_path, circle(116, 96, 60)).shapes(Image.new("RGB", (300, 300)), box, 90.0)
    assert shapes is not None
    center = np.hypot(*(shapes.to_array() - (148, 148 + 20 * 1.5 * 96 / 192)).T)
    assert center == pytest.approx(60 * 0.75, rel=1e-4)


def test_points_that_do_not_fit_the_box_are_none(tmp_path: Path) -> None:
    box = Box(100, 100, 96, 96)
    for points in (circle(30, 30, 60), circle(96, 96, 20), circle(96, np.nan, 64)):
        assert constant(tmp_path, points).shapes(Image.new("RGB", (300, 300)), box) is None


@pytest.mark.parametrize("turned", [False, True])
def test_the_network_finds_the_features_of_a_face(real_mesh: FaceMesh, turned: bool) -> None:
    """Where the face detector finds them, too."""
    image = portrait().transpose(Image.Transpose.ROTATE_270) if turned else portrait()
    detected = YuNetDetector(threads=1).detect(image)[0]
    shapes = real_mesh.shapes(image, detected.box, roll(detected.landmarks))
    assert shapes is not None
    eyes_and_mouth = [contour.mean(axis=0) for contour in (shapes.left_eye, shapes.right_eye, shapes.lips)]
    left_eye, right_eye, _, left_corner, right_corner = np.array(detected.landmarks)
    expected = np.array([left_eye, right_eye, (left_corner + right_corner) / 2])
    assert np.array(eyes_and_mouth) == pytest.approx(expected, abs=5)
    nose = Box(*shapes.nose.min(axis=0), *np.ptp(shapes.nose, axis=0))
    x, y = detected.landmarks[2]
    assert nose.x < x < nose.x + nose.width
    assert nose.y < y < nose.y + nose.height
