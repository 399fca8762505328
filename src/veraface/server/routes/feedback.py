"""Route that stores an image with a wrong verdict, if the operator has named a folder for feedback."""

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from veraface.analysis import Analysis
from veraface.datasets.feedback import LABELS, MAX_NOTE, FeedbackFolder, Label
from veraface.errors import DataError
from veraface.server.auditing import actor
from veraface.server.errors import ApiError
from veraface.server.openapi import IMAGE_ERRORS, IMAGE_FILE, error_responses, form
from veraface.server.routes import State
from veraface.server.security import REFUSE_OTHER_SITES, REFUSED

_log = logging.getLogger("veraface.server")
_MAX_GENERATOR = 200  # characters
_ERRORS = {
    **IMAGE_ERRORS,
    403: REFUSED,
    422: "broken image, or no label",
    507: "the folder for feedback is full, or cannot be written",
}
_FORM = form(
    ["image", "label"],
    image=IMAGE_FILE,
    label={"type": "string", "enum": list(LABELS), "description": "what the image is, by a person"},
    note={"type": "string", "maxLength": MAX_NOTE, "description": "how the person knows"},
    generator={"type": "string", "maxLength": _MAX_GENERATOR, "description": "what made a fake, if known"},
)
router = APIRouter(tags=["feedback"], dependencies=[REFUSE_OTHER_SITES], responses=error_responses(_ERRORS))


class FeedbackResponse(BaseModel):
    """The image as it was kept."""

    kept: Literal[True]
    label: Label
    sha256: str


@router.post("/api/v1/feedback", openapi_extra=_FORM, summary="Keep an image with a wrong verdict")
async def feedback(request: Request, state: State) -> FeedbackResponse:
    """Keep one image with a person's label in a folder of the server, for evaluation and training.

    This is the only route that stores an image.
    """
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        label = upload.fields.get("label", "")
        note, generator = upload.fields.get("note", ""), upload.fields.get("generator", "")
        if label not in LABELS or len(note) > MAX_NOTE or len(generator) > _MAX_GENERATOR:
            limits = f"note have at most {MAX_NOTE} characters, generator {_MAX_GENERATOR}"
            message = f"label must be real or fake, {limits}"
            raise ApiError(422, "invalid_parameter", message)
        options = {"heatmap": False, "provenance": "off"}
        analysis = await state.service.run(Analysis, request, upload.content, options)
        known: Label = "real" if label == "real" else "fake"
        about = {"note": note, "generator": generator, "by": actor(request)}
        folder = state.settings.feedback_folder
        assert folder is not None
        try:
            kept = await asyncio.to_thread(
                lambda: FeedbackFolder(folder).add(upload.content, known, analysis.detection, **about)
            )
        except DataError as error:
            _log.error("%s", error)
            raise ApiError(507, "feedback_not_kept", "this server cannot keep the image") from None
    return FeedbackResponse(kept=True, label=known, sha256=kept.sha256)
