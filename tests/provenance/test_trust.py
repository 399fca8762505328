"""Trust lists: those of the package, and lists made and signed by the tests."""

import base64
import hashlib
import json
import ssl
from contextlib import suppress
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
from veraface.report.page import read_data

pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

README = (SHIPPED / "README.md").read_text()
SIGNERS, STAMPS = (str(SHIPPED / "official" / f"C2PA-{kind}TRUST-LIST.pem") for kind in ("", "TSA-"))


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
    ("organisation", "root_for", "in_own_file"),
    [
        ("Test Stamps", None, True),
        ("Test Stamps", ExtendedKeyUsageOID.TIME_STAMPING, False),
        ("Test Timestamping CA", None, False),
    ],
    ids=["file", "use", "name"],
)
@pytest.mark.parametrize("name", ["official", "interim"])
def test_an_authority_of_time_stamps_vouches_for_no_signer(
    folder: Path,
    signed: bytes,
    name: str,
    organisation: str,
    root_for: ObjectIdentifier | None,
    in_own_file: bool,
    signer_for: ObjectIdentifier,
) -> None:
    stamps = authority(organisation, root_for, signer_for)
    signers, others = {"one.pem": authority().root.encode()}, {"two.pem": stamps.root.encode()}
    lists, own = (signers, others) if in_own_file else (signers | others, {})
    item = update_list(name, lists, "2026-11-30", "a test", folder, own)
    assert item.counts == (2, 0)
    assert stamps.root.strip() in item.time_stamps
    found = credentials(sign(jpeg(), by=stamps))
    assert (found.state, found.trust_list) == (CredentialState.UNTRUSTED_SIGNER, None)
    assert credentials(signed).trust_list == item.info
    # An authority that is listed for both vouches for both.
    lists |= {"one.pem": (authority().root + stamps.root).encode()}
    both = update_list(name, lists, "2026-11-30", "a test", folder, own)
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
    with pytest.raises(VerafaceError, match=r"(a test|list\.pem): contains"):
        update_list("official", {"list.pem": content}, "2026-11-30", "a test", folder)
    assert not folder.exists()
    assert not load_lists(folder)[1].updated


