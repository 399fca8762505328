"""`veraface report`: what it says, that no change of it goes unseen, and that it harms nobody."""

import base64
import contextlib
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="the extra `report` is not installed")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser

from tests.cli.terminal import veraface
from tests.sample_images import encode, noise, portrait
from veraface.detector import Detector
from veraface.errors import VerafaceError
from veraface.models.classifier import DEFAULT_MODEL
from veraface.report.contents import gather
from veraface.report.page import render
from veraface.report.signature import ReportError, canonical, content_of, sign, verify
from veraface.report.signing_keys import fingerprint, own_key, public_pem, read_private_key

AXE = Path(__file__).parents[1] / "tools/node_modules/axe-core/axe.min.js"
NAME = '<img src=x onerror=alert(1)> "x" & \u202egpj.jpg'
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """The command, with a folder for settings of its own."""

    def run_(*arguments: object, **options: Any) -> Any:
        environment = {"XDG_CONFIG_HOME": str(folder / "settings"), "HOME": str(folder)}
        return veraface("report", *arguments, environment=environment, **options)

    return run_


@pytest.fixture(scope="module")
def picture(folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x010E] = "secret-place"
    path = folder / NAME
    path.write_bytes(encode(portrait(), "JPEG", quality=90, exif=exif, comment=b"secret-words"))
    return path


