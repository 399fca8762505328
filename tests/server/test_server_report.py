"""Signed reports of the server: /api/v1/report and their verification."""

import hashlib
import re
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from veraface.report.page import read_data
from veraface.report.signature import fingerprint, verify
from veraface.report.texts import LANGUAGES, Language, texts_in
from veraface.server.app import create_app
from veraface.server.settings import Settings, SettingsError

StartServer = Callable[..., AbstractContextManager[Any]]
PREDICTED = ("verdict", "p_fake", "width", "height", "thresholds", "model")


def report(client: httpx.Client, content: bytes, name: str = "a.jpg") -> httpx.Response:
    return client.post("/api/v1/report", files={"image": (name, content)})


def verified(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/api/v1/report/verify", files={"report": ("report.html", content)})


def test_a_report_has_the_result_of_the_api_and_is_signed(
    client: httpx.Client, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    response = report(client, face, "party.jpg")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert verify(response.content).intact
    data, answer = read_data(response.content), predict(face).json()
    assert {name: data["result"][name] for name in PREDICTED} == {name: answer[name] for name in PREDICTED}
    assert data["file"]["sha256"] == hashlib.sha256(face).hexdigest()
    assert data["file"]["name"] == "party.jpg"
    assert data["model"]["card_sha256"]


def test_an_image_without_a_face_has_a_report(client: httpx.Client, no_face: bytes) -> None:
    response = report(client, no_face)
    assert response.status_code == 200
    assert "No face found" in response.text


def test_a_broken_image_has_none(client: httpx.Client, corrupt: bytes) -> None:
    response = report(client, corrupt)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "unreadable_image"


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_written_and_verified_in_each_language(
    client: httpx.Client, face: bytes, language: Language
) -> None:
    response = client.post(f"/api/v1/report?language={language}", files={"image": ("a.jpg", face)})
    text = texts_in(language)
    assert f'<html lang="{language}" dir="{text.direction}">' in response.text
    verdict = read_data(response.content)["result"]["verdict"]
    for path in (
        f"verdicts.{verdict}.name",
        "report.title",
        "answer.notProof",
        "report.limits",
        "report.covers",
    ):
        assert text(path) in response.text
    found = verified(client, response.content).json()
    assert (found["intact"], found["own_key"], found["verdict"]) == (True, True, verdict)


def test_a_language_that_there_is_not_is_refused(client: httpx.Client, face: bytes) -> None:
    response = client.post("/api/v1/report?language=tlh", files={"image": ("a.jpg", face)})
    assert response.status_code == 422


def test_it_is_verified(client: httpx.Client, face: bytes) -> None:
    signed = report(client, face, "party.jpg").content
    found = verified(client, signed).json()
    assert (found["intact"], found["own_key"], found["name"]) == (True, True, "party.jpg")
    assert found["fingerprint"] == verify(signed).fingerprint
    changed = verified(client, signed.replace(b"Not proof", b"Proof")).json()
    assert (changed["intact"], changed["name"]) == (False, None)
    damaged = re.sub(rb'{"protected":"[^"]*"', b'{"protected":1', signed)
    for broken in (b"", b"<h1>no report</h1>", signed[:-5], damaged):
        response = verified(client, broken)
        assert response.status_code in (400, 422)
    assert verified(client, bytes(26 * 2**20)).status_code == 413


def test_the_key_is_that_of_the_settings(
    start_server: StartServer, tmp_path: Path, client: httpx.Client, face: bytes
) -> None:
    key = Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with (
        start_server(VERAFACE_REPORT_KEY=str(path)) as server,
        httpx.Client(base_url=server.url, timeout=300) as other,
    ):
        signed = report(other, face).content
        assert verify(signed).fingerprint == fingerprint(key.public_key())
        assert verified(other, signed).json()["own_key"] is True
        assert verified(client, signed).json()["own_key"] is False
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_place_for_a_key_one_is_made_for_the_life_of_the_server(
    start_server: StartServer, tmp_path: Path, face: bytes
) -> None:
    settings = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with start_server(**settings) as server, httpx.Client(base_url=server.url, timeout=300) as client:
        first, second = (report(client, face).content for _ in range(2))
        assert verify(first).intact
        assert verify(first).fingerprint == verify(second).fingerprint
        assert "lost at the end of this server" in server.wait_for_log("lost at the end")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]  # the server may write no file


def test_a_key_that_others_may_read_is_refused_at_startup(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(SettingsError, match="VERAFACE_REPORT_KEY: .*not a private key"):
        create_app(Settings(report_key=path))


def test_the_status_says_whether_reports_are_made(client: httpx.Client) -> None:
    assert client.get("/api/v1/status").json()["limits"]["reports"] is True