def damaged() -> dict[str, tuple[bytes, str]]:
    """Contents that hold certificates, some of which would not count, and words of the error."""
    signers = Path(SIGNERS).read_bytes()
    hashes = (SHIPPED / "interim" / "allowed.sha256.txt").read_bytes()
    line = hashes.splitlines()[-1]
    first = signers.index(b"\n", signers.index(b"BEGIN CERTIFICATE")) + 20
    return {
        "cut in half": (signers[: len(signers) // 2], "damaged or cut off"),
        "one character": (signers[:first] + b"*" + signers[first + 1 :], "damaged or cut off"),
        "one beginning": (
            signers.replace(b"BEGIN CERT", b"BEGIN CERF", 1),
            "not a certificate, hash or comment",
        ),
        "one end": (signers.replace(b"END CERT", b"END CERF", 1), "damaged or cut off"),
        "one hash": (hashes.replace(line, b"*" + line[1:]), "not a certificate, hash or comment"),
        "hash cut off": (hashes.rstrip()[:-20], "not a certificate, hash or comment"),
        "hash among certificates": (signers + b"\n*" + line[1:], "not a certificate, hash or comment"),
        "text among hashes": (hashes + b"Test Press\n", "not a certificate, hash or comment"),
        "private key": (
            signers + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "not a certificate, hash or comment",
        ),
        "hash in a comment": ("# x\u2028".encode() + line, "no certificate in PEM form"),
    }


@pytest.mark.parametrize("kind", damaged())
@pytest.mark.parametrize("stamps", [False, True])
def test_a_list_of_which_a_part_would_not_count_is_refused(folder: Path, kind: str, stamps: bool) -> None:
    content, words = damaged()[kind]
    files = {"list.pem": authority().root.encode() if stamps else content}
    own = {"stamps.pem": content} if stamps else {}
    with pytest.raises(VerafaceError, match=rf"{'stamps' if stamps else 'list'}\.pem: contains .*{words}"):
        update_list("interim", files, "2026-11-30", "a test", folder, own)
    assert not folder.exists()


def test_trust_anchors_of_which_a_part_would_not_count_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    for kind in ("cut in half", "one character", "one beginning"):
        own.write_bytes(damaged()[kind][0])
        with pytest.raises(VerafaceError, match=r"own\.pem: the trust anchors must all be certificates"):
            CredentialReader(own)


def test_lists_with_line_breaks_of_windows_are_whole(folder: Path) -> None:
    files = {
        file: b"\xef\xbb\xbf" + (SHIPPED / "interim" / file).read_bytes().replace(b"\n", b" \r\n")
        for file in ("allowed.sha256.txt", "anchors.pem")
    }
    assert update_list("interim", files, "2026-11-30", "a test", folder).counts == (26, 114)
    shipped, stored = load_lists(folder.parent)[2], load_lists(folder)[2]
    assert (stored.updated, stored.anchors, stored.allowed) == (True, shipped.anchors, shipped.allowed)


def test_a_list_without_signers_is_refused(folder: Path) -> None:
    stamps = authority("Test Stamps", ExtendedKeyUsageOID.TIME_STAMPING).root.encode()
    with pytest.raises(VerafaceError, match="no certificate for signers, only for time stamps"):
        update_list("official", {"list.pem": stamps}, "2026-11-30", "a test", folder)
    with pytest.raises(VerafaceError, match="the same file"):
        update_list("official", {"a.pem": stamps}, "2026-11-30", "a test", folder, {"b.pem": stamps})


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_an_update_that_is_stopped_leaves_a_whole_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    def files(kind: str) -> dict[str, bytes]:
        return {file: authority(f"{kind} {file}").root.encode() for file in ("one.pem", "two.pem")}

    before = update_list("official", files("Old"), "2026-11-29", "a test", folder)
    write, done = trust_module.write_atomic, 0

    def stopped(path: Path, content: bytes | str) -> None:
        nonlocal done
        if done == writes:
            raise KeyboardInterrupt
        done += 1
        write(path, content)

    monkeypatch.setattr(trust_module, "write_atomic", stopped)
    with suppress(KeyboardInterrupt):
        update_list("official", files("New"), "2026-11-30", "a test", folder)
    found = load_lists(folder)[1]
    assert (found.info == before.info) is (writes == 0)
    assert found.counts == (2, 0)


def test_a_list_changed_on_disk_is_refused(folder: Path) -> None:
    update_list("official", {"list.pem": authority().root.encode()}, "2026-11-30", "a test", folder)
    stored = folder / "official" / "list.json"
    about = json.loads(stored.read_text())
    about["contents"]["list.pem"] = authority("Other Press").root
    stored.write_text(json.dumps(about))
    with pytest.raises(VerafaceError, match=r"list\.pem was changed"):
        load_lists(folder)
    stored.write_text('{"files": []}')
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
    pem, stamps, image = tmp_path / "new.pem", tmp_path / "stamps.pem", tmp_path / "signed.jpg"
    pem.write_text(authority().root)
    stamps.write_text(authority("Test Stamps").root)
    image.write_bytes(signed)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (pem, stamps)]
    expected = [word for digest in digests for word in ("--sha256", digest)]
    command = ("trust", "update", "official", str(pem), "--time-stamps", str(stamps), "--date", "2026-11-29")
    swapped = veraface(*command, *expected[2:], *expected[:2], environment=home)
    assert "not the expected" in " ".join(swapped.stderr.split())
    done = veraface(*command, *expected, environment=home)
    assert done.returncode == 0, done.stderr
    assert f"as of 2026-11-29, SHA-256 {hashlib.sha256(''.join(digests).encode()).hexdigest()}" in done.stdout
    facts = {
        item["name"]: item
        for item in json.loads(veraface("trust", "list", "--json", environment=home).stdout)
    }
    assert (facts["official"]["origin"], facts["official"]["authorities"]) == ("updated", 2)
    shown = json.loads(veraface("detect", "--model", "fast", str(image), "--json", environment=home).stdout)[
        "provenance"
    ]["credentials"]
    assert (shown["state"], shown["trust_list"]["date"]) == ("trusted_official", "2026-11-29")
    off = json.loads(
        veraface(
            "detect", "--model", "fast", str(image), "--json", "--no-trust-lists", environment=home
        ).stdout
    )
    assert off["provenance"]["credentials"]["state"] == "untrusted_signer"


def test_a_report_knows_the_authorities_of_its_user(tmp_path: Path, signed: bytes) -> None:
    (tmp_path / "own.pem").write_text(authority().root)
    (tmp_path / "signed.jpg").write_bytes(signed)
    command = ("report", "signed.jpg", "--out", "r.html", "--model", "fast")
    for state, environment in {
        "valid": {"VERAFACE_TRUST_ANCHORS": "own.pem"},
        "untrusted_signer": {},
    }.items():
        done = veraface(*command, cwd=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
        found = read_data((tmp_path / "r.html").read_bytes())
        assert found["provenance"]["credentials"]["state"] == state


def test_an_updated_list_has_the_terms_of_its_publisher_only(folder: Path) -> None:
    """Not those of the extract that is part of the package."""
    shipped = {item.info.name: item.license for item in load_lists(folder)}
    assert "only the SHA-256 of each certificate is part of Veraface" in shipped["publishers"]
    for name in shipped:
        files = {
            "list.pem": leaf(authority()).encode() if name == "publishers" else authority().root.encode()
        }
        update_list(name, files, "2026-11-30", "a test", folder)
    updated = {item.info.name: item.license for item in load_lists(folder)}
    assert updated == shipped | {"publishers": "the list states none"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["interim", "nowhere.pem"], "nowhere.pem: cannot be read"),
        (["interim", "http://example.org/list.pem"], "must be an https address"),
        (["interim", f"{SHIPPED}/interim/list.json"], "list.json: contains no certificate"),
        (["interim", SIGNERS, "--sha256", "00"], "not the expected"),
        (["interim", SIGNERS, "--sha256", "00", "--sha256", "00"], "give one for each file"),
        (["official", SIGNERS], "authorities of time stamps"),
        (["official", SIGNERS, "--time-stamps", SIGNERS], "also given for signers"),
        (["official", SIGNERS, STAMPS, "--time-stamps", "x.pem"], "name it with --time-stamps"),
        (["interim", "C2PA_TSA_TRUST_LIST.pem"], "name it with --time-stamps"),
        (["interim", "https://example.org/tsaroots.pem"], "name it with --time-stamps"),
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
