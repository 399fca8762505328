"""The network before training: that logit and evidence belong together."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.sample_images import portrait
from veraface.errors import DataError
from veraface.training.network import Network, freeze_all_but_norms, load_pretrained


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


def test_a_transformer_is_classified_by_its_class_token_alone() -> None:
    """Normalized, so that the length of the token, which grows with contrast, does not count."""
    network = Network("test_vit", 48).eval()
    torch.nn.init.normal_(network.head.weight)
    with torch.inference_mode():
        tokens = network.features(pixels(48))
        logits, evidence = network.classify(tokens)
        longer = tokens * torch.tensor([3.0] + [1.0] * (tokens.shape[1] - 1)).view(1, -1, 1)
        assert torch.allclose(network.classify(longer)[0], logits, atol=1e-4)
        other = tokens.clone()
        other[:, 1:] = torch.randn_like(other[:, 1:])
        assert torch.allclose(network.classify(other)[0], logits, atol=1e-4)
    assert evidence.shape == (2, 3, 3)


def test_inner_tokens_count_beside_the_last_one() -> None:
    """They start at zero, change the logit, keep the map's mean, and are tuned with the norms."""
    network, plain = Network("test_vit", 48, inner_tokens=True).eval(), Network("test_vit", 48).eval()
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if k != "inner"})
    assert network.inner is not None
    torch.nn.init.normal_(network.head.weight)
    plain.head.load_state_dict(network.head.state_dict())
    with torch.inference_mode():
        assert torch.allclose(network(pixels(48))[0], plain(pixels(48))[0], atol=1e-5)
        torch.nn.init.normal_(network.inner)
        logits, evidence = network(pixels(48))
    assert not torch.allclose(logits, plain(pixels(48))[0], atol=1e-2)
    assert torch.allclose(evidence.mean(dim=(1, 2)), logits, atol=1e-5)
    freeze_all_but_norms(network)
    assert network.inner.requires_grad
    assert {id(p) for p in network.head_parameters()} == {
        id(p) for p in (network.inner, *network.head.parameters())
    }


def test_inner_tokens_need_a_class_token() -> None:
    with pytest.raises(DataError, match=r"the backbone 'test_resnet' has no class token"):
        Network("test_resnet", 50, inner_tokens=True)


def test_only_the_norms_of_a_transformer_are_tuned() -> None:
    network = Network("test_vit", 48)
    count = freeze_all_but_norms(network)
    trained = {name for name, weights in network.named_parameters() if weights.requires_grad}
    assert {name.split(".")[-2].rstrip("12") for name in trained} == {"norm", "head"}
    assert count < 0.02 * sum(weights.numel() for weights in network.parameters())
    with pytest.raises(DataError, match="no LayerNorm"):
        freeze_all_but_norms(Network("test_resnet", 50))


def test_pixels_are_normalized_as_the_pretrained_weights_expect() -> None:
    assert Network("test_vit", 48).mean.flatten().tolist() == pytest.approx([127.5] * 3)
    lite0 = Network("tf_efficientnet_lite0", 64).mean.flatten().tolist()
    assert lite0 == pytest.approx([123.7, 116.3, 103.5], abs=0.1)


def test_weights_of_another_input_size_keep_their_positions(tmp_path: Path) -> None:
    """Resampled, as a transformer learns one vector for each place of a patch."""
    small, large = Network("test_vit", 48), Network("test_vit", 96)
    torch.nn.init.zeros_(small.backbone.pos_embed)
    small.backbone.pos_embed.data[:, 1:4] = 1.0  # the upper third of 3 x 3 patches
    torch.save(small.backbone.state_dict(), tmp_path / "weights.pt")
    assert load_pretrained(large, "test_vit", str(tmp_path / "weights.pt")).endswith("from weights.pt")
    places = large.backbone.pos_embed.data[0, 1:].reshape(6, 6, -1)
    assert places[0].mean() > 0.8
    assert abs(places[-1].mean()) < 0.1
