"""The settings of the server, read from the environment and validated."""

import logging
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, FilePath, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from veraface.errors import VerafaceError
from veraface.server import settings_types as types
from veraface.utils import available_cores

ENVIRONMENT_PREFIX = "VERAFACE_"
# Former names of environment variables, which are still read, and their present names.
DEPRECATED_VARIABLES = {
    "VERAFACE_MAX_HELD_BYTES": "VERAFACE_MAX_INFLIGHT_BYTES",
    "VERAFACE_VIDEO_MAX_HELD_BYTES": "VERAFACE_VIDEO_MAX_INFLIGHT_BYTES",
    "VERAFACE_SHUTDOWN_S": "VERAFACE_GRACEFUL_SHUTDOWN_S",
}
_log = logging.getLogger("veraface.server")
_SECRET = ("api_keys", "api_keys_file", "redis_url")  # messages must not contain keys and passwords
# A module that a setting needs, and the extra that installs it.
_EXTRAS = {
    "fetch_links": ("httpx", "links"),
    "redis_url": ("redis", "redis"),
    "telemetry": ("opentelemetry.exporter.otlp.proto.http", "telemetry"),
}


class SettingsError(VerafaceError):
    """A setting is invalid."""

    code = "bad_settings"


class Settings(BaseSettings):
    """The settings of the server; the environment variable of a field is VERAFACE_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(7860, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    max_upload_bytes: int = Field(25 * 2**20, ge=1024, le=2**30, description="largest image file, bytes")
    # Pillow refuses to decode more than twice its MAX_IMAGE_PIXELS.
    max_pixels: int = Field(50_000_000, ge=4096, le=178_956_970, description="largest width times height")
    workers: int = Field(
        default_factory=available_cores, ge=1, le=256, description="worker processes; by default one per core"
    )
    queue: int | None = Field(
        None, ge=0, le=10_000, description="images that may wait for a worker; by default two per worker"
    )
    deadline_s: float = Field(20, gt=0, le=600, description="timeout of an image, waiting included, seconds")
    worker_memory_bytes: int = Field(
        1536 * 2**20, ge=64 * 2**20, description="most memory that a worker may use for one image"
    )
    upload_timeout_s: float = Field(60, gt=0, le=3600, description="timeout for an upload, seconds")
    max_inflight_bytes: int = Field(
        256 * 2**20, ge=2**20, description="bytes of image uploads in memory, of all clients together"
    )
    graceful_shutdown_s: int = Field(
        30, ge=0, le=3600, description="timeout for accepted requests at shutdown, seconds"
    )
    model: str | None = Field(None, description="name of a classifier, or path of an .onnx file")
    trust_anchors: FilePath | None = Field(
        None, description="PEM file of certificate authorities trusted for Content Credentials"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fetch_links: bool = Field(False, description="fetch images from links on the public web")
    link_timeout_s: float = Field(10, gt=0, le=60, description="timeout for fetching an image, seconds")

    video: bool = Field(True, description="detect in videos, if the extra `video` is installed")
    video_max_bytes: int = Field(100 * 2**20, ge=1024, le=2**31, description="largest video, bytes")
    video_deadline_s: float = Field(
        120, gt=0, le=3600, description="timeout for one video, waiting included, seconds"
    )
    video_workers: int | None = Field(
        None, ge=1, le=256, description="videos processed at the same time; by default half of the workers"
    )
    video_max_inflight_bytes: int = Field(
        400 * 2**20, ge=2**20, description="bytes of video uploads in memory, of all clients together"
    )

    api_keys: types.Digests = Field((), repr=False, description="SHA-256 digests of the accepted keys")
    api_keys_file: types.DigestsInFile = Field(
        (), repr=False, description="file of such digests, one per line"
    )
    cors_origins: types.Origins = Field((), description="other origins whose pages may send requests")
    frame_origins: types.Origins = Field((), description="other origins that may show the page in a frame")
    trusted_proxies: types.Proxies = Field((), description="proxies whose X-Forwarded-For is trusted")
    rate_limit: types.Rate | None = Field(None, description="rate limit per client, such as 60/minute")
    redis_url: types.RedisUrl | None = Field(
        None, repr=False, description="Redis server in which several servers share the counts"
    )
    metrics: bool = Field(False, description="serve metrics for Prometheus at /metrics")
    log_format: Literal["text", "json"] = Field("text", description="text lines, or JSON objects")
    telemetry: bool = Field(False, description="send traces, configured by the OTEL_... variables")

    @property
    def accepts_videos(self) -> bool:
        """Return whether videos are accepted: they are enabled, and PyAV is installed."""
        return self.video and types.is_installed("av")

    @property
    def concurrent_videos(self) -> int:
        """Return how many videos are processed at the same time: never all workers, unless there is one."""
        return self.video_workers or max(1, self.workers // 2)

    @model_validator(mode="before")
    @classmethod
    def _read_deprecated_variables(cls, values: dict[str, Any]) -> dict[str, Any]:
        former = {_field(name): os.environ.get(former) for former, name in DEPRECATED_VARIABLES.items()}
        return {name: value for name, value in former.items() if value} | values

    @field_validator(*_EXTRAS)
    @classmethod
    def _needs_its_extra(cls, value: Any, info: ValidationInfo) -> Any:
        module, extra = _EXTRAS[info.field_name or ""]
        if value and not types.is_installed(module):
            raise types.refused(f'needs a package that is not installed: pip install "veraface[{extra}]"')
        return value

    @field_validator("model")
    @classmethod
    def _model_file_exists(cls, model: str | None) -> str | None:
        if model is not None and model.endswith(".onnx") and not Path(model).is_file():
            raise types.refused("no such file")
        return model

    @field_validator("redis_url")
    @classmethod
    def _needs_a_rate(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and info.data.get("rate_limit", "invalid") is None:
            raise types.refused(f"has no effect without {ENVIRONMENT_PREFIX}RATE_LIMIT")
        return url


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` that are not None take precedence.

    Raises:
        SettingsError: Settings are invalid; the message names each one with the reason.
    """
    for former, name in DEPRECATED_VARIABLES.items():
        if os.environ.get(former):
            _log.warning("%s is deprecated; use %s", former, name)
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [_problem(detail, given) for detail in error.errors(include_url=False)]
        raise SettingsError("the server cannot start: " + "; ".join(problems)) from None


def _field(variable: str) -> str:
    return variable.removeprefix(ENVIRONMENT_PREFIX).lower()


def _problem(detail: Any, given: dict[str, Any]) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    shown = name if name in given else ENVIRONMENT_PREFIX + name.upper()
    value = "" if name in _SECRET else f"={detail['input']!r}"
    return f"{shown}{value}: {detail['msg']}"
