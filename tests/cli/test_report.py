"""`veraface report`: its contents, the detection of any later change, and hostile input."""

import base64
import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="the extra `report` is not installed")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from PIL import Image
from playwright.sync_api import Browser

from tests.cli.terminal import veraface, veraface_process
from tests.examples import examples
from tests.provenance.credentials import sign as sign_image
from tests.provenance.files import AI_PACKET, thumbnail_exif
from tests.sample_images import cat, encode, noise, portrait
from veraface.analysis import analyze
from veraface.detector import Detector
from veraface.errors import VerafaceError
from veraface.models.registry import card_path
from veraface.provenance.claims import CredentialState
from veraface.report.answer import answer_of, band_text
from veraface.report.page import gather, read_data, render
from veraface.report.signature import (
    ReportError,
    fingerprint,
    own_key,
    public_pem,
    read_private_key,
    sign,
    verify,
)

AXE = Path(__file__).parents[1] / "tools/node_modules/axe-core/axe.min.js"
NAME = '<img src=x onerror=alert(1)> "x" & \u202egpj.jpg'
DATA = '<script type="application/json" id="report-data">'
SIGNATURE = b'<script type="application/jose+json">'
Run = Callable[..., Any]


OWN_KEY = "settings/veraface/report-key.pem"
PUBLIC_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}  # RFC 8037


def signed_with(signature: bytes) -> bytes:
    return b"<!doctype html>\n<body>\n" + SIGNATURE + signature + b"</script>\n</body>\n</html>\n"


def header(fields: dict[str, Any]) -> bytes:
    """A signature of zeros with that header."""
    protected = base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()
    return json.dumps({"protected": protected, "signature": "A" * 86}, separators=(",", ":")).encode()


def unsigned(path: Path) -> str:
    """The document of a report without its signature."""
    return re.sub(re.escape(SIGNATURE) + b".*</script>\n", b"", path.read_bytes()).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """The command in this process, with its own folder for settings."""

    def run_(*arguments: object) -> Any:
        environment = {"XDG_CONFIG_HOME": str(folder / "settings"), "HOME": str(folder)}
        return veraface("report", *arguments, environment=environment)

    return run_


@pytest.fixture(scope="module")
def image(folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x010E] = "secret-place"
    path = folder / NAME
    path.write_bytes(encode(portrait(), "JPEG", quality=90, exif=exif, comment=b"secret-words"))
    return path


