"""Pages of other sites that have a visitor's browser send requests to routes that keep or sign something."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.asgi import application

NAMED = "https://newsroom.example"
ROUTES = ("/api/v1/feedback", "/api/v1/report", "/api/v1/decisions")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    settings: dict[str, Any] = {"audit_log": tmp_path / "audit.jsonl", "feedback_folder": tmp_path / "wrong"}
    with application(**settings, cors_origins=(NAMED,)) as client:
        yield client


def send(client: Any, path: str, face: bytes, headers: dict[str, str]) -> Any:
    if path.endswith("decisions"):
        entry = client.post("/api/v1/detect", files={"image": face}).json()["audit_entry"]
        return client.post(path, json={"entry": entry, "decision": "undecided"}, headers=headers)
    return client.post(path, files={"image": face}, data={"label": "real"}, headers=headers)


def state(folder: Path) -> tuple[int, int]:
    """How many files are kept, and how many decisions."""
    log = folder / "audit.jsonl"
    decisions = log.read_text().count('"undecided"') if log.exists() else 0
    return len(list((folder / "wrong").rglob("*.*"))), decisions


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", NAMED + ".evil.example", None])
def test_another_site_is_refused(
    client: Any, face: bytes, tmp_path: Path, path: str, origin: str | None
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"} | ({"Origin": origin} if origin else {})
    answer = send(client, path, face, headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site_request")
    assert state(tmp_path) == (0, 0)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},  # a browser that sends the other header says more
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": NAMED},
    ],
    ids=["program", "origin only", "same origin", "same site", "none", "named origin"],
)
def test_everyone_else_is_not(client: Any, face: bytes, path: str, headers: dict[str, str]) -> None:
    answer = send(client, path, face, headers)
    assert answer.status_code == 200, answer.text


def test_routes_that_keep_nothing_answer_every_site(client: Any, face: bytes) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}  # as the browser extension sends it
    for path in ("/api/v1/detect", "/api/predict", "/api/v1/forensics"):
        assert client.post(path, files={"image": face}, headers=headers).status_code == 200
    signed = client.post("/api/v1/report", files={"image": face}).content
    verified = client.post("/api/v1/report/verify", files={"report": signed}, headers=headers)
    assert verified.json()["intact"]
