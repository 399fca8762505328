"""A network in files: an ONNX file, or the tensors that were tuned beside a base file with all others."""

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from veraface.errors import DataError
from veraface.training.network import Network, first_line, freeze_all_but_norms

# Between the name of a tensor of a LayerNorm and that of the layer that it is smoothed for.
SMOOTHED_FOR = "@"


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


def tuned_tensors(network: Network) -> dict[str, NDArray[np.float32]]:
    """Return the tensors that `train --tune norms` changes, by name: LayerNorms and head."""
    network = copy.deepcopy(network)
    freeze_all_but_norms(network)
    return {name: p.detach().numpy() for name, p in network.named_parameters() if p.requires_grad}


def tensors_for_base(network: Network, base: Path) -> dict[str, NDArray[np.float32]]:
    """Return the tensors that a base of `scripts/quantize_base.py` leaves out, by name.

    The LayerNorm in front of a smoothed layer is divided by the factors of that layer.
    """
    tuned, (inside, outside) = tuned_tensors(network), _tensors(base)
    found = {}
    for name in outside:
        own, _, layer = name.partition(SMOOTHED_FOR)
        found[name] = tuned[own] * inside[f"{layer}.smooth"] if layer else tuned[own]
    return found


def check_base(network: Network, base: Path) -> None:
    """Raise `DataError` if a base of `scripts/quantize_base.py` does not fit a network.

    All weights that it holds must be those of the network.
    """
    tensors, outside = _tensors(base)
    tuned = {name.partition(SMOOTHED_FOR)[0] for name in outside}
    fits = any(name.endswith(".int8") for name in tensors) and tuned == tuned_tensors(network).keys()
    for name, value in network.state_dict().items():
        own, layer = value.numpy(), name.removesuffix(".weight")
        if f"{layer}.int8" in tensors:
            smooth = tensors.get(f"{layer}.smooth", np.ones(own.shape[1], np.float32))
            step = tensors[f"{layer}.scale"][:, None] * smooth
            fits &= step.shape == own.shape
            fits = fits and bool((np.abs(tensors[f"{layer}.int8"].T * step - own) <= 0.51 * step).all())
        elif name in tensors:
            fits &= np.array_equal(own, tensors[name])
    if not fits:
        raise DataError(f"{base}: is the base of another network, or of other weights than this run's")


def _tensors(base: Path) -> tuple[dict[str, NDArray[Any]], set[str]]:
    """Return the tensors that a base holds, and the names of those that it leaves out."""
    try:
        graph = onnx.load(base, load_external_data=False).graph
    except Exception as error:  # protobuf raises many types
        raise DataError(f"{base}: cannot be read as ONNX: {first_line(error)}") from error
    stored = [tensor for tensor in graph.initializer if tensor.data_location != TensorProto.EXTERNAL]
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in stored}
    return tensors, {tensor.name for tensor in graph.initializer} - tensors.keys()
