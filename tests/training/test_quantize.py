"""INT8 bases of transformers, and exports that ship only the tuned tensors beside one."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tests.programs import load_program
from tests.sample_data import face
from tests.training.runs import settings
from veraface.errors import DataError
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier
from veraface.models.onnx_session import open_session
from veraface.models.tta import classify_crop
from veraface.training.config import TrainConfig
from veraface.training.export import calibrate, export
from veraface.training.network import Network, freeze_all_but_norms
from veraface.training.onnx_file import SMOOTHED_FOR, check_base, tensors_for_base, tuned_tensors
from veraface.training.trainer import load_network, train

SIZE = 64
quantize_base = load_program("scripts/quantize_base.py")
smoothing_factors, write_base = quantize_base.smoothing_factors, quantize_base.write_base


def crops(count: int) -> np.ndarray:
    images = [face(i, fake=i % 2 == 1).resize((SIZE, SIZE)) for i in range(count)]
    return np.stack([np.asarray(image) for image in images])


def tuned(network: Network, seed: int) -> Network:
    """Change what `train --tune norms` changes."""
    torch.manual_seed(seed)
    freeze_all_but_norms(network)
    for name, tensor in network.named_parameters():
        if tensor.requires_grad:
            tensor.data += 0.2 * torch.randn_like(tensor) + (name == "head.bias")
    return network.eval()


def new() -> Network:
    torch.manual_seed(0)
    return Network("test_vit", SIZE)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "vit.int8.onnx"
    write_base(new(), SIZE, crops(8), path)
    return path


@pytest.mark.parametrize("seed", [1, 2])
def test_a_base_gives_the_logits_of_each_tuned_network(base: Path, seed: int) -> None:
    network, pixels = tuned(new(), seed), crops(6)
    session = open_session(base, tensors=tensors_for_base(network, base))
    with torch.inference_mode():
        expected, maps = network(torch.from_numpy(pixels))
    found = [session.run(["logit", "evidence"], {"pixels": crop[None]}) for crop in pixels]
    logits = np.concatenate([one[0] for one in found])
    assert logits == pytest.approx(expected.numpy(), abs=0.05 * float(maps.std()))
    assert found[0][1].shape == (1, 4, 4)
    assert found[0][1].mean() == pytest.approx(logits[0], abs=1e-4)


def test_a_base_has_int8_weights_and_leaves_tuned_tensors_out(base: Path) -> None:
    tensors = onnx.load(base, load_external_data=False).graph.initializer
    int8 = [
        tensor for tensor in tensors if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 2
    ]
    assert len(int8) == 4 * len(new().backbone.blocks)
    outside = {tensor.name for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL}
    assert {name.partition(SMOOTHED_FOR)[0] for name in outside} == set(tuned_tensors(new()))
    with pytest.raises(Exception, match="tuned"):
        open_session(base)


def test_the_base_of_other_weights_is_refused(base: Path, tmp_path: Path) -> None:
    check_base(tuned(new(), 1), base)
    for name in ("backbone.blocks.0.attn.qkv.weight", "backbone.patch_embed.proj.weight"):
        other = new()
        other.get_parameter(name).data += 0.1
        with pytest.raises(DataError, match="base of another network, or of other weights"):
            check_base(other, base)
    with pytest.raises(DataError, match="base of another network"):
        check_base(Network("test_vit", 48), base)
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(DataError, match=r"x\.onnx: cannot be read as ONNX"):
        check_base(new(), tmp_path / "x.onnx")


def test_networks_without_the_layers_of_a_transformer_have_no_base(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no LayerNorm"):
        write_base(Network("test_efficientnet", SIZE), SIZE, crops(2), tmp_path / "x.onnx")


def test_large_channels_are_divided_by_larger_factors() -> None:
    factors = smoothing_factors(np.array([1, 1, 50], np.float32), np.ones((3, 2), np.float32))
    assert factors[2] > 10 * factors[0] == 10 * factors[1]
    assert np.log(factors).mean() == pytest.approx(0, abs=1e-6)


def test_an_export_with_a_base_ships_tuned_tensors(base: Path, tiny_data: Path, tmp_path: Path) -> None:
    start = tmp_path / "start.pt"
    torch.save(new().backbone.state_dict(), start)
    config = settings(
        tiny_data,
        backbone="test_vit",
        pretrained=str(start),
        tune="norms",
        frozen_epochs=0,
        lr=1e-2,
        epochs=5,
    )
    train(config, tmp_path / "run")
    card = export(tmp_path / "run", tmp_path / "out", name="tuned", base=base, one_view=True)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "tuned.json",
        "tuned.npz",
        "vit.int8.onnx",
    ]
    assert card == ModelCard.load(tmp_path / "out" / "tuned.json")
    assert not card.tta
    model, pixels = OnnxClassifier(tmp_path / "out" / "tuned.json"), crops(5)
    network = load_network(tmp_path / "run", TrainConfig.load(tmp_path / "run" / "config.yaml"))
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0].numpy()
    logits = model.predict(pixels)[0]
    assert logits == pytest.approx(expected, abs=0.2 * float(expected.std()))
    one_by_one = [classify_crop(model.predict, crop, tta=card.tta).logit for crop in pixels]
    assert one_by_one == pytest.approx(logits, abs=1e-6)
    calibrated = calibrate(tmp_path / "out" / "tuned.json", tmp_path / "again", data=tiny_data)
    assert calibrated.thresholds == card.thresholds
    assert OnnxClassifier(tmp_path / "again" / "tuned.json").card == calibrated


def test_a_base_with_inner_class_tokens(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, pixels = Network("test_vit", SIZE, inner_tokens=True), crops(3)
    write_base(network, SIZE, pixels, tmp_path / "inner.onnx")
    tensors = tensors_for_base(tuned(network, 1), tmp_path / "inner.onnx")
    session = open_session(tmp_path / "inner.onnx", tensors=tensors)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0].numpy()
    logits = [session.run(["logit"], {"pixels": crop[None]})[0][0] for crop in pixels]
    assert logits == pytest.approx(expected, abs=0.05 * float(np.abs(expected).max()))
    with pytest.raises(DataError, match="base of another network"):
        check_base(new(), tmp_path / "inner.onnx")
