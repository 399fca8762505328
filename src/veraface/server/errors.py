"""Error responses: the same JSON for all routes, without tracebacks, paths or content of the file."""

from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from veraface.errors import ImageError, ImageTooLargeError, UnsupportedImageError

_HTTP_FAULTS = {
    404: ("not_found", "no such route; see /docs for all routes"),
    405: ("method_not_allowed", "this route does not support this method; see /docs"),
}


class ApiError(Exception):
    """An error that becomes a response.

    Attributes:
        status: HTTP status code.
        code: Stable name of the error, for programs.
        message: What is wrong and what to do, in plain English.
        retry_after_s: Seconds after which the same request may succeed; None if it cannot.
        headers: Further headers of the response.
        details: Further top-level fields of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.headers = headers or {}
        self.details = details


def from_image_error(error: ImageError) -> ApiError:
    """Return the error response for a file that could not be decoded."""
    if isinstance(error, ImageTooLargeError):
        status = 413
    elif isinstance(error, UnsupportedImageError):
        status = 415
    else:
        status = 422
    return ApiError(status, error.code, str(error))


def fault_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
) -> JSONResponse:
    """Return an error response."""
    return JSONResponse(fault_content(code, message, **details), status_code=status, headers=headers)


def fault_content(code: str, message: str, **details: Any) -> dict[str, Any]:
    """Return the JSON content of an error."""
    error = {"code": code, "message": message, "request_id": correlation_id.get() or ""}
    return {"success": False, "error": error, **details}


# Response to a bug of the server; its details are only in the log.
INTERNAL_ERROR = ("internal_error", "internal error of the server; see its log")
FAULT = "veraface.fault"  # key of the error code in the scope of a request


def install_fault_handlers(app: FastAPI) -> None:
    """Turn all exceptions of routes and of the router into error responses."""

    def respond(
        request: Request, status: int, code: str, message: str, headers: dict[str, str], **details: Any
    ) -> JSONResponse:
        request.scope[FAULT] = code
        return fault_response(status, code, message, headers, **details)

    @app.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> JSONResponse:
        headers = dict(error.headers)
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
        if error.status == 408:
            headers["Connection"] = "close"  # do not wait for the rest of the request
        return respond(request, error.status, error.code, error.message, headers, **error.details)

    @app.exception_handler(HTTPException)
    async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
        default = ("http_error", "the request could not be processed; see /docs")
        code, message = _HTTP_FAULTS.get(error.status_code, default)
        return respond(request, error.status_code, code, message, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = (f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors())
        return respond(request, 422, "invalid_parameter", "; ".join(problems), {})

    @app.exception_handler(ClientDisconnect)
    async def _disconnected(request: Request, error: ClientDisconnect) -> JSONResponse:
        message = "the connection ended before the upload was complete"
        return respond(request, 400, "incomplete_upload", message, {})
