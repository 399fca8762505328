"""Which weights a server uses: the shipped ones, or configured ones that are complete and have a card."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.terminal import COMMAND
from tests.server.conftest import DEFAULT_MODEL, RunningServer
from veraface.models.classifier import WEIGHTS
from veraface.models.registry import load_card

SHIPPED = WEIGHTS / "veraface-lite0.onnx"


def copy_of_the_shipped(folder: Path) -> Path:
    for suffix in (".onnx", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), folder)
    return folder / SHIPPED.name


def test_weights_that_lie_about_are_not_taken(
    start_server: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    for folder in (tmp_path, tmp_path / "weights"):
        copy_of_the_shipped(folder).write_bytes(b"somebody else's")
    monkeypatch.chdir(tmp_path)
    with start_server(**DEFAULT_MODEL) as server:
        status = httpx.get(f"{server.url}/api/model-status", timeout=300).json()
    assert status["sha256"] == load_card().sha256


@pytest.mark.parametrize("what", ["one bit", "no card"])
def test_a_server_does_not_start_with_weights_that_are_not_those_of_their_card(
    tmp_path: Path, what: str
) -> None:
    model = copy_of_the_shipped(tmp_path)
    if what == "one bit":
        weights = bytearray(model.read_bytes())
        weights[len(weights) // 2] ^= 1
        model.write_bytes(weights)
    else:
        model.with_suffix(".json").unlink()
    done = subprocess.run(
        [*COMMAND, "serve"],
        env={**os.environ, "VERAFACE_PORT": "0", "VERAFACE_MODEL": str(model)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert ("sha256 differs" if what == "one bit" else "no such model card") in done.stderr
    assert "Traceback" not in done.stderr


def test_card_and_page_are_compressed_for_clients_that_accept_it(server: RunningServer) -> None:
    for path in ("/api/v1/model", "/api/model", "/dashboard"):
        plain, small = (
            httpx.get(f"{server.url}{path}", headers={"Accept-Encoding": encoding})
            for encoding in ("identity", "gzip")
        )
        assert plain.content == small.content
        assert small.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert int(small.headers["Content-Length"]) < len(plain.content) / 2
