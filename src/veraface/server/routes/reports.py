"""Routes that write and verify signed reports."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from veraface.report.texts import Language
from veraface.server.openapi import IMAGE_ERRORS, IMAGE_FORM, error_responses, form
from veraface.server.routes import State
from veraface.server.schemas import ReportVerificationResponse
from veraface.server.security import REFUSE_OTHER_SITES, REFUSED
from veraface.server.signing import ReportSigner
from veraface.workers.messages import ReportMaterial

router = APIRouter(tags=["report"])

_FILE = {"type": "string", "format": "binary", "description": "the report, an HTML file"}
_REPORT = {
    "description": "the signed report",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
_VERIFICATION_ERRORS = {
    400: "not a well-formed multipart form with one file in `report`",
    408: "the report arrived too slowly or not completely",
    413: "too many bytes",
    422: "not a signed report of this version",
    500: "internal error of the server",
    503: "the server is receiving too many files; see Retry-After",
}


def _signer(request: Request) -> ReportSigner:
    signer: ReportSigner = request.app.state.report_signer
    return signer


Signer = Annotated[ReportSigner, Depends(_signer)]
ReportLanguage = Annotated[
    Language, Query(description="the language of the report; its collapsed section stays in English")
]


@router.post(
    "/api/v1/report",
    response_class=Response,
    dependencies=[REFUSE_OTHER_SITES],
    responses={200: _REPORT, **error_responses({**IMAGE_ERRORS, 403: REFUSED})},
    openapi_extra=IMAGE_FORM,
    summary="Analyze an image and return a signed report",
)
async def report(request: Request, state: State, signer: Signer, language: ReportLanguage = "en") -> Response:
    """Analyze one image and return a signed report, one self-contained HTML file that prints on one page.

    The image stays in memory for this request and is never stored or logged.
    """
    wording = state.settings.wording
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        async with state.audit.failure(request, upload.content):
            material = await state.service.run(ReportMaterial, request, upload.content, vars(wording))
        await state.audit.add_analysis(request, upload.content, material.analysis.detection)
        card = state.service.require_model().card
        name = upload.filename or "image"
        signed = await asyncio.to_thread(
            signer.write, material, upload.content, name, card, wording, language
        )
    state.observe(material.analysis.detection)
    return HTMLResponse(signed)


@router.post(
    "/api/v1/report/verify",
    responses=error_responses(_VERIFICATION_ERRORS),
    openapi_extra=form(["report"], report=_FILE),
    summary="Verify that a signed report is unchanged",
)
async def verify(request: Request, state: State, signer: Signer) -> ReportVerificationResponse:
    """Verify that nothing in a report changed since it was signed, and who signed it."""
    async with state.reports.read(request) as upload:
        return await asyncio.to_thread(signer.verify, upload.content)
