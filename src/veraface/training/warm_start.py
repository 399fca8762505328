"""Going on from a served model: its ONNX file back into a network that can be trained."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from veraface.errors import DataError
from veraface.models.onnx_session import open_session
from veraface.training.network import Network

_TOLERANCE = 1e-3  # by which a logit may differ between the file and the network


def load_onnx(network: Network, path: Path) -> str:
    """Take the weights of an exported model of the same backbone.

    The exporter folds every BatchNorm into the convolution before it. Here a folded bias goes into the
    BatchNorm, which else passes on what it gets: in evaluation mode the network equals the file. Before
    training, `estimate_statistics` must give the BatchNorms statistics again.

    Args:
        network: changed in place, and left in evaluation mode.
        path: an `.onnx` file that `export` wrote; its input size need not be the network's.

    Returns:
        In words, what was loaded.

    Raises:
        DataError: the file cannot be read, or is of another backbone.
    """
    try:
        graph = onnx.load(path).graph
        session = open_session(path, threads=0)
        size = session.get_inputs()[0].shape[1]
    except Exception as error:  # protobuf and ONNX Runtime raise their own kinds
        raise DataError(f"{path}: cannot be read as an ONNX model: {error}") from error
    tensors = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    pairs = list(_convolutions(network))
    other = DataError(f"{path}: is no model of this backbone; give the --backbone its card names")
    if len(nodes) != len(pairs):
        raise other
    with torch.no_grad():
        for node, (convolution, norm) in zip(nodes, pairs, strict=True):
            weight = tensors.get(node.input[1])
            if weight is None or weight.shape != convolution.weight.shape:
                raise other
            convolution.weight.copy_(weight)
            bias = tensors[node.input[2]] if len(node.input) > 2 else torch.zeros(len(weight))
            if norm is None and convolution.bias is not None:
                convolution.bias.copy_(bias)
            elif norm is not None and norm.running_mean is not None and norm.running_var is not None:
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(bias)
        pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
        expected = session.run(["logit"], {"pixels": pixels})[0]
        logits = network.eval()(torch.from_numpy(pixels))[0].numpy()
    if not np.allclose(logits, expected, atol=_TOLERANCE):
        raise other
    return f"the weights of {path.name}"


def estimate_statistics(network: Network, batches: Iterable[Tensor]) -> None:
    """Give every BatchNorm the mean and variance of what it gets, without changing what the network says.

    Args:
        network: as `load_onnx` left it; changed in place.
        batches: pixels as in training, a few hundred in all.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    sums: dict[_BatchNorm, list[Tensor]] = {norm: [] for norm in norms}

    def watch(norm: _BatchNorm) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].float()
            sums[norm].append(torch.stack([values.mean((0, 2, 3)), (values**2).mean((0, 2, 3))]))

        return look

    handles = [norm.register_forward_pre_hook(watch(norm)) for norm in norms]
    with torch.no_grad():
        network.eval()
        for pixels in batches:
            network(pixels)
        for handle in handles:
            handle.remove()
        for norm in norms:
            mean, square = torch.stack(sums[norm]).mean(0)
            variance = (square - mean**2).clamp(min=0)
            if norm.running_mean is not None and norm.running_var is not None:
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)


def _convolutions(network: Network) -> Iterable[tuple[nn.Conv2d, _BatchNorm | None]]:
    """Every convolution, in order, with the BatchNorm that follows it, if one does."""
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | _BatchNorm)]
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Conv2d):
            yield module, following if isinstance(following, _BatchNorm) else None
