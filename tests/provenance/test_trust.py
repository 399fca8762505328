"""Trust lists: those of the package, and lists made and signed by the tests."""

import base64
import hashlib
import json
import ssl
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from tests.cli.terminal import veraface
from tests.provenance.credentials import AI, Authority, authority, sign
from tests.provenance.files import jpeg, read
from veraface.errors import VerafaceError
from veraface.provenance import Credentials, CredentialState
from veraface.provenance import trust as trust_module
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.trust import SHIPPED, load_lists, update_list

pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

README = (SHIPPED / "README.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use an empty folder for updated lists."""
    monkeypatch.setattr(trust_module, "trust_folder", lambda: tmp_path / "lists")
    return tmp_path / "lists"


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(jpeg())


def leaf(by: Authority) -> str:
    end = "-----END CERTIFICATE-----\n"
    return by.chain.partition(end)[0] + end


def credentials(content: bytes) -> Credentials:
    return read(content, credentials=CredentialReader()).credentials


def test_the_shipped_lists_are_complete_and_documented() -> None:
    found = {item.info.name: item for item in load_lists(Path("nowhere"))}
    assert {name: item.counts for name, item in found.items()} == {
        "publishers": (0, 20),
        "official": (36, 0),
        "interim": (26, 114),
    }
    for name, item in found.items():
        assert not item.updated
        assert item.info.date in README
        assert f"`{name}`" in README
        assert item.license


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("official", CredentialState.TRUSTED_OFFICIAL, "trusted (official list)"),
        ("interim", CredentialState.TRUSTED_INTERIM, "trusted (interim list)"),
        ("publishers", CredentialState.VERIFIED_PUBLISHER, "verified news publisher"),
    ],
)
def test_a_signer_is_found_on_each_list(
    folder: Path, signed: bytes, name: str, state: CredentialState, words: str
) -> None:
    by = authority()
    assert credentials(signed).state is CredentialState.UNTRUSTED_SIGNER
    content = leaf(by) if name == "publishers" else by.root
    item = update_list(name, {"list.pem": content.encode()}, "2026-11-30", "a test", folder)
    found = credentials(signed)
    assert found.state is state
    assert found.message.startswith(words)
    assert "2026-11-30" in found.message
    assert found.trust_list == item.info
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("interim", CredentialState.TRUSTED_INTERIM),
        ("publishers", CredentialState.VERIFIED_PUBLISHER),
    ],
)
def test_a_signer_named_by_the_hash_of_its_certificate(
    folder: Path, signed: bytes, name: str, state: CredentialState
) -> None:
    der = ssl.PEM_cert_to_DER_cert(leaf(authority()))
    line = base64.b64encode(hashlib.sha256(der).digest()) + b"\n"
    update_list(name, {"allowed.txt": b"# Test Press\n" + line}, "2026-11-30", "a test", folder)
    assert credentials(signed).state is state


def test_the_most_specific_list_counts(folder: Path, signed: bytes) -> None:
    by = authority()
    for name, content in (("interim", by.root), ("official", by.root), ("publishers", leaf(by))):
        update_list(name, {"list.pem": content.encode()}, "2026-11-30", "a test", folder)
        found = credentials(signed).trust_list
        assert found is not None
        assert found.name == name
    own = folder / "own.pem"
    own.write_text(by.root)
    found = read(signed, credentials=CredentialReader(own)).credentials
    assert (found.state, found.trust_list and found.trust_list.name) == (CredentialState.VALID, "own")


def test_a_publisher_on_the_list_does_not_vouch_for_others_of_its_authority(folder: Path) -> None:
    update_list("publishers", {"list.pem": leaf(authority()).encode()}, "2026-11-30", "a test", folder)
    other = sign(jpeg(), by=authority.__wrapped__())
    assert credentials(other).state is CredentialState.UNTRUSTED_SIGNER


