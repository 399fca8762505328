"""Every finding has a grade and a limitation, in every place where people read it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import veraface
from tests.cli.terminal import veraface as command
from tests.provenance.files import A1111, camera_exif, jpeg, png
from tests.sample_images import encode, portrait
from tests.sample_videos import make_portrait
from tests.server.asgi import application
from veraface import Wording
from veraface.analysis import analyze
from veraface.findings import GRADES, Grade, collect_findings
from veraface.provenance.claims import CredentialState
from veraface.provenance.signals import SIGNALS
from veraface.results import Verdict

SOURCE = Path(veraface.__file__).parent
RATES = (  # of the shipped card, whose test images are JPEG files
    r"of 100 test faces with this verdict, [\w ]+ were fake; called fake: \d+ of 1,000 real ones of [\w ]+ "
    r"px in JPEG images and \d+ of 1,000 fake ones; called real: \d+ of 1,000 fake ones "
)


def codes_in_source() -> set[str]:
    """Return the codes of all findings that provenance and forensics can make."""
    files = [path for name in ("provenance", "forensics") for path in (SOURCE / name).rglob("*.py")]
    text = "\n".join(path.read_text() for path in files)
    named = set(re.findall(r'\bFinding\(\s*"(\w+)"', text))
    named |= set(re.findall(r'code = "(\w+)" if .* else "\w+"', text))
    named |= set(re.findall(r'code = "\w+" if .* else "(\w+)"', text))
    return named


def test_no_kind_lacks_a_grade() -> None:
    kinds = codes_in_source()
    assert {"no_exposure", "odd_date", "editor_software"} <= kinds
    kinds |= set(SIGNALS) | {"ai_generated", "ai_edited", "captured", "generator_parameters"}
    kinds |= {f"credentials_{state}" for state in CredentialState} - {"credentials_not_installed"}
    kinds |= {f"verdict_{verdict}" for verdict in Verdict}
    missing = sorted(kinds - set(GRADES))
    assert not missing, "add them to src/veraface/findings/grades.py"


def test_every_limitation_is_a_sentence() -> None:
    for code, (grade, limitation) in GRADES.items():
        assert grade in Grade, code
        assert len(limitation) > 20, code


def test_only_conclusions_of_the_model_have_error_rates() -> None:
    found = analyze(encode(portrait(), "PNG")).findings
    model, *others = found
    assert (model.origin, model.grade) == ("model", Grade.INFERRED)
    assert model.error_rates == analyze(encode(portrait(), "PNG")).detection.reliability
    assert model.error_rates is not None
    assert all(finding.error_rates is None for finding in others)


def test_findings_of_every_origin_are_graded() -> None:
    content = jpeg(exif=camera_exif(tag_0131="Adobe Photoshop 25"))
    found = {f.code: f for f in analyze(content, provenance="full", forensics=True).findings}
    assert found["editor_software"].grade is Grade.OBSERVED
    assert found["forensic_views"].grade is Grade.DERIVED
    generated = {f.code: f for f in analyze(png(("parameters", A1111))).findings}
    assert generated["generator_parameters"].grade is Grade.OBSERVED
    assert "anyone can write" in generated["generator_parameters"].limitation


def test_a_kind_of_another_version_is_no_more_than_a_conclusion() -> None:
    analysis = analyze(encode(portrait(), "PNG"))
    assert analysis.provenance is not None
    strange = replace(analysis.provenance, findings=(SimpleNamespace(code="new_kind", message="new"),))
    found = collect_findings(analysis.detection, strange)
    assert (found[-1].code, found[-1].grade) == ("new_kind", Grade.INFERRED)


def test_the_wording_holds() -> None:
    detection = replace(analyze(encode(portrait(), "PNG")).detection, verdict=Verdict.REAL)
    (found,) = collect_findings(detection, wording=Wording(words_only=True, never_say_real=True))
    assert found.message == "No sign of forgery found"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exif = camera_exif(tag_0131="Adobe Photoshop 25")
    (tmp_path / "photo.jpg").write_bytes(encode(portrait(), "JPEG", exif=exif))
    return tmp_path


def test_command_prints_grade_and_limitation(folder: Path) -> None:
    printed = command("detect", "photo.jpg", cwd=folder).stdout
    assert re.search(r"observed +provenance +was saved by an editing program", printed)
    assert "cropping or resizing leaves the same trace as a forgery" in " ".join(printed.split())
    findings = printed[printed.index("Findings") :].split("\n\n")[0]
    assert max(map(len, findings.splitlines())) <= 100
    assert re.search(r"inferred +model", printed)
    assert re.search(RATES, " ".join(findings.split()))


def test_json_and_api_contain_them(folder: Path) -> None:
    done = command("detect", "photo.jpg", "--json", "--model", "fast", cwd=folder)
    printed = json.loads(done.stdout)["findings"]
    with application() as client:
        content = (folder / "photo.jpg").read_bytes()
        answer = client.post("/api/v1/detect", files={"image": content}).json()["findings"]
    assert printed == answer
    assert {"origin", "code", "grade", "message", "limitation"} <= set(answer[0])


def test_the_report_contains_them(folder: Path) -> None:
    assert command("report", "photo.jpg", "--out", "r.html", cwd=folder).returncode == 0
    page = (folder / "r.html").read_text()
    section = page.partition('<section id="findings"')[2].partition("</section>")[0]
    assert re.search(RATES, section)
    assert "was saved by an editing program: Adobe Photoshop 25" in section
    assert "observed" in section
    assert "cropping or resizing leaves the same trace as a forgery" in section


def test_videos_have_them_too(tmp_path: Path) -> None:
    pytest.importorskip("av")
    make_portrait(tmp_path / "a.mp4", 4)
    options = ("video", "a.mp4", "--model", "fast", "--frames", 4)
    printed = command(*options, "--never-say-real", cwd=tmp_path).stdout
    assert re.search(r"inferred +model +No sign of forgery found, p_fake 0\.\d+", printed)
    assert re.search(r"observed +provenance +absent: no Content Credentials", printed)
    (line,) = command(*options, "--json", cwd=tmp_path).stdout.splitlines()
    found = json.loads(line)["findings"]
    codes = [(finding["code"], finding["grade"]) for finding in found]
    assert codes == [("verdict_real", "inferred"), ("credentials_absent", "observed")]
    assert all("error_rates" not in finding for finding in found)
