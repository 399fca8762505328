"""Settings, starting, and how the work is spread over threads."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from socket import create_connection, create_server
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from tests.cli.terminal import COMMAND
from veraface.server import Settings, SettingsError, load_settings


def test_defaults_listen_on_this_machine_only() -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert settings.max_upload_bytes == 25 * 1024 * 1024
    assert settings.max_pixels == 52_000_000


def test_settings_come_from_the_environment_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERAFACE_PORT", "8001")
    monkeypatch.setenv("VERAFACE_WORKERS", "3")
    settings = load_settings(port=9000, host=None)
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 9000, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("MAX_UPLOAD_BYTES", "0"),
        ("MAX_PIXELS", "-1"),
        ("MAX_PIXELS", "999999999999"),
        ("WORKERS", "0"),
        ("QUEUE", "-1"),
        ("DEADLINE_S", "0"),
        ("UPLOAD_TIMEOUT_S", "never"),
        ("MAX_INFLIGHT_BYTES", "1"),
        ("WORKER_MEMORY_BYTES", "1000"),
        ("MODEL", "/no/such/model.onnx"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_nonsense_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VERAFACE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f"VERAFACE_{name}" in str(caught.value)
    assert value in str(caught.value)


def run_server(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "serve"]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


def test_the_server_does_not_start_with_nonsense() -> None:
    finished = run_server(VERAFACE_PORT="70000")
    assert finished.returncode == 1
    assert "VERAFACE_PORT='70000'" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_server_stops_where_the_model_cannot_be_loaded(tmp_path: Path) -> None:
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"no model")
    finished = run_server(VERAFACE_PORT="0", VERAFACE_MODEL=str(model))
    assert finished.returncode == 1
    assert "the model could not be loaded" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_server_process_loads_no_decoder_and_no_model() -> None:
    """Only workers decode and classify; the server process also needs far less memory without NumPy."""
    code = "import sys, veraface.server.app; print({'numpy', 'onnxruntime', 'PIL', 'av'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"


def test_an_address_that_is_taken_is_named_before_anything_starts() -> None:
    with create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        finished = run_server(VERAFACE_PORT=str(port))
    assert finished.returncode == 1
    assert f"cannot listen on port {port} of 127.0.0.1: Address already in use; " in finished.stderr
    assert finished.stderr.endswith("choose another with --port or VERAFACE_PORT\n")
    assert len(finished.stderr.splitlines()) == 1
    assert "VERAFACE_HOST" in run_server(VERAFACE_HOST="no.such.host.invalid").stderr


def test_many_at_once_all_get_the_same_answer(
    run_async: Callable[..., Any], server: Any, face: bytes
) -> None:
    async def run() -> list[Any]:
        answers: list[Any] = []
        async with (
            httpx.AsyncClient(base_url=server.url, timeout=300) as client,
            anyio.create_task_group() as group,
        ):

            async def detect() -> None:
                response = await client.post("/api/predict", files={"image": ("a.jpg", face)})
                answers.append({**response.json(), "timing_ms": None})

            for _ in range(4):
                group.start_soon(detect)
        return answers

    answers = run_async(run)
    assert len(answers) == 4
    assert answers[0]["success"] is True
    assert all(answer == answers[0] for answer in answers)


def test_a_client_that_hangs_up_does_no_harm(
    server: Any, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
    with create_connection(address) as connection:
        connection.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
        )
    assert predict(face).status_code == 200
    assert "Traceback" not in server.log()
    assert "ClientDisconnect" not in server.log()
