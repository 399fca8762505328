"""The views of a face and how they are joined."""

import numpy as np
import pytest
from PIL import Image

from tests.pictures import portrait
from veraface.model import Model
from veraface.views import VIEWS, face_views, join_evidence, join_logits


@pytest.fixture
def crop() -> np.ndarray:
    return np.asarray(portrait().crop((120, 10, 340, 230)).resize((64, 64)))


def test_a_face_is_seen_as_it_is_mirrored_and_recompressed(crop: np.ndarray) -> None:
    plain, mirrored, recompressed = face_views(crop)
    assert np.array_equal(plain, crop)
    flipped = Image.fromarray(crop).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.array_equal(mirrored, np.asarray(flipped))
    difference = np.abs(recompressed.astype(int) - crop)
    assert recompressed.shape == crop.shape
    assert 0.5 < difference.mean() < 12, "recompressed, and still the same picture"


def test_logits_are_the_mean_of_both_mirror_images_and_the_recompressed_one() -> None:
    logits = np.array([[1.0, 3.0, -4.0], [0.0, -2.0, 7.0]])
    assert join_logits(logits).tolist() == [[2, -4], [-1, 7]]


def test_evidence_of_the_mirror_image_is_turned_back() -> None:
    evidence = np.zeros((1, VIEWS, 2, 2))
    evidence[0, 0, 0, 0] = evidence[0, 1, 0, 1] = 5.0  # the same place in the face
    evidence[0, 2] = 100.0
    joined = join_evidence(evidence)
    assert joined.tolist() == [[[5, 0], [0, 0]]]


def test_mean_of_the_evidence_is_the_logit() -> None:
    random = np.random.default_rng(0)
    evidence = random.normal(size=(4, VIEWS, 3, 3))
    logits = evidence.mean(axis=(2, 3))
    assert join_evidence(evidence).mean(axis=(1, 2)) == pytest.approx(join_logits(logits)[:, 0])


def test_a_mirrored_picture_gets_the_same_p_fake() -> None:
    """The shipped model on a crop and its mirror image: only the third view differs."""
    model = Model()
    picture = portrait().crop((120, 10, 340, 230)).resize((model.card.crop.size,) * 2)
    one = np.asarray(picture)
    logits = [
        join_logits(model.run(np.stack(face_views(crop)))[0][None])[0, 0]
        for crop in (one, np.ascontiguousarray(one[:, ::-1]))
    ]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)
