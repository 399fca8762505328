"""Route that adds the decision of a person to the audit log."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from veraface.audit import Decision
from veraface.audit.log import MAX_NOTE
from veraface.server.auditing import SEARCHED_BYTES
from veraface.server.errors import ApiError
from veraface.server.openapi import error_responses
from veraface.server.routes import State
from veraface.server.security import REFUSE_OTHER_SITES, REFUSED
from veraface.server.uploads import read_small_body

_MAX_BYTES = 12 * MAX_NOTE + 1024  # JSON may escape a character as two surrogates, "\\ud83d\\ude00"
_ERRORS = {
    400: "the connection ended before the decision was complete",
    403: REFUSED,
    404: f"the last {SEARCHED_BYTES // 2**20} MiB of the audit log have no analysis with this hash",
    408: "the decision arrived too slowly",
    413: "too many bytes",
    422: "not a decision in JSON",
    500: "internal error of the server",
    503: "the audit log cannot be used, or too many decisions at the same time",
}
router = APIRouter(tags=["audit"], dependencies=[REFUSE_OTHER_SITES], responses=error_responses(_ERRORS))

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DecisionRequest(BaseModel):
    """What a person decided about an image or a video."""

    model_config = ConfigDict(extra="forbid")

    entry: Hash = Field(description="`audit_entry` of the result that the decision is about")
    decision: Decision
    note: str = Field("", max_length=MAX_NOTE, description="reasons")


class DecisionResponse(BaseModel):
    """The decision as it was added."""

    entry: Hash = Field(description="hash of the added entry")


# Not a parameter of the route: FastAPI would read it before key, rate limit and cross-site check.
_BODY = {"required": True, "content": {"application/json": {"schema": DecisionRequest.model_json_schema()}}}


@router.post(
    "/api/v1/decisions",
    openapi_extra={"requestBody": _BODY},
    summary="Add a person's decision to the audit log",
)
async def decide(request: Request, state: State) -> DecisionResponse:
    """Add to the audit log what a person decided about an analysis that is in it."""
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        # Other types need no preflight across sites, and older browsers send no Sec-Fetch-Site.
        raise ApiError(422, "invalid_parameter", "send the decision as JSON, with its Content-Type")
    body = await read_small_body(request, _MAX_BYTES, state.settings.upload_timeout_s)
    try:
        decision = DecisionRequest.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([p | {"loc": ("body", *p["loc"])} for p in problems]) from None
    added = await state.audit.add_decision(request, decision.entry, decision.decision, decision.note)
    return DecisionResponse(entry=added)
