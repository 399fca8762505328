"""Receives the file of a multipart request, or the file it links to: in memory only, within limits."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from veraface.server.errors import ApiError
from veraface.server.settings import Settings

_LINK_FIELD = "url"
MAX_OTHER_FIELDS = 8
MAX_OTHER_FIELD_BYTES = 16 * 1024
MAX_OTHER_FIELD_CHARACTERS = MAX_OTHER_FIELD_BYTES // 4  # of UTF-8
# Multipart boundaries, part headers and a few small fields.
_ENVELOPE_BYTES = 64 * 1024
_MAX_FILENAME = 255
_MAX_IDLE_S = 10  # between two chunks of an upload


@dataclass(frozen=True)
class UploadKind:
    """Kind of file that is uploaded; its name is the name of its field in the form."""

    name: str

    @property
    def missing(self) -> str:
        """The error code of a form without it."""
        return f"missing_{self.name}"


IMAGE = UploadKind("image")
VIDEO = UploadKind("video")


@dataclass(frozen=True)
class Upload:
    """A file that the client sent or linked to.

    Attributes:
        content: Its bytes.
        filename: Its name without folders and control characters.
    """

    content: bytes = field(repr=False)
    filename: str = field(repr=False)


FetchLink = Callable[[str], Awaitable[Upload]]


class Uploads:
    """Receives all uploads of one kind and limits the memory they take together.

    Args:
        settings: Limits on one upload, and on all together.
        fetch_link: Fetches a linked image; None if links are not accepted.
        kind: Kind of the files; videos have limits of their own, so that they do not block images.

    Attributes:
        inflight_bytes: Bytes of uploads in memory.
    """

    def __init__(
        self, settings: Settings, fetch_link: FetchLink | None = None, *, kind: UploadKind = IMAGE
    ) -> None:
        self._kind = kind
        if kind is VIDEO:
            self._max_bytes, self._max_inflight = settings.video_max_bytes, settings.video_max_inflight_bytes
        else:
            self._max_bytes, self._max_inflight = settings.max_upload_bytes, settings.max_inflight_bytes
        self._timeout_s = settings.upload_timeout_s
        self._fetch_link = fetch_link
        self.inflight_bytes = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Upload]:
        """Receive the file of a multipart request; its memory is counted until the context ends.

        The file is in the field `image` or `video`; an image can be linked in the field `url` instead.

        Args:
            request: The request, its body not yet read.

        Raises:
            ApiError: 400 if the request is not a multipart form with one file or one link; 408 if it arrives
                too slowly; 413 as soon as the body is known to be too large, without reading on; 503 if
                uploads take too much memory already; whatever `fetch_link` raises.
        """
        reception = _Reception(request, self._kind, self._max_bytes, self._take)
        try:
            upload, link = await self._in_time(reception)
            yield await self._select(upload, link)
        finally:
            self.inflight_bytes -= reception.received

    async def _in_time(self, reception: "_Reception") -> tuple[Upload | None, str]:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await reception.parse()
        except TimeoutError:
            message = f"the {self._kind.name} did not arrive within {self._timeout_s:g} s; send a smaller one"
            raise ApiError(408, "upload_too_slow", message) from None

    def _take(self, count: int) -> None:
        self.inflight_bytes += count
        if self.inflight_bytes > self._max_inflight:
            message = f"this server is receiving too many {self._kind.name}s; try again in a moment"
            raise ApiError(503, "overloaded", message, retry_after_s=1)

    async def _select(self, upload: Upload | None, link: str) -> Upload:
        if link:
            if upload:
                message = (
                    f"the form has a file in '{self._kind.name}' and a link in '{_LINK_FIELD}'; "
                    "send one of them"
                )
                raise ApiError(400, "two_pictures", message)
            if self._fetch_link is None:
                message = (
                    "this server accepts no links; send the file, or start it with VERAFACE_FETCH_LINKS=true"
                )
                raise ApiError(400, "links_not_enabled", message)
            return await self._fetch_link(link)
        if upload is None:
            or_link = f", or a link in '{_LINK_FIELD}'" if self._fetch_link else ""
            message = f"the form has no file in the field '{self._kind.name}'; send one{or_link}"
            raise ApiError(400, self._kind.missing, message)
        if len(upload.content) > self._max_bytes:
            raise too_large(self._max_bytes, self._kind)
        return upload


class _Reception:
    """One request that is being received; `received` bytes of it have arrived."""

    def __init__(
        self, request: Request, kind: UploadKind, max_bytes: int, take: Callable[[int], None]
    ) -> None:
        self._request = request
        self._kind = kind
        self._max_bytes = max_bytes
        self._limit = max_bytes + _ENVELOPE_BYTES
        self._take = take
        self.received = 0

    async def parse(self) -> tuple[Upload | None, str]:
        """Return the file, if there is one, and the link, or an empty string."""
        if _declared_length(self._request) > self._limit:
            raise too_large(self._max_bytes, self._kind)
        if not self._request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            message = (
                f"send the {self._kind.name} as multipart/form-data, in a file field named "
                f"'{self._kind.name}'"
            )
            raise ApiError(400, "not_multipart", message)
        parser = MultiPartParser(
            self._request.headers,
            self._chunks(),
            max_files=1,
            max_fields=MAX_OTHER_FIELDS,
            max_part_size=MAX_OTHER_FIELD_BYTES,
        )
        # Starlette moves files of more than 1 MB to a temporary file. Uploads must not touch the disk, so the
        # threshold is above the limit on the whole body.
        parser.spool_max_size = self._limit + 1
        try:
            form = await parser.parse()
        except (MultiPartException, ValueError, KeyError, UnicodeError):
            message = f"not a well-formed multipart form with one file in the field '{self._kind.name}'"
            raise ApiError(400, "malformed_upload", message) from None
        try:
            own = (self._kind.name, _LINK_FIELD)
            others = (value for name, value in form.multi_items() if name not in own)
            if any(isinstance(value, str) and len(value) > MAX_OTHER_FIELD_CHARACTERS for value in others):
                message = f"a field of the form has more than {MAX_OTHER_FIELD_CHARACTERS} characters"
                raise ApiError(400, "malformed_upload", message)
            file = form.get(self._kind.name)
            link = form.get(_LINK_FIELD) if self._kind is IMAGE else None
            upload = None
            if isinstance(file, UploadFile):
                upload = Upload(await file.read(), safe_filename(file.filename or ""))
            return upload, link.strip() if isinstance(link, str) else ""
        finally:
            await form.close()  # releases the parser's copy

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        stream = self._request.stream()
        while True:
            try:
                async with asyncio.timeout(_MAX_IDLE_S):
                    chunk = await anext(stream, None)
            except TimeoutError:
                message = f"nothing of the {self._kind.name} arrived for {_MAX_IDLE_S} s; send it again"
                raise ApiError(408, "upload_too_slow", message) from None
            if chunk is None:
                return
            self.received += len(chunk)
            self._take(len(chunk))
            if self.received > self._limit:
                raise too_large(self._max_bytes, self._kind)
            yield chunk


async def wait_for_disconnect(request: Request) -> None:
    """Return once the client has disconnected. Only for requests whose body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def too_large(max_bytes: int, kind: UploadKind = IMAGE) -> ApiError:
    """Return the error for a file over the limit, sent or linked."""
    message = (
        f"the file is larger than the {max_bytes / 2**20:.3g} MiB this server accepts; send a smaller one"
    )
    return ApiError(413, f"{kind.name}_too_large", message)


def safe_filename(filename: str) -> str:
    """Return a file's name without folders, control characters and excess length."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:_MAX_FILENAME]
