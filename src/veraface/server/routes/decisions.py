"""Route that adds the decision of a person to the audit log."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from veraface.audit import Decision
from veraface.audit.log import MAX_NOTE
from veraface.server.auditing import SEARCHED_BYTES
from veraface.server.openapi import error_responses
from veraface.server.routes import State
from veraface.server.security import REFUSE_OTHER_SITES, REFUSED

_ERRORS = {
    403: REFUSED,
    404: f"the last {SEARCHED_BYTES // 2**20} MiB of the audit log have no analysis with this hash",
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


@router.post("/api/v1/decisions", summary="Add a person's decision to the audit log")
async def decide(request: Request, state: State, decision: DecisionRequest) -> DecisionResponse:
    """Add to the audit log what a person decided about an analysis that is in it."""
    added = await state.audit.add_decision(request, decision.entry, decision.decision, decision.note)
    return DecisionResponse(entry=added)
