"""A network as an ONNX file."""

import warnings
from pathlib import Path

import torch

from veraface.training.network import Network


def write_onnx(network: Network, size: int, path: Path) -> None:
    """Export with inputs `pixels` (N, size, size, 3) uint8 and outputs `logit` and `evidence`; N is free."""
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["pixels"],
            output_names=["logit", "evidence"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
