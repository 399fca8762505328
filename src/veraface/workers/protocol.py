"""Messages between a server and its workers: a JSON object and some bytes, each with its length before it.

JSON and not pickle: a worker that a hostile image has taken over must not run code in the server.
"""

import asyncio
import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct(">IQ")  # bytes of the JSON object, bytes behind it
_MAX_HEADER_BYTES = 16 * 2**20

Frame = tuple[dict[str, Any], bytes]


class FrameError(ValueError):
    """The other side sends what is no frame, or one larger than allowed."""


def pack(header: dict[str, Any], body_bytes: int = 0) -> bytes:
    """All of a frame but its body."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), body_bytes) + text


def send(connection: socket.socket, header: dict[str, Any]) -> None:
    """Sends a frame without a body.

    Raises:
        OSError: The other side is gone.
    """
    connection.sendall(pack(header))


def receive(connection: socket.socket) -> Frame:
    """Waits for a frame.

    Raises:
        EOFError: The other side has closed the connection.
    """
    header_bytes, body_bytes = _LENGTHS.unpack(_receive_exactly(connection, _LENGTHS.size))
    header = json.loads(_receive_exactly(connection, header_bytes))
    return header, bytes(_receive_exactly(connection, body_bytes))


def send_with_socket(connection: socket.socket, header: dict[str, Any], passed: socket.socket) -> None:
    """Sends a small frame without a body, and hands over a socket with it.

    Raises:
        OSError: The other side is gone.
    """
    socket.send_fds(connection, [pack(header)], [passed.fileno()])


def receive_with_socket(connection: socket.socket) -> tuple[dict[str, Any], socket.socket | None]:
    """Waits for a frame without a body, and for the socket that may come with it.

    Raises:
        EOFError: The other side has closed the connection.
    """
    first, descriptors, _, _ = socket.recv_fds(connection, _LENGTHS.size, 1)
    passed = socket.socket(fileno=descriptors[0]) if descriptors else None
    if not first:
        raise EOFError
    first += _receive_exactly(connection, _LENGTHS.size - len(first))
    header = json.loads(_receive_exactly(connection, _LENGTHS.unpack(first)[0]))
    return header, passed


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Waits for a frame without a body, from a side that is not trusted.

    Raises:
        EOFError: The other side has closed the connection, in the middle of a frame or between two.
        FrameError: What it sends is no such frame.
    """
    header_bytes, body_bytes = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if header_bytes > _MAX_HEADER_BYTES or body_bytes:
        raise FrameError("the frame is larger than any answer")
    try:
        header = json.loads(await reader.readexactly(header_bytes))
    except (ValueError, RecursionError) as error:
        raise FrameError("the frame holds no JSON") from error
    if not isinstance(header, dict):
        raise FrameError("the frame holds no JSON object")
    return header


def _receive_exactly(connection: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return data
