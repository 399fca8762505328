"""The web API: each route reads its request, asks, and shapes the answer; no logic lives here."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from veraface.server import schemas as answers
from veraface.server.errors import ApiError
from veraface.server.evidence_routes import add_evidence
from veraface.server.inference import Inference
from veraface.server.security import AccessPolicy
from veraface.server.settings import Settings
from veraface.server.uploads import (
    MAX_OTHER_FIELD_CHARACTERS,
    MAX_OTHER_FIELDS,
    FetchLink,
    Uploads,
    until_gone,
)


def _form(required: list[str], **fields: dict[str, str]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": fields,
        "additionalProperties": {"type": "string", "maxLength": MAX_OTHER_FIELD_CHARACTERS},
        "maxProperties": 1 + MAX_OTHER_FIELDS,  # the image and what the form may hold beside it
    }
    if required:
        schema["required"] = required
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_FILE = {"type": "string", "format": "binary", "description": "the image file"}
_LINK = {
    "type": "string",
    "format": "uri",
    "description": "instead of `image`: an http or https link to an image on the public web, which the "
    "server fetches",
}
_PREDICT_BODY = _form(["image"], image=_FILE)
# One of the two; the form that /docs draws from this knows no "either".
_PREDICT_OR_LINK_BODY = _form([], image=_FILE, url=_LINK)


def _failures(**by_status: str) -> dict[int | str, dict[str, Any]]:
    return {
        int(status.removeprefix("on_")): {"model": answers.ErrorAnswer, "description": description}
        for status, description in by_status.items()
    }


_NOT_READY = _failures(on_503="the model is not loaded (yet)", on_500="a fault of the server")
_PREDICT_FAILURES = {
    **_failures(
        on_400="no well-formed multipart form with one file in `image`",
        on_408="the image came too slowly, or not to its end",
        on_413="too many bytes or pixels",
        on_415="not an image of a supported format",
    ),
    422: {"model": answers.UnjudgedAnswer, "description": "broken image, no face, or only tiny faces"},
    **_failures(
        on_500="a fault of the server",
        on_503="the model is not loaded (yet), too many images wait, or what judged this one was stopped; "
        "Retry-After says when to come back",
        on_504="judging the image took too long and was stopped",
    ),
}
_LINK_FAILURES = _failures(
    on_400="no well-formed multipart form with either one file in `image` or one link in `url`, or a link "
    "that is none or leads to no public address",
    on_502="the image cannot be had from the link",
    on_504="the image behind the link did not arrive in time, or judging it took too long",
)


def api_routes(
    inference: Inference,
    settings: Settings,
    fetch_link: FetchLink | None,
    gates: AccessPolicy,
    judged: Callable[[dict[str, Any]], None] | None = None,
) -> APIRouter:
    """All routes but those of the page.

    Args:
        inference: Judges images.
        settings: The limits on uploads.
        fetch_link: Gets the image behind a link; None where links are not taken.
        gates: Who is let in to have an image judged.
        judged: Is told of every result.
    """
    router = APIRouter()
    uploads = Uploads(settings, fetch_link)

    @router.post(
        "/api/predict",
        response_model=answers.PredictAnswer,
        response_model_exclude_unset=True,
        dependencies=[*gates.key, *gates.rate],
        responses={
            **_PREDICT_FAILURES,
            **({} if fetch_link is None else _LINK_FAILURES),
            **_failures(**gates.failures()),
        },
        openapi_extra=_PREDICT_BODY if fetch_link is None else _PREDICT_OR_LINK_BODY,
        tags=["judge"],
        summary="Judge the faces in an image",
    )
    async def predict(
        request: Request,
        heatmap: Annotated[bool, Query(description="also tell where in each face the evidence lies")] = False,
        provenance: Annotated[
            Literal["off", "quick", "full"],
            Query(
                description="how closely to read what the file claims of itself; full also decodes a JPEG "
                "in full, for traces of an earlier compression"
            ),
        ] = "quick",
    ) -> dict[str, Any]:
        """Judges one image. It is held in memory for this request only and never stored or logged."""
        inference.ensure_capacity()  # before the image is sent
        async with uploads.read(request) as upload:
            result = await inference.detect(
                upload.content,
                heatmap=heatmap,
                gone=partial(until_gone, request),
                provenance=None if provenance == "off" else provenance,
            )
        if judged:
            judged(result)
        if result["p_fake"] is None:
            code = "face_too_small" if result["faces"] else "no_face"
            reasons = result["faces"][0]["reasons"] if result["faces"] else result["reasons"]
            message = "; ".join(reason["message"] for reason in reasons)
            raise ApiError(422, code, message, **answers.unjudged_details(result))
        return answers.predict_answer(result, upload.filename)

    add_evidence(
        router,
        inference,
        uploads,
        gates,
        responses={
            **_PREDICT_FAILURES,
            **_failures(on_422="broken image"),
            **({} if fetch_link is None else _LINK_FAILURES),
            **_failures(**gates.failures()),
        },
        body=_PREDICT_BODY if fetch_link is None else _PREDICT_OR_LINK_BODY,
    )

    @router.get(
        "/api/model-status",
        response_model=answers.ModelStatusAnswer,
        response_model_exclude_unset=True,
        tags=["about"],
        summary="Whether the model is loaded, and the limits on uploads",
    )
    async def model_status() -> dict[str, Any]:
        limits = {
            "max_upload_bytes": settings.max_upload_bytes,
            "max_pixels": settings.max_pixels,
            "links": fetch_link is not None,
            "video": settings.accepts_videos,
            "max_video_bytes": settings.video_max_bytes,
        }
        return {**inference.about(), "loaded": inference.ready, "limits": limits}

    @router.get("/api/model", responses=_NOT_READY, tags=["about"], summary="The whole model card")
    async def model_card() -> dict[str, Any]:
        return inference.model.card

    @router.get(
        "/healthz",
        response_model=answers.HealthAnswer,
        responses=_NOT_READY,
        tags=["about"],
        summary="Whether the server is alive",
    )
    async def healthz() -> dict[str, str]:
        if inference.failed:
            raise ApiError(503, "model_unavailable", "the model could not be loaded; see the server's log")
        return {"status": "ok"}

    @router.get(
        "/readyz",
        response_model=answers.HealthAnswer,
        responses=_NOT_READY,
        tags=["about"],
        summary="Whether images can be judged now",
    )
    async def readyz() -> dict[str, str]:
        _ = inference.model
        return {"status": "ready"}

    return router
