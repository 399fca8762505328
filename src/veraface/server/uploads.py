"""One picture out of a multipart request: in memory only, never on disk, never over the limit."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from veraface.server.faults import ApiError

_FIELD = "image"
_MAX_OTHER_FIELDS = 8
_MAX_OTHER_FIELD_BYTES = 1024
# What multipart puts around the file: boundaries, part headers and a few small fields.
_ENVELOPE_BYTES = 64 * 1024
_MAX_FILENAME = 255


@dataclass(frozen=True)
class Upload:
    """A picture as the client sent it."""

    content: bytes = field(repr=False)
    filename: str = field(repr=False)  # as the client named it, without folders and control characters


async def read_upload(request: Request, max_bytes: int) -> Upload:
    """Reads the picture in the field `image` of a multipart request into memory.

    Args:
        request: The request, its body not yet read.
        max_bytes: Largest picture file that is taken.

    Raises:
        ApiError: 400 where the request is no multipart form with one file in `image`; 413 as soon as
            the body is known to be too large, without reading on.
    """
    limit = max_bytes + _ENVELOPE_BYTES
    if _declared_length(request) > limit:
        raise _too_large(max_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        message = f"send the picture as multipart/form-data, in a file field named '{_FIELD}'"
        raise ApiError(400, "not_multipart", message)
    content, filename = await _parse(request, limit, max_bytes)
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    return Upload(content, _plain_name(filename))


async def _parse(request: Request, limit: int, max_bytes: int) -> tuple[bytes, str]:
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
        file = form.get(_FIELD)
        if not isinstance(file, UploadFile):
            raise ApiError(400, "missing_image", f"the form has no file in the field '{_FIELD}'; send one")
        return await file.read(), file.filename or ""
    finally:
        await form.close()  # frees the parser's copy


async def _limited(request: Request, limit: int, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise _too_large(max_bytes)
        yield chunk


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def _too_large(max_bytes: int) -> ApiError:
    message = f"the file is larger than the {max_bytes / 2**20:.3g} MiB this server takes; send a smaller one"
    return ApiError(413, "image_too_large", message)


def _plain_name(filename: str) -> str:
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:_MAX_FILENAME]
