"""Traces for OpenTelemetry, as a collector receives them."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.asgi import CLIENT_ADDRESS, application
from tests.server.backends import Broken
from veraface.server import create_app, load_settings, telemetry


class Collector:
    """A collector that keeps the traces it receives."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  # the name that http.server calls
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.bodies.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[tuple[Any, dict[str, Any]]]:
        found = []
        for body in self.bodies:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                attributes = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
                found += [(span, attributes) for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")  # everything is sent at shutdown
    yield collector
    collector.close()


def test_a_request_is_traced_without_private_data(collector: Collector, face: bytes) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with application(telemetry=True) as client:
        client.post(
            "/api/predict?note=Canary",
            files={"image": ("Canary.jpg", face)},
            headers={
                "traceparent": f"00-{trace}-b7ad6b7169203331-01",
                "X-Request-ID": "traced",
                "User-Agent": "Canary",
            },
        )
        client.get("/Canary")
    spans = {span.name: (span, attributes) for span, attributes in collector.spans()}
    span, resource = spans["POST /api/predict"]
    attributes = {entry.key: entry.value for entry in span.attributes}
    assert set(attributes) == {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "veraface.request_id",
    }
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["veraface.request_id"].string_value == "traced"
    assert span.trace_id.hex() == trace
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert resource["service.name"] == "veraface"
    assert "GET (no such page)" in spans
    private = (b"Canary", CLIENT_ADDRESS.encode())
    assert not [body for body in collector.bodies for text in private if text in body]


def test_an_error_is_traced_without_its_message(collector: Collector) -> None:
    app = create_app(load_settings(telemetry=True), Broken())
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        assert client.post("/api/predict", files={"image": ("a.jpg", b"x")}).status_code == 500
    ((span, _),) = collector.spans()
    attributes = {entry.key: entry.value for entry in span.attributes}
    assert attributes["error.type"].string_value == "RuntimeError"
    assert attributes["http.response.status_code"].int_value == 500
    assert not [body for body in collector.bodies if Broken.text.encode() in body]


def test_nothing_is_sent_by_default(collector: Collector) -> None:
    with application() as client:
        client.get("/")
    assert collector.bodies == []


def test_a_collector_that_does_not_respond_delays_nothing(
    collector: Collector, face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "FLUSH_TIMEOUT_S", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "120")
    collector.close()
    with application(telemetry=True) as client:
        assert client.post("/api/predict", files={"image": ("a.jpg", face)}).status_code == 200
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 20  # the exporter by itself repeats its request for half a minute
