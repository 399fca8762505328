"""Standard streams that are closed or full: one line, status 1, and everything that exists is written."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND, ENVIRONMENT
from tests.sample_images import encode, portrait


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "face.jpg").write_bytes(encode(portrait(), "JPEG"))
    return tmp_path


def shell(where: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with redirections of a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$0" "$@" {arguments}', *COMMAND],
        cwd=where,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_closed_input_costs_no_other_verdict(image: Path) -> None:
    done = shell(image, "detect face.jpg - face.jpg --json <&-")
    assert done.returncode == 1
    assert done.stderr == "veraface: -: standard input is closed; pipe an image into it\n"
    verdicts = ["verdict" in json.loads(line) for line in done.stdout.splitlines()]
    assert verdicts == [True, False, True]


def test_closed_output_of_a_scan_keeps_the_table(image: Path) -> None:
    done = shell(image, "scan face.jpg -o t.jsonl >&-")
    assert done.returncode == 1
    assert done.stderr == "veraface: standard output is closed; files that were asked for are written\n"
    assert "verdict" in json.loads((image / "t.jsonl").read_text().splitlines()[0])


def test_full_output_keeps_the_overlay(image: Path) -> None:
    done = shell(image, "detect face.jpg --json --heatmap seen.png >/dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("veraface: standard output cannot be written: No space left on device")
    assert (image / "seen.png").stat().st_size > 1000


def test_no_stream_at_all(image: Path) -> None:
    done = shell(image, "info --list <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert shell(image, "info --list | :").stderr == ""
