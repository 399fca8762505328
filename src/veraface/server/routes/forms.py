"""How OpenAPI describes the forms that are uploaded, and the errors that follow."""

from typing import Any

from veraface.server.schemas import UndecidedResponse, error_responses
from veraface.server.uploads import MAX_OTHER_FIELD_CHARACTERS, MAX_OTHER_FIELDS


def form(required: list[str], **fields: dict[str, str]) -> dict[str, Any]:
    """Return the request body of a multipart form."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": fields,
        "additionalProperties": {"type": "string", "maxLength": MAX_OTHER_FIELD_CHARACTERS},
        "maxProperties": 1 + MAX_OTHER_FIELDS,  # the file and the other fields of the form
    }
    if required:
        schema["required"] = required
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_FILE = {"type": "string", "format": "binary", "description": "the image file"}
_LINK = {
    "type": "string",
    "format": "uri",
    "description": "instead of `image`: an http or https link to an image on the public web",
}
IMAGE_FORM = form(["image"], image=_FILE)
# One of the two; Swagger UI cannot show "either".
IMAGE_OR_LINK_FORM = form([], image=_FILE, url=_LINK)

IMAGE_ERRORS = {
    400: "not a well-formed multipart form with one file in `image`",
    408: "the image arrived too slowly or not completely",
    413: "too many bytes or pixels",
    415: "not an image of a supported format",
    422: "broken image",
    500: "internal error of the server",
    503: "the model is not loaded, the queue is full, or the worker was stopped; see Retry-After",
    504: "the image took too long to process and was stopped",
}
LINK_ERRORS = {
    400: "not a well-formed multipart form with either one file in `image` or one link in `url`, or an "
    "invalid link, or one that leads to a private address",
    502: "the image cannot be fetched from the link",
    504: "the linked image did not arrive in time, or took too long to process",
}
NOT_READY = error_responses({503: "the model is not loaded", 500: "internal error of the server"})
UNDECIDED: dict[int | str, dict[str, Any]] = {
    422: {"model": UndecidedResponse, "description": "broken image, no face, or only tiny faces"}
}
