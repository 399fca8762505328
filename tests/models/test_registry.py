"""Models by name: shipped, registered, from installed packages, or passed as objects."""

from pathlib import Path

import pytest
from examples.own_model import Brightness, Centered

import veraface
from tests.sample_images import close_up, portrait
from veraface import Detector, ModelError
from veraface.imaging.lazy import LazyImage
from veraface.models import list_models, load_face_detector, load_model, register
from veraface.models.registry import load_card


def verdict(brightness: int, detector: Detector) -> str:
    return detector.detect(close_up(brightness)).verdict.value


def test_objects_that_implement_the_protocols_can_be_passed() -> None:
    detector = Detector(Brightness(), face_detector=Centered())
    assert (verdict(50, detector), verdict(210, detector)) == ("real", "fake")
    assert detector.model_info["name"] == "brightness"


def test_registered_models_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from veraface.models import registry

    monkeypatch.setattr(registry, "_registered", {"classifier": {}, "face_detector": {}})
    register("bright", Brightness)
    register("middle", Centered, kind="face_detector")
    assert "bright" in list_models()
    assert "middle" in list_models("face_detector")
    assert verdict(210, Detector("bright", face_detector="middle")) == "fake"


def test_models_of_installed_packages_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[veraface.classifiers]\nmine = examples.own_model:Brightness\nbroken = no_such_module:Classifier\n"
        "[veraface.face_detectors]\nmine = examples.own_model:Centered\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {"broken", "mine", "veraface-lite0"} <= set(list_models())
    assert verdict(210, Detector("mine", face_detector="mine")) == "fake"
    with pytest.raises(
        ModelError, match=r"classifier 'broken' \(no_such_module:Classifier\) cannot be loaded"
    ):
        load_model("broken")


def test_the_shipped_models_are_listed_and_load() -> None:
    assert {"veraface", "veraface-lite0"} <= set(list_models())
    assert list_models("face_detector") == ["yunet"]
    assert load_model().card.name == load_model("accurate").card.name == "veraface"
    assert load_model("fast").card.name == "veraface-lite0"
    assert load_face_detector("yunet").detect(LazyImage(portrait()))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="unknown classifier 'x'; choose one of .*veraface-lite0"):
        load_model("x")
    with pytest.raises(ModelError, match="unknown face detector 'x'; choose one of yunet"):
        Detector(face_detector="x")
    with pytest.raises(ModelError, match="nowhere.onnx: no such model"):
        load_model("nowhere.onnx")


def test_a_shipped_name_cannot_be_registered() -> None:
    with pytest.raises(ModelError, match="is the name of a shipped classifier"):
        register("veraface-lite0", Brightness)


def test_an_object_that_does_not_implement_the_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from veraface.models import registry

    monkeypatch.setattr(registry, "_registered", {"classifier": {}, "face_detector": {}})
    register("wrong", lambda **_: object())
    register("wrong", lambda **_: object(), kind="face_detector")
    with pytest.raises(ModelError, match=r"'wrong' must have `card` and `predict\(crops\)`"):
        load_model("wrong")
    with pytest.raises(ModelError, match=r"'wrong' must have `detect\(image\)`"):
        load_face_detector("wrong")


@pytest.mark.parametrize("wrong", [5, object(), Brightness])
def test_objects_without_the_members_are_refused(wrong: object) -> None:
    with pytest.raises(ModelError, match="to be a classifier"):
        Detector(wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="to be a face detector"):
        Detector(Brightness(), face_detector=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "factory"), [(3, Brightness), ("", Brightness), ("x", None), ("x", Brightness())]
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
    assert card == load_card(card.name) == load_model().card
    with pytest.raises(ModelError, match="by name or path, not by int"):
        load_model(3)  # type: ignore[arg-type]


def test_results_with_heatmaps_can_be_compared() -> None:
    detector = Detector(Brightness(), face_detector=Centered())
    dark, bright = close_up(50), close_up(210)
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
