"""Messages between processes: a JSON header and a binary body, each preceded by its length.

JSON and not pickle: a process that a hostile file has compromised must not run code in the one that reads.
"""

import asyncio
import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct(">IQ")  # bytes of the header, bytes of the body
_MAX_HEADER_BYTES = 2**20
_MAX_BODY_BYTES = 16 * 2**20

Message = tuple[dict[str, Any], bytes]


class ProtocolError(ValueError):
    """The other side has sent something that is not a message, or one that is too large."""


def pack(header: dict[str, Any], body_bytes: int = 0) -> bytes:
    """Return everything of a message that precedes its body."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), body_bytes) + text


def send(connection: socket.socket, header: dict[str, Any], body: bytes = b"") -> None:
    """Send a message; raises OSError if the other side is gone."""
    connection.sendall(pack(header, len(body)))
    if body:
        connection.sendall(body)


def receive(connection: socket.socket) -> Message:
    """Wait for a message from a trusted process; raises EOFError if it has closed the connection."""
    header_bytes, body_bytes = _LENGTHS.unpack(_receive_exactly(connection, _LENGTHS.size))
    header = json.loads(_receive_exactly(connection, header_bytes))
    return header, bytes(_receive_exactly(connection, body_bytes))


def receive_with_socket(connection: socket.socket) -> tuple[dict[str, Any], socket.socket | None]:
    """Wait for a message as `receive` does, without a body, and for the socket that may come with it."""
    first, descriptors, _, _ = socket.recv_fds(connection, _LENGTHS.size, 1)
    passed = socket.socket(fileno=descriptors[0]) if descriptors else None
    if not first:
        raise EOFError
    first += _receive_exactly(connection, _LENGTHS.size - len(first))
    header = json.loads(_receive_exactly(connection, _LENGTHS.unpack(first)[0]))
    return header, passed


async def read(reader: asyncio.StreamReader) -> Message:
    """Wait for a message from a process that is not trusted; raise EOFError or ProtocolError."""
    header_bytes, body_bytes = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if header_bytes > _MAX_HEADER_BYTES or body_bytes > _MAX_BODY_BYTES:
        raise ProtocolError("the message is too large")
    try:
        header = json.loads(await reader.readexactly(header_bytes))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("the header is not a JSON object")
    return header, await reader.readexactly(body_bytes)


def _receive_exactly(connection: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return data
