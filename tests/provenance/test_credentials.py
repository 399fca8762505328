"""Content Credentials signed by the tests, read by the real library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.provenance.credentials import AI, authority, sign
from tests.provenance.files import image_part, insert, jpeg, jpeg_segment, png, read, xmp
from tests.sample_images import encode, noise, png_chunk
from veraface.errors import VerafaceError
from veraface.provenance import Credentials, CredentialState
from veraface.provenance.credentials import CredentialReader

c2pa = pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
MIME |= {"AVIF": "image/avif", "HEIF": "image/heif"}


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(jpeg())


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    path = tmp_path / "anchors.pem"
    path.write_text(authority().root)
    return path


def credentials(content: bytes, trusted: Path | None = None) -> Credentials:
    return read(content, credentials=CredentialReader(trusted)).credentials


@pytest.mark.parametrize("kind", sorted(MIME))
def test_every_format(kind: str, anchors: Path) -> None:
    content = sign(encode(noise(64, 48), kind), MIME[kind])
    found = credentials(content)
    assert (found.state, found.signer) == (CredentialState.UNTRUSTED_SIGNER, "Test Press")
    assert credentials(content, anchors).state is CredentialState.VALID


def test_unknown_and_trusted_signers_are_distinguished(signed: bytes, anchors: Path) -> None:
    unknown, known = credentials(signed), credentials(signed, anchors)
    assert unknown.state is CredentialState.UNTRUSTED_SIGNER
    assert "signingCredential.untrusted" in unknown.problems
    assert known.state is CredentialState.VALID
    assert known.problems == ()
    assert (known.generator, known.title, known.signer) == ("Test Camera 1.2", "A test", "Test Press")


def test_another_authority_of_the_same_name_is_not_trusted(anchors: Path) -> None:
    twin = authority.__wrapped__()
    assert twin.root != authority().root
    assert credentials(sign(jpeg(), by=twin), anchors).state is CredentialState.UNTRUSTED_SIGNER


def test_changed_image_is_invalid(signed: bytes, anchors: Path) -> None:
    at = len(signed) - 300
    found = credentials(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :], anchors)
    assert found.state is CredentialState.INVALID
    assert "assertion.dataHash.mismatch" in found.problems


def test_credentials_of_another_image_are_invalid(signed: bytes) -> None:
    segments, other = b"", jpeg(quality=70)
    at = 2
    while signed[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(signed[at + 2 : at + 4])
        segments += signed[at:end] if signed[at + 1] == 0xEB else b""
        at = end
    assert credentials(insert(other, segments)).state is CredentialState.INVALID


def test_damaged_credentials_are_invalid_without_an_error(signed: bytes) -> None:
    at = signed.index(b"c2pa.claim")
    assert credentials(signed[:at] + b"\xff" * 40 + signed[at + 40 :]).state is CredentialState.INVALID


def test_jumbf_box_of_another_type_is_ignored() -> None:
    box = b"jumb" + bytes(8) + b"jumd" + bytes(40)
    segment = jpeg_segment(0xEB, b"JP\0\1\0\0\0\1" + (len(box) + 4).to_bytes(4) + box)
    assert credentials(insert(jpeg(), segment)).state is CredentialState.ABSENT


def test_ai_assertions_and_history() -> None:
    actions = [
        {
            "action": "c2pa.created",
            "digitalSourceType": AI,
            "softwareAgent": {"name": "Dreamer", "version": "3"},
        },
        {
            "action": "c2pa.color_adjustments",
            "when": "2024-01-02T03:04:05Z",
            "softwareAgent": {"name": "Editor"},
        },
    ]
    found = read(sign(jpeg(), actions=actions))
    steps = [(step.action, step.software) for step in found.credentials.actions]
    assert steps == [("c2pa.created", "Dreamer"), ("c2pa.color_adjustments", "Editor")]
    assert found.credentials.source_types == ("trainedAlgorithmicMedia",)
    assert [(claim.code, claim.place) for claim in found.claims] == [("ai_generated", "Content Credentials")]


def test_a_camera_that_signs() -> None:
    capture = AI.replace("trainedAlgorithmicMedia", "digitalCapture")
    assert [claim.code for claim in read(sign(jpeg(), source_type=capture)).claims] == ["captured"]


def test_later_ai_edits_count_as_edits() -> None:
    capture = AI.replace("trainedAlgorithmicMedia", "digitalCapture")
    actions = [
        {"action": "c2pa.created", "digitalSourceType": capture},
        {"action": "c2pa.edited", "digitalSourceType": AI},
    ]
    found = read(sign(jpeg(), actions=actions))
    assert [claim.code for claim in found.claims] == ["ai_edited", "captured"]


def test_no_manifest_is_ever_fetched() -> None:
    content = sign(jpeg(), remote="http://127.0.0.1:9/manifest.c2pa")
    found = credentials(content)
    assert found.state is CredentialState.ABSENT
    assert found.remote == "http://127.0.0.1:9/manifest.c2pa"
    packet = xmp("<dcterms:provenance>https://example.org/m.c2pa</dcterms:provenance>")
    assert credentials(jpeg(xmp=packet)).remote == "https://example.org/m.c2pa"


@pytest.mark.parametrize("tail", [b"x", b"\xff\xd9", bytes(5000), b"\xff\xd8\xff\xe1"])
def test_what_is_appended_changes_nothing(signed: bytes, anchors: Path, tail: bytes) -> None:
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        content = signed if kind == "JPEG" else sign(encode(noise(64, 48), kind), MIME[kind])
        reader = CredentialReader(anchors)
        assert image_part(read(content, credentials=reader)) == image_part(
            read(content + tail, credentials=reader)
        )


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tail=st.binary(min_size=1, max_size=200))
def test_whatever_is_appended_changes_nothing(signed: bytes, tail: bytes) -> None:
    assert image_part(read(signed + tail)) == image_part(read(signed))


def test_appended_signed_image_changes_nothing(signed: bytes, anchors: Path) -> None:
    other = sign(jpeg(quality=60), by=authority("Other Press"), generator="Other")
    reader = CredentialReader(anchors)
    for tail in (other, other[2:]):
        assert image_part(read(signed + tail, credentials=reader)) == image_part(
            read(signed, credentials=reader)
        )


def test_credentials_behind_the_end_are_ignored(signed: bytes) -> None:
    chunk = png_chunk(b"caBX", bytes(100))
    for content in (jpeg() + signed[2:], jpeg() + signed, png() + chunk, png() + signed):
        assert credentials(content) == Credentials(CredentialState.ABSENT)


def test_data_appended_before_signing_are_signed(anchors: Path) -> None:
    """Phones append a video or a second image."""
    content = sign(jpeg() + b"a video" * 100)
    if not content.endswith(b"a video"):
        pytest.skip("this version of C2PA drops what stands behind the image")
    assert credentials(content, anchors).state is CredentialState.VALID
    assert credentials(content[:-1] + b"x", anchors).state is CredentialState.INVALID


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_bad_trust_anchors_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.pem"
    path.write_text(content)
    with pytest.raises(VerafaceError, match="bad.pem"):
        CredentialReader(path)
    with pytest.raises(VerafaceError, match="nowhere.pem"):
        CredentialReader(tmp_path / "nowhere.pem")


WITHOUT = """
import sys, json
sys.modules["c2pa"] = None
from veraface import analyze
print(json.dumps([analyze(path, provenance="quick").to_dict() for path in sys.argv[1:]]))
"""


def test_without_the_extra_the_rest_is_read(tmp_path: Path, signed: bytes) -> None:
    (tmp_path / "signed.jpg").write_bytes(signed)
    (tmp_path / "other.png").write_bytes(png(("parameters", "a cat\nSteps: 20, Sampler: Euler")))
    names = [str(tmp_path / name) for name in ("signed.jpg", "other.png")]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *names], capture_output=True, text=True, check=True)
    first, other = (answer["provenance"] for answer in json.loads(done.stdout))
    for provenance, found in ((first, True), (other, False)):
        assert (provenance["credentials"]["state"], provenance["credentials"]["found"]) == (
            "not_installed",
            found,
        )
        assert 'not installed, pip install "veraface[provenance]"' in provenance["credentials"]["message"]
    assert first["encoder"]["tables"] == "ijg"
    assert other["generator"]["name"] == "Stable Diffusion WebUI"
