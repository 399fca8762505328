"""The server's settings: typed, read from the environment, refused when they make no sense."""

from typing import Any, Literal

from pydantic import Field, FilePath, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from veraface.errors import VerafaceError
from veraface.server.settings_types import (
    Digests,
    DigestsInFile,
    Origins,
    Proxies,
    Rate,
    RedisUrl,
    is_installed,
    need_extra,
    refused,
)
from veraface.utils import available_cores

ENVIRONMENT_PREFIX = "VERAFACE_"
_UNSHOWN = ("api_keys", "api_keys_file", "redis_url")  # a message must not hold a key or a password
# What must be installed for a switch, and the extra that brings it.
_EXTRAS = {
    "fetch_links": ("httpx", "links"),
    "telemetry": ("opentelemetry.exporter.otlp.proto.http", "telemetry"),
}


class SettingsError(VerafaceError):
    """A setting has a value the server cannot work with."""

    code = "bad_settings"


class Settings(BaseSettings):
    """What the server needs to know; each field is also read from VERAFACE_<NAME> in the environment."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(7860, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    max_upload_bytes: int = Field(25 * 2**20, ge=1024, le=2**30, description="largest image file, bytes")
    # Pillow decodes nothing above twice its MAX_IMAGE_PIXELS, so no limit can exceed that.
    max_pixels: int = Field(50_000_000, ge=4096, le=178_956_970, description="largest width times height")
    workers: int = Field(
        default_factory=available_cores,
        ge=1,
        le=256,
        description="processes that judge; by default one a core",
    )
    queue: int | None = Field(
        None, ge=0, le=10_000, description="pictures that may wait for a worker; by default two a worker"
    )
    deadline_s: float = Field(
        20, gt=0, le=600, description="longest for one image, waiting included, seconds"
    )
    worker_memory_bytes: int = Field(
        1536 * 2**20, ge=64 * 2**20, description="most that one image may take in its worker"
    )
    upload_timeout_s: float = Field(
        60, gt=0, le=3600, description="longest that sending an image may take, seconds"
    )
    max_held_bytes: int = Field(
        256 * 2**20, ge=2**20, description="bytes of uploads held in memory at the same time, of all clients"
    )
    shutdown_s: int = Field(
        30, ge=0, le=3600, description="longest wait for what was accepted, when told to stop"
    )
    model: FilePath | None = Field(None, description="classifier to use instead of the shipped one (.onnx)")
    trust_anchors: FilePath | None = Field(
        None, description="PEM file of authorities whose signers of Content Credentials are trusted"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fetch_links: bool = Field(False, description="fetch images from the public web for clients")
    link_timeout_s: float = Field(10, gt=0, le=60, description="longest that fetching one may take, seconds")

    video: bool = Field(True, description="judge videos, where the extra `video` is installed")
    video_max_bytes: int = Field(100 * 2**20, ge=1024, le=2**31, description="largest video, bytes")
    video_deadline_s: float = Field(
        120, gt=0, le=3600, description="longest for one video, waiting included, seconds"
    )
    video_workers: int | None = Field(
        None, ge=1, le=256, description="clips judged at the same time; by default half of the workers"
    )
    video_max_held_bytes: int = Field(
        400 * 2**20, ge=2**20, description="bytes of videos held in memory at the same time, of all clients"
    )

    api_keys: Digests = Field((), repr=False, description="sha256 digests of the keys that are let in")
    api_keys_file: DigestsInFile = Field((), repr=False, description="file of such digests, one a line")
    cors_origins: Origins = Field((), description="other sites whose pages may ask")
    frame_origins: Origins = Field((), description="other sites that may show the page in a frame")
    trusted_proxies: Proxies = Field((), description="proxies that are believed on where a client is")
    rate_limit: Rate | None = Field(None, description="most images of one client, such as 60/minute")
    redis_url: RedisUrl | None = Field(
        None, repr=False, description="where several servers count them together"
    )
    metrics: bool = Field(False, description="tell Prometheus at /metrics what goes on")
    log_format: Literal["text", "json"] = Field("text", description="lines for people, or JSON objects")
    telemetry: bool = Field(False, description="send traces as OTEL_... in the environment say")

    @property
    def takes_clips(self) -> bool:
        """Whether videos are judged: they are wanted, and PyAV is there to decode them."""
        return self.video and is_installed("av")

    @property
    def clips_at_once(self) -> int:
        """How many videos may be judged at the same time: never all workers, unless there is only one."""
        return self.video_workers or max(1, self.workers // 2)

    @field_validator(*_EXTRAS)
    @classmethod
    def _needs_its_extra(cls, on: bool, info: ValidationInfo) -> bool:
        if on and info.field_name:
            need_extra(*_EXTRAS[info.field_name])
        return on

    @field_validator("redis_url")
    @classmethod
    def _needs_a_rate(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None:
            if info.data.get("rate_limit", "wrong already") is None:
                raise refused(f"is of no use without {ENVIRONMENT_PREFIX}RATE_LIMIT")
            need_extra("redis", "redis")
        return url


def load_settings(**overrides: Any) -> Settings:
    """Reads the settings from the environment, with `overrides` on top.

    Args:
        overrides: Fields of `Settings`; None means "not given".

    Raises:
        SettingsError: A value makes no sense; the message names each one and says why.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [_problem(detail, given) for detail in error.errors(include_url=False)]
        raise SettingsError("the server cannot start: " + "; ".join(problems)) from None


def _problem(detail: Any, given: dict[str, Any]) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    shown = name if name in given else ENVIRONMENT_PREFIX + name.upper()
    value = "" if name in _UNSHOWN else f"={detail['input']!r}"
    return f"{shown}{value}: {detail['msg']}"