@pytest.mark.parametrize(
    "signer_for", [ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING]
)
@pytest.mark.parametrize(
    ("organisation", "root_for", "files"),
    [
        ("Test Stamps", None, ("C2PA-TRUST-LIST.pem", "C2PA-TSA-TRUST-LIST.pem")),
        (
            "Test Stamps",
            None,
            ("1-C2PA-TRUST-LIST.pem", "2-C2PA-TSA-TRUST-LIST.pem"),
        ),  # as updates are stored
        ("Test Stamps", ExtendedKeyUsageOID.TIME_STAMPING, ("one.pem", "two.pem")),
        ("Test Timestamping CA", None, ("one.pem", "two.pem")),
    ],
    ids=["list", "updated list", "use", "name"],
)
@pytest.mark.parametrize("name", ["official", "interim"])
def test_an_authority_of_time_stamps_vouches_for_no_signer(
    folder: Path,
    signed: bytes,
    name: str,
    organisation: str,
    root_for: ObjectIdentifier | None,
    files: tuple[str, str],
    signer_for: ObjectIdentifier,
) -> None:
    stamps = authority(organisation, root_for, signer_for)
    roots = (authority().root, stamps.root)
    lists = {file: root.encode() for file, root in zip(files, roots, strict=True)}
    item = update_list(name, lists, "2026-11-30", "a test", folder)
    assert item.counts == (2, 0)
    assert stamps.root.strip() in item.time_stamps
    found = credentials(sign(jpeg(), by=stamps))
    assert (found.state, found.trust_list) == (CredentialState.UNTRUSTED_SIGNER, None)
    assert credentials(signed).trust_list == item.info
    # An authority that is listed for both vouches for both.
    lists |= {files[0]: (roots[0] + roots[1]).encode()}
    both = update_list(name, lists, "2026-11-30", "a test", folder)
    is_signer = (root_for, "Timestamping" in organisation) == (None, False)
    assert (credentials(sign(jpeg(), by=stamps)).trust_list == both.info) is is_signer


def test_a_changed_image_is_invalid_whoever_signed_it(folder: Path, signed: bytes) -> None:
    update_list("official", {"list.pem": authority().root.encode()}, "2026-11-30", "a test", folder)
    at = len(signed) - 300
    found = credentials(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])
    assert (found.state, found.trust_list) == (CredentialState.INVALID, None)
    assert found.message.startswith("invalid")
    assert credentials(jpeg()).message.startswith("absent")


def test_lists_can_be_switched_off(folder: Path, signed: bytes) -> None:
    update_list("official", {"list.pem": authority().root.encode()}, "2026-11-30", "a test", folder)
    reader = CredentialReader(trust_lists=False)
    assert read(signed, credentials=reader).credentials.state is CredentialState.UNTRUSTED_SIGNER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n" + b"A" * 5000,
        b"\xff\xfe" + bytes(1000),
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_list_is_refused_and_changes_nothing(folder: Path, content: bytes) -> None:
    with pytest.raises(VerafaceError, match="a test: contains"):
        update_list("official", {"list.pem": content}, "2026-11-30", "a test", folder)
    assert not folder.exists()
    assert not load_lists(folder)[1].updated


def test_a_list_changed_on_disk_is_refused(folder: Path) -> None:
    update_list("official", {"list.pem": authority().root.encode()}, "2026-11-30", "a test", folder)
    (folder / "official" / "list.pem").write_text(authority("Other Press").root)
    with pytest.raises(VerafaceError, match=r"list\.pem: was changed"):
        load_lists(folder)
    (folder / "official" / "list.json").write_text('{"files": []}')
    with pytest.raises(VerafaceError, match="update it again"):
        load_lists(folder)


def test_files_outside_the_folder_are_not_read(folder: Path) -> None:
    outside = folder.parent / "outside.pem"
    outside.write_text(authority().root)
    (folder / "official").mkdir(parents=True)
    digest = hashlib.sha256(outside.read_bytes()).hexdigest()
    about = {"title": "x", "date": "x", "source": "x", "license": "x", "files": {"../../outside.pem": digest}}
    (folder / "official" / "list.json").write_text(json.dumps(about))
    with pytest.raises(VerafaceError, match="cannot be read"):
        load_lists(folder)


