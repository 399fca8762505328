"""Logging of the server: text lines, or JSON objects; neither contains anything of an image."""

import copy
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

from asgi_correlation_id import correlation_id
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter
from uvicorn.config import LOGGING_CONFIG


def is_request_id(given: str) -> bool:
    """Return whether a client's `X-Request-ID` is short and safe to log."""
    return bool(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given))


class JsonFormatter(BaseJsonFormatter):
    """Formats a record as one JSON object per line, with the `extra` fields of the record in it."""

    def __init__(self) -> None:
        super().__init__([], reserved_attrs=[*RESERVED_ATTRS, "color_message"])  # the last one is Uvicorn's

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Set the documented fields (docs/api.md), then those of `extra`."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if request_id := correlation_id.get():
            log_data["request_id"] = request_id
        super().add_fields(log_data, record, {})
        if record.exc_info and record.exc_info[0]:
            # Without the error's message: a decoder may quote the image's metadata in it.
            log_data["error"] = record.exc_info[0].__name__
            log_data["trace"] = "".join(traceback.format_tb(record.exc_info[2]))


def log_config(level: str, form: Literal["text", "json"]) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`: text to stderr, or only JSON to stdout."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["uvicorn"]["level"] = level.upper()
    config["loggers"]["veraface"] = {"handlers": ["default"], "level": level.upper(), "propagate": False}
    # It warns of each invalid X-Request-ID, which any client may send.
    config["loggers"]["asgi_correlation_id"] = {"level": "ERROR"}
    if form == "json":
        config["formatters"]["default"] = {"()": JsonFormatter}
        config["handlers"]["default"]["stream"] = "ext://sys.stdout"
        config["root"] = {"handlers": ["default"], "level": "WARNING"}  # loggers of libraries
    return config
