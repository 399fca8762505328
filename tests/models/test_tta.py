"""TTA views of a face, and their merged heatmap."""

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import portrait
from veraface.models.registry import load_model
from veraface.models.tta import merge_heatmaps, tta_batch


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
