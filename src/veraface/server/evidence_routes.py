"""The route for the views of an image that a person can check; the work is a worker's task `evidence`."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from veraface.server import schemas as answers
from veraface.server.inference import Inference
from veraface.server.security import AccessPolicy
from veraface.server.uploads import Uploads, until_gone


def add_evidence(
    router: APIRouter,
    inference: Inference,
    uploads: Uploads,
    gates: AccessPolicy,
    *,
    responses: dict[int | str, dict[str, Any]],
    body: dict[str, Any],
) -> None:
    """Adds `POST /api/evidence`, which takes what /api/predict takes.

    Args:
        router: Where to add it.
        inference: Has the work done.
        uploads: Reads the images of all routes, and knows how much of them is in memory.
        gates: Who is let in.
        responses: What may go wrong, for the OpenAPI document.
        body: What is taken, for the same.
    """

    @router.post(
        "/api/evidence",
        response_model=answers.EvidenceAnswer,
        dependencies=[*gates.key, *gates.rate],
        responses=responses,
        openapi_extra=body,
        tags=["judge"],
        summary="Show what a person can check: error levels, noise, the JPEG grid",
    )
    async def evidence(request: Request) -> dict[str, Any]:
        """Makes views of one image, whether faces are in it or not. It is never stored or logged."""
        inference.ensure_capacity()  # before the image is sent
        async with uploads.read(request) as upload:
            gone = partial(until_gone, request)
            found = await inference.run("evidence", upload.content, options={}, gone=gone)
        return {"success": True, **found}
