"""Write the INT8 base that all versions of a transformer with tuned LayerNorms share.

    python scripts/quantize_base.py build/clip_b16.pt clip-vit-b16-192.int8.onnx DATA [DATA ...]

Uses a few training faces of each source to find the channels with large activations. `veraface export --base`
then ships a run with `--tune norms` as the tensors that it tuned.

Weights are quantized per output channel, activations as ONNX Runtime meets them. Two measures keep the logits
(benchmarks/results/quantization.md):

- Inputs of the layers behind a LayerNorm have a few large channels. They are divided by a factor per channel
  that the weights are multiplied with (Xiao et al., "SmoothQuant", ICML 2023). The base keeps the factors;
  the LayerNorm is divided by them when its tuned weights are written (`veraface.training.onnx_file`).
- Inputs of the layers behind a GELU differ in size by token, and ONNX Runtime has one scale for all of them.
  Each token is divided by its peak first.
"""

import argparse
import copy
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.models.classifier import read_tensors
from veraface.models.crop import CropSettings
from veraface.training.dataset import open_sample
from veraface.training.network import Network, load_pretrained
from veraface.training.onnx_file import SMOOTHED_FOR, tensors_for_base, tuned_tensors, write_onnx

_ALPHA = 0.7  # exponent of the activations in the factors of SmoothQuant; 0.6 to 0.75 differ by chance alone
_MIN_PEAK = 1e-3  # of a token, by which it is divided
_LEVELS = 127
_QKV, _PROJECTION = ".attn.qkv", ".attn.proj"
_SMOOTHED = (_QKV, ".mlp.fc1")  # layers behind a LayerNorm
_BEHIND_GELU = (".mlp.fc2",)  # whose inputs are hardly below 0
_CONTRIB, _MATMUL = "com.microsoft", "DynamicQuantizeMatMul"

Floats = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]


def write_base(network: Network, size: int, crops: NDArray[np.uint8], path: Path) -> None:
    """Write the INT8 base of a network as ONNX; its tuned tensors are left to be given when it is loaded.

    Args:
        network: a transformer of timm with a class token.
        size: side of its input, px.
        crops: face crops (N, size, size, 3) from which the factors of SmoothQuant are fitted.
        path: of the ONNX file.

    Raises:
        DataError: the network has no LayerNorm, or not the layers of a transformer of timm.
    """
    peaks = _channel_peaks(network, crops)
    tuned = tuned_tensors(network)
    network = copy.deepcopy(network)
    for name in tuned:  # distinct values, so that the exporter merges none of them
        nn.init.normal_(network.get_parameter(name), mean=1.0)
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(network, size, Path(folder) / "float.onnx")
        model = onnx.load(Path(folder) / "float.onnx")
    quantized = _quantize(model.graph, network, peaks)
    for name, module in network.named_modules():
        if name.endswith(".attn"):
            _fuse_attention(
                model.graph, quantized[f"{name}.qkv"], quantized[f"{name}.proj"], module.num_heads
            )
    _remove_unused(model.graph)
    _leave_out(model.graph, tuned)
    model.opset_import.append(helper.make_opsetid(_CONTRIB, 1))
    path.write_bytes(model.SerializeToString())


def _channel_peaks(network: Network, crops: NDArray[np.uint8]) -> dict[str, Floats]:
    """Return the largest absolute input of each channel of the linear layers to smooth, by layer."""
    peaks: dict[str, Floats] = {}
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear) and name.endswith(_SMOOTHED):

            def record(_: nn.Module, inputs: tuple[torch.Tensor, ...], name: str = name) -> None:
                found = inputs[0].abs().flatten(0, -2).amax(0).numpy()
                peaks[name] = np.maximum(peaks.get(name, found), found)

            hooks.append(module.register_forward_pre_hook(record))
    with torch.inference_mode():
        for crop in crops:
            network(torch.from_numpy(crop[None]))
    for hook in hooks:
        hook.remove()
    return peaks


class _Ends(NamedTuple):
    """The names of the tensors at both ends of a layer in a graph."""

    input: str
    output: str


def _quantize(graph: onnx.GraphProto, network: Network, peaks: Mapping[str, Floats]) -> dict[str, _Ends]:
    """Replace the linear layers of all blocks by INT8 ones; raise `DataError` if they are not found."""
    layers = [
        (name, module.weight.detach().numpy().T)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and name.endswith((*_SMOOTHED, *_BEHIND_GELU, _PROJECTION))
    ]
    left = list(layers)  # in the order in which they run
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    adds = {name: node for node in graph.node if node.op_type == "Add" for name in node.input}
    added: Arrays = {"last_axis": np.array([-1]), "min_peak": np.array(_MIN_PEAK, np.float32)}
    nodes, skipped, ends = [], set(), {}
    for node in graph.node:
        add = adds.get(node.output[0])
        if left and node.op_type == "MatMul" and node.input[1] in tensors and add is not None:
            layer, weights = left[0]
            if np.array_equal(numpy_helper.to_array(tensors[node.input[1]]), weights):
                bias = next(name for name in add.input if name != node.output[0])
                ends[layer] = _Ends(node.input[0], add.output[0])
                if layer in peaks:
                    factors = smoothing_factors(peaks[layer], weights)
                    added[f"{layer}.smooth"] = 1 / factors
                    weights = weights * factors[:, None]
                    for place, name in enumerate(makers[node.input[0]].input[1:3], 1):
                        own = f"{name}{SMOOTHED_FOR}{layer}"
                        makers[node.input[0]].input[place] = own
                        added[own] = numpy_helper.to_array(tensors[name])
                nodes += _int8_layer(layer, ends[layer], bias, weights, added)
                skipped.add(add.name)
                del tensors[node.input[1]], left[0]
                continue
        if node.name not in skipped:
            nodes.append(node)
    if left or not layers:
        raise DataError("the network has no layers of a transformer of timm; export it without a base")
    tensors |= {name: numpy_helper.from_array(value, name) for name, value in added.items()}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors.values())
    return ends


