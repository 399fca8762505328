"""Self-blended fakes of the data's own reals."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.evaluation.sample_predictions import F, many
from tests.sample_data import BOX, face
from tests.sample_models import brightness_model
from veraface import Detector
from veraface.datasets.manifest import Sample
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.evaluation.aggregate import compute_metrics, self_blended_row
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.predict import (
    SELF_BLENDED,
    Prediction,
    decode_upright,
    predict,
    predict_self_blended,
    random_generator,
)
from veraface.geometry import Box


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector(brightness_model(tmp_path_factory.mktemp("model")), threads=1)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """A real with a box, one without, one without a face, a broken one, and a fake."""
    face(0, fake=False).save(tmp_path / "boxed.png")
    face(1, fake=False).save(tmp_path / "found.png")
    Image.new("RGB", (90, 90), (90, 120, 150)).save(tmp_path / "wall.png")
    (tmp_path / "broken.png").write_bytes(b"")
    face(2, fake=True).save(tmp_path / "fake.png")
    box = Box(*map(float, BOX.split()))
    return [
        Sample(
            tmp_path / f"{name}.png", name == "fake", "web", name, "test", box if name == "boxed" else None
        )
        for name in ("boxed", "found", "wall", "broken", "fake")
    ]


def test_every_real_gives_one_fake(samples: list[Sample], detector: Detector) -> None:
    blended = predict_self_blended(detector, samples)
    assert [p.path for p in blended] == ["boxed.png", "found.png", "wall.png", "broken.png"]
    assert all(p.fake and p.generator == p.degradation == SELF_BLENDED for p in blended)
    boxed, found, wall, broken = blended
    synthesized, real = self_blend(
        decode_upright(samples[0]),
        samples[0].box or Box(0, 0, 1, 1),
        random_generator(samples[0]),
        keep_target=True,
    )
    assert real.tobytes() == decode_upright(samples[0]).tobytes()
    assert boxed.p_fake == detector.detect(synthesized).p_fake
    assert found.p_fake is not None
    assert (wall.verdict, wall.error) == (None, "no face to blend was found")
    assert "empty" in broken.error
    assert predict_self_blended(detector, samples) == blended


def test_boxes_outside_the_image_are_errors(samples: list[Sample], detector: Detector) -> None:
    """A box that lies elsewhere would leave the image as it is, and call it fake."""
    (outside,) = predict_self_blended(detector, [replace(samples[0], box=Box(500, 500, 40, 40))])
    assert outside.verdict is None
    assert "lies outside its" in outside.error


def test_the_block_ranks_them_against_their_own_reals(samples: list[Sample], detector: Detector) -> None:
    clean, blended = predict(detector, samples), predict_self_blended(detector, samples)
    block = self_blended_row(clean, blended, BootstrapSamples(p.group for p in clean))
    assert (block["source"], block["real"], block["fake"], block["not_made"]) == (SELF_BLENDED, 2, 2, 2)
    assert [row["source"] for row in block["rows"]] == ["web"]
    assert block["auc"] == compute_metrics([*clean[:2], *blended[:2]])["auc"]


def test_higher_scores_than_their_reals_are_a_perfect_block() -> None:
    def blend(image: Prediction) -> Prediction:
        return replace(image, fake=True, verdict=F, p_fake=None if image.p_fake is None else 1.0)

    clean = many(60)
    block = self_blended_row(
        clean, [blend(p) for p in clean if not p.fake], BootstrapSamples(p.group for p in clean)
    )
    assert (block["auc"], block["intervals"]["auc"]) == (1.0, [1.0, 1.0])
    assert block["real"] == block["fake"] == sum(not p.fake for p in clean)
