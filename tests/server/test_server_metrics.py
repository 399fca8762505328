"""Figures for Prometheus, as the real server gives them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

Start = Callable[..., Any]
Figures = dict[str, dict[frozenset[tuple[str, str]], float]]


def figures(server: Any) -> Figures:
    response = httpx.get(f"{server.url}/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.headers["Cache-Control"] == "no-store"
    found: Figures = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def figure(found: Figures, name: str, /, **labels: str) -> float:
    return found.get(name, {}).get(frozenset(labels.items()), 0)


@pytest.fixture(scope="module")
def counting(start_server: Start) -> Iterator[Any]:
    with start_server(VERAFACE_METRICS="true", VERAFACE_WORKERS="1", VERAFACE_RATE_LIMIT="20/hour") as server:
        yield server


def post(server: Any, image: bytes) -> httpx.Response:
    return httpx.post(f"{server.url}/api/predict", files={"image": ("a.jpg", image)}, timeout=60)


def test_by_default_there_are_none(client: httpx.Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_requests_stages_and_verdicts_are_counted(counting: Any, face: bytes, no_face: bytes) -> None:
    before = figures(counting)
    answer = post(counting, face)
    assert answer.status_code == 200
    assert post(counting, no_face).status_code == 422
    assert post(counting, b"no picture").status_code == 415
    after = figures(counting)

    def gain(name: str, **labels: str) -> float:
        return figure(after, name, **labels) - figure(before, name, **labels)

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
    found = figures(counting)
    status = httpx.get(f"{counting.url}/api/model-status").json()
    about = {name: status[name] for name in ("name", "version", "sha256")}
    assert figure(found, "veraface_model_info", **about) == 1
    assert figure(found, "veraface_living_workers") == 1
    assert figure(found, "veraface_busy_workers") == 0
    assert figure(found, "veraface_queued_pictures") == 0
    assert figure(found, "process_resident_memory_bytes") > 2**20


def test_what_is_turned_away_is_counted(counting: Any) -> None:
    turned_away = [httpx.post(f"{counting.url}/api/predict").status_code for _ in range(25)].count(429)
    assert turned_away >= 5
    found = figures(counting)
    assert figure(found, "veraface_failures_total", code="rate_limited") == turned_away
    count = figure(found, "veraface_requests_total", method="POST", route="/api/predict", status="429")
    assert count == turned_away


def test_clients_cannot_make_up_labels(counting: Any) -> None:
    httpx.get(f"{counting.url}/metrics")
    before = {(name, labels) for name, samples in figures(counting).items() for labels in samples}
    for attempt in range(5):
        httpx.get(f"{counting.url}/made-up-{attempt}")
        httpx.get(f"{counting.url}/static/made-up-{attempt}")
        httpx.get(f"{counting.url}/result/made-up-{attempt}")
        httpx.request(f"MADEUP{attempt}", f"{counting.url}/")
        httpx.get(f"{counting.url}/", headers={"X-Request-ID": f"made-up-{attempt}"})
    after = {(name, labels) for name, samples in figures(counting).items() for labels in samples}
    assert "made-up" not in str(after).lower()
    assert "MADEUP" not in str(after)
    routes = {dict(labels).get("route") for _, labels in after - before}
    assert routes <= {"(no such page)", "/static", "/result/{id}", "/", None}
    assert len({labels for name, labels in after if name == "veraface_requests_total"}) < 20
