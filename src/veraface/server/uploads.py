"""One picture out of a multipart request, or behind the link in it: in memory only, never over the limit."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from veraface.server.faults import ApiError

_FIELD = "image"
_LINK_FIELD = "url"
_MAX_OTHER_FIELDS = 8
_MAX_OTHER_FIELD_BYTES = 16 * 1024
# What multipart puts around the file: boundaries, part headers and a few small fields.
_ENVELOPE_BYTES = 64 * 1024
_MAX_FILENAME = 255


@dataclass(frozen=True)
class Upload:
    """A picture as the client sent it, or as it was fetched for the client."""

    content: bytes = field(repr=False)
    filename: str = field(repr=False)  # as the client named it, without folders and control characters


FetchLink = Callable[[str], Awaitable[Upload]]


async def read_upload(request: Request, max_bytes: int, fetch_link: FetchLink | None = None) -> Upload:
    """Reads the one picture of a multipart request into memory.

    It is the file in the field `image`, or what the link in the field `url` leads to.

    Args:
        request: The request, its body not yet read.
        max_bytes: Largest picture file that is taken.
        fetch_link: Gets the picture behind a link; None where links are not taken.

    Raises:
        ApiError: 400 where the request is no multipart form with one file in `image` or one link in
            `url`; 413 as soon as the body is known to be too large, without reading on; whatever
            `fetch_link` raises.
    """
    limit = max_bytes + _ENVELOPE_BYTES
    if _declared_length(request) > limit:
        raise too_large(max_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        message = f"send the picture as multipart/form-data, in a file field named '{_FIELD}'"
        raise ApiError(400, "not_multipart", message)
    upload, link = await _parse(request, limit, max_bytes)
    if link:
        if upload:
            message = f"the form has a file in '{_FIELD}' and a link in '{_LINK_FIELD}'; send one of them"
            raise ApiError(400, "two_pictures", message)
        if fetch_link is None:
            message = "this server takes no links; send the file, or start it with VERAFACE_FETCH_LINKS=true"
            raise ApiError(400, "links_not_enabled", message)
        return await fetch_link(link)
    if upload is None:
        or_link = f", or a link in '{_LINK_FIELD}'" if fetch_link else ""
        message = f"the form has no file in the field '{_FIELD}'; send one{or_link}"
        raise ApiError(400, "missing_image", message)
    if len(upload.content) > max_bytes:
        raise too_large(max_bytes)
    return upload


async def _parse(request: Request, limit: int, max_bytes: int) -> tuple[Upload | None, str]:
    """The file, if there is one, and the link, empty if there is none."""
    parser = MultiPartParser(
        request.headers,
        _limited(request, limit, max_bytes),
        max_files=1,
        max_fields=_MAX_OTHER_FIELDS,
        max_part_size=_MAX_OTHER_FIELD_BYTES,
    )
    # Starlette moves files of more than 1 MB to a temporary file. No upload may touch the disk, and
    # none can be larger than the limit on the whole body, so that is where it would start to.
    parser.spool_max_size = limit + 1
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError, UnicodeError):
        message = f"this is no well-formed multipart form with one file, in the field '{_FIELD}'"
        raise ApiError(400, "malformed_upload", message) from None
    try:
        file, link = form.get(_FIELD), form.get(_LINK_FIELD)
        upload = None
        if isinstance(file, UploadFile):
            upload = Upload(await file.read(), plain_name(file.filename or ""))
        return upload, link.strip() if isinstance(link, str) else ""
    finally:
        await form.close()  # frees the parser's copy


async def _limited(request: Request, limit: int, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise too_large(max_bytes)
        yield chunk


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def too_large(max_bytes: int) -> ApiError:
    """The answer for a file over the limit, sent or linked."""
    message = f"the file is larger than the {max_bytes / 2**20:.3g} MiB this server takes; send a smaller one"
    return ApiError(413, "image_too_large", message)


def plain_name(filename: str) -> str:
    """A file's name without folders, control characters and excess length."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:_MAX_FILENAME]