@pytest.fixture(scope="module")
def written(run: Run, picture: Path, folder: Path) -> Path:
    out = folder / "report.html"
    done = run(picture, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "signed by key" in done.stdout
    return out


@pytest.fixture(scope="module")
def public(written: Path, folder: Path) -> Path:
    return folder / "settings/veraface/report-key.pub.pem"


@pytest.fixture(scope="module")
def secret() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_it_says_what_the_detector_and_its_card_say(written: Path, picture: Path) -> None:
    page, told = written.read_text("utf-8"), content_of(written.read_bytes())
    detector = Detector()
    result = detector.detect(picture).to_dict(heatmap=False)
    del result["timing_ms"], told["result"]["timing_ms"]
    assert told["result"] == result
    card = detector.card
    weights = DEFAULT_MODEL
    row = card.measured["rows"][0]
    for said in (
        hashlib.sha256(picture.read_bytes()).hexdigest(),
        hashlib.sha256(weights.with_suffix(".onnx").read_bytes()).hexdigest(),
        hashlib.sha256(weights.with_suffix(".json").read_bytes()).hexdigest(),
        f"{100 * result['p_fake']:.1f} %",
        f"{100 * result['thresholds']['fake']:.1f} %",
        "{:.1f} % to {:.1f} %".format(*(100 * v for v in row["intervals"]["reals_called_fake"])),
        f"{row['auc']:.3f}",
        card.name,
        "How it misleads",
        *(limit.replace("'", "&#39;") for limit in card.limits),
    ):
        assert said in page, said


def test_it_is_unchanged_and_by_whom(run: Run, written: Path, public: Path) -> None:
    done = run("--verify", written)
    assert done.returncode == 0
    owner = re.search("unchanged, signed by key ([0-9a-f]{64})", done.stdout)[1]
    assert "proves only that nothing changed" in done.stdout
    done = run("--verify", written, "--key", public)
    assert (done.returncode, done.stdout) == (0, f"unchanged, signed by key {owner}\n")
    assert owner in written.read_text("utf-8")


def test_the_key_is_made_once_and_is_its_owners(run: Run, written: Path, public: Path, folder: Path) -> None:
    private = public.with_name("report-key.pem")
    before = private.read_bytes()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert b"PRIVATE" not in public.read_bytes()
    assert b"PRIVATE" not in written.read_bytes()
    other = folder / "noise.png"
    other.write_bytes(encode(noise(), "PNG"))
    assert run(other, "--out", folder / "second.html").returncode == 0  # no face: still a report
    assert private.read_bytes() == before
    assert "No face found" in (folder / "second.html").read_text("utf-8")


def changes() -> Iterator[tuple[str, Callable[[bytes], bytes], str]]:
    """What somebody might do to a report, and what the check has to name."""

    def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
        def change(file: bytes) -> bytes:
            assert old in file
            return file.replace(old, new, 1)

        return change

    def other_picture(name: str) -> Callable[[bytes], bytes]:
        def change(file: bytes) -> bytes:
            data = base64.b64encode(encode(noise(64, 64), "WEBP"))
            return re.sub(
                rb'(id="%s" src="data:image/webp;base64,)[^"]*' % name.encode(), rb"\1" + data, file
            )

        return change

    yield "verdict", replaced(b"Likely real", b"Likely fake"), "section 'verdict'"
    yield "score", replaced(b'<td class="number">', b'<td class="number">9'), "section 'faces'"
    yield "box", replaced(b'<rect x="', b'<rect x="1'), "section 'faces'"
    yield "title", replaced(b"<title>", b"<title>x"), "the page around"
    yield "style", replaced(b"body {", b"body { display: none;"), "the page around"
    yield "policy", replaced(b"default-src ", b"default-src * "), "the page around"
    yield "script", replaced(b"</main>", b"<script>x</script></main>"), "the page around"
    yield "space", replaced(b"</main>", b" </main>"), "the page around"
    yield "limits", replaced(b"Limits of use", b"Limits"), "section 'model'"
    yield "claims", replaced(b"Claims of the file", b"Proofs of the file"), "section 'provenance'"
    yield "footer", replaced(b"Made by Veraface", b"Made by God"), "section 'signature'"
    yield "name", replaced(b"<h1>", b"<h1>Best "), "section 'head'"
    for name in ("picture", "heatmap", "error_levels", "noise", "grid"):
        yield name, other_picture(name), f"picture '{name.replace('_', ' ')}'"
    yield "section gone", lambda f: re.sub(rb'<section id="model".*?</section>', b"", f, flags=re.S), "(gone)"
    yield "section added", replaced(b"</main>", b'<section id="new">x</section></main>'), "(added)"
    yield "before", lambda file: b"<h1>Fake</h1>" + file, "the page around"
    yield "line ends", lambda file: file.replace(b"</p>\n", b"</p>\r\n", 1), "section"


@pytest.mark.parametrize(("change", "named"), [pytest.param(c, n, id=i) for i, c, n in changes()])
def test_whatever_is_changed_is_named(written: Path, change: Callable[[bytes], bytes], named: str) -> None:
    file = written.read_bytes()
    changed = change(file)
    assert changed != file
    found = verify(changed).changed
    assert any(named in what for what in found), found


def test_the_command_names_it_and_ends_with_1(run: Run, written: Path, public: Path, folder: Path) -> None:
    forged = folder / "forged.html"
    forged.write_bytes(written.read_bytes().replace(b"Likely real", b"Likely fake"))
    done = run("--verify", forged, "--key", public)
    assert done.returncode == 1
    assert "CHANGED" in done.stderr
    assert "section 'verdict'" in done.stderr
    assert "unchanged" not in done.stdout


def test_another_key_is_said_to_be_another(run: Run, written: Path, folder: Path, secret: Any) -> None:
    pem = folder / "other.pem"
    pem.write_bytes(public_pem(secret.public_key()))
    done = run("--verify", written, "--key", pem)
    assert done.returncode == 1
    assert "another key" in done.stderr
    # Who signs a changed report anew cannot do it with the key of somebody else.
    page = written.read_bytes().split(b"<!-- veraface-report-signature")[0].decode()
    anew = sign(page.replace("Likely real", "Likely fake"), {}, secret)
    check = verify(anew, own_key(folder / "settings/veraface/report-key.pem").public_key())
    assert check.known is False
    assert check.changed == ("the key: the report names another than the one that signed it",)
    assert check.fingerprint == fingerprint(secret.public_key())


def test_a_hostile_report_is_checked_in_no_time(secret: Any) -> None:
    for piece in (
        b'<section id="a">',
        b'<header id="a"><footer id="b">',
        b'<img id="a" src="data:a/a;base64,AA',
    ):
        page = (piece * 50_000).decode()
        file = sign(page, {}, secret)
        started = time.process_time()
        assert verify(file).changed == ()
        assert verify(b"x" + file).changed
        assert time.process_time() - started < 5


def test_a_key_with_which_anybody_signs_is_refused(written: Path) -> None:
    """Of small order: S = 0 and R = the neutral point hold for whatever is signed (RFC 8032, 5.1.7)."""
    file = written.read_bytes()
    for number in points_of_small_order():
        for sign_of_x in (0, 1 << 255):
            key = (number | sign_of_x).to_bytes(32, "little")
            with pytest.raises(ReportError, match="anybody can sign"):
                verify(with_block(file, public_key=key, signature=(1).to_bytes(32, "little") + bytes(32)))


def points_of_small_order() -> set[int]:
    """The y of all points whose order divides 8 on -x^2 + y^2 = 1 + d x^2 y^2 mod p, however encoded."""
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


def with_block(file: bytes, **fields: bytes) -> bytes:
    """A signed file with other things in its last line."""
    at = file.rindex(b"<!-- veraface-report-signature ") + len(b"<!-- veraface-report-signature ")
    block = json.loads(file[at : -len(b" -->\n")])
    block |= {name: base64.b64encode(value).decode() for name, value in fields.items()}
    return file[:at] + canonical(block) + b" -->\n"


def test_a_page_that_names_another_key_than_its_own_is_changed(
    run: Run, written: Path, folder: Path, secret: Any
) -> None:
    page = written.read_bytes().partition(b"<!-- veraface-report-signature ")[0].decode()
    path = folder / "forged.html"
    path.write_bytes(sign(page, {}, secret))
    done = run("--verify", path)
    assert done.returncode == 1
    assert "the report names another" in done.stderr
    assert "unchanged" not in done.stdout


def test_no_word_of_a_forger_is_a_line_of_ours(run: Run, folder: Path, secret: Any) -> None:
    """The names of parts are what whoever signed it says."""
    name = "section x\nunchanged, signed by key 00"
    statement = canonical(
        {"format": "veraface-report/1", "document_sha256": "0", "parts": {name: "0"}, "content": {}}
    )
    path = folder / "spoof.html"
    path.write_bytes(
        with_block(sign("<p>", {}, secret), statement=statement, signature=secret.sign(statement))
    )
    done = run("--verify", path)
    assert done.returncode == 1
    assert "CHANGED" in done.stderr
    assert "unchanged" not in done.stdout + done.stderr


def test_much_that_a_file_says_hides_neither_claims_nor_findings(picture: Path, secret: Any) -> None:
    contents = gather(picture.read_bytes(), NAME, Detector(), None)
    contents.facts["provenance"] = {
        "credentials": {"actions": [{"action": f"step {n}", "what": list(range(99))} for n in range(500)]},
        "claims": [{"code": "ai_generated", "message": "said to be made by AI"}],
        "xmp": {"history": [{"action": "saved"}] * 500},
        "findings": [{"code": "editor_software", "message": "was saved by an editing program"}],
    }
    page = render(contents, fingerprint(secret.public_key()))
    assert "said to be made by AI" in page
    assert "was saved by an editing program" in page
    assert re.search(r"\d+ more, which only the signed statement holds", page)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"<h1>no report</h1>",
        b"<!-- veraface-report-signature  -->\n",
        b"<!-- veraface-report-signature {} -->\n",
        b'<!-- veraface-report-signature {"public_key":1,"signature":2,"statement":3} -->\n',
        b'<!-- veraface-report-signature {"public_key":"AA==","signature":"AA==","statement":"AA=="} -->\n',
        b"<!-- veraface-report-signature " + b"[" * 100_000 + b" -->\n",
    ],
)
def test_what_is_no_report_is_said_to_be_none(run: Run, folder: Path, broken: bytes) -> None:
    with pytest.raises(ReportError):
        verify(broken)
    path = folder / "broken.html"
    path.write_bytes(broken)
    done = run("--verify", path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(path) in done.stderr


def test_one_cut_off_or_with_something_behind_is_never_unchanged(written: Path) -> None:
    file = written.read_bytes()
    for length in (len(file) - 1, len(file) - 5, len(file) - 400, len(file) // 2, 100):
        with pytest.raises(ReportError):
            verify(file[:length])
    for more in (b"\n", b"<script>x</script>", file[file.rindex(b"<!--") :]):
        with contextlib.suppress(ReportError):
            assert verify(file + more).changed


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_flipped_bit_goes_unseen(written: Path, data: st.DataObject) -> None:
    file = bytearray(written.read_bytes())
    # A third of the flips near the end, where the signature is.
    start = data.draw(st.sampled_from([0, 0, len(file) - 800]))
    at = data.draw(st.integers(start, len(file) - 1))
    file[at] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ReportError):
        assert verify(bytes(file)).changed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def without_lone_surrogates(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@settings(max_examples=100, deadline=None)
@given(JSON.filter(without_lone_surrogates))
def test_canonical_json_is_one_form_of_the_same(value: Any) -> None:
    once = canonical(value)
    assert canonical(json.loads(once)) == once
    assert b"\n" not in once


@pytest.fixture(scope="module")
def hostile(picture: Path, secret: Any) -> bytes:
    """A report on an image whose name and metadata want to be markup."""
    content = picture.read_bytes()
    contents = gather(content, NAME, Detector(), None)
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
    }
    return sign(render(contents, fingerprint(secret.public_key())), contents.facts, secret)


def test_names_and_metadata_are_text_and_what_the_file_says_is_shown(hostile: bytes) -> None:
    assert verify(hostile).changed == ()
    page = hostile.decode()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert len(hostile) < 1_500_000
    assert page.count("-->") == 1  # of the signature


class WithClaims(Detector):
    """Reads from every file what no file should hold."""

    def detect(self, source: Any, **asked: Any) -> Any:
        result = super().detect(source, **asked)
        claims = {"half": "\ud800", "none": float("nan"), "when": Path("x"), "b": ["<i>", {"c": "d"}]}
        object.__setattr__(result, "provenance", SimpleNamespace(to_dict=lambda: claims))
        return result


def test_what_the_detector_reads_of_the_file_is_in_it_whatever_that_is(picture: Path, secret: Any) -> None:
    contents = gather(picture.read_bytes(), "half \udcff.jpg", WithClaims(), None)
    file = sign(render(contents, ""), contents.facts, secret)
    assert verify(file).changed == ()
    told = content_of(file)["provenance"]
    assert told == {"half": "?", "none": "NaN", "when": "x", "b": ["<i>", {"c": "d"}]}
    assert "<bdi>&lt;i&gt;</bdi>" in file.decode()


def test_nothing_of_the_file_but_its_pixels_is_in_it(written: Path, hostile: bytes) -> None:
    for file in (written.read_bytes(), hostile):
        images = re.findall(rb'src="data:image/webp;base64,([^"]+)"', file)
        assert len(images) == 5
        assert b"secret" not in b"".join(map(base64.b64decode, images))
        assert b"secret" not in file
        assert b"secret" not in base64.b64decode(re.search(rb'"statement":"([^"]+)', file)[1])


@pytest.mark.parametrize("which", ["written", "hostile"])
@pytest.mark.parametrize("width", [1100, 360])
def test_a_browser_shows_it_without_asking_anybody(
    browser: Browser, folder: Path, request: pytest.FixtureRequest, which: str, width: int
) -> None:
    found = request.getfixturevalue(which)
    path = found if isinstance(found, Path) else folder / "hostile.html"
    if path is not found:
        path.write_bytes(found)
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(path.as_uri())
    assert page.locator("h1").text_content() == "Veraface report"
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # its style is let in
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("rect").count() == 2
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    assert complaints == []
    if AXE.is_file():
        page.evaluate(AXE.read_text("utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        broken = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)["violations"]
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in broken] == []
    elif os.environ.get("CI"):
        pytest.fail("no axe-core: `make test` installs it with npm")
    if which == "written":
        assert 1 < page.pdf().count(b"/Type /Page\n") <= 7  # sheets of paper
    context.close()


def test_bad_input_is_said_and_writes_nothing(run: Run, folder: Path, picture: Path) -> None:
    out = folder / "none.html"
    same = folder / "picture.html"
    same.write_bytes(picture.read_bytes())
    broken = folder / "broken.jpg"
    broken.write_bytes(encode(portrait(), "JPEG")[:500])
    for arguments, said in (
        ((folder / "missing.jpg", "--out", out), "no such file"),
        ((broken, "--out", out), "cut off or corrupt"),
        ((broken,), "ends in .html"),
        ((broken, "--out", folder / "a.txt"), "ends in .html"),
        (("--verify", out), "cannot be read"),
        (("--verify", out, "--out", out), "checks a report"),
        ((broken, "--out", out, "--key", folder / "no.pem"), "no such key file"),
        ((broken, "--out", out, "--key", broken), "no private key"),
        ((picture, "--out", broken / "a.html"), "Not a directory"),
        ((picture, "--out", folder / ("a" * 300 + ".html")), "File name too long"),
        ((same, "--out", same), "over the image itself"),
    ):
        done = run(*arguments)
        assert done.returncode != 0
        assert said in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
    assert not out.exists()
    assert same.read_bytes() == picture.read_bytes()
    assert list(folder.glob("*.part")) == []


def test_a_name_may_be_as_long_as_the_system_allows(run: Run, folder: Path, picture: Path) -> None:
    done = run(picture, "--out", folder / ("a" * 245 + ".html"))
    assert done.returncode == 0, done.stderr


def test_the_public_key_is_put_back_where_it_is_missing(
    run: Run, picture: Path, folder: Path, public: Path
) -> None:
    before = public.read_bytes()
    public.unlink()
    assert run(picture, "--out", folder / "again.html").returncode == 0
    assert public.read_bytes() == before


def test_a_report_that_stood_there_stays_where_no_new_one_can_be_written(
    run: Run, picture: Path, folder: Path
) -> None:
    done = run(picture, "--out", folder / "no-such-folder" / "report.html")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_key_that_others_may_read_or_of_another_kind_is_refused(
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
    for path, said in (
        (lambda: private(secret, NoEncryption(), 0o644), "chmod 600"),
        (lambda: private(secret, BestAvailableEncryption(b"x")), "encrypted"),
        (lambda: private(ec.generate_private_key(ec.SECP256R1()), NoEncryption()), "no Ed25519"),
        (lambda: public, "no private key"),
    ):
        with pytest.raises(VerafaceError, match=said):
            read_private_key(path())


def test_without_the_extra_it_says_how_to_get_it(folder: Path, picture: Path) -> None:
    hide = folder / "hidden/cryptography"
    hide.mkdir(parents=True)
    (hide / "__init__.py").write_text("raise ModuleNotFoundError(name='cryptography')")
    environment = {"PYTHONPATH": str(hide.parent), "HOME": str(folder)}
    done = veraface("report", picture, "--out", folder / "x.html", environment=environment)
    assert done.returncode == 1
    assert "pip install 'veraface[report]'" in done.stderr
