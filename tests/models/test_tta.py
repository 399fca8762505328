"""TTA views of a face, and their merged heatmap."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import portrait
from tests.sample_models import brightness_model
from veraface.errors import ModelError
from veraface.geometry import Box
from veraface.models.classifier import OnnxClassifier
from veraface.models.crop import FaceViews
from veraface.models.registry import load_model
from veraface.models.tta import classify_crop, classify_face, merge_heatmaps, tta_batch


@pytest.fixture
def crop() -> np.ndarray:
    return np.asarray(portrait().crop((120, 10, 340, 230)).resize((64, 64)))


def test_the_views_are_the_crop_and_its_mirror_image(crop: np.ndarray) -> None:
    plain, mirrored = tta_batch(crop)
    assert np.array_equal(plain, crop)
    flipped = Image.fromarray(crop).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.array_equal(mirrored, np.asarray(flipped))


def test_the_heatmap_of_the_mirror_image_is_flipped_back() -> None:
    heatmaps = np.zeros((2, 2, 2))
    heatmaps[0, 0, 0] = heatmaps[1, 0, 1] = 5.0  # the same place in the face
    assert merge_heatmaps(heatmaps).tolist() == [[5, 0], [0, 0]]


def test_the_mean_of_the_merged_heatmap_is_the_mean_logit() -> None:
    heatmaps = np.random.default_rng(0).normal(size=(2, 3, 3))
    assert merge_heatmaps(heatmaps).mean() == pytest.approx(heatmaps.mean())


def test_a_mirrored_image_gets_the_same_logit() -> None:
    """Compare the shipped model on a crop and its mirror image."""
    model = load_model("fast")
    image = portrait().crop((120, 10, 340, 230)).resize((model.card.crop.size,) * 2)
    one = np.asarray(image)
    logits = [model.predict(tta_batch(crop))[0].mean() for crop in (one, np.ascontiguousarray(one[:, ::-1]))]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_wider_crop_counts_half(tmp_path: Path, parallel: bool) -> None:
    model = OnnxClassifier(brightness_model(tmp_path))
    views = FaceViews(portrait(), Box(180, 70, 80, 110), model.card.crop)
    alone = classify_face(model, views, parallel=parallel)
    wide = classify_crop(model.predict, views.wide(2.5), tta=True).logit
    assert abs(alone[0].logit - wide) > 0.1, "the crops must differ"
    model.card = replace(model.card, wide_margin=2.5)
    for one, both in zip(alone, classify_face(model, views, parallel=parallel), strict=True):
        assert one is not None
        assert both is not None
        assert both.logit == pytest.approx((one.logit + wide) / 2)
        assert both.heatmap.mean() == pytest.approx(both.logit, abs=1e-4)
        assert np.ptp(both.heatmap) == pytest.approx(np.ptp(one.heatmap), rel=1e-4), "no less contrast"
    face, again = classify_face(model, views, save_again=False, parallel=parallel)
    assert again is None
    assert face.logit == pytest.approx((alone[0].logit + wide) / 2)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_in_any_view_is_raised_once_all_have_ended(tmp_path: Path, failing: int) -> None:
    model = OnnxClassifier(brightness_model(tmp_path))
    model.card = replace(model.card, wide_margin=2.5)
    views = FaceViews(portrait(), Box(180, 70, 80, 110), model.card.crop)

    def fail(*_: float) -> np.ndarray:
        raise RuntimeError("no memory")

    setattr(views, ("as_is", "saved_again", "wide")[failing], fail)
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="no memory"):
        classify_face(model, views, parallel=True)
    assert threading.active_count() == threads


@pytest.mark.parametrize("parallel", [False, True])
def test_a_logit_that_is_no_number_is_refused(tmp_path: Path, parallel: bool) -> None:
    class Overflowing(OnnxClassifier):
        def predict(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return tuple(found * np.nan for found in super().predict(crops))

    model = Overflowing(brightness_model(tmp_path))
    views = FaceViews(portrait(), Box(180, 70, 80, 110), model.card.crop)
    with pytest.raises(ModelError, match="'brightness' returned a logit that is no number"):
        classify_face(model, views, parallel=parallel)


def test_a_face_is_classified_where_no_thread_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = OnnxClassifier(brightness_model(tmp_path))
    views = FaceViews(portrait(), Box(180, 70, 80, 110), model.card.crop)
    expected = [found.logit for found in classify_face(model, views) if found is not None]

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found = classify_face(model, views, parallel=True)
    assert [one.logit for one in found if one is not None] == expected


def test_a_thread_that_outlives_the_main_one_gets_its_answer(tmp_path: Path) -> None:
    program = f"""
import threading
from tests.sample_images import portrait
from veraface import Detector

image, ended = portrait(), threading.main_thread().join
detector = Detector({str(brightness_model(tmp_path))!r}, threads=2)
threading.Thread(target=lambda: (ended(), print(detector.detect(image).p_fake))).start()
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 0 < float(found.stdout) < 1, found.stderr
