"""Metrics for Prometheus."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.asgi import application

Start = Callable[..., Any]
Samples = dict[str, dict[frozenset[tuple[str, str]], float]]


def samples_of(server: Any) -> Samples:
    response = httpx.get(f"{server.url}/metrics", timeout=300)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.headers["Cache-Control"] == "no-store"
    found: Samples = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def value(found: Samples, name: str, /, **labels: str) -> float:
    return found.get(name, {}).get(frozenset(labels.items()), 0)


@pytest.fixture(scope="module")
def counting(start_server: Start) -> Iterator[Any]:
    with start_server(VERAFACE_METRICS="true", VERAFACE_WORKERS="1", VERAFACE_RATE_LIMIT="20/hour") as server:
        yield server


def post(server: Any, image: bytes) -> httpx.Response:
    return httpx.post(f"{server.url}/api/predict", files={"image": ("a.jpg", image)}, timeout=300)


def test_off_by_default() -> None:
    with application() as client:
        assert client.get("/metrics").status_code == 404


def test_requests_stages_and_verdicts_are_counted(counting: Any, face: bytes, no_face: bytes) -> None:
    before = samples_of(counting)
    answer = post(counting, face)
    assert answer.status_code == 200
    assert post(counting, no_face).status_code == 422
    assert post(counting, b"no image").status_code == 415
    after = samples_of(counting)

    def gain(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    route = {"method": "POST", "route": "/api/predict"}
    for status in ("200", "422", "415"):
        assert gain("veraface_requests_total", status=status, **route) == 1
    assert gain("veraface_request_seconds_count", route="/api/predict") == 3
    assert gain("veraface_verdicts_total", verdict=answer.json()["verdict"]) == 1
    assert gain("veraface_verdicts_total", verdict="no_face") == 1
    assert gain("veraface_failures_total", code="no_face") == 1
    assert gain("veraface_failures_total", code="unsupported_image") == 1
    for stage in ("decode", "faces", "model", "total", "queue"):
        assert gain("veraface_stage_seconds_count", stage=stage) == 2
    assert gain("veraface_stage_seconds_sum", stage="total") >= answer.json()["timing_ms"]["total"] / 1000


def test_the_model_and_the_workers_are_shown(counting: Any) -> None:
    found = samples_of(counting)
    status = httpx.get(f"{counting.url}/api/model-status", timeout=300).json()
    about = {name: status[name] for name in ("name", "version", "sha256")}
    assert value(found, "veraface_model_info", **about) == 1
    assert value(found, "veraface_living_workers") == 1
    assert value(found, "veraface_busy_workers") == 0
    for name in ("veraface_queued_images", "veraface_queued_pictures"):  # the second is the deprecated name
        assert value(found, name) == 0
    assert value(found, "process_resident_memory_bytes") > 2**20


def test_rejected_requests_are_counted(counting: Any) -> None:
    rejected = [httpx.post(f"{counting.url}/api/predict", timeout=300).status_code for _ in range(25)].count(
        429
    )
    assert rejected >= 5
    found = samples_of(counting)
    assert value(found, "veraface_failures_total", code="rate_limited") == rejected
    count = value(found, "veraface_requests_total", method="POST", route="/api/predict", status="429")
    assert count == rejected


def test_clients_cannot_create_labels(counting: Any) -> None:
    httpx.get(f"{counting.url}/metrics", timeout=300)
    before = {(name, labels) for name, samples in samples_of(counting).items() for labels in samples}
    for attempt in range(5):
        httpx.get(f"{counting.url}/made-up-{attempt}", timeout=300)
        httpx.get(f"{counting.url}/static/made-up-{attempt}", timeout=300)
        httpx.get(f"{counting.url}/result/made-up-{attempt}", timeout=300)
        httpx.request(f"MADEUP{attempt}", f"{counting.url}/", timeout=300)
        httpx.get(f"{counting.url}/", headers={"X-Request-ID": f"made-up-{attempt}"}, timeout=300)
    after = {(name, labels) for name, samples in samples_of(counting).items() for labels in samples}
    assert "made-up" not in str(after).lower()
    assert "MADEUP" not in str(after)
    routes = {dict(labels).get("route") for _, labels in after - before}
    assert routes <= {"(no such page)", "/static", "/result/{id}", "/", None}
    assert len({labels for name, labels in after if name == "veraface_requests_total"}) < 20
