"""The network: a timm backbone and a linear head whose class activation map is the heatmap."""

from typing import Any, cast

import timm
import torch
from torch import Tensor, nn

from veraface.errors import DataError

# ImageNet statistics, as the Lite0 weights were trained with (timm's default_cfg of tf_efficientnet_lite0).
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Network(nn.Module):
    """Map pixels to a logit and a class activation map.

    The head is linear and comes after global average pooling, so it can be applied to every cell of the
    last feature map instead and averaged afterwards: the same logit, and the cells are the class
    activation map (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016).
    """

    backbone: nn.Module
    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str, size: int, dropout: float = 0.0, drop_path: float = 0.0) -> None:
        """Build with random weights, the head at zero so that the loss starts at ln 2.

        Args:
            backbone: any timm name.
            size: side of the input, px; transformers with learned positions are built for it.
            dropout: share of feature channels dropped before the head in training.
            drop_path: probability that the last block is skipped in training, decreasing to 0 at the first
                (Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016).

        Raises:
            DataError: timm does not know the backbone, or it cannot run at this size.
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
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self._check_size(backbone, size)

    def _check_size(self, backbone: str, size: int) -> None:
        """Run once: some backbones can be built for sizes that they cannot run."""
        training = self.training
        try:
            with torch.no_grad():
                cam = self.eval()(torch.zeros(1, size, size, 3, dtype=torch.uint8))[1]
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            raise DataError(f"the backbone {backbone!r} cannot take {size} px: {error}") from error
        if cam.ndim != 3 or not cam.numel():
            raise DataError(f"the backbone {backbone!r} has no feature map for {size} px")
        self.train(training)

    def features(self, pixels: Tensor) -> Tensor:
        """Return the feature map (N, channels, rows, columns) of RGB uint8 pixels (N, side, side, 3)."""
        normalized = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        features: Tensor = self.backbone.forward_features(normalized)  # type: ignore[operator]  # as does this
        if features.ndim == 3:  # tokens of a transformer: drop the prefix, reshape the rest to a square
            tokens = features[:, getattr(self.backbone, "num_prefix_tokens", 0) :]
            side = int(tokens.shape[1] ** 0.5)
            return tokens.transpose(1, 2).reshape(-1, self._channels, side, side)
        if features.shape[1] != self._channels:  # channels last, as Swin has them
            return features.permute(0, 3, 1, 2)
        return features

    def classify(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N,), positive for fake, and the CAM (N, rows, columns), whose mean is the logit."""
        cam: Tensor = self.head(self.dropout(features)).squeeze(1)
        return cam.mean(dim=(1, 2)), cam

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and CAMs of RGB uint8 pixels, shape (N, side, side, 3)."""
        return self.classify(self.features(pixels))


def _options(backbone: str, size: int, drop_path: float) -> dict[str, Any]:
    """Return timm's options: no classifier head, and the input size where positions are learned."""
    options: dict[str, Any] = {"pretrained": False, "num_classes": 0, "global_pool": ""}
    if drop_path:
        options["drop_path_rate"] = drop_path
    settings = timm.get_pretrained_cfg(backbone)
    return options | ({"img_size": size} if settings is not None and settings.fixed_input_size else {})


def first_line(error: Exception) -> str:
    """Return the first line of an error's message; torch appends pages of advice."""
    return next(iter(str(error).splitlines()), type(error).__name__)
