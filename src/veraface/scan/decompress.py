"""Decompress streams only as far as they are read: a few kilobytes may expand to gigabytes.

tarfile and fsspec decompress too, but stop after the first of several concatenated streams or at the padding
between them, and put no limit on the memory that an xz header asks for.
"""

import bz2
import gzip
import io
import lzma
from typing import IO, cast

_MAX_XZ_MEMORY = 128 * 2**20  # bytes; decompressing the output of `xz -9` takes 65 MiB
_CHUNK_BYTES = 2**16  # of compressed data


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """Return the stream itself, or its decompressed content if it starts as gzip, bzip2 or xz data do.

    Reading it raises OSError, EOFError or lzma.LZMAError where the data are damaged or truncated.
    """
    source = io.BufferedReader(_Raw(file), _CHUNK_BYTES)
    magic = source.peek(6)[:6]
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(source)
    if magic == b"\xfd7zXZ\0":
        return io.BufferedReader(_Xz(source))
    return source


class _Raw(io.RawIOBase):
    """Adapts a binary file to `io.BufferedReader`, which does not close it then."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # all a BufferedReader passes
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class _Xz(io.RawIOBase):
    """Reads like `lzma.LZMAFile`, with a memory limit and support for stream padding."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = _xz_decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # all a BufferedReader passes
        content = b""
        while not content:
            data = b""
            if self._decompressor.eof:  # another stream may follow, with zero padding between
                data = (self._decompressor.unused_data or self._file.read(_CHUNK_BYTES)).lstrip(b"\0")
                if not data:
                    return 0
                self._decompressor = _xz_decompressor()
            elif self._decompressor.needs_input:
                data = self._file.read(_CHUNK_BYTES)
                if not data:
                    raise EOFError("the compressed data are truncated")
            content = self._decompressor.decompress(data, len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _xz_decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, _MAX_XZ_MEMORY)
