"""The audit log of a server, and the route for decisions."""

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.sample_videos import make_portrait
from tests.server.asgi import application
from veraface.audit import AuditError, AuditLog, verify

KEY = "vf_audit"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audited(log: Path) -> Iterator[TestClient]:
    with application(audit_log=log, api_keys=DIGEST) as client:
        client.headers["X-API-Key"] = KEY
        yield client


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def detect(client: TestClient, content: bytes, path: str = "/api/v1/detect") -> Any:
    return client.post(path, files={"image": ("secret-name.png", content)})


def test_every_result_is_in_the_log(audited: TestClient, log: Path, face: bytes, corrupt: bytes) -> None:
    first = detect(audited, face).json()
    second = detect(audited, face, "/api/predict").json()
    assert detect(audited, corrupt).status_code == 422
    found = entries(log)
    assert [entry["hash"] for entry in found[:2]] == [first["audit_entry"], second["audit_entry"]]
    assert found[0]["file"]["sha256"] == hashlib.sha256(face).hexdigest()
    assert found[0]["actor"] == f"key:{DIGEST}"
    assert found[0]["via"] == "server"
    assert found[0]["request_id"]
    assert found[0]["result"]["verdict"] == first["verdict"]
    assert found[2]["result"] == {"error": "unreadable_image"}
    assert "secret-name" not in log.read_text()
    assert not verify(log).problems


def test_a_video_is_in_the_log(audited: TestClient, log: Path, tmp_path: Path) -> None:
    make_portrait(tmp_path / "clip.mp4")
    content = (tmp_path / "clip.mp4").read_bytes()
    answer = audited.post("/api/v1/detect-video?frames=2", files={"video": ("clip.mp4", content)})
    result = json.loads(answer.text.rpartition("event: result\ndata: ")[2])
    (entry,) = entries(log)
    assert entry["hash"] == result["audit_entry"]
    assert entry["file"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_decision_is_added(audited: TestClient, log: Path, face: bytes) -> None:
    about = detect(audited, face).json()["audit_entry"]
    body = {"entry": about, "decision": "real", "note": "the photographer was asked"}
    added = audited.post("/api/v1/decisions", json=body)
    assert added.status_code == 200, added.text
    decision = entries(log)[-1]
    assert decision["hash"] == added.json()["entry"]
    assert (decision["event"], decision["entry"], decision["decision"]) == ("decision", about, "real")
    unknown = audited.post("/api/v1/decisions", json={**body, "entry": "0" * 64})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_entry")
    for wrong in ({"decision": "perhaps"}, {"entry": "x"}, {"note": "x" * 2001}, {"more": 1}):
        assert audited.post("/api/v1/decisions", json={**body, **wrong}).status_code == 422
    assert audited.post("/api/v1/decisions", json=body, headers={"X-API-Key": "no"}).status_code == 401
    assert len(entries(log)) == 2


def test_no_result_without_an_entry(audited: TestClient, log: Path, face: bytes) -> None:
    log.unlink()
    log.mkdir()
    answer = detect(audited, face)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "audit_failed")
    assert str(log) not in answer.text


def test_a_server_does_not_start_with_a_log_that_it_cannot_write(tmp_path: Path) -> None:
    with (
        pytest.raises(AuditError, match=r"none/audit\.jsonl"),
        application(audit_log=tmp_path / "none/audit.jsonl"),
    ):
        pass


def test_without_a_log_there_is_no_entry_and_no_route(face: bytes) -> None:
    with application() as client:
        assert "audit_entry" not in detect(client, face).json()
        assert client.post("/api/v1/decisions", json={}).status_code == 404
        assert "/api/v1/decisions" not in client.get("/openapi.json").json()["paths"]


def test_searches_for_decisions_hold_up_no_result(
    audited: TestClient, face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"entry": detect(audited, face).json()["audit_entry"], "decision": "fake"}
    ended, limits, find = threading.Event(), [], AuditLog.find

    def slow(self: AuditLog, entry: str, within: int | None = None) -> Any:
        limits.append(within)
        ended.wait(300)
        return find(self, entry, within)

    monkeypatch.setattr(AuditLog, "find", slow)
    with ThreadPoolExecutor(40) as clients:
        answers = [clients.submit(audited.post, "/api/v1/decisions", json=body) for _ in range(40)]
        refused = [answer.result() for answer in islice(as_completed(answers, timeout=300), 32)]
        assert {answer.json()["error"]["code"] for answer in refused} == {"overloaded"}
        assert limits == [64 * 2**20]  # one at a time
        assert detect(audited, face).status_code == 200
        ended.set()
    codes = sorted(answer.result().status_code for answer in answers)
    assert codes == [200] * 8 + [503] * 32
    assert audited.post("/api/v1/decisions", json=body).status_code == 200
