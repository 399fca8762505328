"""What a network starts from."""

from pathlib import Path

import pytest
import torch

from tests.training.test_network import pixels
from veraface.errors import DataError
from veraface.training.config import TrainConfig
from veraface.training.network import Network, load_pretrained
from veraface.training.trainer import load_network


def test_packaged_weights_load_into_every_tensor_of_lite0() -> None:
    """And work: a portrait and noise give features of ordinary size that differ."""
    network = Network("tf_efficientnet_lite0", 96).eval()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    loaded = load_pretrained(network, "tf_efficientnet_lite0", "auto")
    assert loaded.startswith(f"{len(before)} of {len(before)} tensors")
    for name, value in network.backbone.state_dict().items():
        if value.ndim:  # num_batches_tracked is a count
            assert not torch.equal(before[name], value), name
    with torch.inference_mode():
        features = network.features(pixels(96))
    assert torch.isfinite(features).all()
    assert 0.05 < features.std() < 5
    one, other = features.mean(dim=(2, 3))
    assert torch.nn.functional.cosine_similarity(one, other, dim=0) < 0.9


def test_weights_from_a_file(tmp_path: Path) -> None:
    donor, network = Network("test_resnet", 32), Network("test_resnet", 32)
    torch.save(donor.backbone.state_dict(), tmp_path / "w.pt")
    load_pretrained(network, "test_resnet", str(tmp_path / "w.pt"))
    for name, value in donor.backbone.state_dict().items():
        assert torch.equal(value, network.backbone.state_dict()[name])


def test_a_checkpoint_of_a_run_brings_its_head_along(tiny_run: Path) -> None:
    network = Network("test_efficientnet", 64).eval()
    loaded = load_pretrained(network, "test_efficientnet", str(tiny_run / "best.ckpt"))
    own = network.state_dict()
    assert loaded == f"{len(own)} of {len(own)} tensors from best.ckpt"
    trained = load_network(tiny_run, TrainConfig.load(tiny_run / "config.yaml"))
    with torch.inference_mode():
        assert torch.equal(network(pixels(64))[0], trained(pixels(64))[0])
        assert network(pixels(64))[0].abs().min() > 0


def test_a_checkpoint_of_another_backbone_does_not_fit(tiny_run: Path) -> None:
    with pytest.raises(DataError, match=r"best.ckpt: only \d+ of \d+ tensors fit the backbone"):
        load_pretrained(Network("test_resnet", 32), "test_resnet", str(tiny_run / "best.ckpt"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read as weights"),
        (b"", "cannot be read as weights"),
        (b"no weights", "cannot be read as weights"),
        ({"stranger": torch.zeros(3)}, "only 0 of .* tensors fit"),
        ({"conv1.0.weight": "text"}, "only 0 of .* tensors fit"),
        ([1, 2], "cannot be read as weights"),
        (torch.zeros(3), "cannot be read as weights"),
    ],
)
def test_unfit_files(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "w.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DataError, match=message):
        load_pretrained(Network("test_resnet", 32), "test_resnet", str(path))


def test_packaged_weights_fit_no_other_backbone() -> None:
    with pytest.raises(DataError, match="no packaged weights fit test_resnet; pass --pretrained timm"):
        load_pretrained(Network("test_resnet", 32), "test_resnet", "auto")


def test_an_onnx_model_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m\.onnx: an ONNX model cannot be trained; pass the checkpoint"):
        load_pretrained(Network("test_resnet", 32), "test_resnet", str(tmp_path / "m.onnx"))
