"""Traces for OpenTelemetry: a collector of our own sees what the real server sends."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Start = Callable[..., Any]


class Collector:
    """Takes traces as a collector does, and keeps them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  # called so by http.server
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
                about = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
                found += [(span, about) for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def test_a_request_is_traced_without_private_parts(
    start_server: Start, collector: Collector, face: bytes
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with start_server(
        VERAFACE_TELEMETRY="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="600000",  # so that all is sent at the end
    ) as server:
        httpx.post(
            f"{server.url}/api/predict?note=Canary",
            files={"image": ("Canary.jpg", face)},
            headers={
                "traceparent": f"00-{trace}-b7ad6b7169203331-01",
                "X-Request-ID": "traced",
                "User-Agent": "Canary",
            },
            timeout=60,
        )
        httpx.get(f"{server.url}/Canary")
        server.process.terminate()
        server.process.wait(timeout=20)
    spans = {span.name: (span, about) for span, about in collector.spans()}
    span, about = spans["POST /api/predict"]
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
    assert about["service.name"] == "veraface"
    assert "GET (no such page)" in spans
    assert not [body for body in collector.bodies if b"Canary" in body or b"127.0.0.1" in body]


def test_nothing_is_sent_unless_asked_for(start_server: Start, collector: Collector) -> None:
    with start_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100") as server:
        httpx.get(server.url)
        time.sleep(1)
    assert collector.bodies == []


def test_a_collector_that_is_gone_holds_up_nothing(
    start_server: Start, collector: Collector, face: bytes
) -> None:
    collector.close()
    with start_server(VERAFACE_TELEMETRY="true", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as server:
        started = time.monotonic()
        response = httpx.post(f"{server.url}/api/predict", files={"image": ("a.jpg", face)}, timeout=60)
        assert response.status_code == 200
        server.process.terminate()
        server.process.wait(timeout=20)
        assert time.monotonic() - started < 15
