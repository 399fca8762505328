"""Score tables of images: the views are those of detection."""

from pathlib import Path

import numpy as np
import pytest

from tests.sample_data import make_dataset
from tests.sample_models import brightness_model
from veraface import Detector
from veraface.datasets.manifest import read_samples
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.evaluation.score_images import score_images, view_crops
from veraface.evaluation.score_table import VIEWS, NetworkScores, ScoreTable
from veraface.models.classifier import OnnxClassifier


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"), {"train": 4, "test": 4})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightness_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def table(data: Path, model: Path) -> ScoreTable:
    classifier = OnnxClassifier(model, threads=1)
    networks = {f"lite/{kind}": classifier for kind in ("fold-1", "fold-2", "final")}
    samples = prepare(read_samples(data), skip_bad=False).samples
    return score_images(networks, samples, {"left": 1, "right": 2}, root=data)


def test_each_network_of_a_fold_scores_the_sources_that_it_leaves_out(table: ScoreTable, data: Path) -> None:
    assert table.path.tolist() == [f"{number:03}.png" for number in range(8)]
    assert table.views == VIEWS
    assert not np.isnan(table.logits["lite/final"]).any()
    for number, source in ((1, "left"), (2, "right")):
        scored = ~np.isnan(table.logits[f"lite/fold-{number}"]).any(axis=1)
        assert np.array_equal(scored, table.source == source)
    assert set(table.generator[table.fake]) == {"cheeks"}
    assert set(table.generator[~table.fake]) == {""}
    assert ((table.face_size > 30) & (table.face_size < 96)).all()


def test_scores_are_those_of_the_detector(table: ScoreTable, data: Path, model: Path) -> None:
    detector = Detector(model, threads=1)
    images = NetworkScores.of(table, final=True)
    for row, score in zip(images.rows, images.scores["lite"], strict=True):
        result = detector.detect(data / table.path[row], heatmap=False)
        assert detector.card.calibration.probability(score) == pytest.approx(result.p_fake, abs=0.02)


def test_views_are_degraded(data: Path) -> None:
    sample = prepare(read_samples(data)[:1], skip_bad=False).samples[0]
    settings = Detector().card.crop
    clean, mirrored, *others = view_crops(sample, settings)
    assert np.array_equal(clean[:, ::-1], mirrored)
    assert all(not np.array_equal(clean, other) for other in others)
    assert view_crops(sample, settings, ("clean",)).shape == (1, settings.size, settings.size, 3)


def test_a_sample_without_a_box_is_refused(data: Path) -> None:
    from dataclasses import replace

    sample = replace(read_samples(data)[0], box=None)
    with pytest.raises(DataError, match="has no face box"):
        view_crops(sample, Detector().card.crop)
