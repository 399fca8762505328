"""Reading TrustMark with a decoder file: pixels to bits, and files that are no decoders."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tests.provenance.files import read
from tests.sample_images import encode, portrait
from tests.sample_trustmark import MESSAGES, bits_of, patch_decoder, with_bits
from veraface.errors import ModelError
from veraface.models import load_trustmark
from veraface.models.trustmark import TrustMarkDecoder

PAYLOAD, WORD = MESSAGES["BCH_5"]
BITS = bits_of(WORD)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 60}), ("WEBP", {"quality": 60})]
)
def test_a_mark_is_read_from_a_file(tmp_path: Path, kind: str, options: dict[str, int]) -> None:
    content = encode(with_bits(portrait(), BITS), kind, **options)
    decoders = load_trustmark(patch_decoder(tmp_path))
    found = read(content, trustmark=decoders)
    (mark,) = found.watermarks
    assert (mark.name, mark.scheme, mark.payload, mark.agreement) == ("TrustMark Q", "BCH_5", PAYLOAD, 1.0)
    assert mark.decoder == decoders[0].sha256 == found.trustmark_decoders[0]
    (claim,) = [claim for claim in found.claims if claim.place == "pixels"]
    assert claim.code == "trustmark"
    assert PAYLOAD in claim.message


def test_flipped_bits_are_corrected(tmp_path: Path) -> None:
    bits = BITS.copy()
    bits[[3, 70]] ^= True
    (mark,) = read(
        encode(with_bits(portrait(), bits), "PNG"), trustmark=load_trustmark(patch_decoder(tmp_path))
    ).watermarks
    assert (mark.payload, mark.agreement) == (PAYLOAD, 0.98)


def test_without_a_decoder_or_a_mark_nothing_is_found(tmp_path: Path) -> None:
    marked = encode(with_bits(portrait(), BITS), "PNG")
    assert read(marked, level="full").watermarks == ()
    assert read(marked, level="full").trustmark_decoders == ()
    decoders = load_trustmark(patch_decoder(tmp_path))
    for image in (portrait(), Image.new("RGB", (300, 200)), Image.new("RGB", (300, 200), "white")):
        found = read(encode(image, "PNG"), trustmark=decoders)
        assert found.watermarks == ()
        assert found.trustmark_decoders == (decoders[0].sha256,)


@pytest.mark.parametrize(
    ("variant", "size", "square"),
    [
        ("Q", (600, 300), False),
        ("Q", (300, 620), True),
        ("Q", (900, 300), True),
        ("P", (600, 400), True),
        ("B", (31, 40), False),
    ],
)
def test_the_region_of_the_variant_is_read(
    tmp_path: Path, variant: str, size: tuple[int, int], square: bool
) -> None:
    """Of images longer than 2:1, and of all with variant P, it is the central square."""
    side, short = (224 if variant == "P" else 256), min(size)
    image = Image.new("RGB", size, "gray")
    if square:
        marked = with_bits(Image.new("RGB", (short, short), "gray"), BITS, side)
        image.paste(marked, ((size[0] - short) // 2, (size[1] - short) // 2))
    else:
        image = with_bits(image, BITS, side)
    read_bits = TrustMarkDecoder(patch_decoder(tmp_path, variant)).read_bits(image)
    assert (read_bits == BITS).all()


def test_a_folder_holds_several_decoders(tmp_path: Path) -> None:
    patch_decoder(tmp_path, "Q")
    patch_decoder(tmp_path, "P")
    (tmp_path / "encoder_Q.onnx").write_bytes(b"not read")
    assert [decoder.name for decoder in load_trustmark(tmp_path)] == ["TrustMark P", "TrustMark Q"]
    assert load_trustmark(None) == ()


def test_missing_files_are_named_and_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"decoder_Q\.onnx: cannot be read: .*does not download"):
        load_trustmark(tmp_path / "decoder_Q.onnx")
    with pytest.raises(ModelError, match="has no TrustMark decoder"):
        load_trustmark(tmp_path)
    with pytest.raises(ModelError, match="is named as published"):
        load_trustmark(tmp_path / "weights.onnx")


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"<html>404</html>"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "decoder_Q.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"decoder_Q\.onnx: "):
        load_trustmark(path)


def test_a_truncated_network_is_refused(tmp_path: Path) -> None:
    path = patch_decoder(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"decoder_Q\.onnx: "):
        load_trustmark(path)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    for options in ({"image": "pixels"}, {"patches": 8}):
        with pytest.raises(ModelError, match=r"is no TrustMark decoder, which takes 'image'"):
            load_trustmark(patch_decoder(tmp_path, **options))  # type: ignore[arg-type]
    patch_decoder(tmp_path, "P").rename(tmp_path / "decoder_Q.onnx")  # takes 224 px
    with pytest.raises(ModelError, match="is no TrustMark decoder"):
        load_trustmark(tmp_path / "decoder_Q.onnx")


def test_a_network_that_refers_to_other_files_is_refused(tmp_path: Path) -> None:
    """Of its file alone the SHA-256 is reported."""
    path = patch_decoder(tmp_path)
    model = onnx.load(path)
    weights = model.graph.initializer[0]
    (tmp_path / "elsewhere").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=str(tmp_path / "elsewhere"))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_trustmark(path)


def test_a_file_larger_than_any_decoder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = patch_decoder(tmp_path)
    monkeypatch.setattr("veraface.models.trustmark._MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(ModelError, match="is too large"):
        load_trustmark(path)


def test_a_network_without_a_response_finds_nothing(tmp_path: Path) -> None:
    marked = with_bits(portrait(), BITS)
    for scale in (0.0, float("nan")):
        (decoder,) = load_trustmark(patch_decoder(tmp_path, scale=scale))
        assert read(encode(marked, "PNG"), trustmark=(decoder,)).watermarks == ()


def test_the_length_of_each_output_is_checked(tmp_path: Path) -> None:
    """It may depend on the image: this one returns the positions of all positive values."""
    graph = helper.make_graph(
        [
            helper.make_node("NonZero", ["image"], ["places"]),
            helper.make_node("Cast", ["places"], ["output"], to=TensorProto.FLOAT),
        ],
        "places",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 256, 256])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [4, "count"])],
    )
    path = tmp_path / "decoder_Q.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(ModelError, match="is no TrustMark decoder"):
        TrustMarkDecoder(path).read_bits(Image.fromarray(np.zeros((256, 256, 3), np.uint8)))
