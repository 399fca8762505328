"""Bodies of requests: nothing is received before access is decided, and only so much of it, for so long."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.asgi import application
from veraface.audit import AuditLog, FileId
from veraface.server import uploads

KEY = "vf_bodies"
CHUNK = b" " * 2**20


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[TestClient]:
    settings: dict[str, Any] = {"audit_log": tmp_path / "audit.jsonl", "feedback_folder": tmp_path / "wrong"}
    with application(
        **settings,
        api_keys=(hashlib.sha256(KEY.encode()).hexdigest(),),
        rate_limit="1/minute",
        upload_timeout_s=0.5,
    ) as client:
        yield client


def send(
    client: TestClient, path: str, *chunks: bytes, ends: bool = True, **headers: str
) -> tuple[int, str, int]:
    """Send a body in chunks; return the status, the error's code, and the chunks taken before the answer."""
    left, taken, body = list(chunks), 0, b""
    status = taken_before = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if left:
            taken += 1
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or not ends}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def answer(message: dict[str, Any]) -> None:
        nonlocal status, taken_before, body
        if message["type"] == "http.response.start":
            status, taken_before = message["status"], taken
        body += message.get("body", b"")

    given = {"host": "localhost", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("localhost", 80),
    }
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, answer)
    return status, json.loads(body).get("error", {}).get("code", ""), taken_before


def test_no_body_is_received_before_key_rate_limit_and_cross_site_check(guarded: TestClient) -> None:
    routes = {
        path: methods["post"]
        for path, methods in guarded.get("/openapi.json").json()["paths"].items()
        if "post" in methods
    }
    assert {"/api/v1/decisions", "/api/v1/feedback", "/api/v1/report"} <= routes.keys()
    keeping = [path for path, route in routes.items() if "403" in route["responses"]]
    chunks = [CHUNK] * 30
    for path in routes:
        assert send(guarded, path, *chunks) == (401, "key_required", 0)
    assert len(keeping) == 3
    assert send(guarded, keeping[0], *chunks, x_api_key=KEY, sec_fetch_site="cross-site") == (
        403,
        "cross_site_request",
        0,
    )
    for path in routes:
        assert send(guarded, path, *chunks, x_api_key=KEY) == (429, "rate_limited", 0)


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[tuple[TestClient, bytes]]:
    """A client, and a decision that its server accepts."""
    log = AuditLog(tmp_path / "audit.jsonl")
    entry = log.add_outcome(FileId.of(b"x"), {"error": "none"})
    body = {"entry": entry, "decision": "real", "note": "\U0001f600" * 2000}
    with application(audit_log=log.path, upload_timeout_s=0.5) as client:
        yield client, json.dumps(body).encode()


def test_a_decision_has_at_most_as_many_bytes_as_the_longest_note(
    decisions: tuple[TestClient, bytes],
) -> None:
    client, body = decisions
    path = "/api/v1/decisions"
    assert send(client, path, *([CHUNK] * 30)) == (413, "body_too_large", 1)
    assert send(client, path, *([b" " * 1000] * 300))[::2] == (413, 26)
    assert send(client, path, CHUNK[:10], CHUNK, content_length=str(2**20)) == (413, "body_too_large", 1)
    assert send(client, path, body[:9000], body[9000:]) == (200, "", 2)


def test_a_decision_that_stops_on_its_way_is_cut_off(
    decisions: tuple[TestClient, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, body = decisions
    assert send(client, "/api/v1/decisions", body[:10], ends=False) == (408, "upload_too_slow", 1)
    monkeypatch.setattr(uploads, "_MAX_IDLE_S", 0.05)
    assert send(client, "/api/v1/decisions", body[:10], ends=False) == (408, "upload_too_slow", 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[" * 20_000, "application/json"),
        (b'"\\ud800"', "application/json"),
        (b"\xff", "application/json"),
        (b"null", "application/json"),
        (None, "text/plain"),  # which a page of any site may send
        (None, ""),
    ],
)
def test_what_is_no_decision_in_json_is_refused(
    decisions: tuple[TestClient, bytes], body: bytes | None, kind: str
) -> None:
    client, good = decisions
    found = send(client, "/api/v1/decisions", good if body is None else body, content_type=kind)
    assert found[:2] == (422, "invalid_parameter")
