"""The parts of the OpenAPI document that depend on settings."""

from typing import Any

from fastapi import FastAPI

from veraface.server.routes.forms import IMAGE_OR_LINK_FORM, LINK_ERRORS

_IMAGE_PATHS = ("/api/v1/detect", "/api/v1/forensics", "/api/predict", "/api/evidence")
_FORM: dict[str, Any] = IMAGE_OR_LINK_FORM["requestBody"]


def document_links(app: FastAPI) -> None:
    """Add links to images to the OpenAPI document of an application that accepts them."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for path in _IMAGE_PATHS:
            operation = document["paths"][path]["post"]
            operation["requestBody"] = _FORM
            for status, description in LINK_ERRORS.items():
                response = {**operation["responses"]["500"], "description": description}
                operation["responses"][str(status)] = response
        return document

    app.openapi = openapi  # type: ignore[method-assign]
