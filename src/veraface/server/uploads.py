"""Receives the body of a request, or the file it links to: in memory only, within limits."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from veraface.server.errors import ApiError
from veraface.server.settings import Settings

MAX_OTHER_FIELDS = 8
MAX_OTHER_FIELD_CHARACTERS = 4 * 1024
_MAX_FIELD_BYTES = 4 * MAX_OTHER_FIELD_CHARACTERS  # UTF-8
_ENVELOPE_BYTES = 64 * 1024  # multipart boundaries, part headers and a few small fields
_MAX_FILENAME = 255
_MAX_IDLE_S = 10  # between two chunks of an upload

UploadKind = Literal["image", "video", "report"]  # also the name of its field in the form


@dataclass(frozen=True)
class Upload:
    """A file that the client sent or linked to."""

    content: bytes = field(repr=False)
    filename: str = field(repr=False)
    """without folders and control characters"""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    """other fields of the form"""


FetchLink = Callable[[str], Awaitable[Upload]]


class Uploads:
    """Receives all uploads of one kind and limits the memory they take together, `inflight_bytes`."""

    def __init__(
        self, settings: Settings, fetch_link: FetchLink | None = None, *, kind: UploadKind = "image"
    ) -> None:
        self._kind = kind
        if kind == "video":  # has limits of its own, so that videos do not block images
            self._max_bytes, self._max_inflight = settings.video_max_bytes, settings.video_max_inflight_bytes
        else:
            self._max_bytes, self._max_inflight = settings.max_upload_bytes, settings.max_inflight_bytes
        self._max_body = self._max_bytes + _ENVELOPE_BYTES
        self._timeout_s = settings.upload_timeout_s
        self._fetch_link = fetch_link
        self.inflight_bytes = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Upload]:
        """Receive a file, or follow the link in the field `url`; its memory is counted in the context.

        Raise an ApiError as soon as the body is known to be too large, without reading on.
        """
        received = 0

        async def chunks() -> AsyncGenerator[bytes, None]:
            nonlocal received
            stream = request.stream()
            while (chunk := await _next_chunk(stream, self._kind)) is not None:
                received += len(chunk)
                self.inflight_bytes += len(chunk)
                if self.inflight_bytes > self._max_inflight:
                    message = f"this server is receiving too many {self._kind}s; try again in a moment"
                    raise ApiError(503, "overloaded", message, retry_after_s=1)
                if received > self._max_body:
                    raise too_large(self._max_bytes, self._kind)
                yield chunk

        try:
            async with _arriving_within(self._timeout_s, self._kind):
                upload, link = await self._parse(request, chunks())
            yield await self._select(upload, link)
        finally:
            self.inflight_bytes -= received

    async def _parse(
        self, request: Request, chunks: AsyncGenerator[bytes, None]
    ) -> tuple[Upload | None, str]:
        """Return the file, if there is one, and the link, or an empty string."""
        if _declared_length(request) > self._max_body:
            raise too_large(self._max_bytes, self._kind)
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            message = f"send the {self._kind} as multipart/form-data, in a file field named '{self._kind}'"
            raise ApiError(400, "not_multipart", message)
        parser = _FormParser(
            *(self._kind, request.headers, chunks),
            max_files=1,
            max_fields=MAX_OTHER_FIELDS,
            max_part_size=_MAX_FIELD_BYTES,
        )
        # Starlette moves files of more than 1 MB to a temporary file. Uploads must not touch the disk, so the
        # threshold is above the limit on the whole body.
        parser.spool_max_size = self._max_body + 1
        try:
            form = await parser.parse()
        except (MultiPartException, ValueError, KeyError, UnicodeError):
            message = f"not a well-formed multipart form with one file in the field '{self._kind}'"
            raise ApiError(400, "malformed_upload", message) from None
        try:
            known = (self._kind, "url")
            others = {
                name: value
                for name, value in form.multi_items()
                if name not in known and isinstance(value, str)
            }
            if any(len(value) > MAX_OTHER_FIELD_CHARACTERS for value in others.values()):
                message = f"a field of the form has more than {MAX_OTHER_FIELD_CHARACTERS} characters"
                raise ApiError(400, "malformed_upload", message)
            file, link = form.get(self._kind), form.get("url")
            upload = None
            if isinstance(file, UploadFile):
                upload = Upload(await file.read(), safe_filename(file.filename or ""), others)
                if not (upload.content or upload.filename):  # a browser's form, with no file selected
                    upload = None
            return upload, link.strip() if self._kind == "image" and isinstance(link, str) else ""
        finally:
            await form.close()  # releases the parser's copy

    async def _select(self, upload: Upload | None, link: str) -> Upload:
        if link:
            if upload:
                message = f"the form has a file in '{self._kind}' and a link in 'url'; send one of them"
                raise ApiError(400, "two_pictures", message)
            if self._fetch_link is None:
                advice = "send the file, or start it with VERAFACE_FETCH_LINKS=true"
                raise ApiError(400, "links_not_enabled", f"this server accepts no links; {advice}")
            return await self._fetch_link(link)
        if upload is None:
            or_link = ", or a link in 'url'" if self._fetch_link else ""
            message = f"the form has no file in the field '{self._kind}'; send one{or_link}"
            raise ApiError(400, f"missing_{self._kind}", message)
        if len(upload.content) > self._max_bytes:
            raise too_large(self._max_bytes, self._kind)
        return upload


async def read_small_body(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """Return the body of a request without a file; raise an ApiError if it is too large or too slow.

    For routes with JSON: FastAPI would read a body of any size, before key and rate limit are checked.
    """
    body, stream = b"", request.stream()
    async with _arriving_within(timeout_s, "body"):
        while (chunk := await _next_chunk(stream, "body")) is not None:
            body += chunk
            if max(len(body), _declared_length(request)) > max_bytes:
                message = f"the body is larger than the {max_bytes} bytes that this route accepts"
                raise ApiError(413, "body_too_large", message)
    return body


@contextlib.asynccontextmanager
async def _arriving_within(timeout_s: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        message = f"the {what} did not arrive within {timeout_s:g} s; send a smaller one"
        raise ApiError(408, "upload_too_slow", message) from None


async def _next_chunk(stream: AsyncGenerator[bytes, None], what: str) -> bytes | None:
    try:
        async with asyncio.timeout(_MAX_IDLE_S):
            return await anext(stream, None)
    except TimeoutError:
        message = f"nothing of the {what} arrived for {_MAX_IDLE_S} s; send it again"
        raise ApiError(408, "upload_too_slow", message) from None


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


class _FormParser(MultiPartParser):
    """Parses a multipart form; the part named `file_field` is a file, with or without a file name.

    RFC 7578, section 4.2, does not require a file name. Starlette's parser takes parts without one as text.
    """

    def __init__(self, file_field: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file_field = file_field.encode()

    def on_headers_finished(self) -> None:
        """Add an empty file name to the file's part if it has none."""
        disposition = self._current_part.content_disposition or b""
        _, options = parse_options_header(disposition)
        if options.get(b"name") == self._file_field and b"filename" not in options:
            self._current_part.content_disposition = disposition + b'; filename=""'
        super().on_headers_finished()


def too_large(max_bytes: int, kind: UploadKind = "image") -> ApiError:
    """Return the error for a file over the limit, sent or linked."""
    limit = f"{max_bytes / 2**20:.3g} MiB"
    message = f"the file is larger than the {limit} this server accepts; send a smaller one"
    return ApiError(413, f"{kind}_too_large", message)


def safe_filename(filename: str) -> str:
    """Return a file's name without folders, control characters and excess length."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:_MAX_FILENAME]