@pytest.fixture(scope="module")
def written(run: Run, image: Path, folder: Path) -> Path:
    out = folder / "report.html"
    done = run(image, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "signed by key" in done.stdout
    return out


@pytest.fixture(scope="module")
def public(written: Path, folder: Path) -> Path:
    return folder / "settings/veraface/report-key.pub.pem"


@pytest.fixture(scope="module")
def secret() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_it_contains_the_detection_and_the_model_card(written: Path, image: Path) -> None:
    page, data = written.read_text("utf-8"), read_data(written.read_bytes())
    detector = Detector()
    result = detector.detect(image).to_dict(heatmap=False)
    del result["timing_ms"], data["result"]["timing_ms"]
    assert data["result"] == result
    card = detector.card
    card_file = card_path()
    assert card_file is not None
    row = card.measured["rows"][0]
    for text in (
        hashlib.sha256(image.read_bytes()).hexdigest(),
        card.sha256,
        hashlib.sha256(card_file.read_bytes()).hexdigest(),
        answer_of(result).range or answer_of(result).why,
        band_text(result["thresholds"]),
        "{:.1f}% to {:.1f}%".format(*(100 * v for v in row["intervals"]["reals_called_fake"])),
        f"{row['auc']:.3f}",
        card.name,
        "How it misleads",
        *(limit.replace("'", "&#39;") for limit in card.limits),
    ):
        assert text in page, text


def test_an_unchanged_report_verifies(run: Run, written: Path, public: Path) -> None:
    done = run("--verify", written)
    assert done.returncode == 0
    owner = re.search("unchanged, signed by key ([0-9a-f]{64})", done.stdout)[1]
    assert "proves only that nothing changed" in done.stdout
    done = run("--verify", written, "--key", public)
    assert (done.returncode, done.stdout) == (0, f"unchanged, signed by key {owner}\n")
    assert owner in written.read_text("utf-8")


def test_the_key_is_created_once_and_readable_by_its_owner_only(
    run: Run, written: Path, public: Path, folder: Path
) -> None:
    private = public.with_name("report-key.pem")
    before = private.read_bytes()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert b"PRIVATE" not in public.read_bytes()
    assert b"PRIVATE" not in written.read_bytes()
    other = folder / "noise.png"
    other.write_bytes(encode(noise(), "PNG"))
    assert (
        run(other, "--model", "fast", "--out", folder / "second.html").returncode == 0
    )  # a report without faces
    assert private.read_bytes() == before
    assert "No face found" in (folder / "second.html").read_text("utf-8")


def changes() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """Changes that somebody might make to a report."""

    def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
        def change(file: bytes) -> bytes:
            assert old in file
            return file.replace(old, new, 1)

        return change

    def other_image(name: str) -> Callable[[bytes], bytes]:
        def change(file: bytes) -> bytes:
            data = base64.b64encode(encode(noise(64, 64), "WEBP"))
            return re.sub(
                rb'(id="%s" src="data:image/webp;base64,)[^"]*' % name.encode(), rb"\1" + data, file
            )

        return change

    yield "verdict", replaced(b"Likely real", b"Likely fake")
    yield "limits", replaced(b"Limits of use", b"Limits")
    yield "claims", replaced(b"Claims of the file", b"Proofs of the file")
    yield "footer", replaced(b"Made with Veraface", b"Made with Verity")
    yield "data", replaced(b'"verdict": "real"', b'"verdict": "fake"')
    for name in ("image", "heatmap", "error_levels", "noise", "grid"):
        yield name, other_image(name)
    yield "score", replaced(b'<td class="number">', b'<td class="number">9')
    yield "box", replaced(b'<rect x="', b'<rect x="1')
    yield "title", replaced(b"<title>", b"<title>x")
    yield "style", replaced(b"body {", b"body { display: none;")
    yield "policy", replaced(b"default-src ", b"default-src * ")
    yield "section gone", lambda f: re.sub(rb'<section id="model".*?</section>', b"", f, flags=re.S)
    yield "before", lambda file: b"<h1>Fake</h1>" + file
    yield "script", replaced(b"</main>", b"<script>x</script></main>")
    yield "space", replaced(b"</main>", b" </main>")
    yield "line ends", lambda file: file.replace(b"</p>\n", b"</p>\r\n", 1)
    yield "another signature", lambda f: re.sub(rb'"signature":"...', b'"signature":"AAA', f)
    yield "a second signature", lambda f: f.replace(SIGNATURE, SIGNATURE + b"{}</script>" + SIGNATURE)


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in changes()])
def test_any_change_is_detected(written: Path, change: Callable[[bytes], bytes]) -> None:
    file = written.read_bytes()
    changed = change(file)
    assert changed != file
    assert not verify(changed).intact


def test_the_command_reports_a_change_with_status_1(
    run: Run, written: Path, public: Path, folder: Path
) -> None:
    forged = folder / "forged.html"
    forged.write_bytes(written.read_bytes().replace(b"Likely real", b"Likely fake"))
    done = run("--verify", forged, "--key", public)
    assert done.returncode == 1
    assert "CHANGED" in done.stderr
    assert "unchanged" not in done.stdout


