"""The API reports the claims of a file, read in the sandboxed worker, as library and command line do."""

import contextlib
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.provenance import files
from tests.sample_images import noise
from tests.sample_trustmark import MESSAGES, bits_of, patch_decoder, with_bits
from veraface.analysis import analyze
from veraface.detector import Detector

Predict = Callable[..., httpx.Response]


def signed(content: bytes, **options: Any) -> bytes:
    pytest.importorskip("c2pa")
    from tests.provenance.credentials import sign

    return sign(content, **options)


def commented() -> Image.Exif:
    """In an encoding that Python loads when it first needs it, which a confined worker cannot."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + files.A1111.encode("utf-16-le")
    return exif


@pytest.fixture(scope="module")
def claiming(portrait: Image.Image, encode: Callable[..., bytes]) -> dict[str, bytes]:
    return {
        "plain.jpg": encode(portrait, "JPEG", quality=90),
        "camera.jpg": encode(portrait, "JPEG", exif=files.camera_exif(), xmp=files.AI_PACKET),
        "camera.heic": encode(portrait, "HEIF", exif=files.camera_exif(), xmp=files.AI_PACKET),
        "comment.webp": encode(portrait, "WEBP", exif=commented()),
        "comfy.png": files.png(("prompt", files.COMFYUI)),
        "thumbnail.jpg": encode(portrait, "JPEG", exif=files.thumbnail_exif(portrait, noise(160, 120))),
        "cropped.jpg": encode(
            portrait.crop((60, 40, 420, 400)),
            "JPEG",
            exif=files.thumbnail_exif(portrait, portrait.resize((160, 160))),
        ),
        "appended.jpg": encode(portrait, "JPEG") + b"PK\x03\x04" + bytes(range(200)),
    }


def test_library_command_and_server_say_the_same(
    predict: Predict, claiming: dict[str, bytes], tmp_path: Path
) -> None:
    images = dict(claiming)
    with contextlib.suppress(pytest.skip.Exception):  # the others need no extra
        images["signed.jpg"] = signed(claiming["plain.jpg"])
    for name, content in images.items():
        (tmp_path / name).write_bytes(content)
    command = [
        sys.executable,
        "-c",
        "from veraface.cli import main; main()",
        "detect",
        "--json",
        "--model",
        "fast",
        *images,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    by_command = {line["file"]: line["provenance"] for line in map(json.loads, done.stdout.splitlines())}
    detector = Detector("fast")
    for name, content in images.items():
        claims = analyze(content, detector, provenance="quick").provenance
        assert claims is not None
        assert predict(content).json()["provenance"] == by_command[name] == claims.to_dict(), name


def test_thumbnails_are_compared_in_the_worker(predict: Predict, claiming: dict[str, bytes]) -> None:
    for name, relation in (("thumbnail.jpg", "different"), ("cropped.jpg", "image_cropped")):
        provenance = predict(claiming[name]).json()["provenance"]
        assert provenance["thumbnail"]["relation"] == relation
        assert provenance["thumbnail"]["image"].startswith("data:image/jpeg;base64,")
        assert "unreadable_metadata" not in {finding["code"] for finding in provenance["findings"]}


def test_a_signature_is_checked_in_the_worker(predict: Predict, claiming: dict[str, bytes]) -> None:
    content = signed(claiming["plain.jpg"])
    provenance = predict(content).json()["provenance"]
    assert provenance["credentials"]["state"] == "untrusted_signer"
    assert provenance["credentials"]["signer"] == "Test Press"
    assert [claim["code"] for claim in provenance["claims"]] == ["ai_generated"]
    at = len(content) - 300
    changed = predict(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]).json()
    assert changed["provenance"]["credentials"]["state"] == "invalid"


def test_the_server_uses_configured_trust_anchors(
    start_server: Callable[..., Any], claiming: dict[str, bytes], tmp_path: Path
) -> None:
    content = signed(claiming["plain.jpg"])
    from tests.provenance.credentials import authority

    (tmp_path / "anchors.pem").write_text(authority().root)
    with start_server(VERAFACE_TRUST_ANCHORS=str(tmp_path / "anchors.pem")) as server:
        answer = httpx.post(
            f"{server.url}/api/predict", files={"image": ("a.jpg", content)}, timeout=60
        ).json()
    assert answer["provenance"]["credentials"]["state"] == "valid"


def test_the_server_looks_for_trustmark_with_the_configured_decoder(
    start_server: Callable[..., Any], tmp_path: Path, portrait: Image.Image, encode: Any
) -> None:
    """The decoder runs in the sandboxed worker, which cannot read its file."""
    payload, word = MESSAGES["BCH_5"]
    marked = encode(with_bits(portrait, bits_of(word)), "PNG")
    decoder = patch_decoder(tmp_path)
    with start_server(VERAFACE_TRUSTMARK=str(decoder)) as server:
        answer = httpx.post(f"{server.url}/api/v1/detect", files={"image": ("a.png", marked)}, timeout=300)
    (mark,) = answer.json()["provenance"]["watermarks"]
    sha256 = hashlib.sha256(decoder.read_bytes()).hexdigest()
    assert (mark["name"], mark["payload"], mark["decoder"]) == ("TrustMark Q", payload, sha256)


def test_an_image_without_a_face_has_claims_too(predict: Predict, claiming: dict[str, bytes]) -> None:
    answer = predict(claiming["comfy.png"])
    assert answer.status_code == 422
    assert answer.json()["provenance"]["generator"]["name"] == "ComfyUI"


def test_it_can_be_left_out_or_read_in_full(predict: Predict, claiming: dict[str, bytes]) -> None:
    answers = {
        level: predict(claiming["plain.jpg"], provenance=level).json() for level in ("off", "quick", "full")
    }
    assert "provenance" not in answers["off"]
    assert answers["quick"]["provenance"]["encoder"]["compressed_twice"] is None
    assert answers["full"]["provenance"]["encoder"]["compressed_twice"] is False
    assert len({answer["p_fake"] for answer in answers.values()}) == 1
    assert predict(claiming["plain.jpg"], provenance="everything").status_code == 422


def test_what_a_file_claims_does_not_touch_the_score(
    predict: Predict, portrait: Image.Image, encode: Any
) -> None:
    plain = encode(portrait, "PNG")
    at = plain.index(b"IDAT") - 4
    claims = plain[:at] + files.text_chunk("parameters", files.A1111) + plain[at:]
    one, other = predict(plain).json(), predict(claims).json()
    for name in ("verdict", "p_fake", "faces", "reasons"):
        assert one[name] == other[name]
    assert one["provenance"] != other["provenance"]
