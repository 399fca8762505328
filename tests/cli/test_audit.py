"""`--audit` of the commands, and `veraface audit`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import veraface
from tests.sample_images import encode, portrait
from tests.sample_videos import make_portrait


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photo.png").write_bytes(encode(portrait(), "PNG"))
    (tmp_path / "broken.png").write_bytes(encode(portrait(), "PNG")[:2000])
    return tmp_path


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_there_is_no_log_unless_asked_for(folder: Path) -> None:
    before = {*folder.iterdir()}
    assert veraface("detect", "--model", "fast", "photo.png", cwd=folder).returncode == 0
    assert {*folder.iterdir()} == before


def test_detect_appends_results_and_refused_files(folder: Path) -> None:
    done = veraface(
        "detect",
        "--model",
        "fast",
        "photo.png",
        "broken.png",
        "none.png",
        "--json",
        "--audit",
        "log.jsonl",
        cwd=folder,
    )
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    found, refused = entries(folder)  # a file that does not exist was not analyzed
    assert found["via"] == "command"
    assert found["actor"].startswith("user:")
    assert found["file"]["sha256"] == hashlib.sha256((folder / "photo.png").read_bytes()).hexdigest()
    assert found["result"]["verdict"] == printed[0]["verdict"]
    assert found["result"]["p_fake"] == printed[0]["p_fake"]
    assert refused["result"] == {"error": "unreadable_image"}
    verified = veraface("audit", "verify", "log.jsonl", cwd=folder)
    assert verified.returncode == 0
    assert "unchanged: 2 entries" in verified.stdout
    assert refused["hash"] in verified.stdout


def test_the_environment_can_ask_for_it(folder: Path) -> None:
    log = {"VERAFACE_AUDIT_LOG": str(folder / "log.jsonl")}
    assert veraface("detect", "--model", "fast", "photo.png", cwd=folder, environment=log).returncode == 0
    assert len(entries(folder)) == 1


def test_no_result_without_an_entry(folder: Path) -> None:
    done = veraface("detect", "--model", "fast", "photo.png", "--audit", "none/log.jsonl", cwd=folder)
    assert done.returncode == 1
    assert not done.stdout
    assert "none/log.jsonl: the audit log cannot be used: No such file" in done.stderr


def test_scan_appends_every_image(folder: Path) -> None:
    done = veraface(
        "scan",
        "--model",
        "fast",
        ".",
        "--out",
        "table.jsonl",
        "--workers",
        1,
        "--audit",
        "log.jsonl",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    by_hash = {entry["file"]["sha256"]: entry for entry in entries(folder)}
    assert len(by_hash) == 2
    found = by_hash[hashlib.sha256((folder / "photo.png").read_bytes()).hexdigest()]
    assert found["result"]["verdict"] in ("real", "fake", "uncertain")
    assert found["thresholds"].keys() == {"real", "fake"}
    assert found["model"].keys() == {"name", "version", "sha256"}


def test_report_and_video_append_their_results(folder: Path) -> None:
    make_portrait(folder / "clip.mp4")
    done = veraface("video", "--model", "fast", "clip.mp4", "--frames", 2, "--audit", "log.jsonl", cwd=folder)
    assert done.returncode == 0, done.stderr
    done = veraface(
        "report", "--model", "fast", "photo.png", "--out", "r.html", "--audit", "log.jsonl", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    (folder / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:2000])
    done = veraface(
        "report", "--model", "fast", "broken.png", "--out", "r.html", "--audit", "log.jsonl", cwd=folder
    )
    assert done.returncode == 1
    video, report, refused = entries(folder)
    assert refused["result"] == {"error": "unreadable_image"}
    assert video["file"]["size"] == (folder / "clip.mp4").stat().st_size
    assert video["result"]["faces"]
    assert report["file"]["size"] == (folder / "photo.png").stat().st_size


def test_a_decision_is_added_to_the_last_analysis(folder: Path) -> None:
    arguments = ("audit", "decide", "log.jsonl", "photo.png", "fake", "--note", "wrong ears", "--by", "anna")
    assert "no such audit log" in veraface(*arguments, cwd=folder).stderr
    veraface("detect", "--model", "fast", "photo.png", "--audit", "log.jsonl", cwd=folder)
    done = veraface(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    analysis, decision = entries(folder)
    assert decision["entry"] == analysis["hash"]
    assert (decision["decision"], decision["note"], decision["actor"]) == ("fake", "wrong ears", "anna")
    (folder / "other.png").write_bytes(b"other")
    done = veraface("audit", "decide", "log.jsonl", "other.png", "fake", cwd=folder)
    assert "this log has no analysis of it" in done.stderr


def test_verify_explains_what_is_wrong(folder: Path) -> None:
    veraface("detect", "--model", "fast", "photo.png", "--audit", "log.jsonl", cwd=folder)
    head = entries(folder)[0]["hash"]
    assert veraface("audit", "verify", "log.jsonl", "--head", head, cwd=folder).returncode == 0
    log = folder / "log.jsonl"
    log.write_text(log.read_text().replace('"verdict":"', '"verdict":"x'))
    done = veraface("audit", "verify", "log.jsonl", cwd=folder)
    assert done.returncode == 1
    assert "log.jsonl: line 1: was changed: its hash does not match its content" in done.stderr
    done = veraface("audit", "verify", "none.jsonl", cwd=folder)
    assert "none.jsonl: cannot be read: No such file or directory" in done.stderr
