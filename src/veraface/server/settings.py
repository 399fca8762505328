"""The settings of the server, read from the environment and validated."""

import ipaddress
import logging
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    RedisDsn,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from veraface.errors import VerafaceError
from veraface.imaging.limits import MAX_PIXELS, PILLOW_MAX_PIXELS
from veraface.utils import available_cores
from veraface.wording import Wording

ENVIRONMENT_PREFIX = "VERAFACE_"
# Former names of environment variables, which are still read, and their present names.
DEPRECATED_VARIABLES = {
    "VERAFACE_MAX_HELD_BYTES": "VERAFACE_MAX_INFLIGHT_BYTES",
    "VERAFACE_VIDEO_MAX_HELD_BYTES": "VERAFACE_VIDEO_MAX_INFLIGHT_BYTES",
    "VERAFACE_SHUTDOWN_S": "VERAFACE_GRACEFUL_SHUTDOWN_S",
}
_log = logging.getLogger("veraface.server")
# First segments of the server's own paths, from which a root path must differ.
_OWN_PATHS = ("api", "static", "docs", "result", "history", "dashboard", "about", "verify")
_SECRET = ("api_keys", "api_keys_file", "redis_url")  # messages must not contain keys and passwords
# A module that a setting needs, and the extra that installs it.
_EXTRAS = {
    "fetch_links": ("httpx", "links"),
    "redis_url": ("redis", "redis"),
    "telemetry": ("opentelemetry.exporter.otlp.proto.http", "telemetry"),
}
# Schemes of pages with an own origin. "null" is not one: many kinds of page share it.
_ORIGIN_SCHEMES = ("http", "https", "chrome-extension", "moz-extension")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _refused(reason: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{reason}", {"reason": reason})


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


def _entries(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    return [part.strip() for part in parts if part.strip()]


def _digest(entry: str, where: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", entry.lower()):
        # The entry is not quoted: it may be a key that should have been hashed.
        reason = "is not a SHA-256 digest of 64 hexadecimal digits; `veraface create-api-key` prints one"
        raise _refused(f"{where} {reason}")
    return entry.lower()


def _digests(value: Any) -> tuple[str, ...]:
    digests = tuple(_digest(entry, f"entry {n}") for n, entry in enumerate(_entries(value), start=1))
    if isinstance(value, str) and not digests:
        raise _refused("contains no digest; leave it out to accept requests without keys")
    return digests


def _digests_in_file(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str | Path):
        return _digests(value)
    try:
        text = Path(value).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _refused(f"cannot be read ({error.strerror})") from None
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    digests = tuple(_digest(line, f"line {n}") for n, line in enumerate(lines, start=1) if line)
    if not digests:
        raise _refused("contains no digest, so nobody could use the server")
    return digests


def _root_path(value: Any) -> str:
    path = str(value).strip().rstrip("/")
    if path and not re.fullmatch(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+", path):
        raise _refused("must be a path such as /veraface, of letters, digits and . _ ~ -")
    if path.split("/")[1:2] and path.split("/")[1] in _OWN_PATHS:
        raise _refused("begins like a path of the server itself; choose another, such as /veraface")
    return path


def _origin(value: str) -> str:
    """Refuse an origin that no browser sends, since it would never match."""
    if value == "*":
        raise _refused("would let every web page send requests through its visitors; name origins")
    try:
        parts = urlsplit(value)
        port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    except ValueError:
        raise _refused("is not an origin") from None
    host = parts.hostname or ""
    exact = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    if parts.scheme not in _ORIGIN_SCHEMES or not host or not host.isascii() or value != exact:
        raise _refused("is not an origin as browsers write it, such as https://example.org")
    return value


def _host_name(value: str) -> str:
    """Return a name as a Host header has it, in lower case, without port and brackets."""
    if value == "*":
        raise _refused("would let every web site read responses by DNS rebinding; name hosts")
    name = value.lower().removeprefix("*.")
    try:
        return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
            reason = (
                "is not a host name such as example.org or *.example.org; leave out scheme, port and path"
            )
            raise _refused(reason) from None
    return value.lower()


def _proxy(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        raise _refused("is neither an IP address nor a network such as 10.0.0.0/8") from None
    if network.prefixlen == 0:
        raise _refused("covers all addresses, so every client could forge its address")
    return value


def _rate(value: Any) -> Any:
    """Check a rate in the notation of the library `limits`."""
    from limits import parse_many  # imported only if needed

    try:
        (rate,) = parse_many(value)
    except ValueError:
        raise _refused("is not a rate such as 60/minute or 1000/day") from None
    if rate.amount < 1 or rate.multiples < 1:
        raise _refused("would reject every request")
    return value


# Lists are separated by commas; a file has one digest per line, and comments after "#".
Digests = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_digests)]
DigestsInFile = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_digests_in_file)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_entries)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host_name)], ...], NoDecode, BeforeValidator(_entries)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_entries)]
RootPath = Annotated[str, BeforeValidator(_root_path)]
Rate = Annotated[str, BeforeValidator(_rate)]


class SettingsError(VerafaceError, code="bad_settings"):
    """A setting is invalid."""


