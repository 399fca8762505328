"""Routes of the API, one module for each kind: they read requests and return results, without logic."""

from asyncio import Semaphore
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from veraface.results import DetectionResult
from veraface.server.auditing import Auditor
from veraface.server.service import InferenceService
from veraface.server.settings import Settings
from veraface.server.uploads import Uploads
from veraface.video.results import VideoResult


@dataclass(frozen=True)
class AppState:
    """State of one application."""

    settings: Settings
    service: InferenceService
    images: Uploads
    videos: Uploads
    reports: Uploads
    """signed reports to verify"""
    video_slots: Semaphore
    """limits how many videos are processed at the same time; the other workers are left to images"""
    observe: Callable[[DetectionResult | VideoResult], None]
    """called with the result of every image and video"""
    audit: Auditor


async def _state(request: Request) -> AppState:  # FastAPI runs others in a thread
    state: AppState = request.app.state.veraface
    return state


State = Annotated[AppState, Depends(_state)]
