"""The modes "words only" and "never say real": in every text for people, and nowhere else."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import veraface
from tests.sample_images import encode, portrait
from tests.sample_videos import make_portrait
from tests.server.asgi import application
from tests.server.backends import Scripted, shared_detector
from veraface import Wording
from veraface.analysis import Analysis
from veraface.report.page import gather, render
from veraface.results import DetectionResult, Reason, Verdict
from veraface.server import create_app, load_settings
from veraface.wording import PLAIN

NO_SIGN = "No sign of forgery found"
# Of reasons: all that name the verdict.
MESSAGES = (
    "would be real, but the verdict changes after recompression",
    "would be called real, but there are more frames",
    "the model sees no clear sign of either a real or a fake face",
    "the faces that are seen too briefly were decided together, and are less real",
)
NUMBER = re.compile(r"\d\.\d\d|\d%")


@pytest.fixture(scope="module")
def content() -> bytes:
    return encode(portrait(), "PNG")


@pytest.fixture(scope="module")
def real(content: bytes) -> DetectionResult:
    """Return a result with the verdict real."""
    found = shared_detector().detect(content)
    doubt = Reason("changes_under_recompression", "would be real, but the verdict changes")
    face = replace(found.faces[0], verdict=Verdict.REAL, p_fake=0.01, reasons=(doubt,))
    return replace(found, verdict=Verdict.REAL, p_fake=0.01, faces=(face,), reasons=(doubt,))


@pytest.fixture
def folder(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "photo.png").write_bytes(content)
    return tmp_path


def test_every_verdict_has_words_in_every_mode() -> None:
    for wording in (Wording(), Wording(True), Wording(False, True), Wording(True, True)):
        assert wording.labels.keys() == {verdict.value for verdict in Verdict}
        assert all(wording.short(verdict) in wording.label(verdict).lower() for verdict in Verdict)


def test_the_verdicts_have_the_names_of_the_page() -> None:
    catalog = files("veraface.server") / "static" / "languages" / "en.json"
    verdicts = json.loads(catalog.read_text("utf-8"))["verdicts"]
    names = {verdict: texts["name"] for verdict, texts in verdicts.items()}
    labels = PLAIN.labels
    assert {verdict: labels[verdict] for verdict in names} == names
    assert PLAIN.scale(0.2, 0.8) == "likely real up to 0.20, likely fake from 0.80, cannot tell between"


def test_never_say_real_says_so_nowhere() -> None:
    wording = Wording(never_say_real=True)
    texts = [*wording.labels.values(), wording.tag("real", 0.1), wording.scale(0.1, 0.9)]
    texts += [wording.message(message) for message in MESSAGES]
    assert not [text for text in texts if re.search(r"\breal\b", text, re.IGNORECASE)]


def test_words_only_has_no_number() -> None:
    wording = Wording(words_only=True)
    assert (wording.score(0.5), wording.tag("fake", 0.5), wording.scale(0.1, 0.9)) == ("", "likely fake", "")


@pytest.mark.parametrize("command", [("detect", "photo.png"), ("video", "clip.mp4", "--frames", "3")])
@pytest.mark.parametrize("how", ["option", "environment"])
def test_commands_print_words_only(folder: Path, command: tuple[str, ...], how: str) -> None:
    make_portrait(folder / "clip.mp4")
    options = ("--words-only",) if how == "option" else ()
    environment = {} if how == "option" else {"VERAFACE_WORDS_ONLY": "true"}
    command += ("--model", "fast")
    plain = veraface(*command, cwd=folder)
    done = veraface(*command, *options, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stderr
    assert NUMBER.search(plain.stdout)
    assert "p(fake)" in plain.stdout
    assert not NUMBER.search(done.stdout)
    assert "p(fake)" not in done.stdout
    assert "a statistical estimate, not proof" in done.stdout


def test_json_keeps_its_fields_and_has_the_label(folder: Path) -> None:
    plain = json.loads(veraface("detect", "--model", "fast", "photo.png", "--json", cwd=folder).stdout)
    done = veraface(
        "detect", "--model", "fast", "photo.png", "--json", "--words-only", "--never-say-real", cwd=folder
    )
    found = json.loads(done.stdout)
    assert {name: found[name] for name in ("verdict", "p_fake")} == {
        name: plain[name] for name in ("verdict", "p_fake")
    }
    assert found["label"] == Wording(never_say_real=True).label(found["verdict"])


def test_the_plot_of_a_probability_is_refused_in_words_only_mode(folder: Path) -> None:
    make_portrait(folder / "clip.mp4")
    done = veraface("video", "clip.mp4", "--plot", "p.png", "--words-only", cwd=folder)
    assert done.returncode == 2
    assert "which --words-only hides" in done.stderr


def test_scan_prints_and_writes_the_words(folder: Path) -> None:
    modes = ("--words-only", "--never-say-real")
    done = veraface("scan", ".", "--out", "t.jsonl", "--report", "r.html", "--workers", 1, *modes, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "no sign of forgery found" in done.stdout
    assert "likely real" not in done.stdout
    row = json.loads((folder / "t.jsonl").read_text().splitlines()[0])
    assert row["label"] == Wording(never_say_real=True).label(row["verdict"])
    assert 0 < row["p_fake"] < 1
    page = (folder / "r.html").read_text()
    assert NO_SIGN in page
    assert "robability" not in page.partition("<body>")[2]


@pytest.mark.parametrize("words_only", [False, True])
def test_the_report_follows_the_modes(content: bytes, real: DetectionResult, words_only: bool) -> None:
    wording = Wording(words_only, never_say_real=True)
    contents = gather(content, "photo.png", shared_detector(), wording=wording)

    def shown(result: DetectionResult) -> str:
        facts = {**contents.facts, "result": result.to_dict(heatmap=False)}
        page = render(replace(contents, facts=facts), "", wording)
        return page.partition('<section id="model"')[0].partition("<body>")[2]

    unstable = replace(real.faces[0], verdict=Verdict.UNCERTAIN)
    doubtful = shown(replace(real, verdict=Verdict.UNCERTAIN, faces=(unstable,)))
    assert "shows no clear sign of forgery, but the result changes once it is saved again" in doubtful
    clear = shown(real)
    assert NO_SIGN in clear
    assert bool(re.search(r"\d%", clear)) is not words_only
    for page in (clear, doubtful):
        assert "Likely real" not in page
        assert "counts as real" not in page


@contextlib.contextmanager
def serving(detection: DetectionResult) -> Iterator[Any]:
    """A client of a server in both modes, which finds that in every image."""
    from fastapi.testclient import TestClient

    settings = load_settings(words_only=True, never_say_real=True)
    app = create_app(settings, Scripted(Analysis(detection)))
    with TestClient(app, "http://localhost") as client:
        yield client


@pytest.fixture
def client(real: DetectionResult) -> Iterator[Any]:
    with serving(real) as client:
        yield client


def test_the_server_publishes_the_modes(client: Any) -> None:
    wording = client.get("/api/v1/status").json()["wording"]
    assert wording["words_only"]
    assert wording["never_say_real"]
    assert wording["labels"]["real"] == NO_SIGN
    with application() as plain:
        wording = plain.get("/api/model-status").json()["wording"]
    assert not wording["words_only"]
    assert not wording["never_say_real"]
    assert wording["labels"]["real"] == "Likely real"


def test_a_response_keeps_its_verdict_and_has_the_label(client: Any, content: bytes) -> None:
    found = client.post("/api/v1/detect", files={"image": content}).json()
    assert (found["verdict"], found["label"]) == ("real", NO_SIGN)
    assert found["reasons"][0]["message"].startswith("would show no sign of forgery")
    assert found["faces"][0]["reasons"][0]["message"].startswith("would show no sign of forgery")


def test_the_two_classes_of_the_compatible_api_are_not_used_to_say_real(client: Any, content: bytes) -> None:
    answer = client.post("/api/predict", files={"image": content})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "no_sign_of_forgery"
    assert answer.json()["faces"]
    assert '"Real"' not in answer.text


def test_an_uncertain_image_is_not_said_to_show_no_sign(real: DetectionResult, content: bytes) -> None:
    with serving(replace(real, verdict=Verdict.UNCERTAIN, p_fake=0.4)) as client:
        answer = client.post("/api/predict", files={"image": content})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "uncertain")
        assert answer.json()["error"]["message"].startswith("no verdict is possible")
        assert "no sign of forgery was found" not in answer.text
    with serving(replace(real, verdict=Verdict.UNCERTAIN, p_fake=0.6)) as client:
        answer = client.post("/api/predict", files={"image": content})
        assert answer.json()["prediction"]["class"] == "Fake"


def test_clients_that_show_the_label_leave_the_class_out(client: Any, content: bytes) -> None:
    answer = client.post("/api/predict?prediction=false", files={"image": content})
    assert answer.status_code == 200
    assert (answer.json()["label"], "prediction" in answer.json()) == (NO_SIGN, False)
