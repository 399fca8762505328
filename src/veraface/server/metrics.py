"""Metrics for Prometheus. No label contains what a client can choose, so their number is bounded."""

from functools import partial

import prometheus_client as prometheus
from fastapi import Response

from veraface.results import DetectionResult
from veraface.server.middleware import RequestRecord
from veraface.video.results import VideoResult
from veraface.workers.pool import WorkerPool

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class Metrics:
    """The metrics of one application; those of the workers are read at each request of Prometheus."""

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers
        self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self._registry)
        counter = partial(prometheus.Counter, registry=self._registry)
        gauge = partial(prometheus.Gauge, registry=self._registry)
        histogram = partial(prometheus.Histogram, buckets=_SECONDS, registry=self._registry)
        about = "Requests; status 0: the client disconnected before the response."
        self._requests = counter("veraface_requests", about, ["method", "route", "status"])
        about = "From the headers of a request to the end of its response, the upload included."
        self._seconds = histogram("veraface_request_seconds", about, ["route"])
        about = "Time of one image by stage, as in `timing_ms`; queue: waiting for a worker."
        self._stages = histogram("veraface_stage_seconds", about, ["stage"])
        self._verdicts = counter("veraface_verdicts", "Images by verdict.", ["verdict"])
        self._videos = counter("veraface_videos", "Videos by verdict.", ["verdict"])
        self._clips = counter("veraface_clips", "Deprecated; use veraface_videos.", ["verdict"])
        about = "Error responses by code, among them overloaded, rate_limited, key_unknown."
        self._failures = counter("veraface_failures", about, ["code"])
        self._model = gauge("veraface_model_info", "1 for the model in use.", ["name", "version", "sha256"])
        for name, description, value in (
            ("queued_images", "Images that wait for a worker.", lambda: workers.waiting),
            ("queued_pictures", "Deprecated; use veraface_queued_images.", lambda: workers.waiting),
            ("busy_workers", "Workers that process an image.", lambda: workers.busy),
            ("living_workers", "Workers that are ready or busy.", lambda: workers.alive),
        ):
            gauge(f"veraface_{name}", description).set_function(value)

    def observe_request(self, request: RequestRecord) -> None:
        """Count a request."""
        self._requests.labels(request.method, request.route, str(request.status)).inc()
        self._seconds.labels(request.route).observe(request.seconds)
        if request.error_code:
            self._failures.labels(request.error_code).inc()

    def observe(self, result: DetectionResult | VideoResult) -> None:
        """Count an image or a video."""
        if isinstance(result, VideoResult):
            for videos in (self._videos, self._clips):
                videos.labels(result.verdict.value).inc()
            return
        self._verdicts.labels(result.verdict.value).inc()
        for stage, took_ms in result.timing_ms.items():
            self._stages.labels(stage).observe(took_ms / 1000)

    async def respond(self) -> Response:
        """Return all metrics in the text format of Prometheus."""
        if model := self._workers.model:
            self._model.labels(**model.model).set(1)
        return Response(prometheus.generate_latest(self._registry), media_type=prometheus.CONTENT_TYPE_LATEST)
