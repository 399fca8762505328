"""The network before training: that logit and evidence belong together."""

import math

import numpy as np
import pytest
import torch

from tests.sample_images import portrait
from veraface.errors import DataError
from veraface.training.network import Network


def pixels(size: int) -> torch.Tensor:
    """A portrait, and noise."""
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return torch.from_numpy(np.stack([np.asarray(portrait().resize((size, size))), noise]))


@pytest.mark.parametrize(
    ("backbone", "size"),
    [("test_efficientnet", 64), ("test_resnet", 50), ("test_vit", 48), ("test_convnext", 64)],
)
def test_starts_at_ln_2_with_a_cam_that_averages_to_the_logit(backbone: str, size: int) -> None:
    network = Network(backbone, size).eval()
    with torch.inference_mode():
        logits, evidence = network(pixels(size))
        assert torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.tensor([0.0, 1.0])
        ) == pytest.approx(math.log(2))
        torch.nn.init.normal_(network.head.weight)
        logits, evidence = network(pixels(size))
    assert logits.shape == (2,)
    assert evidence.ndim == 3
    assert torch.allclose(evidence.mean(dim=(1, 2)), logits, atol=1e-5)
    assert evidence.std() > 0
    assert logits[0] != logits[1]


@pytest.mark.parametrize(
    ("backbone", "size", "message"),
    [
        ("no_such_net", 64, "timm cannot build the backbone 'no_such_net'"),
        ("", 64, "timm cannot build the backbone ''"),
        ("test_vit", 50, "the backbone 'test_vit' cannot take 50 px"),
    ],
)
def test_unavailable_backbones(backbone: str, size: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Network(backbone, size)
