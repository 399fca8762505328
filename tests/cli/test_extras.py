"""A command that needs an extra names it where its package is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import ENVIRONMENT
from tests.sample_images import encode, portrait
from veraface.provenance.trust import SHIPPED

PROGRAM = "import sys; sys.modules[sys.argv.pop(1)] = None; from veraface.cli import main; main()"
SIGNED = ("--heatmap", "out.png", "--sign-certificate", "key.pem", "--sign-key", "key.pem")
ANCHORS = str(SHIPPED / "official" / "C2PA-TRUST-LIST.pem")


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("c2pa", "provenance", ("detect", "photo.jpg", *SIGNED)),
        ("c2pa", "provenance", ("detect", "photo.jpg", "--trust-anchors", ANCHORS)),
        ("jinja2", "report", ("report", "photo.jpg", "--out", "report.html")),
        ("av", "video", ("video", "clip.mp4")),
        ("jinja2", "evaluate", ("evaluate", "--data", ".", "--out", "report")),
    ],
)
def test_the_missing_extra_is_named(
    tmp_path: Path, package: str, extra: str, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "photo.jpg").write_bytes(encode(portrait(), "JPEG"))
    command = [sys.executable, "-c", PROGRAM, package, *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    assert f"not installed: pip install 'veraface[{extra}]'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
