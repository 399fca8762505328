"""What routes share in one application, as dependencies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from veraface.results import DetectionResult
from veraface.server.service import InferenceService
from veraface.server.settings import Settings
from veraface.server.uploads import Uploads
from veraface.server.video_slots import VideoSlots
from veraface.video.results import VideoResult


@dataclass(frozen=True)
class AppState:
    """State of one application.

    Attributes:
        settings: The settings it was started with.
        service: Runs tasks.
        images: Receives images, and counts the memory they take.
        videos: Receives videos, and counts the memory they take.
        video_slots: Limits how many videos are processed at the same time.
        observe_image: Called with the result of every image.
        observe_video: Called with the result of every video.
    """

    settings: Settings
    service: InferenceService
    images: Uploads
    videos: Uploads
    video_slots: VideoSlots
    observe_image: Callable[[DetectionResult], None]
    observe_video: Callable[[VideoResult], None]


def _state(request: Request) -> AppState:
    state: AppState = request.app.state.veraface
    return state


def _service(request: Request) -> InferenceService:
    return _state(request).service


State = Annotated[AppState, Depends(_state)]
Service = Annotated[InferenceService, Depends(_service)]
