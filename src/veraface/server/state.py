"""What routes share in one application, as dependencies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from veraface.results import DetectionResult
from veraface.server.errors import ApiError
from veraface.server.service import InferenceService
from veraface.server.settings import Settings
from veraface.server.uploads import Uploads
from veraface.video.results import VideoResult


class VideoSlots:
    """Limits how many videos are processed at the same time; the other workers are left to images."""

    def __init__(self, count: int) -> None:
        self.free = count

    def ensure_free(self) -> None:
        """Reject a video that could not be processed now, with an ApiError of status 503."""
        if self.free < 1:
            message = "this server is busy with other videos; try again in a moment"
            raise ApiError(503, "overloaded", message, retry_after_s=5)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a slot for as long as the context lasts."""
        self.ensure_free()
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


@dataclass(frozen=True)
class AppState:
    """State of one application."""

    settings: Settings
    service: InferenceService
    images: Uploads
    videos: Uploads
    video_slots: VideoSlots
    observe: Callable[[DetectionResult | VideoResult], None]
    """called with the result of every image and video"""


def _state(request: Request) -> AppState:
    state: AppState = request.app.state.veraface
    return state


def _service(request: Request) -> InferenceService:
    return _state(request).service


State = Annotated[AppState, Depends(_state)]
Service = Annotated[InferenceService, Depends(_service)]
