"""The faster backward pass of depthwise convolutions."""

import pytest
import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from veraface.training.depthwise import speed_up_depthwise


def gradients(module: nn.Module, pixels: Tensor) -> list[Tensor]:
    """Output, and gradients of the input and of every weight."""
    pixels = pixels.clone().requires_grad_()
    output = module(pixels)
    module.zero_grad()
    torch.manual_seed(1)
    output.backward(torch.randn_like(output))
    return [output.detach(), *(x.grad.clone() for x in (pixels, *module.parameters()) if x.grad is not None)]


@pytest.mark.parametrize("kind", [nn.Conv2d, Conv2dSame])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2), (7, 3)])
@pytest.mark.parametrize("side", [9, 12])
def test_equals_torch(kind: type[nn.Conv2d], kernel: int, stride: int, side: int) -> None:
    torch.manual_seed(0)
    padding = kernel // 2 if kind is nn.Conv2d else 0
    module = kind(6, 6, kernel, stride, padding, groups=6, bias=False)
    pixels = torch.randn(2, 6, side, side + 1)
    expected = gradients(module, pixels)
    assert speed_up_depthwise(module) == 1
    found = gradients(module, pixels)
    assert len(found) == len(expected) == 3
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_equals_torch_in_bf16_within_its_rounding() -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(8, 8, 5, 2, 2, groups=8, bias=False)
    pixels = torch.randn(4, 8, 16, 16)
    expected = gradients(module, pixels)
    speed_up_depthwise(module)
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(module, pixels)
    for one, other in zip(found, expected, strict=True):
        assert (one.float() - other).norm() < 0.02 * other.norm()


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(6, 6, 3, groups=1, bias=False),
        nn.Conv2d(6, 12, 3, groups=6, bias=False),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Conv2d(6, 6, (3, 5), groups=6, bias=False),
        nn.Conv2d(6, 6, 3, dilation=2, groups=6, bias=False),
        nn.Conv2d(6, 6, 3, padding="same", groups=6, bias=False),
    ],
)
def test_other_convolutions_are_left_alone(module: nn.Module) -> None:
    assert speed_up_depthwise(module) == 0


def test_names_of_tensors_stay() -> None:
    network = timm.create_model("test_efficientnet")
    before = list(network.state_dict())
    assert speed_up_depthwise(network) > 0
    assert list(network.state_dict()) == before
