"""A decoder of TrustMark that reads real bits out of pixels, and images with bits for it.

Adobe's own weights are not part of the tests. Messages were made with adobe/trustmark (MIT), commit 0227423,
python/trustmark/datalayer.py; the one in BCH_5 is from its Rust tests (rust/src/bits.rs).
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

# Payload and all 100 bits, by scheme.
MESSAGES = {
    "BCH_SUPER": (
        "0011001100111000100001011111101000101111",
        "0011001100111000100001011111101000101111101100000110000101000001001001000011011001000001010100000000",
    ),
    "BCH_5": (
        "1011011110011000111111000000011111011111011100000110110110111",
        "1011011110011000111111000000011111011111011100000110110110111000110010101101111010011011000010000001",
    ),
    "BCH_4": (
        "01001100110000111110100111000011101000101111001111100110000101110110",
        "0100110011000011111010011100001110100010111100111110011000010111011000011101110000000111111100110010",
    ),
    "BCH_3": (
        "000100100100001101001100111101110010011001000011011010011000000110101010101",
        "0001001001000011010011001111011100100110010000110110100110000001101010101011011011011001101100100011",
    ),
}
# The same by its Rust library, with another parity in BCH_SUPER. Made with python/trustmark/bchecc.py and
# the two differences of Rust 0.4.0: one more byte of zeros (bits.rs), an index that stands still (bch.rs).
RUST_SUPER = (
    MESSAGES["BCH_SUPER"][0],
    "0011001100111000100001011111101000101111110101011010111101000011001111010101110111101101110011100000",
)


def bits_of(text: str) -> NDArray[np.bool_]:
    return np.array([bit == "1" for bit in text])


def patch_decoder(
    folder: Path, variant: str = "Q", *, image: str = "image", patches: int = 10, scale: float = 1.0
) -> Path:
    """Write a decoder: the bits are the signs of red in 10 x 10 patches, from the top left; return its path.

    Green and blue are left out, so that a wrong order of channels is noticed. `scale` multiplies the logits.
    """
    side = 224 if variant == "P" else 256
    patch = side // patches
    nodes = [
        helper.make_node("Conv", [image, "red"], ["gray"]),
        helper.make_node("AveragePool", ["gray"], ["means"], kernel_shape=[patch] * 2, strides=[patch] * 2),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Mul", ["flat", "scale"], ["output"]),
    ]
    constants = {
        "red": np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1),
        "scale": np.array(scale, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "patches",
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, patches**2])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / f"decoder_{variant}.onnx"
    onnx.save(model, path)
    return path


def with_bits(image: Image.Image, bits: NDArray[np.bool_], side: int = 256) -> Image.Image:
    """Write 100 bits into the whole of an image: red of each patch is 70 or 185, blue the opposite."""
    patch = side // 10
    small = np.full((side, side), 128, np.uint8)
    small[: 10 * patch, : 10 * patch] = (
        np.where(bits, 185, 70).reshape(10, 10).repeat(patch, 0).repeat(patch, 1)
    )
    red = Image.fromarray(small).resize(image.size, Image.Resampling.NEAREST)
    return Image.merge("RGB", (red, image.convert("L"), Image.eval(red, lambda value: 255 - value)))
