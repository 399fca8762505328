"""The route that keeps images with a wrong verdict, if the operator has named a folder."""

import hashlib
from pathlib import Path
from typing import Any

from tests.server.asgi import application
from veraface.datasets.manifest import read_samples


def send(client: Any, content: bytes, **fields: str) -> Any:
    return client.post("/api/v1/feedback", files={"image": ("my-name.png", content)}, data=fields)


def test_an_image_is_kept(tmp_path: Path, face: bytes) -> None:
    with application(feedback_folder=tmp_path / "wrong") as client:
        assert client.get("/api/v1/status").json()["limits"]["feedback"] is True
        answer = send(client, face, label="fake", note="a mask", generator="flux")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "kept": True,
            "label": "fake",
            "sha256": hashlib.sha256(face).hexdigest(),
        }
    (sample,) = read_samples(tmp_path / "wrong")
    assert sample.fake
    assert sample.path.read_bytes() == face
    manifest = (tmp_path / "wrong/manifest.csv").read_text()
    assert "a mask" in manifest
    assert "anonymous" in manifest
    assert "my-name" not in manifest


def test_what_is_no_report_is_refused(tmp_path: Path, face: bytes, corrupt: bytes) -> None:
    with application(feedback_folder=tmp_path) as client:
        too_long = ({"label": "real", "note": "x" * 2001}, {"label": "fake", "generator": "x" * 201})
        for fields in ({}, {"label": "perhaps"}, *too_long):
            answer = send(client, face, **fields)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_parameter")
            message = answer.json()["error"]["message"]
            assert all(name in message for name in ("label", "note", "2000", "generator", "200"))
        assert send(client, corrupt, label="real").status_code == 422
        assert client.post("/api/v1/feedback", data={"label": "real"}).status_code == 400
    assert not list(tmp_path.rglob("*.png"))


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, face: bytes) -> None:
    with application(feedback_folder=tmp_path) as client:
        (tmp_path / "manifest.csv").mkdir()
        answer = send(client, face, label="real")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "feedback_not_kept")
    assert str(tmp_path) not in answer.text


def test_without_a_folder_there_is_no_route(face: bytes) -> None:
    with application() as client:
        assert client.get("/api/v1/status").json()["limits"]["feedback"] is False
        assert send(client, face, label="real").status_code == 404
