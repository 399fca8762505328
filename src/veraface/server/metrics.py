"""Figures for Prometheus. No label holds what a client can make up, so their number is bounded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from fastapi.params import Depends
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from veraface.server.request_record import Answered
from veraface.workers.pool import WorkerPool

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class Metrics:
    """Counts what goes on in one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "veraface_requests",
            "Requests that were answered; status 0: the client left before.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "veraface_request_seconds",
            "From the head of a request to the end of its answer, sending the image included.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "veraface_stage_seconds",
            "Time of one image by stage, as its answer tells; queue: waiting for a worker.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._verdicts = Counter(
            "veraface_verdicts", "Pictures by verdict.", ["verdict"], registry=self._registry
        )
        self._clips = Counter("veraface_clips", "Clips by verdict.", ["verdict"], registry=self._registry)
        self._failures = Counter(
            "veraface_failures",
            "Answers that were no success, by code; overloaded, rate_limited, key_unknown are among them.",
            ["code"],
            registry=self._registry,
        )
        self._model = Gauge(
            "veraface_model_info",
            "1 for the model that judges.",
            ["name", "version", "sha256"],
            registry=self._registry,
        )

    def answered(self, request: Answered) -> None:
        """Counts a request."""
        self._requests.labels(request.method, request.route, str(request.status)).inc()
        self._seconds.labels(request.route).observe(request.seconds)
        if request.fault:
            self._failures.labels(request.fault).inc()

    def judged(self, result: Mapping[str, Any]) -> None:
        """Counts an image, by `DetectionResult.to_dict()`."""
        self._verdicts.labels(str(result["verdict"])).inc()
        for stage, took_ms in result["timing_ms"].items():
            self._stages.labels(stage).observe(took_ms / 1000)

    def judged_clip(self, result: Mapping[str, Any]) -> None:
        """Counts a video, by `VideoResult.to_dict()`."""
        self._clips.labels(str(result["verdict"])).inc()

    def watch(self, pool: WorkerPool) -> None:
        """Adds how the workers stand, asked for whenever Prometheus asks."""
        for name, description, value in (
            ("queued_pictures", "Pictures that wait for a worker.", lambda: pool.waiting),
            ("busy_workers", "Workers that judge an image now.", lambda: pool.busy),
            ("living_workers", "Workers that are ready or at work.", lambda: pool.alive),
        ):
            Gauge(f"veraface_{name}", description, registry=self._registry).set_function(value)

    def routes(self, gates: Sequence[Depends], model: Callable[[], Mapping[str, str]]) -> APIRouter:
        """The route for Prometheus.

        Args:
            gates: What stands before it.
            model: Returns name, version and sha256 of the model; nothing while there is none.
        """
        router = APIRouter(dependencies=gates)

        @router.get("/metrics", include_in_schema=False)
        async def metrics() -> Response:
            if info := model():
                self._model.labels(info["name"], info["version"], info["sha256"]).set(1)
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

        return router
