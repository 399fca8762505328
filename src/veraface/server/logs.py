"""What the server says of its work: lines for people, or JSON objects for programs; never of an image."""

import copy
import json
import logging
import re
import secrets
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from uvicorn.config import LOGGING_CONFIG

# Of the request that is being answered; empty outside of any.
request_id: ContextVar[str] = ContextVar("request_id", default="")

FIELDS = "veraface_fields"  # the attribute of a log record that holds what else its JSON object says
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def choose_request_id(given: str) -> str:
    """The name of a request: the one that it came with, where that is short and harmless, else a new one."""
    return given if _SAFE_ID.fullmatch(given) else secrets.token_hex(8)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if named := request_id.get():
            entry["request_id"] = named
        entry |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[0]:
            # The error's own text is left out: a decoder may quote the image's metadata in it.
            entry["error"] = record.exc_info[0].__name__
            entry["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(entry)


def log_config(level: str, form: Literal["text", "json"]) -> dict[str, Any]:
    """The configuration of logging, for `logging.config.dictConfig`.

    Args:
        level: The least that is logged of what the server itself says.
        form: Lines for people on standard error, or JSON objects on standard output, where nothing else is.
    """
    config = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["uvicorn"]["level"] = level.upper()
    config["loggers"]["veraface"] = {"handlers": ["default"], "level": level.upper(), "propagate": False}
    if form == "json":
        config["formatters"]["default"] = {"()": "veraface.server.logs.JsonFormatter"}
        config["handlers"]["default"]["stream"] = "ext://sys.stdout"
        config["root"] = {"handlers": ["default"], "level": "WARNING"}  # what libraries have to say
    return config