def test_the_command_lists_and_updates(tmp_path: Path, signed: bytes) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    listed = veraface("trust", "list", environment=home)
    assert "official: C2PA Trust List, as of 2026-08-14 (shipped)" in listed.stdout
    assert "75cacc98" not in listed.stdout  # of several files: the hash over their hashes
    pem, image = tmp_path / "new.pem", tmp_path / "signed.jpg"
    pem.write_text(authority().root)
    image.write_bytes(signed)
    digest = hashlib.sha256(pem.read_bytes()).hexdigest()
    done = veraface(
        "trust", "update", "official", str(pem), "--date", "2026-11-29", "--sha256", digest, environment=home
    )
    assert done.returncode == 0, done.stdout
    assert f"as of 2026-11-29, SHA-256 {digest}" in done.stdout
    facts = {
        item["name"]: item
        for item in json.loads(veraface("trust", "list", "--json", environment=home).stdout)
    }
    assert (facts["official"]["origin"], facts["official"]["authorities"]) == ("updated", 1)
    shown = json.loads(veraface("detect", str(image), "--json", environment=home).stdout)["provenance"][
        "credentials"
    ]
    assert (shown["state"], shown["trust_list"]["date"]) == ("trusted_official", "2026-11-29")
    off = json.loads(veraface("detect", str(image), "--json", "--no-trust-lists", environment=home).stdout)
    assert off["provenance"]["credentials"]["state"] == "untrusted_signer"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["official", "nowhere.pem"], "nowhere.pem: cannot be read"),
        (["official", "http://example.org/list.pem"], "must be an https address"),
        (["official", __file__], "contains no certificate"),
        (
            ["official", str(SHIPPED / "official" / "C2PA-TRUST-LIST.pem"), "--sha256", "00"],
            "not the expected",
        ),
        (["unknown", __file__], "'unknown' is not one of"),
    ],
)
def test_bad_updates_are_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = veraface("trust", "update", *arguments, environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).split())


def signals(content: bytes) -> list[tuple[str, bool]]:
    found = read(content).credentials.signals
    return [(signal.code, signal.of_ingredient) for signal in found if signal.code != "ambiguousActions"]


HOME = AI.removesuffix("trainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("trainedAlgorithmicMedia", "fullyGenAIMedia"),
        ("compositeWithTrainedAlgorithmicMedia", "partlyGenAICreation"),
        ("digitalCapture", "capturedMedia"),
        ("computationalCapture", "capturedMedia"),
        ("compositeCapture", "capturedMediaStitched"),
        ("composite", "compositionMayContainGenAI"),
        ("digitalCreation", "nonGenAIDigitalCreation"),
        ("screenCapture", "screenCaptureMayContainGenAI"),
    ],
)
def test_signals_of_how_an_image_began(kind: str, code: str) -> None:
    assert signals(sign(jpeg(), source_type=HOME + kind)) == [(code, False)]


def test_signals_of_what_was_changed() -> None:
    began = {"action": "c2pa.created", "digitalSourceType": HOME + "digitalCapture"}
    steps = [
        ({"action": "c2pa.resized.proportional"}, "nonEditorial"),
        ({"action": "c2pa.edited", "digitalSourceType": AI}, "perceptibleGenAI"),
        (
            {"action": "c2pa.color_adjustments", "digitalSourceType": HOME + "humanEdits"},
            "perceptibleNonGenAI",
        ),
    ]
    for step, code in steps:
        assert (code, False) in signals(sign(jpeg(), actions=[began, step]))
    edited = sign(
        jpeg(), actions=[began, {"action": "c2pa.drawing", "digitalSourceType": HOME + "composite"}]
    )
    assert ("perceptiblePossiblyGenAI", False) in signals(edited)
    codes = [
        s.code
        for s in read(sign(jpeg(), actions=[began, {"action": "com.example.magic"}])).credentials.signals
    ]
    assert "ambiguousActions" in codes
