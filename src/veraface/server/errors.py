"""Every failure of every route as the same JSON, without traces, paths or anything from the image."""

from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from veraface.errors import ImageError, ImageTooLargeError, UnsupportedImageError

_HTTP_FAULTS = {
    404: ("not_found", "there is nothing at this address; see /docs for what there is"),
    405: ("method_not_allowed", "this address does not take this method; see /docs for what it takes"),
}


class ApiError(Exception):
    """A failure to be told to the client.

    Attributes:
        status: HTTP status code.
        code: Stable name of the failure, for programs.
        message: What was wrong and what to do, in plain English.
        retry_after_s: Seconds after which the same request may succeed; None where it will not.
        headers: Further headers of the answer.
        details: Further top-level fields of the answer.
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
    """The answer for an image that could not be turned into pixels."""
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
    """The one shape of a failed answer."""
    return JSONResponse(fault_content(code, message, **details), status_code=status, headers=headers)


def fault_content(code: str, message: str, **details: Any) -> dict[str, Any]:
    """What a failed answer says, wherever it is said."""
    error = {"code": code, "message": message, "request_id": correlation_id.get() or ""}
    return {"success": False, "error": error, **details}


# What is said of a fault of the server's own, whose particulars are in its log only.
INTERNAL_ERROR = ("internal_error", "something went wrong in the server; its log has more")
FAULT = "veraface.fault"  # where a request's scope holds the code of what was wrong with it


def install_fault_handlers(app: FastAPI) -> None:
    """Makes every failure that a route or the router raises answer in that shape."""

    def answer(
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
            headers["Connection"] = "close"  # what is still to come is not waited for
        return answer(request, error.status, error.code, error.message, headers, **error.details)

    @app.exception_handler(HTTPException)
    async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
        default = ("http_error", "the request could not be answered; see /docs")
        code, message = _HTTP_FAULTS.get(error.status_code, default)
        return answer(request, error.status_code, code, message, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = (f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors())
        return answer(request, 422, "invalid_parameter", "; ".join(problems), {})

    @app.exception_handler(ClientDisconnect)
    async def _disconnected(request: Request, error: ClientDisconnect) -> JSONResponse:
        message = "the connection ended before the image was whole"
        return answer(request, 400, "incomplete_upload", message, {})
