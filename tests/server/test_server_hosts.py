"""The Host header: a web site that lets its name resolve to this machine (DNS rebinding) reads nothing."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from tests.server.asgi import application
from veraface.cli.app import app as command
from veraface.server.app import serve

OWN = ("localhost", "127.0.0.1", "[::1]", "veraface.localhost", "LOCALHOST", "localhost.")
FOREIGN = (
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-localhost",
    ".localhost.evil",
    "evil.example@localhost",
    "localhost@evil.example",
    "[::1].evil.example",
    "[::1",
    "[localhost]",
    "192.168.1.1",
    "testserver",
    "",
)
ROUTES = (
    "/",
    "/history",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/static/js/main.js",
    "/api/v1/status",
)


def status(client: Any, host: str, path: str = "/healthz") -> int:
    answer: int = client.get(path, headers={"Host": host}).status_code
    return answer


@pytest.mark.parametrize("port", ["", ":7860"])
@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_a_server_on_loopback_answers_to_the_names_of_its_machine(address: str, port: str) -> None:
    with application(host=address) as client:
        assert {host: status(client, host + port) for host in OWN} == dict.fromkeys(OWN, 200)
        assert {host: status(client, host + port) for host in FOREIGN} == dict.fromkeys(FOREIGN, 403)


def test_every_route_refuses_other_names(face: bytes) -> None:
    headers = {"Host": "rebound.example:7860"}
    with application() as client:
        assert {path: client.get(path, headers=headers).status_code for path in ROUTES} == dict.fromkeys(
            ROUTES, 403
        )
        for path in ("/api/v1/detect", "/api/predict-video", "/api/v1/report"):
            answer = client.post(path, files={"image": face}, headers=headers)
            assert answer.status_code == 403
            error = answer.json()["error"]
            assert error["code"] == "host_not_allowed"
            assert "--allowed-host" in error["message"]
            assert "VERAFACE_ALLOWED_HOSTS" in error["message"]
            assert error["request_id"] == answer.headers["X-Request-ID"]
            assert "rebound" not in answer.text


def test_named_hosts_are_answered_too() -> None:
    with application(allowed_hosts=("News.example", "*.faces.example", "[fd00::7]")) as client:
        for host in (*OWN, "news.example:8443", "a.faces.example", "a.b.faces.example", "[fd00::7]:80"):
            assert status(client, host) == 200, host
        for host in ("faces.example", "a.news.example", "xfaces.example", "[fd00::8]"):
            assert status(client, host) == 403, host


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])
def test_a_server_on_another_address_is_restricted_only_by_its_setting(address: str) -> None:
    with application(host=address) as client:
        assert status(client, "faces.example") == 200
    with application(host=address, allowed_hosts=("faces.example",)) as client:
        assert [status(client, host) for host in ("faces.example", "127.0.0.1", "evil.example")] == [
            200,
            200,
            403,
        ]


def test_a_request_without_a_name_is_answered() -> None:
    """As load balancers check health, with HTTP/1.0."""
    with application() as client:
        request = client.build_request("GET", "/healthz")
        del request.headers["Host"]
        assert client.send(request).status_code == 200


def test_under_a_path_the_name_counts_too() -> None:
    with application(root_path="/veraface") as client:
        assert status(client, "localhost", "/veraface/history") == 200
        assert status(client, "evil.example", "/veraface/history") == 403


def test_a_running_server_answers_its_own_address_only(server: Any) -> None:
    import httpx

    port = server.url.rpartition(":")[2]
    assert httpx.get(f"{server.url}/api/v1/status").status_code == 200
    refused = httpx.get(f"{server.url}/api/v1/status", headers={"Host": f"evil.example:{port}"})
    assert (refused.status_code, json.loads(refused.text)["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ("env.example",)),
        (("--allowed-host", "a.example", "--allowed-host", "b.example"), ("a.example", "b.example")),
    ],
)
def test_the_option_is_repeatable_and_precedes_the_variable(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    run = Mock(return_value=0)
    monkeypatch.setattr(f"{serve.__module__}.serve", run)
    monkeypatch.setenv("VERAFACE_ALLOWED_HOSTS", "env.example")
    assert CliRunner().invoke(command, ["serve", *given]).exit_code == 0
    assert run.call_args.args[0].allowed_hosts == expected
