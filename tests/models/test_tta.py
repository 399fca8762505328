"""The views of a face and how they are joined."""

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import portrait
from veraface.models.classifier import OnnxClassifier
from veraface.models.tta import jpeg_view, merge_heatmaps, tta_batch


@pytest.fixture
def crop() -> np.ndarray:
    return np.asarray(portrait().crop((120, 10, 340, 230)).resize((64, 64)))


def test_a_face_is_seen_as_it_is_and_mirrored(crop: np.ndarray) -> None:
    plain, mirrored = tta_batch(crop)
    assert np.array_equal(plain, crop)
    flipped = Image.fromarray(crop).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.array_equal(mirrored, np.asarray(flipped))


def test_the_recompressed_view_is_still_the_same_picture(crop: np.ndarray) -> None:
    (recompressed,) = jpeg_view(crop)
    difference = np.abs(recompressed.astype(int) - crop)
    assert recompressed.shape == crop.shape
    assert 0.5 < difference.mean() < 12


def test_evidence_of_the_mirror_image_is_turned_back() -> None:
    evidence = np.zeros((2, 2, 2))
    evidence[0, 0, 0] = evidence[1, 0, 1] = 5.0  # the same place in the face
    assert merge_heatmaps(evidence).tolist() == [[5, 0], [0, 0]]


def test_mean_of_the_evidence_is_the_mean_logit() -> None:
    evidence = np.random.default_rng(0).normal(size=(2, 3, 3))
    assert merge_heatmaps(evidence).mean() == pytest.approx(evidence.mean())


def test_a_mirrored_picture_gets_the_same_p_fake() -> None:
    """The shipped model on a crop and its mirror image."""
    model = OnnxClassifier()
    image = portrait().crop((120, 10, 340, 230)).resize((model.card.crop.size,) * 2)
    one = np.asarray(image)
    logits = [model.predict(tta_batch(crop))[0].mean() for crop in (one, np.ascontiguousarray(one[:, ::-1]))]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)