def _int8_layer(layer: str, ends: _Ends, bias: str, weights: Floats, added: Arrays) -> list[onnx.NodeProto]:
    """Return the nodes of a linear layer with INT8 weights, and add its tensors.

    `weights` have the shape (inputs, outputs).
    """
    nodes = []

    def step(kind: str, inputs: list[str], name: str, **options: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    scale = np.maximum(np.abs(weights).max(0), 1e-12) / _LEVELS
    added[f"{layer}.int8"] = np.round(weights / scale).astype(np.int8)
    added[f"{layer}.scale"] = scale.astype(np.float32)
    added[f"{layer}.zero"] = np.zeros(len(scale), np.int8)
    quantized = [f"{layer}.int8", f"{layer}.scale", f"{layer}.zero"]
    if layer.endswith(_BEHIND_GELU):
        peak = step("ReduceMax", [ends.input, "last_axis"], f"{layer}.max", keepdims=1)
        peak = step("Max", [peak, "min_peak"], f"{layer}.peak")
        by = step("Reciprocal", [peak], f"{layer}.by")
        leveled = step("Mul", [ends.input, by], f"{layer}.leveled")
        product = step(_MATMUL, [leveled, *quantized], f"{layer}.product", domain=_CONTRIB)
        step("Add", [step("Mul", [product, peak], f"{layer}.restored"), bias], ends.output)
    else:
        step(_MATMUL, [ends.input, *quantized, bias], ends.output, domain=_CONTRIB)
    return nodes


def _fuse_attention(graph: onnx.GraphProto, qkv: _Ends, projection: _Ends, heads: int) -> None:
    """Let one node compute attention between two layers: it moves less memory. `_remove_unused` follows."""
    nodes = list(graph.node)
    parts = [f"{qkv.output}.{part}" for part in "qkv"]
    split = helper.make_node("Split", [qkv.output], parts, axis=-1, num_outputs=3)
    attention = helper.make_node(
        "MultiHeadAttention", parts, [projection.input], domain=_CONTRIB, num_heads=heads
    )
    end = next(place for place, node in enumerate(nodes) if projection.input in node.output)
    nodes[end : end + 1] = [split, attention]
    del graph.node[:]
    graph.node.extend(nodes)


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and tensors whose values nothing needs, but for what `onnx_file` reads."""
    needed, nodes = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    tensors = [t for t in graph.initializer if t.name in needed or t.name.endswith(".smooth")]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(tensors)


def smoothing_factors(peaks: Floats, weights: Floats) -> Floats:
    """Return the factors of SmoothQuant by which channels of activations are divided.

    `peaks` are the largest absolute activations of the channels, `weights` have the shape (inputs, outputs).
    """
    own = np.abs(weights).max(1)
    factors = np.maximum(peaks, 1e-4) ** _ALPHA / np.maximum(own, 1e-4) ** (1 - _ALPHA)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def _leave_out(graph: onnx.GraphProto, tuned: Mapping[str, Floats]) -> None:
    """Mark tensors as stored elsewhere; ONNX Runtime refuses to load the file without them."""
    found = [tensor for tensor in graph.initializer if tensor.name.partition(SMOOTHED_FOR)[0] in tuned]
    if missing := tuned.keys() - {tensor.name.partition(SMOOTHED_FOR)[0] for tensor in found}:
        raise DataError(f"the exported graph lacks the tuned tensors {', '.join(sorted(missing))}")
    for tensor in found:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="tuned")


def crops_by_source(
    data: list[Path], split: str, count: int, crop: CropSettings
) -> tuple[NDArray[np.uint8], list[Sample]]:
    """Return `count` crops of each source and class, and their samples."""
    groups: dict[tuple[str, bool], list[Sample]] = {}
    for sample in (s for folder in data for s in read_samples(folder) if s.split == split):
        groups.setdefault((sample.source, sample.fake), []).append(sample)
    draw = random.Random(0)
    chosen = [s for key in sorted(groups) for s in draw.sample(groups[key], min(count, len(groups[key])))]
    samples = prepare(chosen, skip_bad=True, needed=(split,)).samples
    return np.stack([open_sample(s, crop).crop(crop) for s in samples]), samples


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", help="weights of the backbone, as for `veraface train --pretrained`")
    parser.add_argument("out", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--backbone", default="vit_base_patch16_clip_quickgelu_224")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--margin", type=float, default=1.3, help="of the crop")
    parser.add_argument("--inner-tokens", action="store_true", help="as of the training run")
    parser.add_argument("--faces", type=int, default=3, help="of each source and class")
    parser.add_argument(
        "--tuned",
        type=Path,
        help="tensors (.npz) of a tuned network to measure; they are also written for this base",
    )
    options = parser.parse_args()
    network = Network(options.backbone, options.size, inner_tokens=options.inner_tokens)
    print(load_pretrained(network, options.backbone, options.weights))
    crops, _ = crops_by_source(
        options.data, "train", options.faces, CropSettings(options.size, options.margin)
    )
    if options.tuned:
        tensors = {name: torch.from_numpy(value) for name, value in read_tensors(options.tuned).items()}
        network.load_state_dict(tensors, strict=False)
    write_base(network.eval(), options.size, crops, options.out)
    if options.tuned:
        np.savez(options.out.with_suffix(".npz"), **tensors_for_base(network, options.out))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, from {len(crops)} faces")


if __name__ == "__main__":
    main()