def test_another_key_than_expected_is_reported(run: Run, written: Path, folder: Path, secret: Any) -> None:
    pem = folder / "other.pem"
    pem.write_bytes(public_pem(secret.public_key()))
    done = run("--verify", written, "--key", pem)
    assert done.returncode == 1
    assert "another key" in done.stderr
    # A forger can sign a changed report with another key only.
    own, other = (fingerprint(key.public_key()) for key in (own_key(folder / OWN_KEY), secret))
    forged = unsigned(written).replace("Likely real", "Likely fake").replace(own, other)
    found = verify(sign(forged, secret), own_key(folder / OWN_KEY).public_key())
    assert (found.intact, found.expected_key, found.fingerprint) == (True, False, other)


def test_a_page_that_names_another_key_than_its_own_is_refused(
    run: Run, written: Path, folder: Path, secret: Any
) -> None:
    path = folder / "forged.html"
    path.write_bytes(sign(unsigned(written), secret))
    done = run("--verify", path)
    assert done.returncode == 1
    assert "names another key" in done.stderr
    assert "unchanged" not in done.stdout


def test_a_key_with_which_anybody_can_sign_is_refused(written: Path) -> None:
    """Of small order: S = 0 and R = the neutral point are a signature of any document (RFC 8032, 5.1.7)."""
    file = written.read_bytes()
    begin = file.rindex(b'+json">') + len(b'+json">')
    end = file.index(b"</script>", begin)
    signature = urlsafe_b64encode((1).to_bytes(32, "little") + bytes(32)).decode()
    protected = json.loads(urlsafe_b64decode(json.loads(file[begin:end])["protected"].encode()))
    for number in points_of_small_order():
        for sign_of_x in (0, 1 << 255):
            key = (number | sign_of_x).to_bytes(32, "little")
            header = protected | {"jwk": protected["jwk"] | {"x": urlsafe_b64encode(key).decode()}}
            encoded = urlsafe_b64encode(json.dumps(header).encode()).decode()
            block = json.dumps(
                {"protected": encoded, "signature": signature}, sort_keys=True, separators=(",", ":")
            ).encode()
            with pytest.raises(ReportError, match="anybody can sign"):
                verify(file[:begin] + block + file[end:])


