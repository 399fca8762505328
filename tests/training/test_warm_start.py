"""Going on from an exported model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.sample_models import brightness_model
from tests.training.runs import settings
from veraface.errors import DataError
from veraface.models.classifier import OnnxClassifier
from veraface.training.network import Network
from veraface.training.trainer import train
from veraface.training.warm_start import estimate_statistics, load_onnx


def pixels(seed: int, count: int = 16, size: int = 64) -> torch.Tensor:
    """Smooth random images, so that no channel is constant."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return torch.from_numpy(small.repeat(size // 8, axis=1).repeat(size // 8, axis=2))


@pytest.fixture
def network(tiny_model: Path) -> Network:
    network = Network("test_efficientnet", 64)
    load_onnx(network, tiny_model)
    return network


def test_the_network_says_what_the_file_says(tiny_model: Path, network: Network) -> None:
    crops = pixels(1)
    expected, evidence = OnnxClassifier(tiny_model).run(crops.numpy())
    with torch.no_grad():
        logits, cells = network(crops)
    assert logits.numpy() == pytest.approx(expected, abs=1e-4)
    assert cells.numpy() == pytest.approx(evidence, abs=1e-3)
    assert expected.std() > 1e-4


def test_statistics_change_nothing_but_make_training_mode_agree(network: Network) -> None:
    crops = pixels(2, 64)
    with torch.no_grad():
        before = network(crops)[0]
        without = network.train()(crops)[0]
        estimate_statistics(network, crops.split(16))
        after = network.eval()(crops)[0]
        trained = network.train()(crops)[0]
    assert after.numpy() == pytest.approx(before.numpy(), abs=1e-4)
    assert (trained - before).abs().mean() < 0.3 * (without - before).abs().mean()


def test_training_goes_on_from_it(tiny_data: Path, tiny_model: Path, tmp_path: Path) -> None:
    """With a rate that changes next to nothing the model stays as good as it was; untrained it is not."""
    changes = {"epochs": 1, "frozen_epochs": 0, "rate": 1e-7, "head_rate": 1e-7}
    config = settings(tiny_data, pretrained=str(tiny_model), **changes)
    assert train(config, tmp_path / "on").val_auc > 0.9
    assert train(settings(tiny_data, **changes), tmp_path / "new").val_auc < 0.9


def test_another_backbone_is_refused(tiny_model: Path) -> None:
    with pytest.raises(DataError, match="is no model of this backbone"):
        load_onnx(Network("test_resnet", 64), tiny_model)


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"model\.onnx: cannot be read as an ONNX model"):
        load_onnx(Network("test_efficientnet", 64), path)


def test_a_model_without_convolutions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no model of this backbone"):
        load_onnx(Network("test_efficientnet", 64), brightness_model(tmp_path))
