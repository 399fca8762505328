"""The only way from a request to the detector: loads it once, and keeps it off the event loop."""

import logging
from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
import numpy as np

from veraface.detector import Detector
from veraface.errors import VerafaceError
from veraface.server.faults import ApiError
from veraface.verdict import DetectionResult

_log = logging.getLogger("veraface.server")


class Inference:
    """Judges pictures in worker threads, at most `concurrency` at the same time.

    Routes call `detect` and know nothing of where the work is done.
    """

    def __init__(self, load: Callable[[], Detector], concurrency: int) -> None:
        self._load = load
        self._concurrency = concurrency
        self._limiter: anyio.CapacityLimiter | None = None
        self._detector: Detector | None = None
        self.failed = False  # the model could not be loaded and never will be
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and warm."""
        return self._detector is not None

    @property
    def detector(self) -> Detector:
        """The loaded detector.

        Raises:
            ApiError: 503 while it is loading or where it could not be loaded.
        """
        if self._detector is not None:
            return self._detector
        if self.failed:
            raise ApiError(503, "model_unavailable", "the model could not be loaded; see the server's log")
        raise ApiError(503, "not_ready", "the model is still loading; try again in a moment")

    async def start(self) -> None:
        """Loads and warms the model; a failure is logged and kept in `failed`."""
        self._limiter = anyio.CapacityLimiter(self._concurrency)
        try:
            self._detector = await anyio.to_thread.run_sync(self._load_warm, limiter=self._limiter)
        except Exception as error:
            self.failed = True
            reason = str(error) if isinstance(error, VerafaceError) else type(error).__name__
            _log.error("the model could not be loaded: %s", reason, exc_info=_log.isEnabledFor(logging.DEBUG))
            self.on_failure()
            return
        info = self._detector.model_info
        _log.info("model %s %s is loaded", info["name"], info["version"])

    async def detect(self, picture: bytes, *, heatmap: bool) -> DetectionResult:
        """Judges one picture without blocking the event loop.

        Raises:
            ApiError: 503 while the model is not loaded.
            ImageError: The picture could not be turned into pixels.
        """
        job = partial(self.detector.detect, picture, heatmap=heatmap)
        return await anyio.to_thread.run_sync(job, limiter=self._limiter)

    def _load_warm(self) -> Detector:
        detector = self._load()
        # The first run of a session allocates its memory; no client should wait for that. The picture is
        # no larger than the smallest limit that the settings allow.
        detector.detect(np.full((64, 64, 3), 127, np.uint8), heatmap=False)
        return detector
