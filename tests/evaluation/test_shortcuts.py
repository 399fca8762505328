"""Features that separate the classes without a face."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.evaluation.sample_predictions import prediction
from tests.sample_images import noise, portrait
from veraface.datasets.manifest import Sample
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.shortcuts import FEATURES, measure_features, sharpness, shortcut_blocks, warnings
from veraface.geometry import Box


def test_features_of_a_file(tmp_path: Path) -> None:
    red = Image.new("RGB", (40, 20), (255, 0, 0))
    red.save(tmp_path / "red.png")
    (tmp_path / "broken.png").write_bytes(b"GIF89a")
    samples = [Sample(tmp_path / name, False, "web", name, "test") for name in ("red.png", "broken.png")]
    found, broken = measure_features(samples, [prediction("red.png", False, None, None)] * 2)
    size = (tmp_path / "red.png").stat().st_size
    assert dict(zip(FEATURES, found, strict=True)) == pytest.approx(
        {
            "file size": size,
            "bytes per pixel": size / 800,
            "longest side": 40,
            "saturation": 1.0,
            "sharpness": 0.0,
        }
    )
    assert np.isnan(broken).all()


def test_sharpness_is_that_of_the_face() -> None:
    image = Image.new("RGB", (200, 100), "grey")
    image.paste(noise(100, 100), (100, 0))
    assert sharpness(image, (0, 0, 90, 90)) == 0
    assert sharpness(image, (105, 5, 90, 90)) > sharpness(image, None) > 0
    assert sharpness(image, (500, 5, 90, 90)) == sharpness(image, None), "a box outside is none"
    blurred = portrait().filter(ImageFilter.GaussianBlur(2))
    assert sharpness(blurred, None) < 0.2 * sharpness(portrait(), None)
    assert sharpness(Image.new("RGB", (2, 2)), None) == 0


def test_the_box_of_a_sample_precedes_the_detected_one(tmp_path: Path) -> None:
    image = Image.new("RGB", (200, 100), "grey")
    image.paste(noise(100, 100), (100, 0))
    image.save(tmp_path / "half.png")
    sample = Sample(tmp_path / "half.png", False, "web", "g", "test", Box(0, 0, 90, 90))
    found = measure_features([sample], [prediction("half.png", False, None, None)])
    assert found[0, list(FEATURES).index("sharpness")] == 0


def test_shortcuts_are_named() -> None:
    """Fakes have smaller files in all pairs of a source but one; nothing else differs."""
    images = [prediction(str(i), i % 2 == 1, None, None, "ab"[i // 2 % 2]) for i in range(40)]
    random = np.random.default_rng(0)
    features = np.tile(random.random((20, 1)).repeat(2, axis=0), (1, len(FEATURES)))
    features[:, 0] = [10 - i % 2 for i in range(40)]
    features[0, 0] = np.nan
    bootstrap = BootstrapSamples(p.group for p in images)
    blocks = shortcut_blocks(features, images, bootstrap, ["a:b"])
    assert [block["set"] for block in blocks] == ["all", "a / b"]
    size, *others = blocks[0]["features"]
    assert size == {
        "feature": "file size",
        "auc": 1.0,
        "interval": [1.0, 1.0],
        "direction": "fakes have smaller files",
        "tells_apart": True,
    }
    assert [(f["auc"], f["tells_apart"]) for f in others] == [(0.5, False)] * 4
    assert warnings(blocks) == [
        "This data set can be told apart by file size alone (AUC 1.000: fakes have smaller files).",
        "a / b can be told apart by file size alone (AUC 1.000: fakes have smaller files).",
    ]


def test_one_class_has_no_shortcuts() -> None:
    images = [prediction(str(i), True, None, None) for i in range(6)]
    blocks = shortcut_blocks(
        np.random.default_rng(0).random((6, 5)), images, BootstrapSamples(p.group for p in images)
    )
    assert {f["auc"] for f in blocks[0]["features"]} == {None}
    assert warnings(blocks) == []
