"""One image out of a multipart request, or behind the link in it: in memory only, never over the limits."""

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
# What multipart puts around the file: boundaries, part headers and a few small fields.
_ENVELOPE_BYTES = 64 * 1024
_MAX_FILENAME = 255
_MAX_SILENCE_S = 10  # between two pieces of an upload


@dataclass(frozen=True)
class Kind:
    """What is sent: its words in answers, and where it stands in the form."""

    field: str
    noun: str

    @property
    def missing(self) -> str:
        """The code of a form without it."""
        return f"missing_{self.field}"


PICTURE = Kind("image", "picture")
CLIP = Kind("video", "clip")


@dataclass(frozen=True)
class Upload:
    """An image as the client sent it, or as it was fetched for the client."""

    content: bytes = field(repr=False)
    filename: str = field(repr=False)  # as the client named it, without folders and control characters


FetchLink = Callable[[str], Awaitable[Upload]]


class Uploads:
    """Reads the files of one kind from all clients, and knows how much of them is in memory.

    Args:
        settings: The limits on one upload, and on all together.
        fetch_link: Gets the image behind a link; None where links are not taken.
        kind: What is sent; videos have limits of their own, so that they leave images their room.
    """

    def __init__(
        self, settings: Settings, fetch_link: FetchLink | None = None, *, kind: Kind = PICTURE
    ) -> None:
        self._kind = kind
        clips = kind is CLIP
        self._max_bytes = settings.video_max_bytes if clips else settings.max_upload_bytes
        self._most_held = settings.video_max_inflight_bytes if clips else settings.max_inflight_bytes
        self._timeout_s = settings.upload_timeout_s
        self._fetch_link = fetch_link
        self._held = 0  # bytes of uploads in memory

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Upload]:
        """Reads the one file of a multipart request; it is counted as held until the context ends.

        It is the file in the field `image` (of videos `video`), or what the link in the field `url` leads to.

        Args:
            request: The request, its body not yet read.

        Raises:
            ApiError: 400 where the request is no multipart form with one file in `image` or one link in
                `url`; 408 where it comes too slowly; 413 as soon as the body is known to be too large,
                without reading on; 503 where too much is held already; whatever `fetch_link` raises.
        """
        receiving = _Receiving(request, self._kind, self._max_bytes, self._take)
        try:
            upload, link = await self._in_time(receiving)
            yield await self._chosen(upload, link)
        finally:
            self._held -= receiving.received

    async def _in_time(self, receiving: "_Receiving") -> tuple[Upload | None, str]:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await receiving.parse()
        except TimeoutError:
            message = f"the {self._kind.noun} did not arrive within {self._timeout_s:g} s; send a smaller one"
            raise ApiError(408, "upload_too_slow", message) from None

    def _take(self, count: int) -> None:
        self._held += count
        if self._held > self._most_held:
            message = f"this server holds as many {self._kind.noun}s as it may; try again in a moment"
            raise ApiError(503, "overloaded", message, retry_after_s=1)

    async def _chosen(self, upload: Upload | None, link: str) -> Upload:
        if link:
            if upload:
                message = (
                    f"the form has a file in '{self._kind.field}' and a link in '{_LINK_FIELD}'; "
                    "send one of them"
                )
                raise ApiError(400, "two_pictures", message)
            if self._fetch_link is None:
                message = (
                    "this server takes no links; send the file, or start it with VERAFACE_FETCH_LINKS=true"
                )
                raise ApiError(400, "links_not_enabled", message)
            return await self._fetch_link(link)
        if upload is None:
            or_link = f", or a link in '{_LINK_FIELD}'" if self._fetch_link else ""
            message = f"the form has no file in the field '{self._kind.field}'; send one{or_link}"
            raise ApiError(400, self._kind.missing, message)
        if len(upload.content) > self._max_bytes:
            raise too_large(self._max_bytes, self._kind)
        return upload


class _Receiving:
    """One request on its way in; `received` bytes of it have come."""

    def __init__(self, request: Request, kind: Kind, max_bytes: int, take: Callable[[int], None]) -> None:
        self._request = request
        self._kind = kind
        self._max_bytes = max_bytes
        self._limit = max_bytes + _ENVELOPE_BYTES
        self._take = take
        self.received = 0

    async def parse(self) -> tuple[Upload | None, str]:
        """The file, if there is one, and the link, empty if there is none."""
        if _declared_length(self._request) > self._limit:
            raise too_large(self._max_bytes, self._kind)
        if not self._request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            message = (
                f"send the {self._kind.noun} as multipart/form-data, in a file field named "
                f"'{self._kind.field}'"
            )
            raise ApiError(400, "not_multipart", message)
        parser = MultiPartParser(
            self._request.headers,
            self._pieces(),
            max_files=1,
            max_fields=MAX_OTHER_FIELDS,
            max_part_size=MAX_OTHER_FIELD_BYTES,
        )
        # Starlette moves files of more than 1 MB to a temporary file. No upload may touch the disk, and
        # none can be larger than the limit on the whole body, so that is where it would start to.
        parser.spool_max_size = self._limit + 1
        try:
            form = await parser.parse()
        except (MultiPartException, ValueError, KeyError, UnicodeError):
            message = (
                f"this is no well-formed multipart form with one file, in the field '{self._kind.field}'"
            )
            raise ApiError(400, "malformed_upload", message) from None
        try:
            own = (self._kind.field, _LINK_FIELD)
            others = (value for name, value in form.multi_items() if name not in own)
            if any(isinstance(value, str) and len(value) > MAX_OTHER_FIELD_CHARACTERS for value in others):
                message = f"a field of the form has more than {MAX_OTHER_FIELD_CHARACTERS} characters"
                raise ApiError(400, "malformed_upload", message)
            file = form.get(self._kind.field)
            link = form.get(_LINK_FIELD) if self._kind is PICTURE else None
            upload = None
            if isinstance(file, UploadFile):
                upload = Upload(await file.read(), plain_name(file.filename or ""))
            return upload, link.strip() if isinstance(link, str) else ""
        finally:
            await form.close()  # frees the parser's copy

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        stream = self._request.stream()
        while True:
            try:
                async with asyncio.timeout(_MAX_SILENCE_S):
                    piece = await anext(stream, None)
            except TimeoutError:
                message = f"nothing of the {self._kind.noun} came for {_MAX_SILENCE_S} s; send it again"
                raise ApiError(408, "upload_too_slow", message) from None
            if piece is None:
                return
            self.received += len(piece)
            self._take(len(piece))
            if self.received > self._limit:
                raise too_large(self._max_bytes, self._kind)
            yield piece


async def until_gone(request: Request) -> None:
    """Returns once the client has hung up. Only for requests whose body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def too_large(max_bytes: int, kind: Kind = PICTURE) -> ApiError:
    """The answer for a file over the limit, sent or linked."""
    message = f"the file is larger than the {max_bytes / 2**20:.3g} MiB this server takes; send a smaller one"
    return ApiError(413, f"{kind.field}_too_large", message)


def plain_name(filename: str) -> str:
    """A file's name without folders, control characters and excess length."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:_MAX_FILENAME]
