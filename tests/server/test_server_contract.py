"""The real server does what the OpenAPI document declares, for any request."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import JsonSchemaError

from tests.examples import PROFILE

KEY = "vf_contract"
EXAMPLES = 150 if PROFILE == "deep" else 12  # an operation and phase
# A valid form may contain an invalid image, which has its own status. No other rejection of what the document
# allows is accepted; 401 only for the requests that are sent without the key to test that.
CONFIG = """
[checks]
enabled = true

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 415, 422]
"""
# Routes that accept any image: these two checks are wrong about what was sent. A field that is to be an empty
# array becomes no field at all, and the right key is still sent beside the wrong one. /api/predict rejects
# both images, which have no face. test_server_evidence.py tests that wrong fields and keys are rejected.
CONFIG += "".join(
    f"""
[[operations]]
include-path = "{path}"
checks.negative_data_rejection.enabled = false
checks.ignored_auth.enabled = false
"""
    for path in ("/api/evidence", "/api/v1/detect", "/api/v1/forensics", "/api/v1/report")
)


@pytest.fixture(scope="module")
def locked(start_server: Callable[..., Any]) -> Iterator[Any]:
    """A server with everything that changes its document."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    settings = {"API_KEYS": digest, "RATE_LIMIT": "10000/second", "METRICS": "true"}
    with start_server(**{f"VERAFACE_{name}": value for name, value in settings.items()}) as server:
        yield server


@pytest.mark.generative
@pytest.mark.parametrize("which", ["server", "locked"])
def test_generated_requests_find_nothing_undocumented(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Schemathesis with all of its checks: valid, invalid and missing data, methods, headers, keys."""
    server = request.getfixturevalue(which)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    options = [f"--max-examples={EXAMPLES}", "--seed=1", "--generation-database=none", "--no-color"]
    if which == "locked":
        options.append(f"--header=X-API-Key: {KEY}")
    finished = subprocess.run(
        [*command, f"{server.url}/openapi.json", *options],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
    assert "internal_error" not in server.log()


@pytest.fixture(scope="module")
def check(server: Any) -> Callable[..., int]:
    """Holds an answer against the document, and gives its status."""
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")

    def check_(response: httpx.Response) -> int:
        response.request.read()
        path, method = response.request.url.path, response.request.method
        document[path][method].validate_response(Response.from_httpx(response, verify=True))
        return response.status_code

    return check_


def test_answers_about_images_are_as_documented(
    check: Callable[..., int],
    predict: Callable[..., httpx.Response],
    client: httpx.Client,
    face: bytes,
    two_faces: bytes,
    small_face: bytes,
    no_face: bytes,
    corrupt: bytes,
) -> None:
    assert check(predict(face)) == 200
    assert check(predict(two_faces, heatmap="true")) == 200
    for image in (small_face, no_face, corrupt, b""):
        assert check(predict(image)) == 422
    assert check(predict(face, heatmap="banana")) == 422
    assert check(predict(b"%PDF-1.7")) == 415
    assert check(predict(bytes(26 * 2**20))) == 413
    assert check(client.post("/api/predict")) == 400
    for path in ("/api/model", "/api/model-status", "/healthz", "/readyz"):
        assert check(client.get(path)) == 200


def test_the_check_itself_notices_a_wrong_answer(check: Callable[..., int], client: httpx.Client) -> None:
    right = client.get("/healthz")
    right._content = b'{"status": "splendid"}'
    with pytest.raises(JsonSchemaError):
        check(right)