class Settings(BaseSettings):
    """The settings of the server; the environment variable of a field is VERAFACE_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(7860, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    allowed_hosts: Hosts = Field((), description="names by which clients may address the server")
    root_path: RootPath = Field("", description="path under which a proxy serves the page: /veraface")
    max_upload_bytes: int = Field(25 * 2**20, ge=1024, le=2**30, description="largest image file, bytes")
    max_pixels: int = Field(
        MAX_PIXELS, ge=4096, le=PILLOW_MAX_PIXELS, description="largest width times height"
    )
    max_faces: int = Field(64, ge=1, le=256, description="faces of an image to classify, the largest first")
    workers: int = Field(default_factory=available_cores, ge=1, le=256, description="one per core by default")
    queue: int | None = Field(None, ge=0, le=10_000, description="waiting images; by default two per worker")
    deadline_s: float = Field(20, gt=0, le=600, description="timeout of an image, waiting included")
    worker_memory_bytes: int = Field(1536 * 2**20, ge=64 * 2**20, description="largest growth by one file")
    upload_timeout_s: float = Field(60, gt=0, le=3600, description="timeout for an upload")
    max_inflight_bytes: int = Field(256 * 2**20, ge=2**20, description="image uploads of all clients, bytes")
    graceful_shutdown_s: int = Field(30, ge=0, le=3600, description="timeout for requests at shutdown")
    model: str | None = Field(None, description="fast, accurate, a name, or a path (.onnx, .json)")
    trust_anchors: FilePath | None = Field(None, description="PEM of authorities for Content Credentials")
    audit_log: Path | None = Field(None, description="file to which every result is appended (.jsonl)")
    trust_lists: bool = Field(True, description="recognize signers on the public trust lists")
    trustmark: Path | None = Field(None, description="TrustMark decoder (.onnx), or a folder of them")
    feedback_folder: Path | None = Field(None, description="folder for images that people report as wrong")
    words_only: bool = Field(False, description="have clients show words and no probabilities")
    never_say_real: bool = Field(False, description="call the verdict real 'no sign of forgery found'")
    report_key: FilePath | None = Field(None, description="PEM of the Ed25519 key that signs reports")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fetch_links: bool = Field(False, description="fetch images from links on the public web")
    link_timeout_s: float = Field(10, gt=0, le=60, description="timeout for fetching an image")

    video: bool = Field(True, description="detect in videos, if the extra `video` is installed")
    video_max_bytes: int = Field(100 * 2**20, ge=1024, le=2**31, description="largest video, bytes")
    video_deadline_s: float = Field(120, gt=0, le=3600, description="timeout of a video, waiting included")
    video_workers: int | None = Field(None, ge=1, le=256, description="by default half of the workers")
    video_max_inflight_bytes: int = Field(400 * 2**20, ge=2**20, description="the same for video uploads")

    api_keys: Digests = Field((), repr=False, description="SHA-256 digests of the accepted keys")
    api_keys_file: DigestsInFile = Field((), repr=False, description="file of such digests, one per line")
    cors_origins: Origins = Field((), description="other origins whose pages may send requests")
    frame_origins: Origins = Field((), description="other origins that may show the page in a frame")
    trusted_proxies: Proxies = Field((), description="proxies whose X-Forwarded-For is trusted")
    rate_limit: Rate | None = Field(None, description="rate limit per client, such as 60/minute")
    redis_url: RedisDsn | None = Field(None, repr=False, description="where servers share their counts")
    metrics: bool = Field(False, description="serve metrics for Prometheus at /metrics")
    log_format: Literal["text", "json"] = Field("text", description="text lines, or JSON objects")
    telemetry: bool = Field(False, description="send traces, configured by the OTEL_... variables")

    @property
    def wording(self) -> Wording:
        """Return the words for verdicts."""
        return Wording(self.words_only, self.never_say_real)

    @property
    def accepts_videos(self) -> bool:
        """Return whether videos are accepted: they are enabled, and PyAV is installed."""
        return self.video and _is_installed("av")

    @property
    def makes_reports(self) -> bool:
        """Return whether signed reports can be requested: the extra `report` is installed."""
        return all(map(_is_installed, ("cryptography", "jinja2", "joserfc")))

    @property
    def concurrent_videos(self) -> int:
        """Return how many videos are processed at the same time: never all workers, unless there is one."""
        return self.video_workers or max(1, self.workers // 2)

    @field_validator(*_EXTRAS)
    @classmethod
    def _needs_its_extra(cls, value: Any, info: ValidationInfo) -> Any:
        module, extra = _EXTRAS[info.field_name or ""]
        if value and not _is_installed(module):
            raise _refused(f'needs a package that is not installed: pip install "veraface[{extra}]"')
        return value

    @field_validator("model")
    @classmethod
    def _model_file_exists(cls, model: str | None) -> str | None:
        if model is not None and model.endswith(".onnx") and not Path(model).is_file():
            raise _refused("no such file")
        return model

    @field_validator("redis_url")
    @classmethod
    def _needs_a_rate(cls, url: RedisDsn | None, info: ValidationInfo) -> RedisDsn | None:
        if url is not None and info.data.get("rate_limit", "invalid") is None:
            raise _refused(f"has no effect without {ENVIRONMENT_PREFIX}RATE_LIMIT")
        return url


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` that are not None take precedence.

    Raise SettingsError if any are invalid; the message names each one with the reason.
    """
    deprecated = {}
    for former, name in DEPRECATED_VARIABLES.items():
        if value := os.environ.get(former):
            _log.warning("%s is deprecated; use %s", former, name)
            field = name.removeprefix(ENVIRONMENT_PREFIX).lower()
            deprecated[field] = os.environ.get(name) or value
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**(deprecated | given))
    except ValidationError as error:
        problems = [_problem(detail, given) for detail in error.errors(include_url=False)]
        raise SettingsError("the server cannot start: " + "; ".join(problems)) from None


def _problem(detail: Any, given: dict[str, Any]) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    shown = name if name in given else ENVIRONMENT_PREFIX + name.upper()
    value = "" if name in _SECRET else f"={detail['input']!r}"
    return f"{shown}{value}: {detail['msg']}"
