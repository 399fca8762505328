"""Models by name: shipped, registered, from installed packages, or passed as objects."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import veraface
from tests.sample_images import portrait
from veraface import Detector, ModelError
from veraface.decision import Calibration, Thresholds
from veraface.geometry import Box
from veraface.imaging.lazy import LazyImage
from veraface.models import FaceDetection, ModelCard, list_models, load_face_detector, load_model, register
from veraface.models.crop import CropSettings
from veraface.models.registry import load_card


class DarkIsFake:
    """A custom classifier: darker faces get a higher p_fake."""

    def __init__(self, *, threads: int = 0, providers: object = None) -> None:
        self.card = ModelCard(
            name="dark-is-fake",
            version="1",
            sha256="",
            backbone="none",
            crop=CropSettings(size=32, margin=1.0),
            normalization={},
            calibration=Calibration(1.0, 0.0),
            thresholds=Thresholds(0.4, 0.6),
            error_rates={},
            data="none",
            license="CC0-1.0",
            limits=(),
            made="2026-01-01",
        )

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        heatmaps = 4 - crops.mean(axis=-1, dtype=np.float32) / 32
        return heatmaps.mean(axis=(1, 2)), heatmaps


class WholeImage:
    """A custom face detector: the whole image is one face."""

    def __init__(self, *, threads: int = 0, providers: object = None) -> None:
        pass

    def detect(self, image: LazyImage) -> list[FaceDetection]:
        box = Box(0, 0, image.file.width, image.file.height)
        return [FaceDetection(box, ((0.0, 0.0),) * 5, 1.0)]


def verdict(brightness: int, detector: Detector) -> str:
    return detector.detect(np.full((64, 64, 3), brightness, np.uint8)).verdict.value


def test_objects_that_implement_the_protocols_can_be_passed() -> None:
    detector = Detector(DarkIsFake(), face_detector=WholeImage())
    assert (verdict(0, detector), verdict(255, detector)) == ("fake", "real")
    assert detector.model_info["name"] == "dark-is-fake"


def test_registered_models_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from veraface.models import registry

    monkeypatch.setattr(registry, "_registered", {"classifier": {}, "face_detector": {}})
    register("dark", DarkIsFake)
    register("whole", WholeImage, kind="face_detector")
    assert "dark" in list_models()
    assert "whole" in list_models("face_detector")
    assert verdict(0, Detector("dark", face_detector="whole")) == "fake"


def test_models_of_installed_packages_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[veraface.classifiers]\nmine = {__name__}:DarkIsFake\nbroken = no_such_module:Classifier\n"
        f"[veraface.face_detectors]\nmine = {__name__}:WholeImage\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {"broken", "mine", "veraface-lite0"} <= set(list_models())
    assert verdict(255, Detector("mine", face_detector="mine")) == "real"
    with pytest.raises(
        ModelError, match=r"classifier 'broken' \(no_such_module:Classifier\) cannot be loaded"
    ):
        load_model("broken")


def test_the_shipped_models_are_listed_and_load() -> None:
    assert list_models() == ["veraface-lite0"]
    assert list_models("face_detector") == ["retinaface"]
    assert load_model("veraface-lite0").card.name == load_model().card.name
    assert load_face_detector("retinaface").detect(LazyImage(portrait()))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="unknown classifier 'x'; choose one of veraface-lite0"):
        load_model("x")
    with pytest.raises(ModelError, match="unknown face detector 'x'; choose one of retinaface"):
        Detector(face_detector="x")
    with pytest.raises(ModelError, match="nowhere.onnx: no such model"):
        load_model("nowhere.onnx")


def test_a_shipped_name_cannot_be_registered() -> None:
    with pytest.raises(ModelError, match="is the name of a shipped classifier"):
        register("veraface-lite0", DarkIsFake)


def test_an_object_that_does_not_implement_the_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from veraface.models import registry

    monkeypatch.setattr(registry, "_registered", {"classifier": {}, "face_detector": {}})
    register("wrong", lambda **_: object())
    register("wrong", lambda **_: object(), kind="face_detector")
    with pytest.raises(ModelError, match=r"'wrong' must have `card` and `predict\(crops\)`"):
        load_model("wrong")
    with pytest.raises(ModelError, match=r"'wrong' must have `detect\(image\)`"):
        load_face_detector("wrong")


@pytest.mark.parametrize("wrong", [5, object(), DarkIsFake])
def test_objects_without_the_members_are_refused(wrong: object) -> None:
    with pytest.raises(ModelError, match="to be a classifier"):
        Detector(wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="to be a face detector"):
        Detector(DarkIsFake(), face_detector=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "factory"), [(3, DarkIsFake), ("", DarkIsFake), ("x", None), ("x", DarkIsFake())]
)
def test_only_names_and_factories_are_registered(name: str, factory: object) -> None:
    before = list_models()
    with pytest.raises(ModelError):
        register(name, factory)  # type: ignore[arg-type]
    assert list_models() == before


def test_a_factory_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from veraface.models import registry

    monkeypatch.setattr(registry, "_registered", {"classifier": {"boom": lambda: None}, "face_detector": {}})
    with pytest.raises(ModelError, match="classifier 'boom' cannot be created by name"):
        load_model("boom")


def test_cards_are_found_by_name_and_path() -> None:
    card = load_card()
    assert card == load_card("veraface-lite0") == load_model().card
    with pytest.raises(ModelError, match="by name or path, not by int"):
        load_model(3)  # type: ignore[arg-type]


def test_results_with_heatmaps_can_be_compared() -> None:
    detector = Detector(DarkIsFake(), face_detector=WholeImage())
    dark, bright = (np.full((64, 64, 3), value, np.uint8) for value in (0, 255))
    first, second, other = (detector.detect(image).faces for image in (dark, dark, bright))
    assert first == second != other
    assert first[0].heatmap != other[0].heatmap


def test_analyze_checks_its_arguments() -> None:
    assert veraface.analyze(portrait(), provenance="off").provenance is None
    with pytest.raises(ValueError, match="provenance must be 'quick', 'full', 'off' or None, not 'huge'"):
        veraface.analyze(portrait(), provenance="huge")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"detector must be a veraface\.Detector, not str"):
        veraface.analyze(portrait(), "veraface-lite0")  # type: ignore[arg-type]


def test_execution_providers_are_passed_to_onnx_runtime() -> None:
    for providers in ("CPUExecutionProvider", ["CPUExecutionProvider"]):
        assert Detector(providers=providers).detect(portrait()).faces
    with pytest.raises(ModelError, match="unknown execution provider NoSuchProvider; choose from"):
        Detector(providers=["NoSuchProvider", "CPUExecutionProvider"])


def test_detect_and_analyze_use_the_default_models() -> None:
    result = veraface.detect(portrait(), heatmap=False)
    assert result == Detector().detect(portrait(), heatmap=False)
    assert veraface.analyze(portrait(), heatmap=False, provenance=None).detection == result
