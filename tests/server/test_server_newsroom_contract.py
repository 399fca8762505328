"""What the optional routes answer is what the OpenAPI document declares.

The servers of test_server_contract.py cannot write files, so that these routes are called in this process.
"""

from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.core.transport import Response

from tests.server.asgi import application


def test_answers_of_optional_routes_are_as_documented(tmp_path: Path, face: bytes, corrupt: bytes) -> None:
    settings: dict[str, Any] = {"audit_log": tmp_path / "audit.jsonl", "feedback_folder": tmp_path / "wrong"}
    with application(**settings, words_only=True, never_say_real=True) as client:
        document = schemathesis.openapi.from_dict(client.get("/openapi.json").json())

        def status(response: httpx.Response) -> int:
            response.request.read()
            path, method = response.request.url.path, response.request.method
            document[path][method].validate_response(Response.from_httpx(response, verify=True))
            return response.status_code

        def send(path: str, content: bytes, **fields: str) -> httpx.Response:
            answer: httpx.Response = client.post(path, files={"image": content}, data=fields)
            return answer

        assert status(client.get("/api/v1/status")) == 200
        detected = send("/api/v1/detect", face)
        assert status(detected) == 200
        assert status(send("/api/v1/detect", corrupt)) == 422
        assert status(send("/api/predict", face)) in (200, 422)
        decision = {"entry": detected.json()["audit_entry"], "decision": "undecided"}
        assert status(client.post("/api/v1/decisions", json=decision)) == 200
        assert status(client.post("/api/v1/decisions", json={**decision, "entry": "0" * 64})) == 404
        assert status(client.post("/api/v1/decisions", json={})) == 422
        assert status(send("/api/v1/feedback", face, label="real", note="x")) == 200
        assert status(send("/api/v1/feedback", face)) == 422
        assert status(send("/api/v1/feedback", b"text", label="real")) == 415
        assert status(client.post("/api/v1/feedback")) == 400
        for path in ("/api/v1/decisions", "/api/v1/feedback", "/api/v1/report"):
            assert status(client.post(path, json=decision, headers={"Sec-Fetch-Site": "cross-site"})) == 403
