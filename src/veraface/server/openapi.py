"""How OpenAPI describes forms of uploads and errors, and the parts of it that depend on settings."""

from typing import Any

from fastapi import FastAPI

from veraface.server.schemas import ErrorResponse, UndecidedResponse
from veraface.server.uploads import MAX_OTHER_FIELD_CHARACTERS, MAX_OTHER_FIELDS

Responses = dict[int | str, dict[str, Any]]


def form(required: list[str], **fields: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI request body of a multipart form with these fields, given as JSON schemas."""
    schema = {
        "type": "object",
        "properties": fields,
        "additionalProperties": {"type": "string", "maxLength": MAX_OTHER_FIELD_CHARACTERS},
        "maxProperties": 1 + MAX_OTHER_FIELDS,  # the file and the other fields of the form
        **({"required": required} if required else {}),
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def error_responses(descriptions: dict[int, str]) -> Responses:
    """Return the error responses from their descriptions by status."""
    return {status: {"model": ErrorResponse, "description": text} for status, text in descriptions.items()}


IMAGE_FILE = {"type": "string", "format": "binary", "description": "the image file"}
_ABOUT_LINK = "instead of `image`: an http or https link to an image on the public web"
_LINK = {"type": "string", "format": "uri", "description": _ABOUT_LINK}
IMAGE_FORM = form(["image"], image=IMAGE_FILE)
# One of the two; Swagger UI cannot show "either".
_IMAGE_OR_LINK = form([], image=IMAGE_FILE, url=_LINK)["requestBody"]
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
_LINK_ERRORS = {
    400: "not a well-formed multipart form with either one file in `image` or one link in `url`, or an "
    "invalid link, or one that leads to a private address",
    502: "the image cannot be fetched from the link",
    504: "the linked image did not arrive in time, or took too long to process",
}
NOT_READY = error_responses({503: "the model is not loaded", 500: "internal error of the server"})
_UNDECIDED = "broken image, no face, or only tiny faces"
UNDECIDED: Responses = {422: {"model": UndecidedResponse, "description": _UNDECIDED}}


def document_links(app: FastAPI) -> None:
    """Add links to images to the OpenAPI document of an application that accepts them."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        paths = ("/api/v1/detect", "/api/v1/forensics", "/api/v1/report", "/api/predict", "/api/evidence")
        for path in filter(document["paths"].__contains__, paths):  # reports need an extra
            operation = document["paths"][path]["post"]
            operation["requestBody"] = _IMAGE_OR_LINK
            for status, text in _LINK_ERRORS.items():
                operation["responses"][str(status)] = {**operation["responses"]["500"], "description": text}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to extend it
