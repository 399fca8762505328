"""Packed streams, unpacked no further than they are read: a few kilobytes may stand for gigabytes."""

import bz2
import gzip
import io
import lzma
from typing import IO, cast

_MAX_XZ_MEMORY = 128 * 2**20  # bytes; `xz -9` asks for 65 MiB to unpack
_PACKED_AT_ONCE = 2**16  # bytes


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The stream itself, or what it holds where it begins as gzip, bzip2 and xz do.

    Raises, when read: OSError, EOFError or lzma.LZMAError where it is damaged or cut off.
    """
    source = io.BufferedReader(_Raw(file), _PACKED_AT_ONCE)
    beginning = source.peek(6)[:6]
    if beginning.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    if beginning.startswith(b"BZh"):
        return bz2.BZ2File(source)
    if beginning == b"\xfd7zXZ\0":
        return io.BufferedReader(_Xz(source))
    return source


class _Raw(io.RawIOBase):
    """Any binary file as the raw one that a buffer wants; it is not closed with it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # all a BufferedReader hands over
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class _Xz(io.RawIOBase):
    """As `lzma.LZMAFile`, which has no bound on the memory that a file may ask for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = _xz_decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # all a BufferedReader hands over
        content = b""
        while not content:
            packed = b""
            if self._decompressor.eof:  # one stream may follow another, with zeros between
                packed = (self._decompressor.unused_data or self._file.read(_PACKED_AT_ONCE)).lstrip(b"\0")
                if not packed:
                    return 0
                self._decompressor = _xz_decompressor()
            elif self._decompressor.needs_input:
                packed = self._file.read(_PACKED_AT_ONCE)
                if not packed:
                    raise EOFError("the packed data are cut off")
            content = self._decompressor.decompress(packed, len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _xz_decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, _MAX_XZ_MEMORY)