def points_of_small_order() -> set[int]:
    """Return all encodings of the y of points whose order divides 8 on -x^2 + y^2 = 1 + d x^2 y^2 mod p."""
    p, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p

    def add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        (x, y), (v, w) = one, other
        product = d * x * v * y * w
        return (x * w + v * y) * pow(1 + product, -1, p) % p, (y * w + x * v) * pow(1 - product, -1, p) % p

    def times(count: int, point: tuple[int, int]) -> tuple[int, int]:
        total = (0, 1)
        while count:
            total = add(total, point) if count & 1 else total
            point, count = add(point, point), count >> 1
        return total

    found: set[int] = set()
    y = 1
    while len(found) < 5:  # 8 points, of which three pairs differ in x alone
        y += 1
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(square, (p + 3) // 8, p)
        x = x if x * x % p == square else x * pow(2, (p - 1) // 4, p) % p
        if x * x % p == square:
            found |= {times(count, times(order, (x, y)))[1] for count in range(8)}
    return found | {number + p for number in found if number + p < 2**255}


def test_long_metadata_hides_neither_claims_nor_findings(image: Path, secret: Any) -> None:
    contents = gather(image.read_bytes(), NAME, Detector("fast"), None)
    contents.facts["provenance"] = {
        "credentials": {"actions": [{"action": f"step {n}", "what": list(range(99))} for n in range(500)]},
        "claims": [{"code": "ai_generated", "message": "said to be made by AI"}],
        "xmp": {"history": [{"action": "saved"}] * 500},
        "findings": [{"code": "editor_software", "message": "was saved by an editing program"}],
    }
    page = render(contents, fingerprint(secret.public_key()))
    assert "said to be made by AI" in page
    assert "was saved by an editing program" in page
    assert re.search(r"\d+ more, in the data at the end of this file", page)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"<h1>no report</h1>",
        signed_with(b""),
        signed_with(b"{}"),
        signed_with(b'{"protected":1,"signature":2}'),
        signed_with(b'{"protected":1,"signature":"AA"}'),
        signed_with(b'{"protected":"AA","signature":"AA"}'),
        signed_with(b"[" * 100_000),
        signed_with(header({"alg": "none", "typ": "veraface-report/2"})),
        signed_with(header({"alg": "HS256", "typ": "veraface-report/2", "jwk": {"kty": "oct", "k": "AA"}})),
        signed_with(header({"alg": "Ed25519", "typ": "veraface-report/3", "jwk": PUBLIC_JWK})),
        signed_with(header({"alg": "Ed25519", "typ": "veraface-report/2", "jwk": {**PUBLIC_JWK, "x": "AA"}})),
        signed_with(header({"alg": "HS256", "typ": "veraface-report/2", "jwk": PUBLIC_JWK})),
    ],
)
def test_a_file_that_is_not_a_signed_report_is_refused(run: Run, folder: Path, broken: bytes) -> None:
    with pytest.raises(ReportError):
        verify(broken)
    path = folder / "broken.html"
    path.write_bytes(broken)
    done = run("--verify", path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(path) in done.stderr


def test_a_truncated_or_extended_report_is_never_intact(written: Path) -> None:
    file = written.read_bytes()
    for length in (len(file) - 1, len(file) - 5, len(file) - 400, len(file) // 2, 100):
        with pytest.raises(ReportError):
            verify(file[:length])
    for more in (b"\n", b"<script>x</script>", file[file.rindex(SIGNATURE) :]):
        with contextlib.suppress(ReportError):
            assert not verify(file + more).intact


def test_a_report_in_the_older_format_is_named_as_such(run: Run, folder: Path) -> None:
    path = folder / "older.html"
    path.write_bytes(b'<h1>Report</h1>\n<!-- veraface-report-signature {"statement":"AA=="} -->\n')
    done = run("--verify", path)
    assert done.returncode == 1
    assert "older format" in done.stderr


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_every_flipped_bit_is_detected(written: Path, data: st.DataObject) -> None:
    file = bytearray(written.read_bytes())
    # A third of the flips near the end, where the signature is.
    start = data.draw(st.sampled_from([0, 0, len(file) - 800]))
    at = data.draw(st.integers(start, len(file) - 1))
    file[at] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ReportError):
        assert not verify(bytes(file)).intact


@pytest.fixture(scope="module")
def hostile(image: Path, secret: Any) -> bytes:
    """A report on an image with markup in its name and metadata."""
    content = image.read_bytes()
    contents = gather(content, NAME, Detector("fast"), None)
    deep: Any = "end"
    for _ in range(50):
        deep = {"<b>": deep}
    contents.facts["provenance"] = {
        "generator": "</dl></section><script>alert(1)</script>",
        'x" onload="alert(1)': ["<img src=https://example.org/a.png>", None, True, 1.5, {}, []],
        "deep": deep,
        "long": "x" * 100_000,
        "many": list(range(10_000)),
        "control": "\u202e\x00\x1b[31m\n-->",
        "data": "</script><script>alert(1)</script><!--",
    }
    return sign(render(contents, fingerprint(secret.public_key())), secret)


def test_marks_and_a_differing_thumbnail_are_shown(secret: Any) -> None:
    pytest.importorskip("c2pa")
    shown = cat().resize((160, 160))
    content = sign_image(encode(portrait(), "JPEG", exif=thumbnail_exif(portrait(), shown)))
    contents = gather(content, "photo.jpg", Detector("fast"), None)
    page = render(contents, fingerprint(secret.public_key()))
    assert "The file carries Content Credentials. The images in this report are copies" in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert "thumbnail" not in contents.facts["provenance"]["thumbnail"]
    assert contents.facts["provenance"]["thumbnail"]["relation"] == "different"
    plain = render(gather(encode(portrait(), "JPEG"), "photo.jpg", Detector("fast"), None), "")
    assert 'id="marks"' not in plain
    assert 'id="thumbnail"' not in plain
    declared = gather(encode(portrait(), "JPEG", xmp=AI_PACKET), "photo.jpg", Detector("fast"), None)
    assert "The file carries the IPTC source type trainedAlgorithmicMedia. The images" in render(declared, "")


def test_names_and_metadata_are_shown_as_text(hostile: bytes) -> None:
    assert verify(hostile).intact
    page = hostile.decode()
    assert re.findall("<script[^>]*>", page) == [DATA, SIGNATURE.decode()]
    assert page.count("</script>") == 2
    assert read_data(hostile)["provenance"]["data"] == "</script><script>alert(1)</script><!--"
    assert "<img src=x" not in page
    assert "onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "-->" not in page
    assert len(hostile) < 1_500_000


def test_claims_that_json_cannot_represent_are_replaced(
    image: Path, secret: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"half": "\ud800", "none": float("nan"), "when": Path("x"), "b": ["<i>", {"c": "d"}]}
    credentials = SimpleNamespace(state=CredentialState.NOT_INSTALLED, signals=())
    none: dict[str, Any] = {"claims": (), "findings": (), "hints": (), "encoder": None}
    provenance = SimpleNamespace(to_dict=lambda: claims, credentials=credentials, **none)
    monkeypatch.setattr(
        "veraface.workers.tasks.analyze",
        lambda *asked, **options: replace(analyze(*asked, **options), provenance=provenance),
    )
    contents = gather(image.read_bytes(), "half \udcff.jpg", Detector("fast"), None)
    file = sign(render(contents, ""), secret)
    assert verify(file).intact
    assert read_data(file)["provenance"] == {
        "half": "?",
        "none": "NaN",
        "when": "x",
        "b": ["<i>", {"c": "d"}],
    }
    assert "<bdi>&lt;i&gt;</bdi>" in file.decode()


def test_it_contains_no_metadata_of_the_image(written: Path, hostile: bytes) -> None:
    for file in (written.read_bytes(), hostile):
        images = re.findall(rb'src="data:image/webp;base64,([^"]+)"', file)
        assert len(images) == 5
        assert b"secret" not in b"".join(map(base64.b64decode, images))
        assert b"secret" not in file


@pytest.mark.parametrize("which", ["written", "hostile"])
@pytest.mark.parametrize("width", [1100, 360])
def test_a_browser_shows_it_without_requests(
    browser: Browser, folder: Path, request: pytest.FixtureRequest, which: str, width: int
) -> None:
    found = request.getfixturevalue(which)
    path = found if isinstance(found, Path) else folder / "hostile.html"
    if path is not found:
        path.write_bytes(found)
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(path.as_uri())
    assert page.locator("h1").text_content() == "Veraface report"
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # the policy allows its style
    kinds = page.evaluate("[...document.scripts].map((script) => script.type)")
    assert kinds == ["application/json", "application/jose+json"]  # data, which no browser executes
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".shot rect").count() == 2
    assert [url for url in requested if not url.startswith(("data:", "file:"))] == []
    assert complaints == []
    if AXE.is_file():
        page.evaluate(AXE.read_text("utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        broken = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)["violations"]
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in broken] == []
    elif os.environ.get("CI"):
        pytest.fail("no axe-core: `make test` installs it with npm")
    if which == "written":
        assert page.pdf().count(b"/Type /Page\n") == 1  # sheet of paper
    context.close()


def test_bad_input_is_reported_and_writes_nothing(run: Run, folder: Path, image: Path) -> None:
    out = folder / "none.html"
    same = folder / "image.html"
    same.write_bytes(image.read_bytes())
    broken = folder / "broken.jpg"
    broken.write_bytes(encode(portrait(), "JPEG")[:500])
    for arguments, text in (
        ((folder / "missing.jpg", "--out", out), "no such file"),
        ((broken, "--out", out), "cut off or corrupt"),
        ((), "IMAGE: missing; name an image"),
        ((broken,), "output name ending in .html"),
        ((broken, "--out", folder / "a.txt"), "output name ending in .html"),
        (("--verify", out), "cannot be read"),
        (("--verify", out, "--out", out), "combined with --key only"),
        ((broken, "--out", out, "--key", folder / "no.pem"), "no such key file"),
        ((broken, "--out", out, "--key", broken), "not a private key"),
        ((image, "--out", broken / "a.html"), "Not a directory"),
        ((image, "--out", folder / ("a" * 300 + ".html")), "File name too long"),
        ((same, "--out", same), "overwrite the image itself"),
    ):
        done = run(*arguments)
        assert done.returncode != 0
        assert text in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
    assert not out.exists()
    assert same.read_bytes() == image.read_bytes()
    assert list(folder.glob("*.part")) == []


def test_a_name_may_be_as_long_as_the_system_allows(run: Run, folder: Path, image: Path) -> None:
    done = run(image, "--model", "fast", "--out", folder / ("a" * 245 + ".html"))
    assert done.returncode == 0, done.stderr


def test_a_missing_public_key_is_written_again(run: Run, image: Path, folder: Path, public: Path) -> None:
    before = public.read_bytes()
    public.unlink()
    assert run(image, "--model", "fast", "--out", folder / "again.html").returncode == 0
    assert public.read_bytes() == before


def test_a_folder_that_does_not_exist_is_reported(run: Run, image: Path, folder: Path) -> None:
    done = run(image, "--model", "fast", "--out", folder / "no-such-folder" / "report.html")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_keys_that_are_readable_by_others_or_of_another_kind_are_refused(
    folder: Path, secret: Any, public: Path
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    def private(key: Any, encryption: Any, mode: int = 0o600) -> Path:
        path = folder / "some.pem"
        path.unlink(missing_ok=True)
        path.touch(mode=mode)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        path.chmod(mode)
        return path

    assert read_private_key(private(secret, NoEncryption())).public_key() == secret.public_key()
    for path, text in (
        (lambda: private(secret, NoEncryption(), 0o644), "chmod 600"),
        (lambda: private(secret, BestAvailableEncryption(b"x")), "encrypted"),
        (lambda: private(ec.generate_private_key(ec.SECP256R1()), NoEncryption()), "not an Ed25519"),
        (lambda: public, "not a private key"),
    ):
        with pytest.raises(VerafaceError, match=text):
            read_private_key(path())


def test_without_the_extra_the_error_names_it(folder: Path, image: Path) -> None:
    hide = folder / "hidden/cryptography"
    hide.mkdir(parents=True)
    (hide / "__init__.py").write_text("raise ModuleNotFoundError(name='cryptography')")
    path = os.pathsep.join([str(hide.parent), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path, "HOME": str(folder)}
    done = veraface_process("report", image, "--out", folder / "x.html", environment=environment)
    assert done.returncode == 1
    assert "pip install 'veraface[report]'" in done.stderr


def test_a_key_is_used_where_its_public_copy_cannot_be_written(image: Path, tmp_path: Path) -> None:
    settings = tmp_path / "veraface"
    key = own_key(settings / "report-key.pem")
    copy = settings / "report-key.pub.pem"
    copy.unlink()
    (copy / "in the way").mkdir(parents=True)
    assert fingerprint(own_key(settings / "report-key.pem").public_key()) == fingerprint(key.public_key())
    arguments = ("report", "--model", "fast", image, "--out", tmp_path / "report.html")
    done = veraface(*arguments, environment={"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert public_pem(key.public_key()).decode() in done.stdout
    assert verify((tmp_path / "report.html").read_bytes(), key.public_key()).expected_key
