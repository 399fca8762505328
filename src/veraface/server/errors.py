"""Error responses: the same JSON for all routes, without tracebacks, paths or content of the file."""

from collections.abc import Mapping
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from veraface import errors

FAULT = "veraface.fault"  # key of the error code in the scope of a request
_HTTP_FAULTS = {
    404: ("not_found", "no such route; see /docs for all routes"),
    405: ("method_not_allowed", "this route does not support this method; see /docs"),
}
# An error gets the status of the first of these classes that it is an instance of.
_STATUS: dict[type[errors.VerafaceError], int] = {
    errors.ImageTooLargeError: 413,
    errors.UnsupportedImageError: 415,
    errors.ImageError: 422,
    errors.QueueFullError: 503,
    errors.WorkerLostError: 503,
    errors.DeadlineExceededError: 504,
}


class ApiError(Exception):
    """An error that becomes a response, after `retry_after_s` of which the same request may succeed.

    `code` is a stable name for programs; `details` are further top-level fields of the JSON.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        if status == 408:
            self.headers["Connection"] = "close"  # do not wait for the rest of the request
        self._details = details

    def content(self) -> dict[str, Any]:
        """Return the JSON content of the response."""
        error = {"code": self.code, "message": str(self), "request_id": correlation_id.get() or ""}
        return {"success": False, "error": error, **self._details}

    def response(self) -> JSONResponse:
        """Return the response."""
        return JSONResponse(self.content(), status_code=self.status, headers=self.headers)


def internal_error() -> ApiError:
    """Return the error for a bug of the server; its details are only in the log."""
    return ApiError(500, "internal_error", "internal error of the server; see its log")


def from_error(error: errors.VerafaceError) -> ApiError:
    """Return the response to an error of a task."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    retry_after_s = getattr(error, "retry_after_s", 1) if status == 503 else None
    return ApiError(status, error.code, str(error), retry_after_s=retry_after_s)


def install_fault_handlers(app: FastAPI) -> None:
    """Turn all exceptions of routes and of the router into error responses."""
    for kind in (ApiError, HTTPException, RequestValidationError, ClientDisconnect):
        app.add_exception_handler(kind, respond_with_json)


async def respond_with_json(request: Request, error: Exception) -> JSONResponse:
    """Return the JSON response to an exception, and note its code for the access log."""
    api_error = _api_error(error)
    request.scope[FAULT] = api_error.code
    return api_error.response()


def _api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        default = ("http_error", "the request could not be processed; see /docs")
        code, message = _HTTP_FAULTS.get(error.status_code, default)
        headers = dict(error.headers or {})
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"  # see middleware.HeadRequests
        return ApiError(error.status_code, code, message, headers=headers)
    if isinstance(error, RequestValidationError):
        problems = (f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors())
        return ApiError(422, "invalid_parameter", "; ".join(problems))
    return ApiError(400, "incomplete_upload", "the connection ended before the upload was complete")
