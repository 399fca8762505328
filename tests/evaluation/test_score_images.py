"""Score tables of images: the views are those of detection."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.sample_data import make_dataset
from tests.sample_models import brightness_model
from veraface import Detector
from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.evaluation.score_images import score_images, view_crops
from veraface.evaluation.score_table import VIEWS, NetworkScores, ScoreTable
from veraface.models.classifier import OnnxClassifier
from veraface.models.registry import load_card


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"), {"train": 4, "test": 4})


@pytest.fixture(scope="module")
def samples(data: Path) -> list[Sample]:
    return prepare(read_samples(data), skip_bad=False).samples


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightness_model(tmp_path_factory.mktemp("model"))


def score(model: Path, samples: list[Sample], data: Path) -> ScoreTable:
    classifier = OnnxClassifier(model, threads=1)
    crop = classifier.card.crop
    return score_images("lite/final", lambda crops: classifier.predict(crops)[0], crop, samples, 2, data)


def test_a_table_describes_the_samples(model: Path, samples: list[Sample], data: Path) -> None:
    table = score(model, samples, data)
    assert table.path.tolist() == [f"{number:03}.png" for number in range(8)]
    assert (table.views, set(table.fold)) == (VIEWS, {2})
    assert not np.isnan(table.logits["lite/final"]).any()
    assert set(table.generator[table.fake]) == {"cheeks"}
    assert set(table.generator[~table.fake]) == {""}
    assert ((table.face_size > 30) & (table.face_size < 96)).all()


def test_scores_are_those_of_the_detector(model: Path, samples: list[Sample], data: Path) -> None:
    detector = Detector(model, threads=1)
    table = score(model, samples, data)
    images = NetworkScores.of(table, "lite", final=True)
    compared = 0
    for row, logit in zip(images.rows, images.logit, strict=True):
        result = detector.detect(data / table.path[row], heatmap=False)
        if result.p_fake is not None:  # the detector takes painted cheeks for a covered face
            assert detector.card.calibration.probability(logit) == pytest.approx(result.p_fake, abs=0.02)
            compared += 1
    assert compared >= 4


def test_the_views(samples: list[Sample]) -> None:
    clean, mirrored, recompressed = view_crops(samples[0], load_card().crop)
    assert np.array_equal(clean[:, ::-1], mirrored)
    assert not np.array_equal(clean, recompressed)


def test_a_sample_without_a_face_is_not_scored(model: Path, samples: list[Sample], data: Path) -> None:
    without = replace(samples[0], box=None)
    table = score(model, [without, samples[1]], data)
    assert np.isnan(table.logits["lite/final"]).all(axis=1).tolist() == [True, False]
    assert np.isnan(table.face_size[0])
    with pytest.raises(DataError, match="has no face box"):
        view_crops(without, load_card().crop)
