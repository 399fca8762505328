"""Outputs keep the marks of their source: stated, or as an ingredient of a signed manifest."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.terminal import veraface
from tests.provenance.credentials import AI, authority, sign
from tests.provenance.files import AI_PACKET, jpeg, read, xmp
from tests.sample_images import encode, portrait
from veraface.errors import VerafaceError
from veraface.provenance import CredentialState
from veraface.provenance.marks import MarkSigner, source_marks
from veraface.provenance.movie import read_movie

pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

REMOTE_PACKET = xmp("<dcterms:provenance>https://example.org/m.c2pa</dcterms:provenance>")
LINK = "carries a link to Content Credentials (https://example.org/m.c2pa)"


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(encode(portrait(), "JPEG"))


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    (tmp_path / "chain.pem").write_text(authority().chain)
    (tmp_path / "key.pem").write_text(authority().key)
    return ["--sign-certificate", str(tmp_path / "chain.pem"), "--sign-key", str(tmp_path / "key.pem")]


def test_an_overlay_states_the_marks_of_its_source(tmp_path: Path, signed: bytes) -> None:
    source, out = tmp_path / "photo.jpg", tmp_path / "out.png"
    source.write_bytes(signed)
    done = veraface("detect", "--model", "fast", source, "--heatmap", out)
    assert "out.png is made from a file that carries Content Credentials" in done.stderr
    assert "see --sign-certificate" in done.stderr
    with Image.open(out) as opened:
        packet = opened.info["XML:com.adobe.xmp"]
    assert "made from a file that carries Content Credentials (SHA-256 " in packet
    source.write_bytes(encode(portrait(), "JPEG", xmp=AI_PACKET))
    assert (
        "IPTC source type trainedAlgorithmicMedia"
        in veraface("detect", "--model", "fast", source, "--heatmap", out).stderr
    )
    found = read(out.read_bytes())
    assert [claim.code for claim in found.claims] == ["ai_generated"]
    source.write_bytes(encode(portrait(), "JPEG", xmp=REMOTE_PACKET))
    assert LINK in veraface("detect", source, "--heatmap", out, "--model", "fast").stderr
    found = read(out.read_bytes())  # the link belongs to the source, so it is stated and not repeated
    assert (found.credentials.remote, found.findings) == (None, ())
    source.write_bytes(encode(portrait(), "JPEG"))
    assert veraface("detect", "--model", "fast", source, "--heatmap", out, "--provenance", "off").stderr == ""
    assert read(out.read_bytes()).xmp is None


def test_a_signed_overlay_has_its_source_as_an_ingredient(
    tmp_path: Path, signed: bytes, keys: list[str]
) -> None:
    source, out = tmp_path / "photo.jpg", tmp_path / "out.png"
    source.write_bytes(signed)
    done = veraface("detect", "--model", "fast", source, "--heatmap", out, "--provenance", "off", *keys)
    assert done.returncode == 0, done.stderr
    assert "carries signed Content Credentials" in done.stderr
    found = read(out.read_bytes())
    assert found.credentials.state is CredentialState.UNTRUSTED_SIGNER
    steps = [(step.action, step.of_ingredient) for step in found.credentials.actions]
    assert steps == [("c2pa.opened", False), ("c2pa.edited", False), ("c2pa.created", True)]
    assert [claim.code for claim in found.claims] == ["ai_edited"]
    assert ("fullyGenAIMedia", True) in [(s.code, s.of_ingredient) for s in found.credentials.signals]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sign-key", "key.pem"], "belong together"),
        (["--sign-certificate", "nowhere.pem", "--sign-key", "key.pem"], "nowhere.pem: cannot be read"),
        (["--sign-certificate", "text.txt", "--sign-key", "key.pem"], "text.txt: must be a certificate"),
        (["--sign-certificate", "chain.pem", "--sign-key", "other.pem"], "chain.pem: cannot sign out.png"),
        (["--sign-certificate", "key.pem", "--sign-key", "chain.pem"], "key.pem: cannot sign out.png"),
    ],
)
def test_bad_keys_are_named(tmp_path: Path, keys: list[str], options: list[str], words: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(encode(portrait(), "JPEG"))
    (tmp_path / "text.txt").write_text("no certificate")
    (tmp_path / "other.pem").write_text(authority.__wrapped__().key)
    done = veraface("detect", "--model", "fast", "photo.jpg", "--heatmap", "out.png", *options, cwd=tmp_path)
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).replace("│", " ").split())


def test_hostile_source_types_are_escaped() -> None:
    kind = "x&quot;&gt;&lt;script y=&quot;"
    packet = xmp(f"<Iptc4xmpExt:DigitalSourceType>{AI}{kind}</Iptc4xmpExt:DigitalSourceType>")
    marks = source_marks(b"x", read(jpeg(xmp=packet)))
    assert marks.source_type
    again = read(jpeg(xmp=marks.to_xmp()))
    assert again.xmp is not None
    assert again.xmp.source_type == marks.source_type
    assert again.findings == ()


def test_the_signer_needs_readable_files(tmp_path: Path) -> None:
    with pytest.raises(VerafaceError, match="cannot be read"):
        MarkSigner(tmp_path, tmp_path)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("movie") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_image(portrait().resize((256, 256)))))
        container.mux(stream.encode())
    return path


def uuid_box(name: str, content: bytes) -> bytes:
    return (len(content) + 24).to_bytes(4) + b"uuid" + bytes.fromhex(name) + content


XMP_UUID = "be7acfcb97a942e89c71999491e3afac"


def test_what_a_movie_claims_is_read(tmp_path: Path, movie: Path) -> None:
    found = read_movie(movie)
    assert found is not None
    assert (found.credentials.state, found.claims) == (CredentialState.ABSENT, ())
    path = tmp_path / "signed.mp4"
    path.write_bytes(sign(movie.read_bytes(), "video/mp4"))
    found = read_movie(path)
    assert found is not None
    assert found.credentials.state is CredentialState.UNTRUSTED_SIGNER
    assert [claim.code for claim in found.claims] == ["ai_generated"]
    changed = bytearray(path.read_bytes())
    changed[changed.index(b"mdat") + 60] ^= 1
    path.write_bytes(bytes(changed))
    found = read_movie(path)
    assert found is not None
    assert found.credentials.state is CredentialState.INVALID
    path.write_bytes(movie.read_bytes() + uuid_box(XMP_UUID, AI_PACKET))
    found = read_movie(path)
    assert found is not None
    assert [(claim.code, claim.place) for claim in found.claims] == [("ai_generated", "XMP")]
    path.write_bytes(movie.read_bytes() + uuid_box(XMP_UUID, REMOTE_PACKET))
    found = read_movie(path)
    assert found is not None
    assert LINK in source_marks(path, found).describe()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\x0cftypmp42",
        b"\0\0\0\x0cftypmp42" + uuid_box(XMP_UUID, b"<x"),
        b"\0\0\0\x0cftypmp42" + b"\0\0\0\x01uuid" + b"\xff" * 8 + b"\xbe\x7a",
        b"\0\0\0\x0cftypmp42" + uuid_box("d8fec3d61b0e483c92975828877ec481", bytes(3000)),
        b"\0\0\0\x0cftypmp42" + uuid_box("d8fec3d61b0e483c92975828877ec481", b"\xff" * 3000)[:500],
        b"\0\0\0\x0cftypmp42" + bytes(8) * 300_000,
        b"\0\0\0\x0cftypmp42" + b"\0\0\0\x08free" * 200_000,
        b"\0\0\0\x0cftypmp42" + (2**21).to_bytes(4) + b"uuid" + bytes.fromhex(XMP_UUID) + bytes(2**21),
    ],
)
def test_hostile_movies_do_no_harm(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.mp4"
    path.write_bytes(content)
    found = read_movie(path)
    assert found is None or found.claims == ()
    assert read_movie(tmp_path / "nowhere.mp4") is None


def test_an_annotated_video_states_or_carries_the_marks(tmp_path: Path, movie: Path, keys: list[str]) -> None:
    av = pytest.importorskip("av")
    source, out = tmp_path / "signed.mp4", tmp_path / "out.mp4"
    source.write_bytes(sign(movie.read_bytes(), "video/mp4"))
    (tmp_path / "own.pem").write_text(authority().root)
    done = veraface(
        "video",
        "--model",
        "fast",
        source,
        "--frames",
        "2",
        "--out",
        out,
        "--json",
        "--trust-anchors",
        tmp_path / "own.pem",
    )
    assert done.returncode == 0, done.stderr
    assert "out.mp4 is made from a file that carries Content Credentials" in done.stderr
    assert json.loads(done.stdout)["provenance"]["credentials"]["state"] == "valid"
    with av.open(str(out)) as container:
        assert "made from a file that carries Content Credentials" in container.metadata["comment"]
    done = veraface("video", "--model", "fast", source, "--frames", "2", "--out", out, *keys)
    assert done.returncode == 0, done.stderr
    found = read_movie(out)
    assert found is not None
    assert ("c2pa.created", True) in [(s.action, s.of_ingredient) for s in found.credentials.actions]
    shutil.copy(movie, source)
    assert "carries" not in veraface("video", "--model", "fast", source, "--frames", "2", "--out", out).stderr
